using ILGPU;

namespace Autograd.Gpu.Kernels.Pooling;

/// <summary>
/// Means and variances of contiguous elements seen as [runs, results, run length]: each result is over all of its runs. Sums are of the distances from the
/// result's first element, in double, so that one pass is enough: the mean of these distances squared is at most the count times the variance, and so
/// cancels no more digits than double has to spare.
/// </summary>
/// <typeparam name="T">The elements.</typeparam>
public struct MomentArguments<T> where T : unmanaged
{
    /// <summary>The elements.</summary>
    public ArrayView<T> Input;

    /// <summary>For each part of each result the sum of distances and that of their squares.</summary>
    public ArrayView<double> Sums;

    /// <summary>The means.</summary>
    public ArrayView<T> Means;

    /// <summary>The biased variances.</summary>
    public ArrayView<T> Variances;

    /// <summary>How many results there are.</summary>
    public long Results;

    /// <summary>Elements side by side of one result.</summary>
    public long Run;

    /// <summary>Elements of a result.</summary>
    public long Count;

    /// <summary>How many threads share a result.</summary>
    public long Parts;

    /// <summary>How often each mean and variance is written, side by side.</summary>
    public long Copies;
}

/// <summary>A floating-point type and double.</summary>
public interface IWidth<T> where T : unmanaged
{
    /// <summary>The number as a double.</summary>
    static abstract double Widen(T value);

    /// <summary>The nearest number.</summary>
    static abstract T Narrow(double value);
}

/// <summary>Floats and doubles.</summary>
public readonly struct SingleWidth : IWidth<float>
{
    /// <inheritdoc/>
    public static double Widen(float value) => value;

    /// <inheritdoc/>
    public static float Narrow(double value) => (float)value;
}

/// <summary>Doubles as they are.</summary>
public readonly struct DoubleWidth : IWidth<double>
{
    /// <inheritdoc/>
    public static double Widen(double value) => value;

    /// <inheritdoc/>
    public static double Narrow(double value) => value;
}

/// <summary>Means and variances in one pass over the elements.</summary>
public static class MomentKernels
{
    /// <summary>One thread for each part of a result: elements part, part + parts, ...</summary>
    public static void Sums<T, TWidth>(Index1D thread, MomentArguments<T> x)
        where T : unmanaged
        where TWidth : struct, IWidth<T>
    {
        long e = thread.X;
        long result = e / x.Parts, part = e - result * x.Parts;
        double shift = TWidth.Widen(x.Input[result * x.Run]), sum = 0, squares = 0;
        for (long i = part; i < x.Count; i += x.Parts)
        {
            long run = i / x.Run;
            double distance = TWidth.Widen(x.Input[(run * x.Results + result) * x.Run + i - run * x.Run]) - shift;
            sum += distance;
            squares += distance * distance;
        }

        x.Sums[2 * e] = sum;
        x.Sums[2 * e + 1] = squares;
    }

    /// <summary>One thread for each result.</summary>
    public static void Moments<T, TWidth>(Index1D thread, MomentArguments<T> x)
        where T : unmanaged
        where TWidth : struct, IWidth<T>
    {
        long result = thread.X;
        double sum = 0, squares = 0;
        for (long e = result * x.Parts; e < (result + 1) * x.Parts; e++)
        {
            sum += x.Sums[2 * e];
            squares += x.Sums[2 * e + 1];
        }

        double mean = sum / x.Count, variance = squares / x.Count - mean * mean;
        for (long copy = result * x.Copies; copy < (result + 1) * x.Copies; copy++)
        {
            x.Means[copy] = TWidth.Narrow(TWidth.Widen(x.Input[result * x.Run]) + mean);
            x.Variances[copy] = TWidth.Narrow(variance < 0 ? 0 : variance);
        }
    }
}
