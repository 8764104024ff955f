using Autograd.Gpu.Operations;
using Autograd.Gpu.Tape;

namespace Autograd.Gpu;

/// <summary>The order of the dimensions that <see cref="Tensor.Meshgrid"/> makes.</summary>
public enum GridIndexing
{
    /// <summary>Dimension k belongs to tensor k.</summary>
    Ij,

    /// <summary>The first two are exchanged, as plots of rows over columns want it.</summary>
    Xy,
}

public sealed partial class Tensor
{
    /// <summary>This tensor repeated so many times along each dimension; further repeats make new dimensions in front.</summary>
    /// <exception cref="ShapeException">There are fewer repeats than dimensions, or one is negative.</exception>
    public Tensor Repeat(params ReadOnlySpan<long> repeats)
    {
        int lead = repeats.Length - Rank;
        if (lead < 0)
        {
            throw new ShapeException(
                $"Repeat: Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor: {Shape.Describe(repeats)} for shape {Shape}.");
        }

        // Each dimension gets one before it that is expanded and merged with it.
        var cut = new long[2 * repeats.Length];
        var expanded = new long[cut.Length];
        var merged = new long[repeats.Length];
        for (int d = 0; d < repeats.Length; d++)
        {
            long size = d < lead ? 1 : Shape[d - lead];
            if (repeats[d] < 0)
            {
                throw new ShapeException($"Repeat: Trying to create tensor with negative dimension: repeats {Shape.Describe(repeats)} for shape {Shape}.");
            }

            (cut[2 * d], cut[2 * d + 1]) = (1, size);
            (expanded[2 * d], expanded[2 * d + 1]) = (repeats[d], size);
            merged[d] = repeats[d] * size;
        }

        return Reshape(cut).Expand(expanded).Reshape(merged);
    }

    /// <summary>As <see cref="Repeat"/>, with missing repeats in front taken as 1.</summary>
    /// <exception cref="ShapeException">A repeat is negative.</exception>
    public Tensor Tile(params ReadOnlySpan<long> repeats)
    {
        var all = new long[Math.Max(Rank, repeats.Length)];
        Array.Fill(all, 1);
        repeats.CopyTo(all.AsSpan(all.Length - repeats.Length));
        return Repeat(all);
    }

    /// <summary>Each element repeated so many times, along a dimension, or of all elements in a row.</summary>
    /// <exception cref="ShapeException">The number is negative.</exception>
    public Tensor RepeatInterleave(long repeats, int? dim = null)
    {
        if (repeats < 0)
        {
            throw new ShapeException($"RepeatInterleave: repeats must be non-negative, but got {repeats}.");
        }

        if (dim is null || Rank == 0)
        {
            return Rank == 1 ? RepeatInterleave(repeats, 0) : Flatten().RepeatInterleave(repeats, 0);
        }

        int d = Shape.WrapDim(dim.Value, "RepeatInterleave");
        var wide = new List<long>(Shape.ToArray());
        wide.Insert(d + 1, repeats);
        return Unsqueeze(d + 1).Expand([.. wide]).Reshape(WithSize(d, Shape[d] * repeats));
    }

    /// <summary>Each element repeated as often as an int64 tensor says: one number for each, or one for all. Waits for the device unless <paramref name="outputSize"/> is given.</summary>
    /// <param name="repeats">How often; 1-d, or 0-d.</param>
    /// <param name="dim">The dimension; null for all elements in a row.</param>
    /// <param name="outputSize">The sum of the repeats, where it is known.</param>
    /// <exception cref="ShapeException">There is not one number for each element along the dimension, or one is negative.</exception>
    /// <exception cref="DTypeException">The repeats are not int64 or int32.</exception>
    public Tensor RepeatInterleave(Tensor repeats, int? dim = null, long? outputSize = null)
    {
        ArgumentNullException.ThrowIfNull(repeats);
        if (dim is null || Rank == 0)
        {
            return Rank == 1 ? RepeatInterleave(repeats, 0, outputSize) : Flatten().RepeatInterleave(repeats, 0, outputSize);
        }

        int d = Shape.WrapDim(dim.Value, "RepeatInterleave");
        var counts = IndexRange.Expect("RepeatInterleave", repeats, Device).Detach();
        if (counts.Rank > 1 || (counts.NumElements != 1 && counts.NumElements != Shape[d]))
        {
            throw new ShapeException($"RepeatInterleave: repeats must have the same size as input along dim, but got {repeats.Shape} for dimension {d} of shape {Shape}.");
        }

        if (Device.HasHostMemory && counts.NumElements > 0 && counts.Amin().Item<long>() is < 0 and var least)
        {
            throw new ShapeException($"RepeatInterleave: repeats can not be negative, but one is {least}.");
        }

        // Element n of the result comes from the first whose repeats reach beyond n.
        var ends = counts.Flatten().Expand(Shape[d]).CumSum(0);
        long total = outputSize ?? (Shape[d] == 0 ? 0 : ends[^1].Item<long>());
        return IndexSelect(d, ends.SearchSorted(Arange(total, DType.Int64, Device), right: true));
    }

