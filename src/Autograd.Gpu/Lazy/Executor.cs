using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Runtime.InteropServices;
using Autograd.Gpu.Diagnostics;

namespace Autograd.Gpu.Lazy;

/// <summary>
/// A buffer that becomes a part of each row of a result: from element <paramref name="Start"/> on, so many of its own elements, whose rows lie
/// <paramref name="Stride"/> elements apart.
/// </summary>
internal readonly record struct RowPiece(BufferExpression? Buffer, long Stride, long Start, long Length);

/// <summary>Runs fused programs on one device: with generated host kernels, or with generated ILGPU kernels. Used under the device's gate.</summary>
internal abstract class Executor(Device device)
{
    public Device Device { get; } = device;

    /// <summary>The graph being prepared for the next launch.</summary>
    public FusedGraph Graph { get; } = new();

    /// <summary>Kernels generated so far.</summary>
    public abstract int KernelCount { get; }

    public static Executor Of(Device device) => (Executor)(device.Executor ?? (device.Executor = Create(device)));

    /// <summary>Runs <see cref="Graph"/>, whose outputs all have a block, and clears it.</summary>
    public void Launch(CutReason reason)
    {
        Graph.Finish();
        long start = KernelTrace.Begin(Device);
        try
        {
            if (Graph.Count > 0)
            {
                Run();
            }

            if (start != 0)
            {
                KernelTrace.End(Device, Graph.ToProgram().Describe(), default, Graph.Shape, reason.ToString(), KernelBytes.Of(Graph), start);
            }
        }
        finally
        {
            Graph.Clear();
        }
    }

    /// <summary>
    /// Reduces <paramref name="input"/>, computed on the way, into <paramref name="result"/> (contiguous; int64 for indices, else the input's dtype).
    /// A small value that others than the caller may ask for is kept as well where that costs no further kernel.
    /// </summary>
    public void Reduce(Reduction reduction, Expression input, ReductionShape shape, BufferExpression result)
    {
        var dtype = input.DType;
        int value = Fuser.LoadKeepingRepeated(Device, Graph, input);
        var kept = Graph.Count > 0 && Graph.Count <= MostKept && Graph.Nodes[value] is { Target: null, References: > 1 } root ? root : null;
        long start = KernelTrace.Begin(Device);
        try
        {
            if (kept is null)
            {
                RunReduction(reduction, value, dtype, shape, result, null);
            }
            else
            {
                var elements = Fuser.NewBuffer(Device, dtype, kept.Layout);
                RunReduction(reduction, value, dtype, shape, result, elements);
                Fuser.Finish(kept, elements);
            }

            if (start != 0)
            {
                long bytes = KernelBytes.Of(Graph) + KernelBytes.Of(result);
                KernelTrace.End(Device, $"{Graph.ToProgram().Describe()} -> {reduction}", default, Graph.Shape, nameof(CutReason.Operand), bytes, start);
            }
        }
        finally
        {
            Graph.Clear();
        }
    }

    /// <summary>
    /// Computes function(value, operand, number) at once, without a graph. All are contiguous, of one size of at most <see cref="MostUpdated"/> and of one
    /// dtype, float32 or float64; the result may be the value's block.
    /// </summary>
    public void Update(PointwiseFunction function, BufferExpression value, BufferExpression operand, Scalar number, BufferExpression result)
    {
        long start = KernelTrace.Begin(Device);
        RunUpdate(function, value, operand, number, result);
        if (start != 0)
        {
            long bytes = KernelBytes.Of(value) + KernelBytes.Of(operand) + KernelBytes.Of(result);
            KernelTrace.End(Device, function.Name, [value.Shape, operand.Shape], result.Shape, nameof(CutReason.Update), bytes, start);
        }
    }

    /// <summary>
    /// Computes a value whose inputs are in memory or numbers without a graph, if it is small and nobody watches the kernels. It has no target.
    /// </summary>
    /// <returns>The value in new memory; null if nothing was done.</returns>
    public BufferExpression? TrySingle(ApplyExpression root) => KernelTrace.IsOn ? null : RunSingle(root);

    /// <summary>
    /// Multiplies matrices into <paramref name="result"/>, and adds a bias, contiguous and of a row's length, to each row. Offsets come from the operands' layouts.
    /// </summary>
    public void MatMul(BufferExpression a, BufferExpression b, MatrixProduct size, BufferExpression result, BufferExpression? bias = null)
    {
        long start = KernelTrace.Begin(Device);
        RunMatMul(a, b, size, result, bias);
        if (start != 0)
        {
            long bytes = KernelBytes.Of(a) + KernelBytes.Of(b) + KernelBytes.Of(result) + (bias is null ? 0 : KernelBytes.Of(bias));
            KernelTrace.End(Device, bias is null ? "MatMul" : "MatMul + bias", [a.Shape, b.Shape], result.Shape, nameof(CutReason.Operand), bytes, start);
        }
    }

