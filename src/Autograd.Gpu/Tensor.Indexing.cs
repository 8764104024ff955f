using Autograd.Gpu.Operations;
using Autograd.Gpu.Tape;

namespace Autograd.Gpu;

public sealed partial class Tensor
{
    /// <summary>
    /// A part of this tensor, as a view: <c>x[0]</c>, <c>x[1..3, ^1]</c>, <c>x[TensorIndex.Ellipsis, TensorIndex.Slice(step: 2)]</c>,
    /// <c>x[.., TensorIndex.NewAxis]</c>. Assigning writes into this tensor.
    /// </summary>
    /// <exception cref="ShapeException">There are more places than dimensions, or an index lies outside its dimension.</exception>
    [System.Runtime.CompilerServices.IndexerName("Part")]
    public Tensor this[params ReadOnlySpan<TensorIndex> places]
    {
        get
        {
            var result = this;
            int dim = 0, left = CountDimensions(places);
            foreach (var place in places)
            {
                switch (place.What)
                {
                    case TensorIndex.Kind.Number:
                        result = result.Select(dim, place.Start!.Value);
                        break;
                    case TensorIndex.Kind.NewAxis:
                        result = result.Unsqueeze(dim++);
                        break;
                    case TensorIndex.Kind.Ellipsis:
                        dim += left;
                        break;
                    default:
                        long size = result.Shape[dim];
                        long start = Bound(place.Start ?? 0, size), stop = Bound(place.Stop ?? size, size);
                        result = result.Sliced(dim++, start, place.Step, Math.Max(0, (stop - start + place.Step - 1) / place.Step));
                        break;
                }
            }

            return ReferenceEquals(result, this) ? Viewed(new Reshaped(Shape, "Alias"), Layout) : result;
        }

        set
        {
            ArgumentNullException.ThrowIfNull(value);
            this[places].Copy_(value);
        }
    }

    /// <summary>Tensors of one shape but for <paramref name="dim"/>, one after the other along it.</summary>
    /// <exception cref="ShapeException">There are none, or other sizes differ.</exception>
    public static Tensor Cat(IReadOnlyList<Tensor> tensors, int dim = 0)
    {
        if (tensors.Count == 0)
        {
            throw new ShapeException("Cat: expected a non-empty list of Tensors.");
        }

        var first = tensors[0];
        int d = first.Shape.WrapDim(dim, "Cat");
        var sizes = first.Shape.ToArray();
        if (sizes.Length == 0)
        {
            throw new ShapeException("Cat: zero-dimensional tensor cannot be concatenated. Use Stack, or Reshape(1) each.");
        }

        var lengths = new long[tensors.Count];
        var dtype = Promotion.ResultType([.. tensors]);
        for (int i = 0; i < lengths.Length; i++)
        {
            CheckFits("Cat", tensors[i], i, first, d);
            lengths[i] = tensors[i].Shape[d];
        }

        sizes[d] = lengths.Sum();
        var result = Zeros(Shape.Own(sizes), dtype, first.Device);
        using (GradMode.Set(false))
        {
            long start = 0;
            for (int i = 0; i < lengths.Length; i++)
            {
                if (tensors[i].NumElements > 0)
                {
                    result.Sliced(d, start, 1, lengths[i]).Copy_(tensors[i]);
                }

                start += lengths[i];
            }
        }

        // The pieces were written one by one; for the tape this is one operation on a value that nobody has seen before.
        return Recorder.Record(new Concatenated(d, lengths), FromPieces(result), [.. tensors]);
    }

    /// <summary>Tensors of one shape along a new dimension.</summary>
    /// <exception cref="ShapeException">There are none, or shapes differ.</exception>
    public static Tensor Stack(IReadOnlyList<Tensor> tensors, int dim = 0)
    {
        for (int i = 1; i < tensors.Count; i++)
        {
            if (tensors[i].Shape != tensors[0].Shape)
            {
                throw new ShapeException($"Stack: stack expects each tensor to be equal size, but got {tensors[0].Shape} at entry 0 and {tensors[i].Shape} at entry {i}.");
            }
        }

        return tensors.Count == 0
            ? throw new ShapeException("Stack: expected a non-empty list of Tensors.")
            : Cat([.. tensors.Select(t => t.Unsqueeze(Shape.WrapDim(dim, tensors[0].Rank + 1, "Stack")))], Shape.WrapDim(dim, tensors[0].Rank + 1, "Stack"));
    }

    private static Tensor FromPieces(Tensor written) => new(written.Storage, written.Layout);

    private static void CheckFits(string operation, Tensor tensor, int index, Tensor first, int dim)
    {
        if (tensor.Device != first.Device)
        {
            throw new DeviceMismatchException(
                $"{operation}: Expected all tensors to be on the same device, but found at least two devices, {first.Device} and {tensor.Device}. Move one with To(device).");
        }

        bool fits = tensor.Rank == first.Rank;
        for (int d = 0; fits && d < first.Rank; d++)
        {
            fits = d == dim || tensor.Shape[d] == first.Shape[d];
        }

        if (!fits)
        {
            throw new ShapeException(
                $"{operation}: Sizes of tensors must match except in dimension {dim}. Got {first.Shape} at entry 0 and {tensor.Shape} at entry {index}.");
        }
    }

    private static long Bound(long index, long size) => index < 0 ? Math.Max(0, index + size) : Math.Min(index, size);

    /// <summary>How many dimensions an ellipsis stands for.</summary>
    private int CountDimensions(ReadOnlySpan<TensorIndex> places)
    {
        int taken = 0, ellipses = 0;
        foreach (var place in places)
        {
            taken += place.What is TensorIndex.Kind.Number or TensorIndex.Kind.Slice ? 1 : 0;
            ellipses += place.What == TensorIndex.Kind.Ellipsis ? 1 : 0;
        }

        if (taken > Rank || ellipses > 1)
        {
            throw new ShapeException(
                ellipses > 1
                    ? "Index: an index can only have a single ellipsis ('...')."
                    : $"Index: too many indices for tensor of dimension {Rank} (shape {Shape}): {taken} were given.");
        }

        return Rank - taken;
    }
}
