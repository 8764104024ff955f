using Autograd.Gpu.Operations;

namespace Autograd.Gpu;

public sealed partial class Tensor
{
    /// <summary>Running sums along a dimension. Float32 is summed in double; integers and bools sum to int64.</summary>
    /// <param name="dim">The dimension.</param>
    /// <param name="dtype">The result's dtype; by default this tensor's, int64 for integers and bools.</param>
    /// <exception cref="ShapeException">There is no such dimension.</exception>
    public Tensor CumSum(int dim, DType? dtype = null)
    {
        int d = Shape.WrapDim(dim, "CumSum");
        var x = Accumulated("CumSum", dtype);
        return Rank == 0 ? Structural.Apply(Aliased.Instance, x) : x.InInt64(v => Structural.Apply(new CumulativeSum(d, reverse: false), v));
    }

    /// <summary>Running products along a dimension; parameters as <see cref="CumSum"/>. The gradient is right where elements are zero.</summary>
    /// <exception cref="ShapeException">There is no such dimension.</exception>
    public Tensor CumProd(int dim, DType? dtype = null)
    {
        int d = Shape.WrapDim(dim, "CumProd");
        var x = Accumulated("CumProd", dtype);
        return Rank == 0 ? Structural.Apply(Aliased.Instance, x) : x.InInt64(v => Structural.Apply(new CumulativeProduct(d, reverse: false), v));
    }

    /// <summary>The largest element so far along a dimension and its position, that of the last of those that tie; nan from the first nan on. The gradient goes to the selected elements.</summary>
    /// <exception cref="ShapeException">There is no such dimension.</exception>
    public (Tensor Values, Tensor Indices) CumMax(int dim) => CumulativeExtreme("Cummax", dim, isMax: true);

    /// <summary>The smallest element so far along a dimension and its position; see <see cref="CumMax"/>.</summary>
    /// <exception cref="ShapeException">There is no such dimension.</exception>
    public (Tensor Values, Tensor Indices) CumMin(int dim) => CumulativeExtreme("Cummin", dim, isMax: false);

    /// <summary>log(exp(x[0]) + ... + exp(x[k])) along a dimension, without overflow.</summary>
    /// <exception cref="ShapeException">There is no such dimension.</exception>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    public Tensor LogCumSumExp(int dim)
    {
        int d = Shape.WrapDim(dim, "LogCumSumExp");
        CheckFloating("LogCumSumExp");
        return Rank == 0 ? Structural.Apply(Aliased.Instance, this) : Structural.Apply(new CumulativeLogSumExp(d, reverse: false), this);
    }

    /// <summary>In the dtype in which sums and products are taken.</summary>
    private Tensor Accumulated(string operation, DType? dtype) =>
        To(dtype ?? (DType.IsFloatingPoint() ? DType : DType.Int64)) is var x && x.DType != DType.Bool
            ? x
            : throw new DTypeException($"{operation}: not implemented for the result type bool. Leave dtype out, or take DType.Int64.");

    /// <summary>Applies a function that knows int64 alone among the whole numbers.</summary>
    private Tensor InInt64(Func<Tensor, Tensor> function) =>
        DType.IsFloatingPoint() || DType == DType.Int64 ? function(this) : function(To(DType.Int64)).To(DType);

    private void CheckFloating(string operation)
    {
        if (!DType.IsFloatingPoint())
        {
            throw new DTypeException($"{operation}: Expected a floating point dtype, but got {DType.Name()}. Convert with To(DType.Float32).");
        }
    }

    private (Tensor Values, Tensor Indices) CumulativeExtreme(string name, int dim, bool isMax)
    {
        int d = Shape.WrapDim(dim, name);
        if (Rank == 0)
        {
            return (Structural.Apply(Aliased.Instance, this), Zeros(Shape, DType.Int64, Device));
        }

        var indices = Structural.Apply(new CumulativeArg(isMax, d), this);

        // The node's own handle on the indices: the caller may write over them.
        return (Structural.Apply(new Gathered(name, Shape, d, Shape), this, indices.ShareValue()), indices);
    }
}
