using System.Numerics;

namespace Autograd.Gpu.Devices.Host;

/// <summary>Means and variances on the host, in one pass; see <c>MomentArguments</c>.</summary>
internal static unsafe class HostMoments
{
    private const long ChunkElements = 1 << 14;

    /// <summary>Results that are taken side by side where their elements alternate.</summary>
    private const int Columns = 64;

    /// <summary>How many parts a result is cut into: by its size alone, so that the sums do not depend on the number of threads.</summary>
    public static long PartsOf(long run, long count) => run == 1 ? 1 : Math.Clamp(count / (4 * ChunkElements), 1, 64);

    /// <param name="input">The elements, [count / run, results, run].</param>
    /// <param name="sums">Two numbers for each part of each result.</param>
    /// <param name="means">The means.</param>
    /// <param name="variances">The biased variances.</param>
    /// <param name="results">How many results there are.</param>
    /// <param name="run">Elements side by side of one result.</param>
    /// <param name="count">Elements of a result; at least one.</param>
    public static void Run<T>(T* input, double* sums, T* means, T* variances, long results, long run, long count) where T : unmanaged, INumber<T>
    {
        long parts = PartsOf(run, count);
        var work = new Work<T> { Input = input, Sums = sums, Results = results, Run = run, Count = count, Parts = parts };

        // Small results are taken several at a time.
        work.Together = run == 1 ? Columns : Math.Clamp(ChunkElements / count, 1, results);
        HostParallel.For(checked((int)((results + work.Together - 1) / work.Together * parts)), ref work);
        for (long result = 0; result < results; result++)
        {
            double sum = 0, squares = 0;
            for (long part = 0; part < parts; part++)
            {
                sum += sums[2 * (result * parts + part)];
                squares += sums[2 * (result * parts + part) + 1];
            }

            double mean = sum / count, variance = squares / count - mean * mean;
            means[result] = T.CreateTruncating(double.CreateTruncating(input[result * run]) + mean);
            variances[result] = T.CreateTruncating(variance < 0 ? 0 : variance);
        }
    }

    private struct Work<T> : IHostWork where T : unmanaged, INumber<T>
    {
        public T* Input;
        public double* Sums;
        public long Results;
        public long Run;
        public long Count;
        public long Parts;
        public long Together;

        void IHostWork.Run(int chunk)
        {
            long first = chunk / Parts * Together, part = chunk % Parts, last = Math.Min(first + Together, Results);
            if (Run == 1)
            {
                Alternating(first, (int)(last - first));
                return;
            }

            long start = Count * part / Parts, end = Count * (part + 1) / Parts;
            for (long result = first; result < last; result++)
            {
                double shift = double.CreateTruncating(Input[result * Run]), sum = 0, squares = 0;
                for (long i = start; i < end;)
                {
                    long run = i / Run, within = i - run * Run, length = Math.Min(Run - within, end - i);
                    Add(Input + (run * Results + result) * Run + within, length, shift, ref sum, ref squares);
                    i += length;
                }

                Sums[2 * (result * Parts + part)] = sum;
                Sums[2 * (result * Parts + part) + 1] = squares;
            }
        }

        private readonly void Alternating(long first, int width)
        {
            var sums = stackalloc double[2 * Columns];
            new Span<double>(sums, 2 * Columns).Clear();
            for (long i = 0; i < Count; i++)
            {
                var row = Input + i * Results + first;
                for (int c = 0; c < width; c++)
                {
                    double distance = double.CreateTruncating(row[c]) - double.CreateTruncating(Input[first + c]);
                    sums[2 * c] += distance;
                    sums[2 * c + 1] += distance * distance;
                }
            }

            new ReadOnlySpan<double>(sums, 2 * width).CopyTo(new Span<double>(Sums + 2 * first, 2 * width));
        }

        private static void Add(T* elements, long length, double shift, ref double sum, ref double squares)
        {
            long i = 0;
            var (shifts, sums, products) = (new Vector<double>(shift), Vector<double>.Zero, Vector<double>.Zero);
            if (typeof(T) == typeof(float))
            {
                var (otherSums, otherProducts) = (Vector<double>.Zero, Vector<double>.Zero);
                for (; i <= length - Vector<float>.Count; i += Vector<float>.Count)
                {
                    Vector.Widen(Vector.Load((float*)elements + i), out var low, out var high);
                    var (left, right) = (low - shifts, high - shifts);
                    (sums, otherSums) = (sums + left, otherSums + right);
                    (products, otherProducts) = (products + left * left, otherProducts + right * right);
                }

                (sums, products) = (sums + otherSums, products + otherProducts);
            }
            else if (typeof(T) == typeof(double))
            {
                for (; i <= length - Vector<double>.Count; i += Vector<double>.Count)
                {
                    var distance = Vector.Load((double*)elements + i) - shifts;
                    sums += distance;
                    products += distance * distance;
                }
            }

            (sum, squares) = (sum + Vector.Sum(sums), squares + Vector.Sum(products));
            for (; i < length; i++)
            {
                double distance = double.CreateTruncating(elements[i]) - shift;
                sum += distance;
                squares += distance * distance;
            }
        }
    }
}
