namespace Autograd.Gpu;

public sealed partial class Tensor
{
    /// <summary>Whether both elements are not 0, as a bool tensor; nan is not 0. Any dtypes; shapes broadcast.</summary>
    public Tensor LogicalAnd(Tensor other) => AsBool() & NotNull(other).AsBool();

    /// <summary>Whether one of two elements is not 0, as a bool tensor; nan is not 0. Any dtypes; shapes broadcast.</summary>
    public Tensor LogicalOr(Tensor other) => AsBool() | NotNull(other).AsBool();

    /// <summary>Whether exactly one of two elements is not 0, as a bool tensor; nan is not 0. Any dtypes; shapes broadcast.</summary>
    public Tensor LogicalXor(Tensor other) => AsBool() ^ NotNull(other).AsBool();

    /// <summary>Whether each element is 0, as a bool tensor.</summary>
    public Tensor LogicalNot() => ~AsBool();

    /// <summary>Whether each element is nan, as a bool tensor; false for integers and bools.</summary>
    public Tensor IsNan() => Ne(this);

    /// <summary>Whether each element is inf or -inf, as a bool tensor; false for integers and bools.</summary>
    public Tensor IsInf() => DType.IsFloatingPoint() ? Abs() == double.PositiveInfinity : Ne(this);

    /// <summary>Whether each element is inf, as a bool tensor; false for integers and bools.</summary>
    public Tensor IsPosInf() => DType.IsFloatingPoint() ? this == double.PositiveInfinity : Ne(this);

    /// <summary>Whether each element is -inf, as a bool tensor; false for integers and bools.</summary>
    public Tensor IsNegInf() => DType.IsFloatingPoint() ? this == double.NegativeInfinity : Ne(this);

    /// <summary>Whether each element is neither infinite nor nan, as a bool tensor; true for integers and bools.</summary>
    public Tensor IsFinite() => DType.IsFloatingPoint() ? Abs() < double.PositiveInfinity : Eq(this);

    /// <summary>
    /// Whether |a - b| is at most atol + rtol |b| at each place, as a bool tensor. Infinities are close to themselves alone, nan to nothing or, with
    /// <paramref name="equalNan"/>, to itself. Shapes broadcast.
    /// </summary>
    /// <exception cref="DTypeException">The dtypes differ.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A tolerance is negative or nan.</exception>
    public Tensor IsClose(Tensor other, double rtol = 1e-5, double atol = 1e-8, bool equalNan = false)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (DType != other.DType)
        {
            throw new DTypeException($"IsClose: {DType.Name()} did not match {other.DType.Name()}. Convert one of the tensors with To(dtype).");
        }

        if (!(rtol >= 0) || !(atol >= 0))
        {
            throw new ArgumentOutOfRangeException(
                rtol >= 0 ? nameof(atol) : nameof(rtol),
                $"IsClose: {(rtol >= 0 ? "atol" : "rtol")} must be greater than or equal to zero, but got {(rtol >= 0 ? atol : rtol)}.");
        }

        var close = this == other;
        if (equalNan && DType.IsFloatingPoint())
        {
            close |= IsNan() & other.IsNan();
        }

        if (rtol == 0 && atol == 0)
        {
            return close;
        }

