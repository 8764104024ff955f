using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Autograd.Gpu.Diagnostics;

namespace Autograd.Gpu.Lazy;

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
        long start = KernelTrace.IsOn ? Stopwatch.GetTimestamp() : 0;
        try
        {
            if (Graph.Count > 0)
            {
                Run();
            }

            if (KernelTrace.IsOn)
            {
                Trace(Graph.ToProgram().Describe(), Graph.Shape, reason, start);
            }
        }
        finally
        {
            Graph.Clear();
        }
    }

    /// <summary>Reduces <paramref name="input"/>, computed on the way, into <paramref name="result"/> (contiguous; int64 for indices, else the input's dtype).</summary>
    public void Reduce(Reduction reduction, Expression input, ReductionShape shape, BufferExpression result)
    {
        var dtype = input.DType;
        int value = Fuser.LoadKeepingRepeated(Device, Graph, input);
        long start = KernelTrace.IsOn ? Stopwatch.GetTimestamp() : 0;
        try
        {
            RunReduction(reduction, value, dtype, shape, result);
            if (KernelTrace.IsOn)
            {
                Trace($"{Graph.ToProgram().Describe()} -> {reduction}", Graph.Shape, CutReason.Operand, start);
            }
        }
        finally
        {
            Graph.Clear();
        }
    }

    /// <summary>Multiplies matrices into <paramref name="result"/>. Offsets come from the operands' layouts.</summary>
    public void MatMul(BufferExpression a, BufferExpression b, MatrixProduct size, BufferExpression result)
    {
        long start = KernelTrace.IsOn ? Stopwatch.GetTimestamp() : 0;
        RunMatMul(a, b, size, result);
        if (KernelTrace.IsOn)
        {
            Trace("MatMul", result.Shape, CutReason.Operand, start);
        }
    }

    protected abstract void RunMatMul(BufferExpression a, BufferExpression b, MatrixProduct size, BufferExpression result);

    /// <summary>Runs the finished <see cref="Graph"/>, which has at least one element.</summary>
    protected abstract void Run();

    /// <summary>Reduces value <paramref name="value"/> of <see cref="Graph"/>, to which the implementation adds the output that it needs.</summary>
    protected abstract void RunReduction(Reduction reduction, int value, DType dtype, ReductionShape shape, BufferExpression result);

    protected void Trace(string operations, Shape shape, CutReason reason, long start)
    {
        Device.Synchronize();
        KernelTrace.Report(new KernelEvent(Device, operations, shape, reason.ToString(), Stopwatch.GetElapsedTime(start)));
    }

    private static Executor Create(Device device) => device.IsHost ? new Host.HostExecutor(device) : new Ilgpu.IlgpuExecutor(device);
}

/// <summary>Keeps generated kernels for good, under the structure of their program.</summary>
internal sealed class KernelCache<TKernel>
    where TKernel : class
{
    private readonly Dictionary<int[], TKernel> _kernels = new(new KeyComparer());
    private readonly Dictionary<int[], TKernel>.AlternateLookup<ReadOnlySpan<int>> _lookup;

    public KernelCache() => _lookup = _kernels.GetAlternateLookup<ReadOnlySpan<int>>();

    public int Count => _kernels.Count;

    public bool TryGet(ReadOnlySpan<int> key, [NotNullWhen(true)] out TKernel? kernel) => _lookup.TryGetValue(key, out kernel);

    public void Add(ReadOnlySpan<int> key, TKernel kernel) => _lookup[key] = kernel;

    private sealed class KeyComparer : IEqualityComparer<int[]>, IAlternateEqualityComparer<ReadOnlySpan<int>, int[]>
    {
        public bool Equals(int[]? x, int[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(int[] key) => GetHashCode(key.AsSpan());

        public bool Equals(ReadOnlySpan<int> alternate, int[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<int> key)
        {
            ulong hash = 14695981039346656037UL;
            foreach (int word in key)
            {
                hash = (hash ^ (uint)word) * 0x9E3779B97F4A7C15UL;
                hash ^= hash >> 29;
            }

            return (int)hash;
        }

        public int[] Create(ReadOnlySpan<int> alternate) => alternate.ToArray();
    }
}
