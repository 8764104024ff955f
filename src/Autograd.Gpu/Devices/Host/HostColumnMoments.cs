using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// Means and variances of channels that take turns in memory. Each part of the rows adds up distances from the means of its first rows, and their squares; the
/// parts' means and squares are joined in doubles (Chan, Golub, LeVeque 1983), so that neither a large mean nor one that drifts costs digits.
/// </summary>
internal static unsafe class HostColumnMoments
{
    /// <summary>The rows whose mean a part's distances are from.</summary>
    private const nint FirstRows = 8;

    /// <summary>Columns whose parts are joined at a time.</summary>
    private const nint JoinedColumns = 256;

    /// <summary>The doubles that <see cref="Run"/> computes in: three for each column of each part.</summary>
    public static long SumCount(in ColumnPlan plan) => 3 * plan.Parts * plan.Width;

    public static void Run<T>(T* input, double* sums, T* means, T* variances, in ColumnPlan plan)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (typeof(T) == typeof(float) && HostMatMul.Width == HostVectorWidth.V512)
        {
            Start<float, Vector512<float>, RowVector512>((float*)input, sums, (float*)means, (float*)variances, plan);
        }
        else
        {
            Start<T, Vector<T>, RowVector<T>>(input, sums, means, variances, plan);
        }
    }

    private static void Start<T, TVector, TOps>(T* input, double* sums, T* means, T* variances, in ColumnPlan plan)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TVector : struct
        where TOps : struct, IRowVector<T, TVector>
    {
        var parts = new PartWork<T, TVector, TOps> { Input = input, Sums = sums, Plan = plan };
        HostParallel.For(checked((int)(plan.Parts * plan.Strips)), ref parts);
        var columns = new JoinWork<T> { Input = input, Sums = sums, Plan = plan, Means = means, Variances = variances };
        HostParallel.For(checked((int)((plan.Width + JoinedColumns - 1) / JoinedColumns)), ref columns);
        if (!plan.IsPlain)
        {
            columns.Fold();
        }
    }

    private struct PartWork<T, TVector, TOps> : IHostWork
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TVector : struct
        where TOps : struct, IRowVector<T, TVector>
    {
        public T* Input;
        public double* Sums;
        public ColumnPlan Plan;

        public readonly void Run(int chunk)
        {
            var (part, strip) = Math.DivRem(chunk, Plan.Strips);
            nint width = Plan.Width, column = strip * ColumnPlan.StripColumns, columns = Math.Min(ColumnPlan.StripColumns, width - column);
            nint row = Plan.FirstRow(part), count = Plan.FirstRow(part + 1) - row;
            T* rows = Input + row * width + column;
            T* memory = stackalloc T[3 * ColumnPlan.StripColumns + ColumnMemory.SlackBytes / sizeof(T)];
            T* shift = ColumnMemory.Place(memory, rows), sums = shift + ColumnPlan.StripColumns, squares = sums + ColumnPlan.StripColumns;
            new Span<T>(shift, 3 * ColumnPlan.StripColumns).Clear();

            // Distances from zero, which stays in the first place until their sums are moved there.
            nint few = Math.Min(count, FirstRows);
            ColumnLoops<T, TVector, TOps>.Distances(rows, width, few, columns, shift, sums, squares);
            var inverse = T.One / T.CreateTruncating(few);
            for (nint i = 0; i < columns; i++)
            {
                shift[i] = sums[i] * inverse;
            }

            new Span<T>(sums, 2 * ColumnPlan.StripColumns).Clear();
            double* total = Sums + part * 3 * width + column, totalSquares = total + width, shifts = totalSquares + width;
            new Span<double>(total, (int)columns).Clear();
            new Span<double>(totalSquares, (int)columns).Clear();
            new Span<double>(shifts, (int)columns).Clear();
            while (count > 0)
            {
                nint some = Math.Min(count, ColumnLoops<T, TVector, TOps>.RowsBetweenFlushes);
                ColumnLoops<T, TVector, TOps>.Distances(rows, width, some, columns, shift, sums, squares);
                ColumnLoops<T, TVector, TOps>.Flush(sums, total, columns);
                ColumnLoops<T, TVector, TOps>.Flush(squares, totalSquares, columns);
                rows += some * width;
                count -= some;
            }

            ColumnLoops<T, TVector, TOps>.Flush(shift, shifts, columns);
        }
    }

    private struct JoinWork<T> : IHostWork
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        public T* Input;
        public double* Sums;
        public ColumnPlan Plan;
        public T* Means, Variances;

        public readonly void Run(int chunk)
        {
            nint first = chunk * JoinedColumns, end = Math.Min(first + JoinedColumns, Plan.Width);
            Join(first, end);
            for (nint c = first; c < end && Plan.IsPlain; c++)
            {
                Means[c] = T.CreateTruncating(Sums[c]);
                Variances[c] = T.CreateTruncating(Sums[Plan.Width + c] / Plan.Rows);
            }
        }

        /// <summary>
        /// Channels of several columns, whose means stand in the first part's first place and squares in its second, and of the elements that fill no row.
        /// </summary>
        public readonly void Fold()
        {
            nint sample = Plan.Channels * Plan.Positions;
            T* rest = Input + Plan.Rows * Plan.Width;
            for (nint channel = 0; channel < Plan.Channels; channel++)
            {
                double sum = 0, squares = 0;
                for (nint at = channel * Plan.Positions; at < Plan.Width; at += sample)
                {
                    for (nint c = at; c < at + Plan.Positions; c++)
                    {
                        sum += Plan.Rows * Sums[c] + (c < Plan.Rest ? double.CreateTruncating(rest[c]) : 0);
                    }
                }

                double mean = sum / Plan.Count;
                for (nint at = channel * Plan.Positions; at < Plan.Width; at += sample)
                {
                    for (nint c = at; c < at + Plan.Positions; c++)
                    {
                        double distance = Sums[c] - mean, last = c < Plan.Rest ? double.CreateTruncating(rest[c]) - mean : 0;
                        squares += Sums[Plan.Width + c] + Plan.Rows * distance * distance + last * last;
                    }
                }

                Means[channel] = T.CreateTruncating(mean);
                Variances[channel] = T.CreateTruncating(squares / Plan.Count);
            }
        }

        /// <summary>Joins the parts of some columns: the mean goes to the first part's first place, the sum of the squared distances from it to its second.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Join(nint first, nint end)
        {
            nint width = Plan.Width, lanes = Vector<double>.Count;
            double* mean = stackalloc double[(int)JoinedColumns], squares = stackalloc double[(int)JoinedColumns];
            new Span<double>(mean, (int)JoinedColumns).Clear();
            new Span<double>(squares, (int)JoinedColumns).Clear();
            double all = 0;
            for (nint part = 0; part < Plan.Parts; part++)
            {
                double count = Plan.FirstRow(part + 1) - Plan.FirstRow(part), share = count / (all + count), joint = all * share;
                double* sum = Sums + part * 3 * width + first, square = sum + width, shift = square + width;
                nint c = 0;
                for (; c + lanes <= end - first; c += lanes)
                {
                    Vector<double> total = Vector.Load(sum + c), offset = total / Vector.Create(count);
                    var distance = Vector.Load(shift + c) + offset - Vector.Load(mean + c);
                    var around = Vector.Max(Vector.Load(square + c) - offset * total, Vector<double>.Zero);
                    Vector.Store(Vector.Load(squares + c) + (around + distance * distance * joint), squares + c);
                    Vector.Store(Vector.Load(mean + c) + distance * share, mean + c);
                }

                for (; c < end - first; c++)
                {
                    double offset = sum[c] / count, distance = shift[c] + offset - mean[c];
                    squares[c] += Math.Max(square[c] - offset * sum[c], 0) + distance * distance * joint;
                    mean[c] += distance * share;
                }

                all += count;
            }

            new Span<double>(mean, (int)(end - first)).CopyTo(new Span<double>(Sums + first, (int)(end - first)));
            new Span<double>(squares, (int)(end - first)).CopyTo(new Span<double>(Sums + width + first, (int)(end - first)));
        }
    }
}