    /// <summary>The elements of some dimensions in reverse order; a copy.</summary>
    /// <exception cref="ShapeException">A dimension is named twice or does not exist.</exception>
    public Tensor Flip(params ReadOnlySpan<int> dims)
    {
        var wrapped = new int[dims.Length];
        for (int i = 0; i < dims.Length; i++)
        {
            wrapped[i] = Shape.WrapDim(dims[i], "Flip");
            if (Array.IndexOf(wrapped, wrapped[i], 0, i) >= 0)
            {
                throw new ShapeException($"Flip: dim {wrapped[i]} appears multiple times in the list of dims (shape {Shape}).");
            }
        }

        return Structural.Apply(new Flipped(Rank == 0 ? [] : wrapped), this);
    }

    /// <summary>The elements moved along a dimension, those that leave it at one end coming back at the other; without a dimension, all elements in a row.</summary>
    /// <exception cref="ShapeException">There is no such dimension.</exception>
    public Tensor Roll(long shift, int? dim = null)
    {
        if (dim is null)
        {
            return Rank == 1 ? Roll(shift, 0) : Flatten().Roll(shift, 0).Reshape(Shape);
        }

        int d = Shape.WrapDim(dim.Value, "Roll");
        long size = Rank == 0 ? 1 : Shape[d];
        long by = size == 0 ? 0 : (shift % size + size) % size;
        return by == 0 ? Clone() : Cat([Sliced(d, size - by, 1, by), Sliced(d, 0, 1, size - by)], d);
    }

    /// <summary>The elements moved along several dimensions.</summary>
    /// <exception cref="ShapeException">There are not as many shifts as dimensions.</exception>
    public Tensor Roll(ReadOnlySpan<long> shifts, ReadOnlySpan<int> dims)
    {
        if (shifts.Length != dims.Length || shifts.IsEmpty)
        {
            throw new ShapeException($"Roll: shifts and dimensions must align. shifts: {shifts.Length}, dims: {dims.Length}.");
        }

        var result = this;
        for (int i = 0; i < shifts.Length; i++)
        {
            result = result.Roll(shifts[i], dims[i]);
        }

        return result;
    }

    /// <summary>The plane of two dimensions turned by <paramref name="k"/> quarters, from the first towards the second.</summary>
    /// <exception cref="ShapeException">The dimensions are the same or do not exist.</exception>
    public Tensor Rot90(int k = 1, int dim0 = 0, int dim1 = 1)
    {
        int a = Shape.WrapDim(dim0, "Rot90"), b = Shape.WrapDim(dim1, "Rot90");
        if (a == b || Rank < 2)
        {
            throw new ShapeException($"Rot90: expected rotation dims to be different, but got dim0 = {dim0} and dim1 = {dim1}, and total dims >= 2 (shape {Shape}).");
        }

        return ((k % 4 + 4) % 4) switch
        {
            0 => Clone(),
            1 => Flip(b).Transpose(a, b),
            2 => Flip(a, b),
            _ => Flip(a).Transpose(a, b),
        };
    }

    /// <summary>The elements on and below a diagonal of the last two dimensions, elsewhere 0; positive numbers mean diagonals further up.</summary>
    /// <exception cref="ShapeException">The tensor has less than two dimensions.</exception>
    public Tensor Tril(long diagonal = 0) => Triangle("Tril", diagonal, distance => distance <= diagonal);

    /// <summary>The elements on and above a diagonal of the last two dimensions, elsewhere 0; positive numbers mean diagonals further up.</summary>
    /// <exception cref="ShapeException">The tensor has less than two dimensions.</exception>
    public Tensor Triu(long diagonal = 0) => Triangle("Triu", diagonal, distance => distance >= diagonal);