    /// <summary>Runs a kernel that is written by hand; <paramref name="shape"/> is for the trace.</summary>
    public void Run<TCall>(in TCall call, Shape shape)
        where TCall : struct, IKernelCall
    {
        long start = KernelTrace.Begin(Device);
        if (Device.IsHost)
        {
            call.OnHost();
        }
        else
        {
            call.OnDevice(Device);
        }

        if (start != 0)
        {
            KernelTrace.End(Device, call.Name, default, shape, nameof(CutReason.Operand), call.Bytes, start);
        }
    }

    protected virtual void RunUpdate(
        PointwiseFunction function, BufferExpression value, BufferExpression operand, Scalar number, BufferExpression result) =>
        throw new NotSupportedException($"[{function.Name}] {Device} computes updates as pending values.");

    protected virtual BufferExpression? RunSingle(ApplyExpression root) => null;

    protected abstract void RunMatMul(BufferExpression a, BufferExpression b, MatrixProduct size, BufferExpression result, BufferExpression? bias);

    /// <summary>Runs the finished <see cref="Graph"/>, which has at least one element.</summary>
    protected abstract void Run();

    /// <summary>
    /// Divides a new buffer of floating-point numbers by a number at once, if that takes no kernel of its own; rounds as the pointwise division does.
    /// </summary>
    /// <returns>Whether that was done; if not, nothing was.</returns>
    public virtual bool TryDivide(BufferExpression buffer, Scalar divisor) => false;

    /// <summary>Sums the rows of a contiguous matrix, rounding once, if that takes no kernel of its own.</summary>
    /// <returns>Whether that was done; if not, nothing was.</returns>
    public virtual bool TrySumRows(BufferExpression matrix, BufferExpression result) => false;

    /// <summary>
    /// Copies buffers into their parts of the rows of a new contiguous one, of the same dtype, if that takes one kernel for all of them. Entries without a buffer
    /// are passed over.
    /// </summary>
    /// <returns>Whether that was done; if not, nothing was.</returns>
    public virtual bool TryJoin(ReadOnlySpan<RowPiece> pieces, BufferExpression result, long rows) => false;

    /// <summary>The elements of the largest value that <see cref="Update"/> takes; none where a kernel for each update is no gain.</summary>
    public virtual long MostUpdated => 0;

    /// <summary>The elements that a reduction's operand has at most if it is to be kept; none where keeping it takes a kernel of its own.</summary>
    protected virtual long MostKept => 0;

    /// <summary>
    /// Reduces value <paramref name="value"/> of <see cref="Graph"/>, to which the implementation adds the output that it needs: <paramref name="kept"/>, if given.
    /// </summary>
    protected abstract void RunReduction(Reduction reduction, int value, DType dtype, ReductionShape shape, BufferExpression result, BufferExpression? kept);

    private static Executor Create(Device device) => device.IsHost ? new Host.HostExecutor(device) : new Ilgpu.IlgpuExecutor(device);
}

/// <summary>Keeps generated kernels for good, under the structure of their program.</summary>
internal sealed class KernelCache<TKernel>
    where TKernel : class
{
    private Entry[] _table = new Entry[64]; // open addressing, at most half full
    private long _missed;

    public int Count { get; private set; }

    /// <summary>Finds a kernel; the caller adds one that is missing next.</summary>
    public bool TryGet(ReadOnlySpan<int> key, [NotNullWhen(true)] out TKernel? kernel)
    {
        kernel = Find(key, Hash(key)).Kernel;
        if (kernel is not null)
        {
            return true;
        }

        _missed = Stopwatch.GetTimestamp();
        return false;
    }

    public void Add(ReadOnlySpan<int> key, TKernel kernel)
    {
        if (2 * Count >= _table.Length)
        {
            var old = _table;
            _table = new Entry[2 * old.Length];
            foreach (var entry in old)
            {
                if (entry.Key is not null)
                {
                    Find(entry.Key, entry.Hash) = entry;
                }
            }
        }

        ulong hash = Hash(key);
        Find(key, hash) = new Entry(hash, key.ToArray(), kernel);
        Count++;
        KernelTrace.Compiled(_missed);
    }

    private ref Entry Find(ReadOnlySpan<int> key, ulong hash)
    {
        var table = _table;
        for (ulong place = hash; ; place++)
        {
            ref var entry = ref table[place & (ulong)(table.Length - 1)];
            if (entry.Key is null || (entry.Hash == hash && key.SequenceEqual(entry.Key)))
            {
                return ref entry;
            }
        }
    }

    private static ulong Hash(ReadOnlySpan<int> key)
    {
        ulong hash = (ulong)key.Length;
        foreach (ulong pair in MemoryMarshal.Cast<int, ulong>(key))
        {
            hash = (BitOperations.RotateLeft(hash, 27) ^ pair) * 0x9E3779B97F4A7C15UL;
        }

        hash = (BitOperations.RotateLeft(hash, 27) ^ (uint)key[^1]) * 0x9E3779B97F4A7C15UL;
        return hash ^ (hash >> 32);
    }

    private readonly record struct Entry(ulong Hash, int[] Key, TKernel Kernel);
}
