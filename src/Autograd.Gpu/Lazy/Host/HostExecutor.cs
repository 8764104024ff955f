using System.Numerics;
using Autograd.Gpu.Devices.Host;

namespace Autograd.Gpu.Lazy.Host;

/// <summary>Runs fused programs as vector loops over host memory, cut into chunks that several threads share.</summary>
internal sealed unsafe class HostExecutor(Device device) : Executor(device)
{
    /// <summary>Elements of one chunk. Fixed, so that results do not depend on the number of threads; a multiple of every vector length.</summary>
    private const int ChunkElements = 1 << 14;

    /// <summary>Below this many element operations, waking another thread costs more than it saves.</summary>
    private const long ParallelWork = 1 << 16;

    private readonly KernelCache<HostKernel> _kernels = new();

    public override int KernelCount => _kernels.Count;

    protected override void Run()
    {
        var binding = new HostBinding(GetKernel(), Graph);
        Run(ref binding, Graph.Count, Graph.Values.Length);
        GC.KeepAlive(Graph);
    }

    protected override void RunReduction(Reduction reduction, int value, DType dtype, ReductionShape shape, BufferExpression result)
    {
        // The program computes a range of elements into a piece of scratch memory, which the binding is pointed to.
        Graph.AddOutput(value, null, dtype, Layout.Contiguous(Graph.Shape));
        Graph.Finish();
        var binding = new HostBinding(GetKernel(), Graph);
        HostReducer.Reduce(reduction, ref binding, Graph, dtype, shape, result);
    }

    protected override void RunMatMul(BufferExpression a, BufferExpression b, MatrixProduct size, BufferExpression result)
    {
        if (result.DType == DType.Float32)
        {
            Multiply<float>(a, b, size, result);
        }
        else
        {
            Multiply<double>(a, b, size, result);
        }

        GC.KeepAlive(a);
        GC.KeepAlive(b);
        GC.KeepAlive(result);
    }

    private static void Multiply<T>(BufferExpression a, BufferExpression b, MatrixProduct size, BufferExpression result)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var (x, y) = (size.A, size.B);
        HostMatMul.Multiply(
            size.Batch, size.M, size.N, size.K,
            (T*)a.Block.Pointer + a.Layout.Offset, x.Batch, x.Row, x.Column,
            (T*)b.Block.Pointer + b.Layout.Offset, y.Batch, y.Row, y.Column,
            (T*)result.Block.Pointer, size.M * size.N, size.N,
            T.One, accumulate: false);
    }

    private static void Run(ref HostBinding binding, long count, int valuesPerElement)
    {
        if (count * valuesPerElement < ParallelWork)
        {
            binding.RunRange(0, count);
            return;
        }

        var work = new PointwiseWork { Binding = binding, Count = count };
        HostParallel.For((int)((count + ChunkElements - 1) / ChunkElements), ref work);
    }

    private HostKernel GetKernel()
    {
        if (!_kernels.TryGet(Graph.Key, out var kernel))
        {
            kernel = HostKernelCompiler.Compile(Graph.ToProgram());
            _kernels.Add(Graph.Key, kernel);
        }

        return kernel;
    }

    private struct PointwiseWork : IHostWork
    {
        public HostBinding Binding;
        public long Count;

        public void Run(int chunk)
        {
            long start = (long)chunk * ChunkElements;
            Binding.RunRange(start, Math.Min(ChunkElements, Count - start));
        }
    }
}

/// <summary>A compiled program and the memory, strides and numbers of one launch; a value that threads copy.</summary>
internal unsafe struct HostBinding
{
    private readonly HostKernel _kernel;
    private readonly int _operands;
    private readonly int _rank;
    private fixed long _starts[FusedGraph.MaxOperands];
    private fixed long _strides[FusedGraph.MaxOperands * FusedGraph.MaxRank];
    private fixed long _sizes[FusedGraph.MaxRank];
    private fixed long _constants[FusedGraph.MaxNumbers];

    public HostBinding(HostKernel kernel, FusedGraph graph)
    {
        _kernel = kernel;
        _operands = graph.Operands.Length;
        _rank = graph.Rank;
        for (int d = 0; d < _rank; d++)
        {
            _sizes[d] = graph.Sizes[d];
        }

        for (int k = 0; k < _operands; k++)
        {
            var info = graph.Operands[k];
            long unit = info.IsIndex ? 1 : info.DType.Size();
            _starts[k] = (graph.Blocks[k]?.Pointer ?? 0) + graph.OffsetOf(k) * unit;
            for (int d = 0; d < _rank; d++)
            {
                _strides[k * FusedGraph.MaxRank + d] = graph.Strides[k * FusedGraph.MaxRank + d] * unit;
            }
        }

        int slot = 0;
        foreach (var constant in graph.Constants)
        {
            _constants[slot++] = constant.DType.IsFloatingPoint()
                ? BitConverter.DoubleToInt64Bits(constant.Value.ToDouble())
                : constant.Value.ToInt64();
        }

        foreach (var random in graph.Randoms)
        {
            _constants[slot++] = (long)random.Seed;
            _constants[slot++] = (long)random.Offset;
        }
    }

    /// <summary>Points operand <paramref name="k"/> somewhere else.</summary>
    public void SetStart(int k, nint start) => _starts[k] = start;

    /// <summary>Computes elements <paramref name="start"/> to <paramref name="start"/> + <paramref name="count"/>, in row-major order.</summary>
    public void RunRange(long start, long count)
    {
        nint* pointers = stackalloc nint[FusedGraph.MaxOperands];
        long* strides = stackalloc long[FusedGraph.MaxOperands];
        int inner = _rank - 1;
        for (int k = 0; k < _operands; k++)
        {
            strides[k] = _strides[k * FusedGraph.MaxRank + inner];
        }

        fixed (long* constants = _constants)
        {
            if (_rank == 1)
            {
                for (int k = 0; k < _operands; k++)
                {
                    pointers[k] = (nint)(_starts[k] + start * strides[k]);
                }

                _kernel(pointers, strides, constants, start, count);
                return;
            }

            RunRows(start, count, pointers, strides, constants);
        }
    }

    private void RunRows(long start, long count, nint* pointers, long* strides, long* constants)
    {
        int inner = _rank - 1;
        long rowSize = _sizes[inner];
        long* index = stackalloc long[FusedGraph.MaxRank];
        long rest = start / rowSize, column = start % rowSize;
        for (int d = inner - 1; d >= 0; d--)
        {
            index[d] = rest % _sizes[d];
            rest /= _sizes[d];
        }

        while (count > 0)
        {
            long run = Math.Min(count, rowSize - column);
            for (int k = 0; k < _operands; k++)
            {
                long at = _starts[k] + column * strides[k];
                for (int d = 0; d < inner; d++)
                {
                    at += index[d] * _strides[k * FusedGraph.MaxRank + d];
                }

                pointers[k] = (nint)at;
            }

            _kernel(pointers, strides, constants, start, run);
            start += run;
            count -= run;
            column = 0;
            for (int d = inner - 1; d >= 0 && ++index[d] == _sizes[d]; d--)
            {
                index[d] = 0;
            }
        }
    }
}
