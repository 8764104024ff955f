using System.Numerics;
using Autograd.Gpu.Devices.Host;

namespace Autograd.Gpu.Lazy.Host;

/// <summary>
/// Reduces elements on the host, straight from memory or as a fused program computes them, tile by tile. What is added up in which order
/// follows from the shape and the program alone, so results do not depend on the number of threads. Sums of float32 and the half types
/// stay in float32 lanes for at most 128 additions and go on in float64.
/// </summary>
internal static unsafe class HostReducer
{
    /// <summary>Below this many element operations, waking another thread costs more than it saves.</summary>
    private const long ParallelWork = 1 << 16;

    /// <summary>
    /// Reduces the elements that the program behind <paramref name="binding"/> writes to its output, or has written to <paramref name="kept"/>, over
    /// the middle dimension of <paramref name="shape"/>, to <paramref name="result"/>, contiguous [Outer, Inner].
    /// </summary>
    /// <exception cref="ShapeException">There is no element to pick the largest or smallest of.</exception>
    /// <exception cref="DTypeException">Bools are added up or multiplied.</exception>
    public static void Reduce(
        Reduction reduction, ref HostBinding binding, FusedGraph graph, DType dtype, ReductionShape shape, BufferExpression result,
        BufferExpression? kept)
    {
        if (shape.Results == 0)
        {
            return;
        }

        if (dtype == DType.Bool && reduction is Reduction.Sum or Reduction.Product)
        {
            throw new DTypeException($"[{reduction}] bool elements cannot be combined in their own dtype. Cast to int64 first.");
        }

        if (shape.Reduced == 0 && reduction is not (Reduction.Sum or Reduction.Product))
        {
            throw new ShapeException(
                $"[{reduction}] the shape {graph.Shape} has no element along the reduced dimension, so there is none to pick. " +
                "Reduce over dimensions of size 1 or more.");
        }

        var target = new ReductionTarget((byte*)result.Block.Pointer + result.Layout.Offset * result.DType.Size(), dtype);
        int values = 1;
        ReductionSource source;
        if (kept is not null)
        {
            source = new ReductionSource(dtype, (byte*)kept.Block.Pointer);
        }
        else if (FindMemory(graph, dtype, reduction, ref shape) is var memory && memory != null)
        {
            source = new ReductionSource(dtype, memory);
        }
        else
        {
            source = new ReductionSource(dtype, ref binding, graph.Outputs[0].Operand);
            values = graph.Values.Length;
        }

        switch (dtype)
        {
            case DType.Bool or DType.UInt8:
                Reduce<byte, byte>(reduction, source, target, shape, values);
                break;
            case DType.Int32:
                Reduce<int, int>(reduction, source, target, shape, values);
                break;
            case DType.Int64:
                Reduce<long, long>(reduction, source, target, shape, values);
                break;
            case DType.Float64:
                Reduce<double, double>(reduction, source, target, shape, values);
                break;
            default:
                Reduce<float, double>(reduction, source, target, shape, values);
                break;
        }

        GC.KeepAlive(graph);
        GC.KeepAlive(result);
        GC.KeepAlive(kept);
    }

    /// <summary>Runs chunks, which no thread's results depend on, here or on several threads.</summary>
    internal static void ForEach<TWork>(ref TWork work, long chunks, bool isParallel)
        where TWork : struct, IHostWork
    {
        if (isParallel)
        {
            HostParallel.For(checked((int)chunks), ref work, isFine: true);
            return;
        }

        for (int i = 0; i < chunks; i++)
        {
            work.Run(i);
        }
    }

