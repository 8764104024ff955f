using System.Numerics;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Kernels.Recurrent;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// A batch in host memory; the members are those of <see cref="CtcArguments"/>, but Next has two rows of states + 2 for each sample. Result is null on the way forward.
/// </summary>
internal unsafe struct HostCtcBatch
{
    public double* Emissions, Skips, Alpha, Losses, Next, Gradient, Result;
    public long* Lengths;
    public long Time, Batch, States;
}

/// <summary>The recursions of connectionist temporal classification on the host: samples shared by the cores, vectors along the states.</summary>
internal static unsafe class HostCtc
{
    public static void Run(in HostCtcBatch batch)
    {
        var work = new Work { X = batch };
        HostParallel.For(checked((int)batch.Batch), ref work);
    }

    private struct Work : IHostWork
    {
        public HostCtcBatch X;

        public readonly void Run(int chunk)
        {
            if (X.Result is null)
            {
                Forward(X, chunk);
            }
            else
            {
                Back(X, chunk);
            }
        }
    }

    private static void Forward(in HostCtcBatch x, long n)
    {
        long time = x.Lengths[2 * n], labels = x.Lengths[2 * n + 1], states = 2 * labels + 1, width = x.States + 2;
        double* alpha = x.Alpha + n * x.Time * width, skips = x.Skips + n * x.States;
        for (long t = 0; t < time; t++)
        {
            // Two places before the first state stand for what cannot be: no test is needed for what comes before a state.
            double* row = alpha + t * width + 2, before = row - width, emissions = x.Emissions + (t * x.Batch + n) * x.States;
            row[-2] = row[-1] = double.NegativeInfinity;
            if (t == 0)
            {
                for (long s = 0; s < states; s++)
                {
                    row[s] = s < 2 ? emissions[s] : double.NegativeInfinity;
                }

                continue;
            }

            long i = 0;
            for (; i + Vector<double>.Count <= states; i += Vector<double>.Count)
            {
                var sum = LogSum(Read(before + i), Read(before + i - 1), Read(before + i - 2) + Read(skips + i));
                (sum + Read(emissions + i)).Store(row + i);
            }

            for (; i < states; i++)
            {
                row[i] = CtcKernels.LogSum(before[i], before[i - 1], before[i - 2] + skips[i]) + emissions[i];
            }
        }

        var last = alpha + (time - 1) * width + 2 + 2 * labels;
        x.Losses[n] = time > 0
            ? -CtcKernels.LogSum(last[0], last[-1], double.NegativeInfinity)
            : labels == 0 ? 0 : double.PositiveInfinity;
    }

    private static void Back(in HostCtcBatch x, long n)
    {
        long time = x.Lengths[2 * n], labels = x.Lengths[2 * n + 1], states = 2 * labels + 1, width = x.States + 2;
        double* skips = x.Skips + n * x.States, next = x.Next + 2 * n * width, sums = next + width;
        double gradient = x.Gradient[n], loss = x.Losses[n];
        for (long t = x.Time - 1; t >= 0; t--)
        {
            double* result = x.Result + (t * x.Batch + n) * x.States, emissions = x.Emissions + (t * x.Batch + n) * x.States;
            if (t >= time)
            {
                new Span<double>(result, checked((int)x.States)).Clear();
                continue;
            }

            // What follows each state: nothing need follow the last two at the end; elsewhere itself, its neighbour, or the one beyond.
            long s = 0;
            if (t < time - 1)
            {
                for (; s + Vector<double>.Count <= states - 2; s += Vector<double>.Count)
                {
                    LogSum(Read(next + s), Read(next + s + 1), Read(next + s + 2) + Read(skips + s + 2)).Store(sums + s);
                }
            }

            for (; s < states; s++)
            {
                sums[s] = t == time - 1
                    ? s >= states - 2 ? 0 : double.NegativeInfinity
                    : CtcKernels.LogSum(
                        next[s], s + 1 < states ? next[s + 1] : double.NegativeInfinity, s + 2 < states ? next[s + 2] + skips[s + 2] : double.NegativeInfinity);
            }

            var alpha = x.Alpha + (n * x.Time + t) * width + 2;
            for (s = 0; s < states; s++)
            {
                result[s] = CtcKernels.Slope(gradient, loss, alpha[s] + sums[s]);
                next[s] = sums[s] + emissions[s];
            }

            new Span<double>(result + states, checked((int)(x.States - states))).Clear();
        }
    }

    private static Vector<double> Read(double* at) => Vector.Load(at);

    private static Vector<double> LogSum(Vector<double> a, Vector<double> b, Vector<double> c)
    {
        var largest = Vector.Max(Vector.Max(a, b), c);
        var nothing = Vector.Equals(largest, new Vector<double>(double.NegativeInfinity));
        largest = Vector.ConditionalSelect(nothing, Vector<double>.Zero, largest);
        return largest + VectorMath.Log(VectorMath.Exp(a - largest) + VectorMath.Exp(b - largest) + VectorMath.Exp(c - largest));
    }
}
