using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Operations;

/// <summary>
/// Index tensors along some dimensions of a tensor: they broadcast together, and their elements name places together. The dimensions of the index take the
/// place of those indexed where these are neighbours, and come first otherwise.
/// </summary>
internal sealed class AdvancedIndex
{
    private readonly string _name;
    private readonly Shape _shape;
    private readonly int[] _order;
    private readonly int _dim;
    private readonly Shape _flat;
    private readonly Shape _index;
    private readonly Tensor _places;
    private readonly bool _wraps;

    /// <summary>Index tensors or masks along dimensions of <paramref name="x"/>, in ascending order.</summary>
    public AdvancedIndex(string name, Tensor x, IReadOnlyList<(int Dim, Tensor Index)> indices)
    {
        _name = name;
        _shape = x.Shape;
        var (dims, tensors) = Resolve(name, x, indices);
        _index = Broadcast(name, tensors);
        bool areNeighbours = dims[^1] - dims[0] == dims.Length - 1;
        _dim = areNeighbours ? dims[0] : 0;
        var others = Enumerable.Range(0, x.Rank).Where(d => !dims.Contains(d)).ToList();
        others.InsertRange(_dim, dims);
        _order = [.. others];
        long size = 1;
        foreach (int d in dims)
        {
            size *= x.Shape[d];
        }

        _flat = [.. _order[.._dim].Select(d => x.Shape[d]), size, .. _order[(_dim + dims.Length)..].Select(d => x.Shape[d])];
        _wraps = dims.Length == 1;
        _places = _wraps ? tensors[0] : Combine(x, dims, tensors);
    }

    /// <summary>The shape of what is indexed.</summary>
    public Shape Result => [.. _flat.AsSpan()[.._dim], .. _index.AsSpan(), .. _flat.AsSpan()[(_dim + 1)..]];

    /// <summary>The elements at the places.</summary>
    public Tensor Read(Tensor x) => Structural.Apply(new Gathered(_name, _flat, _dim, Result, _wraps), Flatten(x), Places());

    /// <summary>The tensor with other elements at the places, or with these added to those that are there.</summary>
    public Tensor Write(Tensor x, Tensor value, bool accumulate)
    {
        var result = Result;
        var places = Places();
        if (!Fits(value.Shape, result))
        {
            throw new ShapeException($"{_name}: shape mismatch: value tensor of shape {value.Shape} cannot be broadcast to indexing result of shape {result}.");
        }

        var values = value.Expand(result).Reshape(places.Shape);
        var flat = Flatten(x);
        var written = accumulate
            ? flat + Structural.Apply(new ScatteredSum(_flat, _dim, _wraps), values, places)
            : Structural.Apply(new Scattered(_name, _dim, _wraps), [flat, places, values]);
        var permuted = written.Reshape([.. _order.Select(d => _shape[d])]);
        var inverse = new int[_order.Length];
        for (int d = 0; d < inverse.Length; d++)
        {
            inverse[_order[d]] = d;
        }

        return IsIdentity(inverse) ? permuted : permuted.Permute(inverse);
    }

    /// <summary>One mask of the whole tensor's leading dimensions, which needs no positions; null if there is more.</summary>
    public static Tensor? WholeMask(Tensor x, IReadOnlyList<(int Dim, Tensor Index)> indices) =>
        indices is [{ Dim: 0, Index: { DType: DType.Bool } mask }] && mask.Rank > 0 && mask.Rank <= x.Rank
        && mask.Shape.AsSpan().SequenceEqual(x.Shape.AsSpan()[..mask.Rank])
            ? mask.Reshape([.. mask.Shape.AsSpan(), .. Enumerable.Repeat(1L, x.Rank - mask.Rank)])
            : null;

    private Tensor Flatten(Tensor x) => (IsIdentity(_order) ? x : x.Permute(_order)).Reshape(_flat);