    /// <summary>
    /// The elements' place in memory if the program is nothing but a load of them; null otherwise. A transposed matrix is taken as it
    /// lies in memory, which turns its rows into columns.
    /// </summary>
    private static byte* FindMemory(FusedGraph graph, DType dtype, Reduction reduction, ref ReductionShape shape)
    {
        var values = graph.Values;
        if (values.Length != 1 || values[0].Kind != ValueKind.Load || graph.Count == 0)
        {
            return null;
        }

        int operand = values[0].Slot;
        var info = graph.Operands[operand];
        if (info.DType != dtype)
        {
            return null;
        }

        if (info.Access != Access.Contiguous && !TryTranspose(graph, operand, reduction, ref shape))
        {
            return null;
        }

        return (byte*)graph.Blocks[operand]!.Pointer + graph.OffsetOf(operand) * dtype.Size();
    }

    private static bool TryTranspose(FusedGraph graph, int operand, Reduction reduction, ref ReductionShape shape)
    {
        var strides = graph.Strides[(operand * FusedGraph.MaxRank)..];
        if (graph.Rank != 2 || strides[0] != 1 || strides[1] != graph.Sizes[0])
        {
            return false;
        }

        var (rows, columns) = (graph.Sizes[0], graph.Sizes[1]);
        if (shape == new ReductionShape(rows, columns, 1))
        {
            shape = new ReductionShape(1, columns, rows);
            return true;
        }

        if (shape == new ReductionShape(1, rows, columns))
        {
            shape = new ReductionShape(columns, rows, 1);
            return true;
        }

        // Over everything, the order matters only to an index.
        return shape is { Outer: 1, Inner: 1 } && reduction is not (Reduction.ArgMax or Reduction.ArgMin);
    }

    private static void Reduce<T, TWide>(
        Reduction reduction, in ReductionSource source, in ReductionTarget target, ReductionShape shape, int values)
        where T : unmanaged, INumber<T>
        where TWide : unmanaged, INumber<TWide>
    {
        switch (reduction)
        {
            case Reduction.Sum:
                Run<T, TWide, ValueReducer<T, SumOperation<T>, TWide, SumOperation<TWide>>>(source, target, shape, values);
                break;
            case Reduction.Product:
                Run<T, TWide, ValueReducer<T, ProductOperation<T>, TWide, ProductOperation<TWide>>>(source, target, shape, values);
                break;
            case Reduction.Max:
                Run<T, T, ValueReducer<T, MaxOperation<T>, T, MaxOperation<T>>>(source, target, shape, values);
                break;
            case Reduction.Min:
                Run<T, T, ValueReducer<T, MinOperation<T>, T, MinOperation<T>>>(source, target, shape, values);
                break;
            case Reduction.ArgMax:
                Run<T, Candidate<T>, IndexReducer<T, MaxOperation<T>>>(source, target, shape, values);
                break;
            default:
                Run<T, Candidate<T>, IndexReducer<T, MinOperation<T>>>(source, target, shape, values);
                break;
        }
    }

    private static void Run<T, TPartial, TReducer>(
        in ReductionSource source, in ReductionTarget target, ReductionShape shape, int values)
        where T : unmanaged
        where TPartial : unmanaged
        where TReducer : struct, IReducer<T, TPartial>
    {
        if (shape.Reduced == 0)
        {
            for (long i = 0; i < shape.Results; i++)
            {
                TReducer.Store(TReducer.Identity, target.Memory, target.DType, i);
            }

            return;
        }

        bool isParallel = shape.Results * shape.Reduced * values >= ParallelWork;
        if (shape.Inner == 1)
        {
            RowWork<T, TPartial, TReducer>.Reduce(source, target, shape, isParallel);
        }
        else if (SlabWork<T, TPartial, TReducer>.Fits(shape))
        {
            SlabWork<T, TPartial, TReducer>.Reduce(source, target, shape, isParallel);
        }
        else
        {
            ColumnWork<T, TPartial, TReducer>.Reduce(source, target, shape, values, isParallel);
        }

        HostScratch.Current.Trim();
    }
}

/// <summary>Where results go; for a half type the elements are rounded.</summary>
internal readonly unsafe struct ReductionTarget(byte* memory, DType dtype)
{
    public byte* Memory { get; } = memory;

    public DType DType { get; } = dtype;
}
