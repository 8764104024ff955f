using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Autograd.Gpu.Kernels;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// What happens to a row of scores between two products. What a query sees of a row is padded with minus infinity to whole vectors of 64 bytes, so that there are no
/// tails, and what lies behind it is zero by the time a product reads it.
/// </summary>
internal static unsafe class AttentionRows
{
    private static bool IsWide<T>() => typeof(T) == typeof(float) && Vector512.IsHardwareAccelerated;

    /// <summary>Masks the scores of a query with keys <paramref name="key"/> and following, and pads them.</summary>
    /// <returns>The length of what is seen with its padding.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Mask<T>(in AttentionProblem<T> x, long n, int query, int key, int columns, T* line) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (x.MaskKind == AttentionArguments<T>.BoolMask)
        {
            Exclude(x.Mask.At(n, x.Count1, x.Count2) + query * x.Mask.Row + key * x.Mask.Col, x.Mask.Col, columns, line);
        }
        else if (x.MaskKind == AttentionArguments<T>.AddedMask)
        {
            Add(x.Added.At(n, x.Count1, x.Count2) + query * x.Added.Row + key * x.Added.Col, x.Added.Col, columns, line);
        }

        // The last vectors by selection: single elements that a vector reads next would have to leave the store buffer first.
        int seen = x.IsCausal ? Math.Clamp(query - key + 1, 0, columns) : columns;
        int whole = seen / Vector<T>.Count * Vector<T>.Count, lanes = 64 / sizeof(T), width = (seen + lanes - 1) / lanes * lanes;
        var outside = new Vector<T>(T.NegativeInfinity);
        for (int j = whole; j < width; j += Vector<T>.Count)
        {
            var inside = Vector.LessThan(Vector<T>.Indices, new Vector<T>(T.CreateTruncating(seen - j)));
            Vector.ConditionalSelect(inside, Vector.Load(line + j), outside).Store(line + j);
        }

