using System.Numerics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using Autograd.Gpu.Kernels.Recurrent;

namespace Autograd.Gpu.Devices.Host;

/// <summary>All steps of a recurrent layer in host memory: the products with the hidden weights and the cells.</summary>
internal unsafe struct HostRecurrentSweep<T> where T : unmanaged
{
    /// <summary>The buffers of the steps; its start is set for each.</summary>
    public HostRecurrentStep<T> Step;

    /// <summary>The weights of the hidden state, [gates * width, width].</summary>
    public T* Weight;
    public nint WeightRow, WeightColumn;

    /// <summary>The elements of a copy of them as the product reads them, or 0 where that does not pay.</summary>
    public nint Panels;

    /// <summary>First row and number of rows of each step, in the order of the recurrence.</summary>
    public long[] Starts, Counts;
}

/// <summary>
/// A recurrent layer in one go. The sequences of a batch do not depend on one another, so each chunk takes some of them through all steps: threads meet once a
/// layer instead of twice a step, and the weights are laid out once a thread and stay in its core's cache.
/// </summary>
internal static unsafe class HostRecurrentSweeps
{
    // Vector multiply-adds of all steps that are worth waking a thread for, and the fewest rows that keep the registers of a product busy.
    private const double ForkMultiplyAdds = 160e3;
    private const long FewestRows = 4;

    /// <summary>Larger weights do not stay in a core's cache; then each step's product is cut over the threads by columns. Tests change it.</summary>
    public static long MostWeightBytes { get; set; } = 1 << 20;

    /// <summary>The elements of <see cref="HostRecurrentSweep{T}.Panels"/>, whatever the vector width.</summary>
    public static long PanelElements(long depth, long columns, int elementSize)
    {
        long unit = 64 / elementSize;
        return depth * ((columns + unit - 1) / unit * unit);
    }

    public static void Run<T, TCell, TVectorCell, TWide, TWideCell>(in HostRecurrentSweep<T> sweep, bool back)
        where T : unmanaged, INumberBase<T>
        where TCell : struct, IRecurrentCell<T>
        where TVectorCell : struct, IRecurrentCell<Vector<T>>
        where TWide : unmanaged
        where TWideCell : struct, IRecurrentCell<TWide>
    {
        switch (HostMatMul.Width)
        {
            case HostVectorWidth.V512:
                Run<T, TCell, TVectorCell, TWide, TWideCell, Vector512<T>, HostVector512<T>, Twelve>(sweep, back);
                break;
            case HostVectorWidth.V256:
                Run<T, TCell, TVectorCell, TWide, TWideCell, Vector256<T>, HostVector256<T>, Six>(sweep, back);
                break;
            case HostVectorWidth.V128 when AdvSimd.Arm64.IsSupported:
                Run<T, TCell, TVectorCell, TWide, TWideCell, Vector128<T>, HostVector128<T>, Twelve>(sweep, back);
                break;
            default:
                Run<T, TCell, TVectorCell, TWide, TWideCell, Vector128<T>, HostVector128<T>, Six>(sweep, back);
                break;
        }
    }

    private static void Run<T, TCell, TVectorCell, TWide, TWideCell, TVector, TOps, TTall>(in HostRecurrentSweep<T> sweep, bool back)
        where T : unmanaged, INumberBase<T>
        where TCell : struct, IRecurrentCell<T>
        where TVectorCell : struct, IRecurrentCell<Vector<T>>
        where TWide : unmanaged
        where TWideCell : struct, IRecurrentCell<TWide>
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
        where TTall : struct, IConstant
    {
        long rows = 0, most = 0;
        foreach (long count in sweep.Counts)
        {
            rows += count;
            most = Math.Max(most, count);
        }

        var work = new Work<T, TCell, TVectorCell, TWide, TWideCell, TVector, TOps, TTall> { X = sweep, Back = back, PerChunk = most };
        if ((double)rows * TCell.Gates * sweep.Step.Width * sweep.Step.Width / TOps.Lanes >= ForkMultiplyAdds)
        {
            long share = (most + HostParallel.ThreadCount - 1) / HostParallel.ThreadCount;
            work.PerChunk = (share + FewestRows - 1) / FewestRows * FewestRows;
        }

        HostParallel.For(checked((int)((most + work.PerChunk - 1) / work.PerChunk)), ref work);
    }

    private struct Work<T, TCell, TVectorCell, TWide, TWideCell, TVector, TOps, TTall> : IHostWork
        where T : unmanaged, INumberBase<T>
        where TCell : struct, IRecurrentCell<T>
        where TVectorCell : struct, IRecurrentCell<Vector<T>>
        where TWide : unmanaged
        where TWideCell : struct, IRecurrentCell<TWide>
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
        where TTall : struct, IConstant
    {
        public HostRecurrentSweep<T> X;
        public long PerChunk;
        public bool Back;

        public readonly void Run(int chunk)
        {
            long first = chunk * PerChunk;
            var step = X.Step;

            // Each thread packs for itself: one that packed for all would leave the copy in its own core's cache, from where the others fetch it line by line.
            T* panels = X.Panels > 0 ? PackBuffer.Right<T>(X.Panels) : null;
            if (panels != null)
            {
                MatMulBlock<T, TVector, TOps, TTall>.Pack(Product(0, 0, 0), panels);
            }

            for (int s = 0; s < X.Starts.Length; s++)
            {
                long rows = Math.Min(X.Counts[s], first + PerChunk) - first;
                if (rows <= 0)
                {
                    continue;
                }

                step.Start = X.Starts[s];
                if (Back)
                {
                    HostRecurrent.Rows<T, TCell, TVectorCell, TWide, TWideCell>(step, first, first + rows, back: true);
                    Multiply(Product(first, rows, step.Start), panels);
                }
                else
                {
                    Multiply(Product(first, rows, step.Start), panels);
                    HostRecurrent.Rows<T, TCell, TVectorCell, TWide, TWideCell>(step, first, first + rows, back: false);
                }
            }
        }

        private static void Multiply(in MatMulProblem<T> product, T* panels)
        {
            if (panels != null) MatMulBlock<T, TVector, TOps, TTall>.MultiplyPacked(product, panels);
            else MatMulBlock<T, TVector, TOps, TTall>.Multiply(product);
        }

        /// <summary>The product of a step: of the hidden states with the weights, or back, of the gates' gradients.</summary>
        public readonly MatMulProblem<T> Product(long first, long rows, long start)
        {
            nint width = (nint)X.Step.Width, gates = TCell.Gates * width;
            return Back
                ? new MatMulProblem<T>
                {
                    M = (nint)rows,
                    N = width,
                    K = gates,
                    A = X.Step.Products + (start + first) * gates,
                    ARow = gates,
                    ACol = 1,
                    B = X.Weight,
                    BRow = X.WeightRow,
                    BCol = X.WeightColumn,
                    C = X.Step.State + first * width,
                    CRow = width,
                    Alpha = T.One,
                }
                : new MatMulProblem<T>
                {
                    M = (nint)rows,
                    N = gates,
                    K = width,
                    A = X.Step.Outputs + X.Step.StateAt + first * width,
                    ARow = width,
                    ACol = 1,
                    B = X.Weight,
                    BRow = X.WeightColumn,
                    BCol = X.WeightRow,
                    C = X.Step.Products + first * gates,
                    CRow = gates,
                    Alpha = T.One,
                };
        }
    }
}
