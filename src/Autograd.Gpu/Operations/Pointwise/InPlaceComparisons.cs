using Autograd.Gpu.Operations;

namespace Autograd.Gpu;

// In-place forms write 0 and 1 in this tensor's dtype, as in PyTorch; what is recorded passes no gradient.
public sealed partial class Tensor
{
    /// <summary>Replaces each element by whether it equals the other at its place. The other broadcasts to this shape.</summary>
    /// <exception cref="ShapeException">The broadcast shape is not this tensor's.</exception>
    public Tensor Eq_(Tensor other) => Pointwise.AssignInPlace("Eq_", this, x => x.Eq(other));

    /// <inheritdoc cref="Eq_(Tensor)"/>
    public Tensor Eq_(Scalar other) => Pointwise.AssignInPlace("Eq_", this, x => x.Eq(other));

    /// <summary>Replaces each element by whether it differs from the other at its place. The other broadcasts to this shape.</summary>
    /// <exception cref="ShapeException">The broadcast shape is not this tensor's.</exception>
    public Tensor Ne_(Tensor other) => Pointwise.AssignInPlace("Ne_", this, x => x.Ne(other));

    /// <inheritdoc cref="Ne_(Tensor)"/>
    public Tensor Ne_(Scalar other) => Pointwise.AssignInPlace("Ne_", this, x => x.Ne(other));

    /// <summary>Replaces each element by whether it is less than the other at its place. The other broadcasts to this shape.</summary>
    /// <exception cref="ShapeException">The broadcast shape is not this tensor's.</exception>
    public Tensor Lt_(Tensor other) => Pointwise.AssignInPlace("Lt_", this, x => x.Lt(other));

    /// <inheritdoc cref="Lt_(Tensor)"/>
    public Tensor Lt_(Scalar other) => Pointwise.AssignInPlace("Lt_", this, x => x.Lt(other));

    /// <summary>Replaces each element by whether it is at most the other at its place. The other broadcasts to this shape.</summary>
    /// <exception cref="ShapeException">The broadcast shape is not this tensor's.</exception>
    public Tensor Le_(Tensor other) => Pointwise.AssignInPlace("Le_", this, x => x.Le(other));

    /// <inheritdoc cref="Le_(Tensor)"/>
    public Tensor Le_(Scalar other) => Pointwise.AssignInPlace("Le_", this, x => x.Le(other));

    /// <summary>Replaces each element by whether it is greater than the other at its place. The other broadcasts to this shape.</summary>
    /// <exception cref="ShapeException">The broadcast shape is not this tensor's.</exception>
    public Tensor Gt_(Tensor other) => Pointwise.AssignInPlace("Gt_", this, x => x.Gt(other));

    /// <inheritdoc cref="Gt_(Tensor)"/>
    public Tensor Gt_(Scalar other) => Pointwise.AssignInPlace("Gt_", this, x => x.Gt(other));

    /// <summary>Replaces each element by whether it is at least the other at its place. The other broadcasts to this shape.</summary>
    /// <exception cref="ShapeException">The broadcast shape is not this tensor's.</exception>
    public Tensor Ge_(Tensor other) => Pointwise.AssignInPlace("Ge_", this, x => x.Ge(other));

    /// <inheritdoc cref="Ge_(Tensor)"/>
    public Tensor Ge_(Scalar other) => Pointwise.AssignInPlace("Ge_", this, x => x.Ge(other));

    /// <summary><see cref="LogicalAnd"/> in place, as 0 and 1 of this dtype. The other broadcasts to this shape.</summary>
    /// <exception cref="ShapeException">The broadcast shape is not this tensor's.</exception>
    public Tensor LogicalAnd_(Tensor other) => Pointwise.AssignInPlace("LogicalAnd_", this, x => x.LogicalAnd(other));

    /// <summary><see cref="LogicalOr"/> in place, as 0 and 1 of this dtype. The other broadcasts to this shape.</summary>
    /// <exception cref="ShapeException">The broadcast shape is not this tensor's.</exception>
    public Tensor LogicalOr_(Tensor other) => Pointwise.AssignInPlace("LogicalOr_", this, x => x.LogicalOr(other));

    /// <summary><see cref="LogicalXor"/> in place, as 0 and 1 of this dtype. The other broadcasts to this shape.</summary>
    /// <exception cref="ShapeException">The broadcast shape is not this tensor's.</exception>
    public Tensor LogicalXor_(Tensor other) => Pointwise.AssignInPlace("LogicalXor_", this, x => x.LogicalXor(other));

    /// <summary><see cref="LogicalNot"/> in place, as 0 and 1 of this dtype.</summary>
    public Tensor LogicalNot_() => Pointwise.AssignInPlace("LogicalNot_", this, static x => x.LogicalNot());

    /// <summary><see cref="BitwiseLeftShift(Tensor)"/> in place.</summary>
    /// <exception cref="DTypeException">One is floating-point, or this dtype cannot hold the result.</exception>
    public Tensor BitwiseLeftShift_(Tensor other) => Pointwise.ApplyInPlace<LeftShift>(this, other);

    /// <summary><see cref="BitwiseRightShift(Tensor)"/> in place.</summary>
    /// <exception cref="DTypeException">One is floating-point, or this dtype cannot hold the result.</exception>
    public Tensor BitwiseRightShift_(Tensor other) => Pointwise.ApplyInPlace<RightShift>(this, other);
}