        return width;
    }

    private static void Exclude<T>(byte* mask, nint step, int columns, T* line) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int j = 0;
        if (typeof(T) == typeof(float) && step == 1 && Avx2.IsSupported)
        {
            for (; j + Vector256<int>.Count <= columns; j += Vector256<int>.Count)
            {
                var isOut = Vector256.Equals(Avx2.ConvertToVector256Int32(mask + j), Vector256<int>.Zero).AsSingle();
                Vector256.ConditionalSelect(isOut, Vector256.Create(float.NegativeInfinity), Vector256.Load((float*)line + j)).Store((float*)line + j);
            }
        }

        for (; j < columns; j++)
        {
            line[j] = mask[j * step] == 0 ? T.NegativeInfinity : line[j];
        }
    }

    private static void Add<T>(T* added, nint step, int columns, T* line) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int j = 0;
        for (; step == 1 && j + Vector<T>.Count <= columns; j += Vector<T>.Count)
        {
            (Vector.Load(line + j) + Vector.Load(added + j)).Store(line + j);
        }

        for (; j < columns; j++)
        {
            line[j] += added[j * step];
        }
    }

    /// <summary>The largest of a row and a number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static T Max<T>(T* line, int width, T start) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (IsWide<T>())
        {
            var wide = Vector512.Create((float)(object)start);
            for (int j = 0; j < width; j += Vector512<float>.Count)
            {
                wide = Vector512.MaxNative(wide, Vector512.Load((float*)line + j));
            }

            var half = Vector256.MaxNative(wide.GetLower(), wide.GetUpper());
            var quarter = Vector128.MaxNative(half.GetLower(), half.GetUpper());
            quarter = Vector128.MaxNative(quarter, Vector128.Shuffle(quarter, Vector128.Create(2, 3, 0, 1)));
            quarter = Vector128.MaxNative(quarter, Vector128.Shuffle(quarter, Vector128.Create(1, 0, 3, 2)));
            return (T)(object)quarter.ToScalar();
        }

        var largest = new Vector<T>(start);
        for (int j = 0; j < width; j += Vector<T>.Count)
        {
            largest = Vector.Max(largest, Vector.Load(line + j));
        }

        T result = start;
        for (int lane = 0; lane < Vector<T>.Count; lane++)
        {
            result = T.Max(result, largest[lane]);
        }

        return result;
    }

    /// <summary>Replaces the elements by exp(element - shift) and returns their sum; what lies behind them becomes zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static T ExpAndSum<T>(T* line, int width, int columns, T shift) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T total;
        if (IsWide<T>())
        {
            var (sums, minus) = (Vector512<float>.Zero, Vector512.Create((float)(object)shift));
            for (int j = 0; j < width; j += Vector512<float>.Count)
            {
                var value = RowVector512.Exp(Vector512.Load((float*)line + j) - minus);
                value.Store((float*)line + j);
                sums += value;
            }

            total = (T)(object)Vector512.Sum(sums);
        }
        else
        {
            var (sum, by) = (Vector<T>.Zero, new Vector<T>(shift));
            for (int j = 0; j < width; j += Vector<T>.Count)
            {
                var value = Exp(Vector.Load(line + j) - by);
                value.Store(line + j);
                sum += value;
            }

            total = Vector.Sum(sum);
        }

        if (columns > width)
        {
            new Span<T>(line + width, columns - width).Clear();
        }

        return total;
    }

    /// <summary>Replaces weights p and their gradients a by the gradient of the scores, p (a - delta) scale; the weights stay in <paramref name="weights"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Slope<T>(T* weights, T* slopes, int width, T delta, T scale) where T : unmanaged
    {
        var (from, by) = (new Vector<T>(delta), new Vector<T>(scale));
        for (int j = 0; j < width; j += Vector<T>.Count)
        {
            ((Vector.Load(slopes + j) - from) * Vector.Load(weights + j) * by).Store(slopes + j);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scale<T>(T* line, int width, T factor) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var by = new Vector<T>(factor);
        int j = 0;
        for (; j + Vector<T>.Count <= width; j += Vector<T>.Count)
        {
            (Vector.Load(line + j) * by).Store(line + j);
        }

        for (; j < width; j++)
        {
            line[j] *= factor;
        }
    }

    /// <summary>Multiplies a row by what dropout leaves of it: 0, or one over the share that stays.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Drop<T>(in AttentionProblem<T> x, long n, int query, int key, int width, T* line) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        long index = (n % x.Period * x.Queries + query) * x.StreamRow + key;
        float* uniform = stackalloc float[Vector<float>.Count];
        for (int j = 0; j < width; j += Vector<float>.Count)
        {
            var drawn = VectorPhilox.UniformFloat(x.Seed, x.Offset, index + j);
            if (typeof(T) == typeof(float))
            {
                var kept = Vector.GreaterThanOrEqual(drawn, new Vector<float>(x.Dropout));
                var factor = Vector.ConditionalSelect(kept, new Vector<float>((float)(object)x.KeepScale), Vector<float>.Zero);
                (Vector.Load((float*)line + j) * factor).Store((float*)line + j);
                continue;
            }

            drawn.Store(uniform);
            for (int i = 0; i < Vector<float>.Count && j + i < width; i++)
            {
                line[j + i] *= uniform[i] >= x.Dropout ? x.KeepScale : T.Zero;
            }
        }
    }

    /// <summary>e^x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Exp<T>(T x) where T : unmanaged, IBinaryFloatingPointIeee754<T> => typeof(T) == typeof(float)
        ? (T)(object)DeviceMath.Exp((float)(object)x)
        : (T)(object)DeviceMath.Exp((double)(object)x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<T> Exp<T>(Vector<T> x) where T : unmanaged => typeof(T) == typeof(float)
        ? VectorMath.Exp(x.As<T, float>()).As<float, T>()
        : VectorMath.Exp(x.As<T, double>()).As<double, T>();
}
