using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Autograd.Gpu.Kernels;
using SingleMaths = Autograd.Gpu.Kernels.LaneMath<
    Autograd.Gpu.Kernels.Single512Lane, System.Runtime.Intrinsics.Vector512<float>, System.Runtime.Intrinsics.Vector512<int>, System.Runtime.Intrinsics.Vector512<int>>;

namespace Autograd.Gpu.Devices.Host;

/// <summary>What a row kernel needs of a vector type, so that one source serves every width and type.</summary>
internal unsafe interface IRowVector<T, TVector>
    where T : unmanaged
    where TVector : struct
{
    static abstract int Lanes { get; }

    static abstract TVector Load(T* source);

    static abstract void Store(TVector value, T* target);

    static abstract TVector Of(T value);

    static abstract TVector Add(TVector x, TVector y);

    static abstract TVector Subtract(TVector x, TVector y);

    static abstract TVector Multiply(TVector x, TVector y);

    static abstract TVector Divide(TVector x, TVector y);

    static abstract TVector MultiplyAdd(TVector x, TVector y, TVector z);

    /// <summary>The larger of each pair; which of the two if one is nan, nobody asks.</summary>
    static abstract TVector Larger(TVector x, TVector y);

    static abstract TVector Exp(TVector x);

    /// <summary>The last <paramref name="count"/> lanes, and a number in the others.</summary>
    static abstract TVector Last(TVector x, nint count, T fill);

    static abstract T Sum(TVector x);

    /// <summary>The largest lane; nan may or may not count.</summary>
    static abstract T Largest(TVector x);
}

/// <summary>512 bits of floats.</summary>
internal readonly unsafe struct RowVector512 : IRowVector<float, Vector512<float>>
{
    public static int Lanes => Vector512<float>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(float* source) => Vector512.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> value, float* target) => value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Of(float value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Add(Vector512<float> x, Vector512<float> y) => x + y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Subtract(Vector512<float> x, Vector512<float> y) => x - y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Multiply(Vector512<float> x, Vector512<float> y) => x * y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Divide(Vector512<float> x, Vector512<float> y) => x / y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAdd(Vector512<float> x, Vector512<float> y, Vector512<float> z) => Vector512.FusedMultiplyAdd(x, y, z);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Larger(Vector512<float> x, Vector512<float> y) => Vector512.MaxNative(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x)
    {
        if (!Avx512F.IsSupported)
        {
            return SingleMaths.Exp(x);
        }

        // The same polynomial and the same bits as SingleMaths.Exp, whose last ten steps are one instruction here: 2^n times, rounded once.
        x = Vector512.MinNative(Vector512.Create(89f), Vector512.MaxNative(Vector512.Create(-104f), x));
        var shift = Vector512.Create(12582912f);
        var n = Vector512.FusedMultiplyAdd(x, Vector512.Create(1.44269504f), shift) - shift;
        var r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-0.6931471824645996f), x);
        r = Vector512.FusedMultiplyAdd(n, Vector512.Create(1.9046542121259336e-09f), r);
        var p = Vector512.Create(0.001393582089804113f);
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(0.00836897175759077f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(0.04166645556688309f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(0.166665181517601f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(0.5f));
        return Avx512F.Scale(Vector512<float>.One + Vector512.FusedMultiplyAdd(r * r, p, r), n);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector512<float> x)
    {
        // By halves: fewer steps, one after the other, than the runtime takes.
        var half = x.GetLower() + x.GetUpper();
        var four = half.GetLower() + half.GetUpper();
        four += Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1));
        return (four + Vector128.Shuffle(four, Vector128.Create(1, 0, 3, 2))).ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Largest(Vector512<float> x)
    {
        var half = Vector256.MaxNative(x.GetLower(), x.GetUpper());
        var four = Vector128.MaxNative(half.GetLower(), half.GetUpper());
        four = Vector128.MaxNative(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        return Vector128.MaxNative(four, Vector128.Shuffle(four, Vector128.Create(1, 0, 3, 2))).ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Last(Vector512<float> x, nint count, float fill) => Vector512.ConditionalSelect(
        Vector512.GreaterThanOrEqual(Vector512<float>.Indices, Vector512.Create((float)(Vector512<float>.Count - count))), x, Vector512.Create(fill));
}

/// <summary>The runtime's vectors, of floats or doubles.</summary>
internal readonly unsafe struct RowVector<T> : IRowVector<T, Vector<T>>
    where T : unmanaged, INumber<T>
{
    public static int Lanes => Vector<T>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Load(T* source) => Vector.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector<T> value, T* target) => value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Of(T value) => Vector.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Add(Vector<T> x, Vector<T> y) => x + y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Subtract(Vector<T> x, Vector<T> y) => x - y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Multiply(Vector<T> x, Vector<T> y) => x * y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Divide(Vector<T> x, Vector<T> y) => x / y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> MultiplyAdd(Vector<T> x, Vector<T> y, Vector<T> z) => typeof(T) == typeof(float)
        ? Vector.FusedMultiplyAdd(x.As<T, float>(), y.As<T, float>(), z.As<T, float>()).As<float, T>()
        : Vector.FusedMultiplyAdd(x.As<T, double>(), y.As<T, double>(), z.As<T, double>()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Larger(Vector<T> x, Vector<T> y) => Vector.MaxNative(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Exp(Vector<T> x) => typeof(T) == typeof(float)
        ? VectorMath.Exp(x.As<T, float>()).As<float, T>()
        : VectorMath.Exp(x.As<T, double>()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Sum(Vector<T> x) => Vector.Sum(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Largest(Vector<T> x)
    {
        T* each = stackalloc T[Vector<T>.Count];
        x.Store(each);
        var largest = each[0];
        for (int k = 1; k < Vector<T>.Count; k++)
        {
            largest = each[k] > largest ? each[k] : largest;
        }

        return largest;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Last(Vector<T> x, nint count, T fill) => Vector.ConditionalSelect(
        Vector.GreaterThanOrEqual(Vector<T>.Indices, Vector.Create(T.CreateTruncating(Vector<T>.Count - count))), x, Vector.Create(fill));
}