    /// <summary>Coordinates of a grid: for tensors of n and m elements two tensors of shape [n, m], views.</summary>
    /// <exception cref="ShapeException">There are no tensors, or one has more than one dimension.</exception>
    /// <exception cref="DTypeException">Their dtypes differ.</exception>
    public static Tensor[] Meshgrid(IReadOnlyList<Tensor> tensors, GridIndexing indexing = GridIndexing.Ij)
    {
        Defined.Check("Meshgrid", indexing);
        NotNull(tensors);
        if (tensors.Count == 0)
        {
            throw new ShapeException("Meshgrid: meshgrid expects a non-empty TensorList.");
        }

        foreach (var tensor in tensors)
        {
            if (tensor.Rank > 1)
            {
                throw new ShapeException($"Meshgrid: torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {tensor.Shape}.");
            }

            CheckSameDevice("Meshgrid", tensors[0], tensor);
            if (tensor.DType != tensors[0].DType)
            {
                throw new DTypeException($"Meshgrid: torch.meshgrid expects all tensors to have the same dtype, but got {tensors[0].DType.Name()} and {tensor.DType.Name()}.");
            }
        }

        Shape shape = [.. tensors.Select(t => t.NumElements)];
        bool swaps = indexing == GridIndexing.Xy && tensors.Count > 1;
        var grids = new Tensor[tensors.Count];
        for (int i = 0; i < grids.Length; i++)
        {
            grids[i] = Along(tensors[i], shape, i);
            grids[i] = swaps ? grids[i].Transpose(0, 1) : grids[i];
        }

        return grids;
    }

    /// <summary>All tuples of one element of each 1-d tensor, in order, as the rows of a matrix; of one tensor the tensor itself.</summary>
    /// <exception cref="ShapeException">A tensor is not 1-d.</exception>
    public static Tensor CartesianProd(params IReadOnlyList<Tensor> tensors)
    {
        NotNull(tensors);
        foreach (var tensor in tensors)
        {
            if (tensor.Rank != 1)
            {
                throw new ShapeException($"CartesianProd: Expect a 1D vector, but got shape {tensor.Shape}.");
            }
        }

        return tensors.Count == 1 ? tensors[0] : Stack([.. Meshgrid(tensors).Select(g => g.Flatten())], 1);
    }

    /// <summary>Tensors side by side: along dimension 1, vectors along their only one.</summary>
    /// <exception cref="ShapeException">There are none, or other sizes differ.</exception>
    public static Tensor HStack(params IReadOnlyList<Tensor> tensors)
    {
        NotNull(tensors);
        Tensor[] parts = [.. tensors.Select(t => t.Atleast1D())];
        return Cat(parts, parts.Length > 0 && parts[0].Rank == 1 ? 0 : 1);
    }

    /// <summary>Tensors one below the other: along dimension 0, vectors counting as rows.</summary>
    /// <exception cref="ShapeException">There are none, or other sizes differ.</exception>
    public static Tensor VStack(params IReadOnlyList<Tensor> tensors) => Cat([.. NotNull(tensors).Select(t => t.Atleast2D())]);

    /// <summary>Tensors one behind the other: along dimension 2, see <see cref="Atleast3D"/>.</summary>
    /// <exception cref="ShapeException">There are none, or other sizes differ.</exception>
    public static Tensor DStack(params IReadOnlyList<Tensor> tensors) => Cat([.. NotNull(tensors).Select(t => t.Atleast3D())], 2);

    private Tensor Triangle(string name, long diagonal, Func<Tensor, Tensor> isKept)
    {
        if (Rank < 2)
        {
            throw new ShapeException($"{name}: input tensor must have at least 2 dimensions, but has shape {Shape}.");
        }

        Shape plane = [Shape[-2], Shape[-1]];
        Tensor mask;
        using (GradMode.Set(false))
        {
            // Positions of the width of most elements, so that host vectors hold as many of them.
            var dtype = DType.Size() == 8 || plane[0] + plane[1] > int.MaxValue || diagonal is > int.MaxValue or < int.MinValue ? DType.Int64 : DType.Int32;
            mask = isKept(IndexSequence(plane, [0, 1], Device, dtype) - IndexSequence(plane, [1, 0], Device, dtype));
        }

        return Where(mask, this, Wrap(DType == DType.Bool ? (Scalar)false : (Scalar)0, Device));
    }
}
