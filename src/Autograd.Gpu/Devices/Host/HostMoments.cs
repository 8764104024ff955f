using System.Numerics;
using System.Runtime.Intrinsics;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// Means and variances on the host, in little more than one pass; see <c>MomentArguments</c>. Of elements side by side, distances from the mean of the first few
/// are added up, in vectors of the element type for <see cref="RowLoops{T, TVector, TOps}"/>' blocks and then in doubles; where only a few lie side by side,
/// <see cref="HostColumnMoments"/> takes them as columns. What is cut where follows from the shape alone, so that the sums do not depend on the number of threads.
/// </summary>
internal static unsafe class HostMoments
{
    private const long ChunkElements = 1 << 14;

    /// <summary>Elements whose distances are from one number.</summary>
    private const long ShiftedElements = 1 << 16;

    /// <summary>The first of these, whose mean the number is: a first-level cache holds them.</summary>
    private const long FirstElements = 1 << 12;

    private const long MostParts = 64;

    /// <summary>The doubles that <see cref="Run"/> computes in: two for each part of each result, or what columns take.</summary>
    public static long SumCount(long results, long run, long count) =>
        IsOfColumns(run, count) ? HostColumnMoments.SumCount(PlanOf(results, run, count)) : 2 * results * PartsOf(count);

    /// <param name="input">The elements, [count / run, results, run].</param>
    /// <param name="sums">Room for <see cref="SumCount"/>.</param>
    /// <param name="means">The means.</param>
    /// <param name="variances">The biased variances.</param>
    /// <param name="results">How many results there are.</param>
    /// <param name="run">Elements side by side of one result.</param>
    /// <param name="count">Elements of a result; at least one.</param>
    public static void Run<T>(T* input, double* sums, T* means, T* variances, long results, long run, long count)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        long parts = PartsOf(count);
        if (IsOfColumns(run, count))
        {
            HostColumnMoments.Run(input, sums, means, variances, PlanOf(results, run, count));
        }
        else if (typeof(T) == typeof(float) && HostMatMul.Width == HostVectorWidth.V512)
        {
            Runs<float, Vector512<float>, RowVector512>((float*)input, sums, (float*)means, (float*)variances, results, run, count, parts);
        }
        else
        {
            Runs<T, Vector<T>, RowVector<T>>(input, sums, means, variances, results, run, count, parts);
        }
    }

    private static long PartsOf(long count) => Math.Clamp(count / ShiftedElements, 1, MostParts);

    private static bool IsOfColumns(long run, long count) => run < ColumnPlan.LeastPlane && count > run;

    private static ColumnPlan PlanOf(long results, long run, long count) => new((nint)(count / run), (nint)results, (nint)run);

    private static void Runs<T, TVector, TOps>(T* input, double* sums, T* means, T* variances, long results, long run, long count, long parts)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TVector : struct
        where TOps : struct, IRowVector<T, TVector>
    {
        var work = new SideBySide<T, TVector, TOps> { Input = input, Sums = sums, Results = results, Length = run, Count = count, Parts = parts };

        // Small results are taken several at a time.
        work.Together = Math.Clamp(ChunkElements / count, 1, results);
        HostParallel.For(checked((int)((results + work.Together - 1) / work.Together * parts)), ref work);
        for (long result = 0; result < results; result++)
        {
            var all = default(Moment);
            for (long part = 0; part < parts; part++)
            {
                double* two = sums + 2 * (result * parts + part);
                all.Add(new Moment(count * (part + 1) / parts - count * part / parts, two[0], two[1]));
            }

            means[result] = T.CreateTruncating(all.Mean);
            variances[result] = T.CreateTruncating(all.Squares / count);
        }
    }

    /// <summary>The number of some elements, their mean and the sum of the squared distances from it.</summary>
    private record struct Moment(double Count, double Mean, double Squares)
    {
        /// <summary>Joins others to these (Chan, Golub, LeVeque 1983).</summary>
        public void Add(Moment other)
        {
            double total = Count + other.Count, distance = other.Mean - Mean, share = other.Count / total;
            Squares += other.Squares + distance * distance * Count * share;
            Mean += distance * share;
            Count = total;
        }
    }

    private struct SideBySide<T, TVector, TOps> : IHostWork
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TVector : struct
        where TOps : struct, IRowVector<T, TVector>
    {
        public T* Input;
        public double* Sums;
        public long Results, Length, Count, Parts, Together;

        public readonly void Run(int chunk)
        {
            long first = chunk / Parts * Together, part = chunk % Parts, last = Math.Min(first + Together, Results);
            long start = Count * part / Parts, end = Count * (part + 1) / Parts;
            for (long result = first; result < last; result++)
            {
                var all = default(Moment);
                for (long i = start; i < end; i += ShiftedElements)
                {
                    all.Add(Shifted(result, i, Math.Min(end, i + ShiftedElements)));
                }

                Sums[2 * (result * Parts + part)] = all.Mean;
                Sums[2 * (result * Parts + part) + 1] = all.Squares;
            }
        }

        private readonly Moment Shifted(long result, long start, long end)
        {
            long few = Math.Min(end, start + FirstElements);
            double sum = 0, squares = 0;
            for (long i = start; i < few;)
            {
                T* elements = Piece(result, i, few, out nint count);
                sum += RowLoops<T, TVector, TOps>.Sum(elements, count, elements);
                i += count;
            }

            // Rounded, which the sum of the distances makes up for.
            var shift = T.CreateTruncating(sum / (few - start));
            sum = 0;
            for (long i = start; i < end;)
            {
                T* elements = Piece(result, i, end, out nint count);
                RowLoops<T, TVector, TOps>.Distances(elements, shift, count, ref sum, ref squares);
                i += count;
            }

            double total = end - start, offset = sum / total, around = squares - offset * sum;
            return new Moment(total, double.CreateTruncating(shift) + offset, around < 0 ? 0 : around);
        }

        /// <summary>The elements of a result from one of its elements on, as far as they lie side by side.</summary>
        private readonly T* Piece(long result, long from, long end, out nint count)
        {
            var (run, within) = Math.DivRem(from, Length);
            count = (nint)Math.Min(Length - within, end - from);
            return Input + (run * Results + result) * Length + within;
        }
    }
}
