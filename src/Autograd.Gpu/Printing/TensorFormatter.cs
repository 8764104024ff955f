using System.Text;

namespace Autograd.Gpu.Printing;

/// <summary>
/// Prints tensors character for character as PyTorch does with its default print options (precision 4, threshold 1000,
/// edgeitems 3, linewidth 80), except that the dtype is named without the <c>torch.</c> prefix.
/// </summary>
internal static class TensorFormatter
{
    private const string Prefix = "tensor(";
    internal const int Threshold = 1000;
    internal const int EdgeItems = 3;
    private const int LineWidth = 80;

    /// <summary>Formats a tensor; asks only for the elements that it prints, each once, in row-major order.</summary>
    /// <param name="shape">The sizes; empty for a 0-d tensor.</param>
    /// <param name="dtype">Decides which of the two readers is called and whether <c>dtype=</c> is printed.</param>
    /// <param name="floatAt">The element at a row-major linear index, for floating-point dtypes.</param>
    /// <param name="integerAt">The element at a row-major linear index, for bool (0 is False) and integral dtypes.</param>
    /// <param name="suffix"><c>requires_grad=True</c>, <c>grad_fn=&lt;MulBackward0&gt;</c> or null.</param>
    /// <param name="device">The device's name where it is not the default one, printed as <c>device='cuda:0'</c>.</param>
    /// <param name="tangent">The tangent of a dual number, printed.</param>
    public static string Format(
        ReadOnlySpan<long> shape,
        DType dtype,
        Func<long, double> floatAt,
        Func<long, long> integerAt,
        string? suffix,
        string? device = null,
        string? tangent = null)
    {
        ArgumentNullException.ThrowIfNull(floatAt);
        ArgumentNullException.ThrowIfNull(integerAt);

        long count = 1;
        foreach (var size in shape) count = checked(count * size);

        var suffixes = new List<string>();
        if (device is not null) suffixes.Add($"device='{device}'");
        // An empty tensor shows nothing from which its shape or an integral dtype could be told.
        if (count == 0 && shape.Length != 1) suffixes.Add($"size=({string.Join(", ", shape.ToArray())})");
        if (count == 0 ? dtype != DType.Float32 : dtype is not (DType.Float32 or DType.Int64 or DType.Bool))
            suffixes.Add("dtype=" + Name(dtype));
        if (suffix is not null) suffixes.Add(suffix);
        if (tangent is not null) suffixes.Add("tangent=" + tangent);

        var text = new StringBuilder(Prefix);
        if (count == 0)
        {
            text.Append("[]");
        }
        else
        {
            var summarize = count > Threshold;
            var indices = new List<long>();
            CollectIndices(shape, 0, summarize, indices);
            var cells = dtype switch
            {
                DType.Bool => Cells.OfBooleans(Read(indices, integerAt)),
                DType.UInt8 or DType.Int32 or DType.Int64 => Cells.OfIntegers(Read(indices, integerAt)),
                _ => Cells.OfFloats(Read(indices, floatAt)),
            };
            var next = 0;
            Append(text, shape, Prefix.Length, summarize, cells, ref next);
        }

        AppendSuffixes(text, suffixes);
        return text.Append(')').ToString();
    }

    /// <summary>The dtype's name as users of PyTorch know it, in lower case.</summary>
    public static string Name(DType dtype) => dtype switch
    {
        DType.Bool => "bool",
        DType.UInt8 => "uint8",
        DType.Int32 => "int32",
        DType.Int64 => "int64",
        DType.Float16 => "float16",
        DType.BFloat16 => "bfloat16",
        DType.Float32 => "float32",
        DType.Float64 => "float64",
        _ => throw new ArgumentOutOfRangeException(nameof(dtype), dtype, "[print] not a dtype."),
    };

    private static T[] Read<T>(List<long> indices, Func<long, T> at)
    {
        var values = new T[indices.Count];
        for (var i = 0; i < values.Length; i++) values[i] = at(indices[i]);
        return values;
    }

    private static bool HasGap(long size, bool summarize) => summarize && size > 2 * EdgeItems;

    private static void CollectIndices(ReadOnlySpan<long> shape, long start, bool summarize, List<long> indices)
    {
        if (shape.IsEmpty)
        {
            indices.Add(start);
            return;
        }

        long stride = 1;
        foreach (var size in shape[1..]) stride *= size;
        var gap = HasGap(shape[0], summarize);
        for (long i = 0; i < shape[0]; i++)
        {
            if (gap && i == EdgeItems) i = shape[0] - EdgeItems;
            CollectIndices(shape[1..], start + (i * stride), summarize, indices);
        }
    }

    private static void Append(
        StringBuilder text, ReadOnlySpan<long> shape, int indent, bool summarize, Cells cells, ref int next)
    {
        if (shape.IsEmpty)
        {
            text.Append(cells.Texts[next++]);
            return;
        }

        if (shape.Length == 1)
        {
            AppendVector(text, shape[0], indent, summarize, cells, ref next);
            return;
        }

        var gap = HasGap(shape[0], summarize);
        var shown = gap ? 2 * EdgeItems : shape[0];
        // Rows of a matrix stand on a line each; each further dimension adds a blank line.
        var newLines = shape.Length - 1;
        text.Append('[');
        for (long i = 0; i < shown; i++)
        {
            if (i > 0) Separate();
            if (gap && i == EdgeItems)
            {
                text.Append("...");
                Separate();
            }

            Append(text, shape[1..], indent + 1, summarize, cells, ref next);
        }

        text.Append(']');

        void Separate() => text.Append(',').Append('\n', newLines).Append(' ', indent + 1);
    }

    private static void AppendVector(
        StringBuilder text, long size, int indent, bool summarize, Cells cells, ref int next)
    {
        var gap = HasGap(size, summarize);
        var items = gap ? (2 * EdgeItems) + 1 : size;
        // The width of all, not of this row's cells; the ellipsis counts as a cell of that width too.
        var perLine = Math.Max(1, (LineWidth - indent) / (cells.Width + 2));
        text.Append('[');
        for (long i = 0; i < items; i++)
        {
            if (i > 0)
            {
                if (i % perLine == 0) text.Append(",\n").Append(' ', indent + 1);
                else text.Append(", ");
            }

            text.Append(gap && i == EdgeItems ? " ..." : cells.Texts[next++]);
        }

        text.Append(']');
    }

    private static void AppendSuffixes(StringBuilder text, List<string> suffixes)
    {
        // PyTorch counts two characters more than the last line has; kept, since it decides where lines break.
        var soFar = text.ToString();
        var length = soFar.Length - soFar.LastIndexOf('\n') + 1;
        foreach (var suffix in suffixes)
        {
            if (length + suffix.Length + 2 > LineWidth)
            {
                text.Append(",\n").Append(' ', Prefix.Length).Append(suffix);
                length = Prefix.Length + suffix.Length;
            }
            else
            {
                text.Append(", ").Append(suffix);
                length += suffix.Length + 2;
            }
        }
    }
}
