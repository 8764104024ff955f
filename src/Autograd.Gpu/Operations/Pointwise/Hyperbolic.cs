using System.Numerics;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Operations
{
    internal sealed class Sinh() : PointwiseOperation("Sinh", 1)
    {
        public override Saves Saves => Saves.Input0;

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => gradient * saved.Input0.Cosh();

        internal static float Invoke(float x) => DeviceMath.Sinh(x);

        internal static double Invoke(double x) => DeviceMath.Sinh(x);

        internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Sinh(x);

        internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Sinh(x);
    }

    internal sealed class Cosh() : PointwiseOperation("Cosh", 1)
    {
        public override Saves Saves => Saves.Input0;

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => gradient * saved.Input0.Sinh();

        internal static float Invoke(float x) => DeviceMath.Cosh(x);

        internal static double Invoke(double x) => DeviceMath.Cosh(x);

        internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Cosh(x);

        internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Cosh(x);
    }

    internal sealed class Asinh() : PointwiseOperation("Asinh", 1)
    {
        public override Saves Saves => Saves.Input0;

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => gradient * (1 + saved.Input0 * saved.Input0).Rsqrt();

        internal static float Invoke(float x) => DeviceMath.Asinh(x);

        internal static double Invoke(double x) => DeviceMath.Asinh(x);

        internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Asinh(x);

        internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Asinh(x);
    }

    internal sealed class Acosh() : PointwiseOperation("Acosh", 1)
    {
        public override Saves Saves => Saves.Input0;

        public override (double Low, double High) Domain => (1.2, 4);

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => gradient * (saved.Input0 * saved.Input0 - 1).Rsqrt();

        internal static float Invoke(float x) => DeviceMath.Acosh(x);

        internal static double Invoke(double x) => DeviceMath.Acosh(x);

        internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Acosh(x);

        internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Acosh(x);
    }

    internal sealed class Atanh() : PointwiseOperation("Atanh", 1)
    {
        public override Saves Saves => Saves.Input0;

        public override (double Low, double High) Domain => (-0.6, 0.6);

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => gradient / (1 - saved.Input0 * saved.Input0);

        internal static float Invoke(float x) => DeviceMath.Atanh(x);

        internal static double Invoke(double x) => DeviceMath.Atanh(x);

        internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Atanh(x);

        internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Atanh(x);
    }
}

namespace Autograd.Gpu
{
    public sealed partial class Tensor
    {
        /// <summary>The hyperbolic sine of each element. Integers become float32.</summary>
        public Tensor Sinh() => Pointwise.Apply<Sinh>(this);

        /// <summary>Replaces each element by its hyperbolic sine.</summary>
        public Tensor Sinh_() => Pointwise.ApplyInPlace<Sinh>(this);

        /// <summary>The hyperbolic cosine of each element. Integers become float32.</summary>
        public Tensor Cosh() => Pointwise.Apply<Cosh>(this);

        /// <summary>Replaces each element by its hyperbolic cosine.</summary>
        public Tensor Cosh_() => Pointwise.ApplyInPlace<Cosh>(this);

        /// <summary>The inverse of the hyperbolic sine, ln(x + sqrt(x^2 + 1)). The derivative is 1 / sqrt(x^2 + 1).</summary>
        public Tensor Asinh() => Pointwise.Apply<Asinh>(this);

        /// <summary>Replaces each element by its inverse hyperbolic sine.</summary>
        public Tensor Asinh_() => Pointwise.ApplyInPlace<Asinh>(this);

        /// <summary>The inverse of the hyperbolic cosine, ln(x + sqrt(x^2 - 1)); nan below 1. The derivative, 1 / sqrt(x^2 - 1), is infinite at 1.</summary>
        public Tensor Acosh() => Pointwise.Apply<Acosh>(this);

        /// <summary>Replaces each element by its inverse hyperbolic cosine.</summary>
        public Tensor Acosh_() => Pointwise.ApplyInPlace<Acosh>(this);

        /// <summary>The inverse of the hyperbolic tangent, ln((1 + x) / (1 - x)) / 2; infinite at 1 and -1, nan beyond. The derivative is 1 / (1 - x^2).</summary>
        public Tensor Atanh() => Pointwise.Apply<Atanh>(this);

        /// <summary>Replaces each element by its inverse hyperbolic tangent.</summary>
        public Tensor Atanh_() => Pointwise.ApplyInPlace<Atanh>(this);
    }
}
