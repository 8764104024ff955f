using Autograd.Gpu.Operations;
using Autograd.Gpu.Tape;

namespace Autograd.Gpu;

// Functions that return several views of one tensor. Their parts cannot be written in place while that is recorded: one node computes the gradient of all.
public sealed partial class Tensor
{
    /// <summary>Parts of <paramref name="splitSize"/> elements along a dimension, the last one smaller if need be; views.</summary>
    /// <exception cref="ShapeException">The tensor has no dimensions, or the size is negative, or zero for a dimension that is not empty.</exception>
    public Tensor[] Split(long splitSize, int dim = 0)
    {
        int d = SplitDim("Split", dim);
        if (splitSize < 0 || (splitSize == 0 && Shape[d] > 0))
        {
            throw new ShapeException($"Split: split expects split_size be non-negative (and not 0 for a dimension of size {Shape[d]}), but got split_size={splitSize} (shape {Shape}).");
        }

        long count = splitSize == 0 ? 1 : Math.Max(1, (Shape[d] + splitSize - 1) / splitSize);
        var lengths = new long[count];
        Array.Fill(lengths, splitSize);
        lengths[^1] = Shape[d] - splitSize * (count - 1);
        return Parts("Split", d, lengths);
    }

    /// <summary>Parts of the given sizes along a dimension; views.</summary>
    /// <exception cref="ShapeException">The tensor has no dimensions, or the sizes do not add up to the dimension's.</exception>
    public Tensor[] Split(ReadOnlySpan<long> splitSizes, int dim = 0)
    {
        int d = SplitDim("Split", dim);
        long sum = 0;
        bool isNegative = false;
        foreach (long size in splitSizes)
        {
            sum += size;
            isNegative |= size < 0;
        }

        return sum == Shape[d] && !isNegative && !splitSizes.IsEmpty
            ? Parts("SplitWithSizes", d, splitSizes.ToArray())
            : throw new ShapeException(
                $"Split: split_with_sizes expects split_sizes to be non-negative and to sum exactly to {Shape[d]} (input tensor's size at dimension {d}), but got split_sizes={Shape.Describe(splitSizes)}.");
    }

    /// <summary>At most <paramref name="chunks"/> parts along a dimension, of one size but for the last; views.</summary>
    /// <exception cref="ShapeException">The tensor has no dimensions, or <paramref name="chunks"/> is not positive.</exception>
    public Tensor[] Chunk(int chunks, int dim = 0)
    {
        int d = SplitDim("Chunk", dim);
        if (chunks <= 0)
        {
            throw new ShapeException($"Chunk: chunk expects `chunks` to be greater than 0, got: {chunks}.");
        }

        // Parts of no elements: as many as asked for, so that the program finds them.
        return Shape[d] == 0 ? Parts("Split", d, new long[chunks]) : Split((Shape[d] + chunks - 1) / chunks, d);
    }

    /// <summary>The parts at each index of a dimension, without the dimension; views.</summary>
    /// <exception cref="ShapeException">The tensor has no dimensions.</exception>
    public Tensor[] Unbind(int dim = 0)
    {
        int d = SplitDim("Unbind", dim);
        var lengths = new long[Shape[d]];
        Array.Fill(lengths, 1);
        return Parts("Unbind", d, lengths, dropsDim: true);
    }

    private int SplitDim(string operation, int dim) => Rank > 0
        ? Shape.WrapDim(dim, operation)
        : throw new ShapeException($"{operation}: expects at least a 1-dimensional tensor, but this one has shape {Shape}.");

    private Tensor[] Parts(string name, int dim, long[] lengths, bool dropsDim = false)
    {
        var operations = new PartOf[lengths.Length];
        long start = 0;
        for (int i = 0; i < operations.Length; i++)
        {
            operations[i] = new PartOf(name, i, Shape, dim, start, lengths[i], dropsDim);
            start += lengths[i];
        }

        if (Wrapper is not null)
        {
            return Array.ConvertAll(operations, o => Structural.Apply(o, this));
        }

        var parts = Array.ConvertAll(operations, o => o.Forward([this]));
        var node = parts.Length > 0 && Recorder.Wants(this) ? new SplitNode(name, GradientEdge(), parts, dim, dropsDim) : null;
        for (int i = 0; i < parts.Length; i++)
        {
            if (node is not null)
            {
                parts[i].SetHistory(node, i);
            }

            parts[i].NoteView(operations[i], this);
        }

        return parts;
    }
}
