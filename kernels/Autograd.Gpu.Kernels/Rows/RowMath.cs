using ILGPU;

namespace Autograd.Gpu.Kernels.Rows;

/// <summary>What row kernels need of a type beyond its arithmetic.</summary>
public interface IRowMath<T> where T : unmanaged
{
    /// <summary>Minus infinity.</summary>
    static abstract T Lowest { get; }

    /// <summary>No number.</summary>
    static abstract T NaN { get; }

    /// <summary>e^x.</summary>
    static abstract T Exp(T x);

    /// <summary>ln x.</summary>
    static abstract T Log(T x);

    /// <summary>1 / sqrt(x).</summary>
    static abstract T InverseSqrt(T x);
}

/// <summary>Floats.</summary>
public readonly struct SingleRows : IRowMath<float>
{
    /// <inheritdoc/>
    public static float Lowest => float.NegativeInfinity;

    /// <inheritdoc/>
    public static float NaN => float.NaN;

    /// <inheritdoc/>
    public static float Exp(float x) => DeviceMath.Exp(x);

    /// <inheritdoc/>
    public static float Log(float x) => DeviceMath.Log(x);

    /// <inheritdoc/>
    public static float InverseSqrt(float x) => DeviceMath.Rsqrt(x);
}

/// <summary>Doubles.</summary>
public readonly struct DoubleRows : IRowMath<double>
{
    /// <inheritdoc/>
    public static double Lowest => double.NegativeInfinity;

    /// <inheritdoc/>
    public static double NaN => double.NaN;

    /// <inheritdoc/>
    public static double Exp(double x) => DeviceMath.Exp(x);

    /// <inheritdoc/>
    public static double Log(double x) => DeviceMath.Log(x);

    /// <inheritdoc/>
    public static double InverseSqrt(double x) => DeviceMath.Rsqrt(x);
}

/// <summary>Combines a value of each thread of a group, whose size is a power of two; every thread gets the result.</summary>
internal static class GroupRow
{
    /// <summary>The most threads of a group.</summary>
    public const int MaxGroupSize = 256;

    /// <summary>The sum, always added in the same order.</summary>
    public static T Sum<T>(ArrayView<T> shared, T value) where T : unmanaged, System.Numerics.INumber<T>
    {
        int thread = Group.IdxX;
        shared[thread] = value;
        Group.Barrier();
        for (int half = Group.DimX >> 1; half > 0; half >>= 1)
        {
            if (thread < half)
            {
                shared[thread] += shared[thread + half];
            }

            Group.Barrier();
        }

        var result = shared[0];
        Group.Barrier();
        return result;
    }

    /// <summary>The largest; nan does not count.</summary>
    public static T Largest<T>(ArrayView<T> shared, T value) where T : unmanaged, System.Numerics.INumber<T>
    {
        int thread = Group.IdxX;
        shared[thread] = value;
        Group.Barrier();
        for (int half = Group.DimX >> 1; half > 0; half >>= 1)
        {
            if (thread < half && shared[thread + half] > shared[thread])
            {
                shared[thread] = shared[thread + half];
            }

            Group.Barrier();
        }

        var result = shared[0];
        Group.Barrier();
        return result;
    }
}