    /// <summary>The places with the flattened tensor's dimensions, those that share them expanded.</summary>
    private Tensor Places()
    {
        var sizes = new long[_flat.Rank];
        Array.Fill(sizes, 1);
        sizes[_dim] = _index.NumElements;
        var shape = _flat.ToArray();
        shape[_dim] = sizes[_dim];
        return _places.Expand(_index).Reshape(sizes).Expand(shape);
    }

    private static bool Fits(Shape value, Shape result)
    {
        bool fits = value.Rank <= result.Rank;
        for (int d = 1; fits && d <= value.Rank; d++)
        {
            fits = value[-d] == 1 || value[-d] == result[-d];
        }

        return fits;
    }

    private static bool IsIdentity(int[] order)
    {
        for (int d = 0; d < order.Length; d++)
        {
            if (order[d] != d)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Masks become the coordinates of their true elements, one tensor for each dimension.</summary>
    private static (int[] Dims, Tensor[] Tensors) Resolve(string name, Tensor x, IReadOnlyList<(int Dim, Tensor Index)> indices)
    {
        var dims = new List<int>();
        var tensors = new List<Tensor>();
        foreach (var (dim, index) in indices)
        {
            if (index.Device != x.Device)
            {
                throw new DeviceMismatchException(
                    $"{name}: Expected all tensors to be on the same device, but found at least two devices, {x.Device} and {index.Device}: "
                    + "indices should be on the same device as the indexed tensor. Move one with To(device).");
            }

            switch (index.DType)
            {
                case DType.Int64 or DType.Int32:
                    dims.Add(dim);
                    tensors.Add(index.To(DType.Int64));
                    break;
                case DType.Bool or DType.UInt8:
                    for (int d = 0; d < index.Rank; d++)
                    {
                        if (index.Shape[d] != x.Shape[dim + d])
                        {
                            throw new ShapeException(
                                $"{name}: The shape of the mask {index.Shape} at index {d} does not match the shape of the indexed tensor {x.Shape} at index {dim + d}.");
                        }
                    }

                    var coordinates = NonZero.Of(index);
                    for (int d = 0; d < index.Rank; d++)
                    {
                        dims.Add(dim + d);
                        tensors.Add(coordinates.Select(1, d));
                    }

                    break;
                default:
                    throw new DTypeException(
                        $"{name}: tensors used as indices must be long, int, byte or bool tensors, but got {index.DType.Name()}. Convert with To(DType.Int64).");
            }
        }

        return ([.. dims], [.. tensors]);
    }

    private static Shape Broadcast(string name, Tensor[] tensors)
    {
        var shape = tensors[0].Shape;
        try
        {
            foreach (var tensor in tensors)
            {
                shape = Shape.Broadcast(shape, tensor.Shape, name);
            }
        }
        catch (ShapeException)
        {
            throw new ShapeException(
                $"{name}: shape mismatch: indexing tensors could not be broadcast together with shapes {string.Join(", ", tensors.Select(t => t.Shape))}.");
        }

        return shape;
    }

    /// <summary>Positions in the indexed dimensions flattened to one; -1 where an index is out of range.</summary>
    private Tensor Combine(Tensor x, int[] dims, Tensor[] tensors)
    {
        using var mode = GradMode.Set(false);
        Tensor? places = null, isInside = null;
        for (int k = 0; k < dims.Length; k++)
        {
            long size = x.Shape[dims[k]];
            Check(tensors[k], dims[k], size);
            var index = Tensor.Where(tensors[k] < 0, tensors[k] + size, tensors[k]);
            var inside = (index >= 0) * (index < size);
            places = places is null ? index : places * size + index;
            isInside = isInside is null ? inside : isInside * inside;
        }

        return Tensor.Where(isInside!, places!, -1);
    }

    private void Check(Tensor index, int dim, long size)
    {
        var plain = index.Plain;
        if (!plain.Device.HasHostMemory || plain.NumElements == 0)
        {
            return;
        }

        long low = plain.Amin().Item<long>(), high = plain.Amax().Item<long>();
        if (low < -size || high >= size)
        {
            throw IndexRange.OutOfRange(_name, low < -size ? low : high, dim, size, wraps: true);
        }
    }
}