        // Of integers only one is converted, so that the difference of two large ones is what PyTorch computes.
        var (x, y) = (Detach(), other.Detach());
        y = DType.IsFloatingPoint() ? y : y.To(DType.Float32);
        var distance = (x - y).Abs();
        return close | (distance.IsFinite() & (distance <= (y * rtol).Abs() + atol));
    }

    /// <summary>Whether <see cref="IsClose"/> holds at every place. Reads the result from the device.</summary>
    public bool AllClose(Tensor other, double rtol = 1e-5, double atol = 1e-8, bool equalNan = false) =>
        (~IsClose(NotNull(other), rtol, atol, equalNan)).To(DType.Int64).Sum().Item<long>() == 0;

    /// <summary>Whether two tensors have the same shape and the same elements; nan equals nothing. Reads the result from the device.</summary>
    /// <exception cref="DTypeException">The dtypes differ.</exception>
    public bool Equal(Tensor other) => DType != NotNull(other).DType
        ? throw new DTypeException($"Equal: Expected object of data type {DType.Name()} but got data type {other.DType.Name()}. Convert one of the tensors with To(dtype).")
        : Shape == other.Shape && (this != other).To(DType.Int64).Sum().Item<long>() == 0;

    /// <summary>
    /// Numbers in place of nan (by default 0), inf and -inf (by default the largest and the smallest number of the dtype). Integers stay as they are. The
    /// gradient passes where the element is finite.
    /// </summary>
    public Tensor NanToNum(double nan = 0, double? posInf = null, double? negInf = null)
    {
        if (!DType.IsFloatingPoint())
        {
            return this;
        }

        double most = DType switch
        {
            DType.Float16 => 65504,
            DType.BFloat16 => 3.3895313892515355e38,
            DType.Float32 => float.MaxValue,
            _ => double.MaxValue,
        };
        var finite = Where(this == double.PositiveInfinity, posInf ?? most, Where(this == double.NegativeInfinity, negInf ?? -most, this));
        return Where(IsNan(), nan, finite);
    }

    /// <inheritdoc cref="NanToNum"/>
    public Tensor NanToNum_(double nan = 0, double? posInf = null, double? negInf = null) =>
        Operations.Pointwise.AssignInPlace("NanToNum_", this, x => x.NanToNum(nan, posInf, negInf));

    /// <summary>
    /// <paramref name="value"/> where <paramref name="mask"/> is true, else the element, in this tensor's dtype. Shapes broadcast. The gradient passes where the
    /// mask is false.
    /// </summary>
    /// <exception cref="DTypeException">The mask is not a bool tensor, or the dtype cannot hold the value.</exception>
    public Tensor MaskedFill(Tensor mask, Scalar value)
    {
        ArgumentNullException.ThrowIfNull(mask);
        if (value.IsFloatingPoint && !DType.IsFloatingPoint() && DType != DType.Bool && !(Math.Abs(value.ToDouble()) < 9.2e18))
        {
            throw new DTypeException($"MaskedFill: value cannot be converted to type {DType.Name()} without overflow: {value}.");
        }

        return Where(Mask("MaskedFill", mask), value.As(DType), this);
    }

    /// <inheritdoc cref="MaskedFill(Tensor, Scalar)"/>
    /// <remarks>The gradient of the value is the sum of those where the mask is true.</remarks>
    /// <exception cref="ShapeException">The value has dimensions.</exception>
    public Tensor MaskedFill(Tensor mask, Tensor value) => NotNull(value).Rank == 0
        ? Where(Mask("MaskedFill", NotNull(mask)), value.To(DType), this)
        : throw new ShapeException(
            $"MaskedFill: masked_fill only supports a 0-dimensional value tensor, but got tensor with {value.Rank} dimension(s), shape {value.Shape}. Use Where.");

    /// <summary>Writes <paramref name="value"/> where <paramref name="mask"/>, which broadcasts to this shape, is true.</summary>
    public Tensor MaskedFill_(Tensor mask, Scalar value) => Operations.Pointwise.AssignInPlace("MaskedFill_", this, x => x.MaskedFill(mask, value));

    /// <inheritdoc cref="MaskedFill_(Tensor, Scalar)"/>
    public Tensor MaskedFill_(Tensor mask, Tensor value) => Operations.Pointwise.AssignInPlace("MaskedFill_", this, x => x.MaskedFill(mask, value));

    private static Tensor Mask(string operation, Tensor mask) => mask.DType == DType.Bool
        ? mask
        : throw new DTypeException($"{operation}: masked_fill only supports boolean masks, but got mask with dtype {mask.DType.Name()}. Compare it first, as in mask != 0.");

    private Tensor AsBool() => DType == DType.Bool ? this : this != 0;
}
