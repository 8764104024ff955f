using System.Numerics;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Operations
{
    /// <summary>The magnitude of the first with the sign of the second; the derivative at 0 is 0.</summary>
    internal sealed class Copysign() : PointwiseOperation("Copysign", 2)
    {
        public override Saves Saves => Saves.Inputs;

        public override (double Low, double High) Domain => (0.1, 3);

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved)
        {
            if (input == 1)
            {
                return null;
            }

            var (a, b) = (saved.Input0, saved.Input1);
            return Tensor.Where(a == 0, 0.0, Pointwise.Apply<Copysign>(a.Sign(), b) * a.Sign() * gradient);
        }

        internal static float Invoke(float a, float b) => DeviceMath.Copysign(a, b);

        internal static double Invoke(double a, double b) => DeviceMath.Copysign(a, b);

        internal static Vector<float> Invoke(Vector<float> a, Vector<float> b) => VectorMath.Copysign(a, b);

        internal static Vector<double> Invoke(Vector<double> a, Vector<double> b) => VectorMath.Copysign(a, b);
    }

    /// <summary>sqrt(x^2 + y^2) without the overflow of the squares; the derivative at the origin is nan.</summary>
    internal sealed class Hypot() : PointwiseOperation("Hypot", 2)
    {
        public override Saves Saves => Saves.Inputs | Saves.Output;

        public override (double Low, double High) Domain => (0.3, 3);

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) =>
            gradient * ((input == 0 ? saved.Input0 : saved.Input1) / saved.Output);

        internal static float Invoke(float x, float y) => DeviceMath.Hypot(x, y);

        internal static double Invoke(double x, double y) => DeviceMath.Hypot(x, y);

        internal static Vector<float> Invoke(Vector<float> x, Vector<float> y) => VectorMath.Hypot(x, y);

        internal static Vector<double> Invoke(Vector<double> x, Vector<double> y) => VectorMath.Hypot(x, y);
    }
}

namespace Autograd.Gpu
{
    public sealed partial class Tensor
    {
        /// <summary>
        /// The magnitude of each element with the sign of the other, zeros and nan included. Shapes broadcast, dtypes promote, integers become float32. The
        /// derivative is 1 or -1, and 0 where the element is 0; that with respect to the other is 0.
        /// </summary>
        public Tensor Copysign(Tensor other) => Pointwise.Apply<Copysign>(this, other);

        /// <inheritdoc cref="Copysign(Tensor)"/>
        public Tensor Copysign(Scalar other) => Pointwise.Apply<Copysign>(this, other);

        /// <summary>Gives each element the sign of the other.</summary>
        public Tensor Copysign_(Tensor other) => Pointwise.ApplyInPlace<Copysign>(this, other);

        /// <summary>
        /// sqrt(x^2 + y^2) at each place, without overflow; infinite if one of the two is, even beside nan. Shapes broadcast, dtypes promote, integers become
        /// float32. The derivatives, x / result and y / result, are nan at the origin.
        /// </summary>
        public Tensor Hypot(Tensor other) => Pointwise.Apply<Hypot>(this, other);

        /// <summary>Replaces each element x by sqrt(x^2 + y^2).</summary>
        public Tensor Hypot_(Tensor other) => Pointwise.ApplyInPlace<Hypot>(this, other);

        /// <summary>-1, 0 or 1 by the sign of each element, as <see cref="Sign"/>.</summary>
        public Tensor Sgn() => Sign();

        /// <summary>Replaces each element by its magnitude.</summary>
        public Tensor Abs_() => Pointwise.ApplyInPlace<Abs>(this);

        /// <summary>Replaces each element by -1, 0 or 1, by its sign.</summary>
        public Tensor Sign_() => Pointwise.ApplyInPlace<Sign>(this);

        /// <inheritdoc cref="Sign_"/>
        public Tensor Sgn_() => Sign_();

        /// <summary>0 below 0 (and for nan), 1 above it, and <paramref name="values"/> at 0. Not differentiable.</summary>
        /// <exception cref="DTypeException">The dtypes differ.</exception>
        public Tensor Heaviside(Tensor values) => NotNull(values).DType == DType
            ? Where(this == 0, values.Detach(), (this > 0).To(DType))
            : throw new DTypeException(
                $"Heaviside: heaviside is not yet implemented for tensors with different dtypes ({DType.Name()} and {values.DType.Name()}). Convert one with To(dtype).");
    }
}
