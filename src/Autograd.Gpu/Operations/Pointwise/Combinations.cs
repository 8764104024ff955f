using Autograd.Gpu.Operations;

namespace Autograd.Gpu;

public sealed partial class Tensor
{
    /// <summary>This tensor plus <paramref name="alpha"/> times the other. Shapes broadcast, dtypes promote.</summary>
    public Tensor Add(Tensor other, Scalar? alpha = null) => this + Scaled(NotNull(other), alpha);

    /// <summary>Adds a number to each element.</summary>
    public Tensor Add(Scalar other) => this + other;

    /// <summary>This tensor less <paramref name="alpha"/> times the other. Shapes broadcast, dtypes promote.</summary>
    /// <exception cref="DTypeException">Both are bool tensors.</exception>
    public Tensor Sub(Tensor other, Scalar? alpha = null) => this - Scaled(NotNull(other), alpha);

    /// <summary>Subtracts a number from each element.</summary>
    public Tensor Sub(Scalar other) => this - other;

    /// <summary>The product, element by element. Shapes broadcast, dtypes promote.</summary>
    public Tensor Mul(Tensor other) => Pointwise.Apply<Mul>(this, other);

    /// <summary>Multiplies each element by a number.</summary>
    public Tensor Mul(Scalar other) => this * other;

    /// <summary>Replaces each element by its negative.</summary>
    public Tensor Neg_() => Pointwise.ApplyInPlace<Neg>(this);

    /// <summary>1 / x of each element; integers become float32. The derivative is -1 / x^2.</summary>
    public Tensor Reciprocal() => 1 / this;

    /// <inheritdoc cref="Reciprocal"/>
    public Tensor Reciprocal_() => Pointwise.AssignInPlace("Reciprocal_", this, static x => x.Reciprocal());

    /// <summary>The square of each element; bools become int64.</summary>
    public Tensor Square() => Pow(2);

    /// <inheritdoc cref="Square"/>
    public Tensor Square_() => Pointwise.AssignInPlace("Square_", this, static x => x.Square());

    /// <summary>Replaces each element by 1 over its square root.</summary>
    public Tensor Rsqrt_() => Pointwise.ApplyInPlace<Rsqrt>(this);

    /// <summary>Raises each element to the power of the exponent at its place, in place.</summary>
    public Tensor Pow_(Tensor exponent) => Pointwise.ApplyInPlace<Pow>(this, exponent);

    /// <summary>This tensor plus <paramref name="value"/> times the product of two others. Shapes broadcast, dtypes promote.</summary>
    public Tensor Addcmul(Tensor tensor1, Tensor tensor2, Scalar? value = null) => this + Scaled(NotNull(tensor1), value) * NotNull(tensor2);

    /// <inheritdoc cref="Addcmul"/>
    public Tensor Addcmul_(Tensor tensor1, Tensor tensor2, Scalar? value = null) =>
        Pointwise.AssignInPlace("Addcmul_", this, x => x.Addcmul(tensor1, tensor2, value));

    /// <summary>This tensor plus <paramref name="value"/> times the quotient of two others. Shapes broadcast, dtypes promote.</summary>
    /// <exception cref="DTypeException">Both of the quotient are integers.</exception>
    public Tensor Addcdiv(Tensor tensor1, Tensor tensor2, Scalar? value = null) => NotNull(tensor1).DType.IsFloatingPoint() | NotNull(tensor2).DType.IsFloatingPoint()
        ? this + Scaled(tensor1, value) / tensor2
        : throw new DTypeException(
            $"Addcdiv: Integer division with addcdiv is no longer supported (got {tensor1.DType.Name()} and {tensor2.DType.Name()}). Use x + value * tensor1.Div(tensor2, "
            + "DivisionRounding.Trunc), or convert one with To(DType.Float32).");

    /// <inheritdoc cref="Addcdiv"/>
    public Tensor Addcdiv_(Tensor tensor1, Tensor tensor2, Scalar? value = null) =>
        Pointwise.AssignInPlace("Addcdiv_", this, x => x.Addcdiv(tensor1, tensor2, value));

    /// <summary>
    /// x + weight (end - x), and from a weight of magnitude 1/2 on end - (end - x) (1 - weight), so that a weight of 1 gives the end exactly. Floating-point
    /// tensors of one dtype; shapes broadcast.
    /// </summary>
    /// <exception cref="DTypeException">The dtypes differ or are not floating-point.</exception>
    public Tensor Lerp(Tensor end, Tensor weight)
    {
        ArgumentNullException.ThrowIfNull(weight);
        ArgumentNullException.ThrowIfNull(end);
        CheckLerp(end, weight.IsWrappedNumber ? DType : weight.DType);
        var (x, target, share) = (Real("Lerp"), end.Real("Lerp"), weight.Real("Lerp"));
        var difference = target - x;
        return Rounded(Where(share.Abs() < 0.5, x + share * difference, target - difference * (1 - share)));
    }

    /// <inheritdoc cref="Lerp(Tensor, Tensor)"/>
    public Tensor Lerp(Tensor end, double weight)
    {
        ArgumentNullException.ThrowIfNull(end);
        CheckLerp(end, DType);
        var (x, target) = (Real("Lerp"), end.Real("Lerp"));
        var difference = target - x;
        return Rounded(Math.Abs(weight) < 0.5 ? x + difference * weight : target - difference * (1 - weight));
    }

    /// <inheritdoc cref="Lerp(Tensor, Tensor)"/>
    public Tensor Lerp_(Tensor end, Tensor weight) => Pointwise.AssignInPlace("Lerp_", this, x => x.Lerp(end, weight));

    /// <inheritdoc cref="Lerp(Tensor, Tensor)"/>
    public Tensor Lerp_(Tensor end, double weight) => Pointwise.AssignInPlace("Lerp_", this, x => x.Lerp(end, weight));

    /// <summary>
    /// Each element moved into [min, max], bounds for each place; min alone or max alone may be null. Where min is above max the result is max, where one is nan
    /// it is nan. At the bounds the gradient passes to the element, beyond them to the bound. Shapes broadcast, dtypes promote.
    /// </summary>
    /// <exception cref="ArgumentException">Neither bound is given.</exception>
    public Tensor Clamp(Tensor? min, Tensor? max = null)
    {
        if ((min ?? max) is not { } bound)
        {
            throw new ArgumentException("Clamp: At least one of 'min' or 'max' must not be null.");
        }

        var type = Promotion.ResultType(this, bound);
        return Pointwise.Apply<Clamp>(this, min ?? Wrap(LowestOf(type), Device), max ?? Wrap(HighestOf(type), Device));
    }

    /// <inheritdoc cref="Clamp(Tensor?, Tensor?)"/>
    public Tensor Clamp_(Tensor? min, Tensor? max = null) => (min ?? max) is null
        ? throw new ArgumentException("Clamp_: At least one of 'min' or 'max' must not be null.")
        : Pointwise.ApplyInPlace<Clamp>(this, min ?? Wrap(Lowest, Device), max ?? Wrap(Highest, Device));

    private void CheckLerp(Tensor end, DType weight)
    {
        if (end.DType != DType || weight != DType)
        {
            throw new DTypeException(
                $"Lerp: expected dtype {DType.Name()} for `end` and `weight` but got dtype {end.DType.Name()} and {weight.Name()}. Convert them with To(dtype).");
        }
    }
}
