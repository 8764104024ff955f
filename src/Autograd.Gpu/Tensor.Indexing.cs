using Autograd.Gpu.Operations;

namespace Autograd.Gpu;

public sealed partial class Tensor
{
    /// <summary>
    /// A part of this tensor, as a view: <c>x[0]</c>, <c>x[1..3, ^1]</c>, <c>x[TensorIndex.Ellipsis, TensorIndex.Slice(step: 2)]</c>,
    /// <c>x[.., TensorIndex.NewAxis]</c>. Assigning writes into this tensor, and is recorded: <c>x[0] = y</c>, <c>x[1..3] = 5</c>.
    /// </summary>
    /// <remarks>
    /// With tensors among the places, <c>x[rows]</c>, <c>x[mask]</c>, <c>x[.., columns]</c>, the result is a copy: the index tensors broadcast together
    /// and name places together, and their dimensions stand where the indexed ones stood if these are neighbours, else first. A mask stands for the
    /// positions of its true elements, so that the result's size is data and the device is waited for. Gradients of places named more than once are
    /// summed; of values written to one place more than once the last stays. On a GPU a position out of range reads as nan and is not written.
    /// </remarks>
    /// <exception cref="ShapeException">There are more places than dimensions, or an index lies outside its dimension.</exception>
    [System.Runtime.CompilerServices.IndexerName("Part")]
    public Tensor this[params ReadOnlySpan<TensorIndex> places]
    {
        get
        {
            var result = BasicPart(places, out var tensors);
            return tensors is not null ? new AdvancedIndex("Index", result, tensors).Read(result)
                : ReferenceEquals(result, this) ? Structural.Apply(Aliased.Instance, this)
                : result;
        }

        set
        {
            ArgumentNullException.ThrowIfNull(value);
            var part = BasicPart(places, out var tensors);
            part.Copy_(tensors is null ? value : part.Written(tensors, value, accumulate: false));
        }
    }

    /// <summary>The view that numbers, ranges and new axes make, and the tensors among the places with the dimensions of the view that they index.</summary>
    private Tensor BasicPart(ReadOnlySpan<TensorIndex> places, out List<(int Dim, Tensor Index)>? tensors)
    {
        tensors = null;
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
                case TensorIndex.Kind.Tensor:
                    var index = place.Tensor!;
                    if (index is { Rank: 0, DType: DType.Bool or DType.UInt8 })
                    {
                        // A single truth value keeps all or nothing, along a dimension of its own.
                        result = result.Unsqueeze(dim);
                        index = index.Reshape(1L);
                    }

                    (tensors ??= []).Add((dim, index));
                    dim += DimensionsOf(index);
                    break;
                default:
                    long size = result.Shape[dim];
                    long start = Bound(place.Start ?? 0, size), stop = Bound(place.Stop ?? size, size);
                    result = result.Sliced(dim++, start, place.Step, Math.Max(0, (stop - start + place.Step - 1) / place.Step));
                    break;
            }
        }

        return result;
    }

    /// <summary>Tensors of one shape but for <paramref name="dim"/>, one after the other along it.</summary>
    /// <exception cref="ShapeException">There are none, or other sizes differ.</exception>
    public static Tensor Cat(IReadOnlyList<Tensor> tensors, int dim = 0)
    {
        NotNull(tensors);
        if (tensors.Count == 0)
        {
            throw new ShapeException("Cat: expected a non-empty list of Tensors.");
        }

        var first = tensors[0];
        int d = first.Shape.WrapDim(dim, "Cat");
        if (first.Rank == 0)
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

        return Structural.Apply(new Concatenated(d, lengths, dtype), [.. tensors]);
    }

    /// <summary>Tensors of one shape along a new dimension.</summary>
    /// <exception cref="ShapeException">There are none, or shapes differ.</exception>
    public static Tensor Stack(IReadOnlyList<Tensor> tensors, int dim = 0)
    {
        NotNull(tensors);
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

    /// <summary>A tensor of its own over what was written into another that nobody else has, which is disposed.</summary>
    internal static Tensor FromPieces(Tensor written, Lazy.Layout layout)
    {
        var result = new Tensor(written.Storage, layout);

        // So that the memory goes back when the new tensor is disposed.
        written.Dispose();
        return result;
    }

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

    /// <summary>How many dimensions an index tensor takes.</summary>
    private static int DimensionsOf(Tensor index) => index.DType is DType.Bool or DType.UInt8 ? index.Rank : 1;

    /// <summary>How many dimensions an ellipsis stands for.</summary>
    private int CountDimensions(ReadOnlySpan<TensorIndex> places)
    {
        int taken = 0, ellipses = 0;
        foreach (var place in places)
        {
            taken += place.What switch
            {
                TensorIndex.Kind.Number or TensorIndex.Kind.Slice => 1,
                TensorIndex.Kind.Tensor => DimensionsOf(place.Tensor!),
                _ => 0,
            };
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
