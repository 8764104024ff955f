using Autograd.Gpu.Diagnostics;
using Autograd.Gpu.Operations;

namespace Autograd.Gpu;

public sealed partial class Tensor
{
    /// <summary>The product of all elements, a 0-d tensor; integers and bools multiply to int64. The gradient is right where elements are zero.</summary>
    public Tensor Prod() => Prod([]);

    /// <summary>The product over one dimension.</summary>
    /// <exception cref="ShapeException">There is no such dimension.</exception>
    public Tensor Prod(int dim, bool keepDim = false, DType? dtype = null) => Prod([dim], keepDim, dtype);

    /// <summary>The product over dimensions (all, if none is named).</summary>
    /// <param name="dims">The dimensions to reduce; negative ones count from the last.</param>
    /// <param name="keepDim">Whether reduced dimensions stay with size 1.</param>
    /// <param name="dtype">The type to multiply in; by default this tensor's, int64 for integers and bools.</param>
    /// <exception cref="ShapeException">A dimension does not exist or is named twice.</exception>
    public Tensor Prod(ReadOnlySpan<int> dims, bool keepDim = false, DType? dtype = null) =>
        Structural.Apply(new Product(new ReducedDims("Prod", Shape, dims, keepDim)), Accumulated("Prod", dtype));

    /// <summary>The variance over dimensions (all, if none is named): sum((x - mean)^2) / (n - correction), computed in two passes.</summary>
    /// <param name="dims">The dimensions to reduce.</param>
    /// <param name="correction">1 for the unbiased estimate from a sample, 0 for the variance of the elements themselves.</param>
    /// <param name="keepDim">Whether reduced dimensions stay with size 1.</param>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    /// <exception cref="ShapeException">A dimension does not exist or is named twice.</exception>
    public Tensor Var(ReadOnlySpan<int> dims = default, double correction = 1, bool keepDim = false) => Moment("Var", dims, correction, keepDim, isRoot: false);

    /// <summary>The variance over one dimension.</summary>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    public Tensor Var(int dim, double correction = 1, bool keepDim = false) => Var([dim], correction, keepDim);

    /// <summary>The standard deviation over dimensions, the root of <see cref="Var(ReadOnlySpan{int}, double, bool)"/>; where it is 0 the gradient is 0.</summary>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    /// <exception cref="ShapeException">A dimension does not exist or is named twice.</exception>
    public Tensor Std(ReadOnlySpan<int> dims = default, double correction = 1, bool keepDim = false) => Moment("Std", dims, correction, keepDim, isRoot: true);

    /// <summary>The standard deviation over one dimension.</summary>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    public Tensor Std(int dim, double correction = 1, bool keepDim = false) => Std([dim], correction, keepDim);

    /// <summary>Variance and mean over dimensions.</summary>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    /// <exception cref="ShapeException">A dimension does not exist or is named twice.</exception>
    public (Tensor Var, Tensor Mean) VarMean(ReadOnlySpan<int> dims = default, double correction = 1, bool keepDim = false) =>
        (Var(dims, correction, keepDim), Mean(dims, keepDim));

    /// <summary>Standard deviation and mean over dimensions.</summary>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    /// <exception cref="ShapeException">A dimension does not exist or is named twice.</exception>
    public (Tensor Std, Tensor Mean) StdMean(ReadOnlySpan<int> dims = default, double correction = 1, bool keepDim = false) =>
        (Std(dims, correction, keepDim), Mean(dims, keepDim));

    /// <summary>
    /// The norm of the elements over dimensions (all, if none is named): (sum |x|^p)^(1/p), the largest magnitude for p = infinity, the smallest for -infinity, the
    /// number of elements that are not zero for p = 0. Gradients are 0 where the norm is 0.
    /// </summary>
    /// <param name="p">The order; 2 is the Euclidean (Frobenius) norm.</param>
    /// <param name="dims">The dimensions to reduce.</param>
    /// <param name="keepDim">Whether reduced dimensions stay with size 1.</param>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    /// <exception cref="ShapeException">A dimension does not exist or is named twice, or there is nothing to choose from.</exception>
    public Tensor Norm(double p = 2, ReadOnlySpan<int> dims = default, bool keepDim = false)
    {
        CheckFloating("Norm");
        return double.IsPositiveInfinity(p) ? Abs().Amax(dims, keepDim)
            : double.IsNegativeInfinity(p) ? Abs().Amin(dims, keepDim)
            : Structural.Apply(new PNorm(new ReducedDims("Norm", Shape, dims, keepDim), p), this);
    }

