using System.Runtime.CompilerServices;
using Autograd.Gpu.Devices.Host;
using Autograd.Gpu.Lazy;

namespace Autograd.Gpu.Operations;

/// <summary>Tensors seen as lines along one dimension: [outer, line, inner].</summary>
internal static class Lines
{
    /// <summary>The extents around a dimension; a 0-d shape is one line of one element.</summary>
    public static (long Outer, long Length, long Inner) Of(Shape shape, int dim)
    {
        long outer = 1, inner = 1;
        for (int d = 0; d < shape.Rank; d++)
        {
            outer *= d < dim ? shape[d] : 1;
            inner *= d > dim ? shape[d] : 1;
        }

        return (outer, shape.Rank == 0 ? 1 : shape[dim], inner);
    }

    /// <summary>The tensor's memory as lines along a dimension, copied only where its strides do not allow that.</summary>
    public static LineOperand Read(Tensor tensor, int dim)
    {
        var (outer, length, inner) = Of(tensor.Shape, dim);
        var buffer = tensor.StridedBuffer();
        if (tensor.IsContiguous)
        {
            return new LineOperand(buffer, new LineStrides(Math.Max(length, 1) * Math.Max(inner, 1), Math.Max(inner, 1), 1));
        }

        if (tensor.Rank == 2)
        {
            long row = tensor.Layout.Stride(0), column = tensor.Layout.Stride(1);
            return new LineOperand(buffer, dim == 0 ? new LineStrides(row * length, row, column) : new LineStrides(row, column, column));
        }

        var shape = Shape.Own([outer, length, inner]);
        if (buffer.Layout.Reshape(shape) is not { } layout)
        {
            buffer = tensor.ContiguousBuffer();
            layout = buffer.Layout.Reshape(shape)!;
        }

        var strides = layout.Strides;
        return new LineOperand(buffer.WithLayout(layout), new LineStrides(strides[0], strides[1], strides[2]));
    }
}

/// <summary>Positions along a dimension in an int64 tensor.</summary>
internal static class IndexRange
{
    /// <summary>
    /// Refuses indices outside of a dimension. On a GPU this would wait for the device; there a gather yields nan (0 for integers) for an index
    /// out of range, and a scatter leaves it out.
    /// </summary>
    /// <exception cref="ShapeException">An index is out of range.</exception>
    public static unsafe void Check(string operation, Device device, LineOperand index, IndexedLines lines, int dim)
    {
        if (!device.HasHostMemory)
        {
            return;
        }

        long outer = index.Strides.Outer == 0 ? 1 : lines.Outer, inner = index.Strides.Inner == 0 ? 1 : lines.Inner;
        long lowest = lines.Wraps ? -lines.Size : 0;
        var start = (long*)index.Pointer;
        if (!HostIndexing.HasOutside(start, outer, lines.Count, inner, lines.For(default, index.Strides), lowest, lines.Size))
        {
            GC.KeepAlive(index.Buffer);
            return;
        }

        for (long o = 0; o < outer; o++)
        {
            for (long c = 0; c < lines.Count; c++)
            {
                var row = start + o * index.Strides.Outer + c * index.Strides.Line;
                for (long i = 0; i < inner; i++)
                {
                    long at = row[i * index.Strides.Inner];
                    if (at < lowest || at >= lines.Size)
                    {
                        throw OutOfRange(operation, at, dim, lines.Size, lines.Wraps);
                    }
                }
            }
        }

        GC.KeepAlive(index.Buffer);
    }

    public static ShapeException OutOfRange(string operation, long index, int dim, long size, bool wraps) => new(
        $"{operation}: index {index} is out of bounds for dimension {dim} with size {size}: indices must lie in [{(wraps ? -size : 0)}, {size}).");

    /// <summary>Refuses what is no index.</summary>
    /// <exception cref="DTypeException">The dtype is not int64 or int32.</exception>
    public static Tensor Expect(string operation, Tensor index, Device device, [CallerArgumentExpression(nameof(index))] string? name = null)
    {
        ArgumentNullException.ThrowIfNull(index, name);
        if (index.Device != device)
        {
            throw new DeviceMismatchException(
                $"{operation}: Expected all tensors to be on the same device, but found at least two devices, {device} and {index.Device}. Move one with To(device).");
        }

        return index.DType switch
        {
            DType.Int64 => index,
            DType.Int32 => index.To(DType.Int64),
            _ => throw new DTypeException($"{operation}: Expected dtype int64 for index, but got {index.DType.Name()}. Convert it with To(DType.Int64)."),
        };
    }
}
