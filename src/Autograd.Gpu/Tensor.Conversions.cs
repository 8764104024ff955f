namespace Autograd.Gpu;

// A number where a tensor is asked for, so that x[0] = 5 can be written. Operations that take numbers have overloads for them, which are preferred.
public sealed partial class Tensor
{
    /// <summary>
    /// A number as a 0-d tensor on <see cref="Device.Default"/> that does not widen the dtype of what it is combined with, as numbers in expressions do not; see
    /// <see cref="Of"/> for a tensor with a dtype.
    /// </summary>
    public static implicit operator Tensor(Scalar value) => Wrap(value, Device.Default);

    /// <inheritdoc cref="op_Implicit(Scalar)"/>
    public static implicit operator Tensor(double value) => (Scalar)value;

    /// <inheritdoc cref="op_Implicit(Scalar)"/>
    public static implicit operator Tensor(float value) => (Scalar)value;

    /// <inheritdoc cref="op_Implicit(Scalar)"/>
    public static implicit operator Tensor(int value) => (Scalar)value;

    /// <inheritdoc cref="op_Implicit(Scalar)"/>
    public static implicit operator Tensor(long value) => (Scalar)value;

    /// <inheritdoc cref="op_Implicit(Scalar)"/>
    public static implicit operator Tensor(bool value) => (Scalar)value;
}