    /// <summary>log(sum(exp(x))) over dimensions, without overflow; minus infinity where there is nothing.</summary>
    /// <param name="dims">The dimensions to reduce (all, if none is named).</param>
    /// <param name="keepDim">Whether reduced dimensions stay with size 1.</param>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    /// <exception cref="ShapeException">A dimension does not exist or is named twice.</exception>
    public Tensor LogSumExp(ReadOnlySpan<int> dims, bool keepDim = false)
    {
        CheckFloating("LogSumExp");
        return Structural.Apply(new LogSumExp(new ReducedDims("LogSumExp", Shape, dims, keepDim)), this);
    }

    /// <summary>log(sum(exp(x))) over one dimension.</summary>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    public Tensor LogSumExp(int dim, bool keepDim = false) => LogSumExp([dim], keepDim);

    /// <summary>Whether an element over dimensions (all, if none is named) is not zero; nan is not. False of nothing.</summary>
    /// <exception cref="ShapeException">A dimension does not exist or is named twice.</exception>
    public Tensor Any(ReadOnlySpan<int> dims = default, bool keepDim = false) => CountNonZero(dims, keepDim) != 0;

    /// <summary>Whether an element over one dimension is not zero.</summary>
    public Tensor Any(int dim, bool keepDim = false) => Any([dim], keepDim);

    /// <summary>Whether all elements over dimensions (all, if none is named) are not zero; nan is not. True of nothing.</summary>
    /// <exception cref="ShapeException">A dimension does not exist or is named twice.</exception>
    public Tensor All(ReadOnlySpan<int> dims = default, bool keepDim = false) => Detach().Eq(0).Sum(dims, keepDim) == 0;

    /// <summary>Whether all elements over one dimension are not zero.</summary>
    public Tensor All(int dim, bool keepDim = false) => All([dim], keepDim);

    /// <summary>How many elements over dimensions (all, if none is named) are not zero, as int64.</summary>
    /// <exception cref="ShapeException">A dimension does not exist or is named twice.</exception>
    public Tensor CountNonZero(ReadOnlySpan<int> dims = default, bool keepDim = false) => Detach().Ne(0).Sum(dims, keepDim);

    /// <summary>The sum over dimensions (all, if none is named) of the elements that are numbers; the others get no gradient.</summary>
    /// <exception cref="ShapeException">A dimension does not exist or is named twice.</exception>
    public Tensor NanSum(ReadOnlySpan<int> dims = default, bool keepDim = false) =>
        DType.IsFloatingPoint() ? Where(Detach().Ne(Detach()), 0.0, this).Sum(dims, keepDim) : Sum(dims, keepDim);

    /// <summary>The mean over dimensions (all, if none is named) of the elements that are numbers; nan where there is none.</summary>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    /// <exception cref="ShapeException">A dimension does not exist or is named twice.</exception>
    public Tensor NanMean(ReadOnlySpan<int> dims = default, bool keepDim = false)
    {
        CheckFloating("NanMean");
        return NanSum(dims, keepDim) / Detach().Eq(Detach()).Sum(dims, keepDim).To(DType);
    }

    /// <summary>The smallest and the largest element over a dimension, or of all; ties share the gradient evenly.</summary>
    /// <exception cref="ShapeException">There is nothing to choose from.</exception>
    public (Tensor Min, Tensor Max) AMinMax(int? dim = null, bool keepDim = false) =>
        dim is { } d ? (Amin([d], keepDim), Amax([d], keepDim)) : (Amin([], keepDim), Amax([], keepDim));

    private Tensor Moment(string name, ReadOnlySpan<int> dims, double correction, bool keepDim, bool isRoot)
    {
        if (!DType.IsFloatingPoint())
        {
            throw new DTypeException($"{name}: std and var only support floating point and complex dtypes, but got {DType.Name()}. Convert with To(DType.Float32).");
        }

        var reduced = new ReducedDims(name, Shape, dims, keepDim);
        if (reduced.Count - correction <= 0)
        {
            Warnings.Raise($"{name}: degrees of freedom is <= 0. Correction ({correction}) should be strictly less than the reduction factor ({reduced.Count}); shape {Shape}.");
        }

        return Structural.Apply(new Variance(reduced, correction, isRoot), this);
    }
}
