using System.Numerics;
using System.Runtime.CompilerServices;
using Autograd.Gpu.Devices.Host;
using Autograd.Gpu.Diagnostics;

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

    /// <summary>Elements of the largest value that is computed without a graph: beyond, the graph costs nothing by comparison.</summary>
    private const long MostSingle = 1 << 12;

    /// <summary>From this many elements on, and this many in a row, wide loops are worth being compiled.</summary>
    private const long WideElements = 1 << 11;
    private const long WideRow = 1 << 8;

    /// <summary>
    /// From this many bytes on that a kernel reads and writes, its results are stored past the caches: they would not stay there until they are read, and
    /// fetching the lines that they replace costs a third of the traffic.
    /// </summary>
    private const long StreamedBytes = 64 << 20;

    private const int StreamAlignment = 64;

    /// <summary>Pieces of a row that are shorter (bytes), in more rows than these, are not worth a pass over the rows.</summary>
    private const long LeastPiece = 64;
    private const long MostShortRows = 64;

    private const int MostPieces = 16;

    // By loops.
    private readonly KernelCache<HostKernel>[] _kernels = [new(), new(), new()];
    private readonly SingleKernels _singles = new();
    private readonly HostLaunch _launch = new();

    static HostExecutor() => RowAhead.Prepare();

    public override int KernelCount => _kernels.Sum(kernels => kernels.Count);

    protected override void Run()
    {
        if (HostMoves.TryRun(Graph))
        {
            GC.KeepAlive(Graph);
            return;
        }

        var binding = _launch.Bind(GetKernel(MayStream() ? HostLoops.Streaming : Loops()), Graph);
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
        var binding = _launch.Bind(GetKernel(Loops()), Graph);
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
            long i = 0;
            for (; i <= count - Vector<T>.Count; i += Vector<T>.Count)
            {
                Vector.Store(Vector.Load(elements + i) / new Vector<T>(divisor), elements + i);
            }

            for (; i < count; i++)
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

    public override bool TryJoin(ReadOnlySpan<RowPiece> pieces, BufferExpression result, long rows)
    {
        long size = result.DType.Size(), bytes = 0;
        Span<HostPiece> parts = pieces.Length <= MostPieces ? stackalloc HostPiece[MostPieces] : new HostPiece[pieces.Length];
        int count = 0;
        foreach (var piece in pieces)
        {
            if (piece.Buffer is not { } buffer)
            {
                continue;
            }

            // Many short pieces go faster one by one, column by column.
            if (piece.Length * size < LeastPiece && rows > MostShortRows)
            {
                return false;
            }

            parts[count++] = new HostPiece
            {
                Source = (byte*)buffer.Block.Pointer + buffer.Layout.Offset * size,
                SourceRow = piece.Stride * size,
                Start = piece.Start * size,
                Bytes = piece.Length * size,
            };
            bytes += 2 * rows * piece.Length * size;
        }

        long start = KernelTrace.Begin(Device);
        HostJoin.Run(parts[..count], (byte*)result.Block.Pointer, rows, result.Layout.Count / rows * size);
        GC.KeepAlive(result);
        foreach (var piece in pieces)
        {
            GC.KeepAlive(piece.Buffer);
        }

        if (start != 0)
        {
            KernelTrace.End(Device, "Cat", default, result.Layout.Shape, nameof(CutReason.Operand), bytes, start);
        }

        return true;
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
        _singles.Get(function, dtype, numbers: 1 << 2)(pointers, strides, &bits, 0, value.Layout.Count);
        GC.KeepAlive(value);
        GC.KeepAlive(operand);
        GC.KeepAlive(result);
    }

    [SkipLocalsInit]
    protected override BufferExpression? RunSingle(ApplyExpression root)
    {
        var dtype = root.DType;
        long count = root.Layout.Count;
        if (count > MostSingle || dtype is not (DType.Float32 or DType.Float64))
        {
            return null;
        }

        var function = root.Function;
        int arity = function.Arity, loads = 0, constants = 0, numbers = 0;
        long size = dtype.Size();
        nint* pointers = stackalloc nint[4];
        long* strides = stackalloc long[4];
        long* bits = stackalloc long[3];
        for (int i = 0; i < arity; i++)
        {
            var input = ApplyExpression.Resolve(root.Input(i)!);
            if (input.DType != dtype)
            {
                return null;
            }

            if (input is BufferExpression buffer && buffer.Layout.IsContiguous)
            {
                strides[loads] = size;
                pointers[loads++] = buffer.Block.Pointer + (nint)(buffer.Layout.Offset * size);
            }
            else if (input is ConstantExpression constant)
            {
                bits[constants++] = BitConverter.DoubleToInt64Bits(constant.Value.ToDouble());
                numbers |= 1 << i;
            }
            else
            {
                return null;
            }
        }

        var kernel = _singles.Get(function, dtype, numbers);
        var result = Fuser.NewBuffer(Device, dtype, root.Layout);
        strides[loads] = size;
        pointers[loads] = result.Block.Pointer;
        kernel(pointers, strides, bits, 0, count);
        GC.KeepAlive(root);
        GC.KeepAlive(result);
        return result;
    }

    private static void Run(ref HostBinding binding, long count, int valuesPerElement)
    {
        if (count * valuesPerElement < ParallelWork)
        {
            binding.RunRange(0, count);
            return;
        }

        var work = new PointwiseWork { Binding = binding, Count = count };
        HostParallel.For((int)((count + ChunkElements - 1) / ChunkElements), ref work, isFine: true);
    }

    private HostLoops Loops() =>
        Graph.Count >= WideElements && (Graph.Rank <= 1 || Graph.Sizes[Graph.Rank - 1] >= WideRow) ? HostLoops.Wide : HostLoops.Usual;

    private bool MayStream()
    {
        if (Graph.Count < WideElements || Graph.Rank > 1 || KernelBytes.Of(Graph) < StreamedBytes)
        {
            return false;
        }

        foreach (var output in Graph.Outputs)
        {
            long offset = Graph.OffsetOf(output.Operand) * Graph.Operands[output.Operand].DType.Size();
            if ((Graph.Blocks[output.Operand]!.Pointer + offset) % StreamAlignment != 0)
            {
                return false;
            }
        }

        return true;
    }

    private HostKernel GetKernel(HostLoops loops)
    {
        var kernels = _kernels[(int)loops];
        if (!kernels.TryGet(Graph.Key, out var kernel))
        {
            kernel = HostKernelCompiler.Compile(Graph.ToProgram(), loops, widensLater: true);
            kernels.Add(Graph.Key, kernel);
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
