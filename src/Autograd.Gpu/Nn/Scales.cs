using System.Globalization;
using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Nn;

/// <summary>One factor for each spatial dimension, or one for all of them: <c>2</c>, <c>(1.5, 2)</c> or <c>[1.5, 2]</c>.</summary>
[CollectionBuilder(typeof(Scales), nameof(Create))]
public readonly struct Scales : IEnumerable<double>
{
    private readonly double[]? _values;

    private Scales(double[] values) => _values = values;

    private ReadOnlySpan<double> Values => _values;

    /// <summary>The factors of a collection expression.</summary>
    public static Scales Create(ReadOnlySpan<double> values) => new(values.ToArray());

    /// <summary>The same for all dimensions.</summary>
    public static implicit operator Scales(double value) => new([value]);

    /// <summary>Height and width.</summary>
    public static implicit operator Scales((double Height, double Width) values) => new([values.Height, values.Width]);

    /// <summary>Depth, height and width.</summary>
    public static implicit operator Scales((double Depth, double Height, double Width) values) => new([values.Depth, values.Height, values.Width]);

    /// <inheritdoc/>
    public IEnumerator<double> GetEnumerator() => ((IEnumerable<double>)(_values ?? [])).GetEnumerator();

    System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The factors in brackets.</summary>
    public override string ToString() => $"[{string.Join(", ", this.Select(v => v.ToString(CultureInfo.InvariantCulture)))}]";

    /// <summary>One factor for each of <paramref name="rank"/> dimensions; null if there is neither one nor one for each.</summary>
    internal double[]? For(int rank) => Values.Length == rank ? Values.ToArray() : Values.Length == 1 ? [.. Enumerable.Repeat(Values[0], rank)] : null;
}
