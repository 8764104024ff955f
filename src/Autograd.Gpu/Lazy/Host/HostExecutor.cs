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

    /// <summary>Elements whose sum takes less time than preparing a kernel for it.</summary>
    private const long MostSummed = 1 << 9;

    private readonly KernelCache<HostKernel> _kernels = new();
    private readonly Dictionary<(PointwiseFunction Function, DType DType), HostKernel> _updates = [];
    private readonly HostLaunch _launch = new();

    public override int KernelCount => _kernels.Count;

    protected override void Run()
    {
        var binding = _launch.Bind(GetKernel(), Graph);
        Run(ref binding, Graph.Count, Graph.Values.Length);
        GC.KeepAlive(Graph);
    }

    public override long MostUpdated => ChunkElements;

    protected override long MostKept => ChunkElements / 4;

    protected override void RunReduction(
        Reduction reduction, int value, DType dtype, ReductionShape shape, BufferExpression result, BufferExpression? kept)
    {
        // Without memory to keep the elements in, the program computes a range of them into a piece of scratch memory, which the binding is pointed to.
        Graph.AddOutput(value, kept?.Block, dtype, kept?.Layout ?? Layout.Contiguous(Graph.Shape));
        Graph.Finish();
        var binding = _launch.Bind(GetKernel(), Graph);
        if (kept is not null)
        {
            binding.RunRange(0, Graph.Count);
        }

        HostReducer.Reduce(reduction, ref binding, Graph, dtype, shape, result, kept);
    }

    public override bool TryDivide(BufferExpression buffer, Scalar divisor)
    {
        switch (buffer.DType)
        {
            case DType.Float32 when buffer.Layout.Count <= ChunkElements:
                Divide((float*)buffer.Block.Pointer, buffer.Layout.Count, (float)divisor.ToDouble());
                break;
            case DType.Float64 when buffer.Layout.Count <= ChunkElements:
                Divide((double*)buffer.Block.Pointer, buffer.Layout.Count, divisor.ToDouble());
                break;
            default:
                return false;
        }

        GC.KeepAlive(buffer);
        return true;

        static void Divide<T>(T* elements, long count, T divisor)
            where T : unmanaged, INumber<T>
        {
            for (long i = 0; i < count; i++)
            {
                elements[i] /= divisor;
            }
        }
    }

    public override bool TrySumRows(BufferExpression matrix, BufferExpression result)
    {
        if (matrix.Layout.Count > MostSummed || !matrix.Layout.IsContiguous || matrix.DType is not (DType.Float32 or DType.Float64))
        {
            return false;
        }

        long columns = result.Layout.Count, rows = matrix.Layout.Count / Math.Max(1, columns);
        if (matrix.DType == DType.Float32)
        {
            SumRows((float*)matrix.Block.Pointer + matrix.Layout.Offset, rows, columns, (float*)result.Block.Pointer);
        }
        else
        {
            SumRows((double*)matrix.Block.Pointer + matrix.Layout.Offset, rows, columns, (double*)result.Block.Pointer);
        }

        GC.KeepAlive(matrix);
        GC.KeepAlive(result);
        return true;

        static void SumRows<T>(T* elements, long rows, long columns, T* sums)
            where T : unmanaged, INumber<T>
        {
            for (long j = 0; j < columns; j++)
            {
                double sum = 0;
                for (long i = 0; i < rows; i++)
                {
                    sum += double.CreateTruncating(elements[i * columns + j]);
                }

                sums[j] = T.CreateTruncating(sum);
            }
        }
    }

    protected override void RunMatMul(BufferExpression a, BufferExpression b, MatrixProduct size, BufferExpression result, BufferExpression? bias)
    {
        if (result.DType == DType.Float32)
        {
            Multiply<float>(a, b, size, result, bias);
        }
        else
        {
            Multiply<double>(a, b, size, result, bias);
        }

        GC.KeepAlive(a);
        GC.KeepAlive(b);
        GC.KeepAlive(bias);
        GC.KeepAlive(result);
    }

    private static void Multiply<T>(BufferExpression a, BufferExpression b, MatrixProduct size, BufferExpression result, BufferExpression? bias)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var (x, y) = (size.A, size.B);
        HostMatMul.Multiply(
            size.Batch, size.M, size.N, size.K,
            (T*)a.Block.Pointer + a.Layout.Offset, x.Batch, x.Row, x.Column,
            (T*)b.Block.Pointer + b.Layout.Offset, y.Batch, y.Row, y.Column,
            (T*)result.Block.Pointer, size.M * size.N, size.N,
            T.One, accumulate: false, bias is null ? null : (T*)bias.Block.Pointer + bias.Layout.Offset);
    }

    protected override void RunUpdate(
        PointwiseFunction function, BufferExpression value, BufferExpression operand, Scalar number, BufferExpression result)
    {
        var dtype = value.DType;
        long size = dtype.Size();
        nint* pointers = stackalloc nint[] { value.Block.Pointer, operand.Block.Pointer + (nint)(operand.Layout.Offset * size), result.Block.Pointer };
        long* strides = stackalloc long[] { size, size, size };
        long bits = BitConverter.DoubleToInt64Bits(number.As(dtype).ToDouble());
        GetUpdate(function, dtype)(pointers, strides, &bits, 0, value.Layout.Count);
        GC.KeepAlive(value);
        GC.KeepAlive(operand);
        GC.KeepAlive(result);
    }

    private HostKernel GetUpdate(PointwiseFunction function, DType dtype)
    {
        if (!_updates.TryGetValue((function, dtype), out var kernel))
        {
            var place = new OperandInfo(dtype, Access.Contiguous, Access.Contiguous, IsIndex: false);
            ValueStep[] values =
            [
                new(ValueKind.Load, dtype, 0, null, 0, 0, 0, default),
                new(ValueKind.Load, dtype, 1, null, 0, 0, 0, default),
                new(ValueKind.Constant, dtype, 0, null, 0, 0, 0, default),
                new(ValueKind.Apply, dtype, 0, function, 0, 1, 2, default),
            ];
            kernel = HostKernelCompiler.Compile(new FusedProgram(values, [place, place, place], [new OutputStep(3, 2)], Rank: 1, Constants: 1, Randoms: 0));
            _updates.Add((function, dtype), kernel);
        }

        return kernel;
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
