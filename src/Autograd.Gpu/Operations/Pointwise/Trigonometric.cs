using System.Numerics;
using System.Runtime.Intrinsics;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Operations
{
    internal sealed class Sin() : PointwiseOperation("Sin", 1)
    {
        public override Saves Saves => Saves.Input0;

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => gradient * saved.Input0.Cos();

        internal static float Invoke(float x) => DeviceMath.Sin(x);

        internal static double Invoke(double x) => DeviceMath.Sin(x);

        internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Sin(x);

        internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Sin(x);

        internal static Vector512<float> Invoke(Vector512<float> x) => WideMath.Sin(x);
    }

    internal sealed class Cos() : PointwiseOperation("Cos", 1)
    {
        public override Saves Saves => Saves.Input0;

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => gradient * -saved.Input0.Sin();

        internal static float Invoke(float x) => DeviceMath.Cos(x);

        internal static double Invoke(double x) => DeviceMath.Cos(x);

        internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Cos(x);

        internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Cos(x);

        internal static Vector512<float> Invoke(Vector512<float> x) => WideMath.Cos(x);
    }

    internal sealed class Tan() : PointwiseOperation("Tan", 1)
    {
        public override Saves Saves => Saves.Output;

        public override (double Low, double High) Domain => (-1.4, 1.4);

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => gradient * (1 + saved.Output * saved.Output);

        internal static float Invoke(float x) => DeviceMath.Tan(x);

        internal static double Invoke(double x) => DeviceMath.Tan(x);

        internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Tan(x);

        internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Tan(x);

        internal static Vector512<float> Invoke(Vector512<float> x) => WideMath.Tan(x);
    }

    internal sealed class Asin() : PointwiseOperation("Asin", 1)
    {
        public override Saves Saves => Saves.Input0;

        public override (double Low, double High) Domain => (-0.6, 0.6);

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => gradient * (1 - saved.Input0 * saved.Input0).Rsqrt();

        internal static float Invoke(float x) => DeviceMath.Asin(x);

        internal static double Invoke(double x) => DeviceMath.Asin(x);

        internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Asin(x);

        internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Asin(x);
    }

    internal sealed class Acos() : PointwiseOperation("Acos", 1)
    {
        public override Saves Saves => Saves.Input0;

        public override (double Low, double High) Domain => (-0.6, 0.6);

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => -gradient * (1 - saved.Input0 * saved.Input0).Rsqrt();

        internal static float Invoke(float x) => DeviceMath.Acos(x);

        internal static double Invoke(double x) => DeviceMath.Acos(x);

        internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Acos(x);

        internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Acos(x);
    }

    internal sealed class Atan() : PointwiseOperation("Atan", 1)
    {
        public override Saves Saves => Saves.Input0;

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => gradient / (1 + saved.Input0 * saved.Input0);

        internal static float Invoke(float x) => DeviceMath.Atan(x);

        internal static double Invoke(double x) => DeviceMath.Atan(x);

        internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Atan(x);

        internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Atan(x);
    }

    /// <summary>The angle of the point (x, y); its derivative at the origin is nan.</summary>
    internal sealed class Atan2() : PointwiseOperation("Atan2", 2)
    {
        public override Saves Saves => Saves.Inputs;

        public override (double Low, double High) Domain => (0.3, 3);

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved)
        {
            var (y, x) = (saved.Input0, saved.Input1);
            var scaled = gradient / (y * y + x * x);
            return input == 0 ? scaled * x : scaled * -y;
        }

        internal static float Invoke(float y, float x) => DeviceMath.Atan2(y, x);

        internal static double Invoke(double y, double x) => DeviceMath.Atan2(y, x);

        internal static Vector<float> Invoke(Vector<float> y, Vector<float> x) => VectorMath.Atan2(y, x);

        internal static Vector<double> Invoke(Vector<double> y, Vector<double> x) => VectorMath.Atan2(y, x);
    }
}

namespace Autograd.Gpu
{
    public sealed partial class Tensor
    {
        /// <summary>The sine of each element, in radians; nan at infinities.</summary>
        public Tensor Sin() => Pointwise.Apply<Sin>(this);

        /// <summary>Replaces each element by its sine.</summary>
        public Tensor Sin_() => Pointwise.ApplyInPlace<Sin>(this);

        /// <summary>The cosine of each element, in radians; nan at infinities.</summary>
        public Tensor Cos() => Pointwise.Apply<Cos>(this);

        /// <summary>Replaces each element by its cosine.</summary>
        public Tensor Cos_() => Pointwise.ApplyInPlace<Cos>(this);

        /// <summary>The tangent of each element, in radians; nan at infinities. Integers become float32.</summary>
        public Tensor Tan() => Pointwise.Apply<Tan>(this);

        /// <summary>Replaces each element by its tangent.</summary>
        public Tensor Tan_() => Pointwise.ApplyInPlace<Tan>(this);

        /// <summary>The arc sine of each element, in radians, between -pi / 2 and pi / 2; nan outside of [-1, 1], where the derivative, 1 / sqrt(1 - x^2), is infinite at the ends.</summary>
        public Tensor Asin() => Pointwise.Apply<Asin>(this);

        /// <summary>Replaces each element by its arc sine.</summary>
        public Tensor Asin_() => Pointwise.ApplyInPlace<Asin>(this);

        /// <summary>The arc cosine of each element, in radians, between 0 and pi; nan outside of [-1, 1]. The derivative is -1 / sqrt(1 - x^2).</summary>
        public Tensor Acos() => Pointwise.Apply<Acos>(this);

        /// <summary>Replaces each element by its arc cosine.</summary>
        public Tensor Acos_() => Pointwise.ApplyInPlace<Acos>(this);

        /// <summary>The arc tangent of each element, in radians, between -pi / 2 and pi / 2. The derivative is 1 / (1 + x^2).</summary>
        public Tensor Atan() => Pointwise.Apply<Atan>(this);

        /// <summary>Replaces each element by its arc tangent.</summary>
        public Tensor Atan_() => Pointwise.ApplyInPlace<Atan>(this);

        /// <summary>
        /// The angle of the point (<paramref name="other"/>, this) in radians, between -pi and pi, with zeros and infinities as in C99. Shapes broadcast, dtypes
        /// promote, integers become float32. The derivatives, x / (x^2 + y^2) and -y / (x^2 + y^2), are nan at the origin.
        /// </summary>
        public Tensor Atan2(Tensor other) => Pointwise.Apply<Atan2>(this, other);

        /// <summary>Replaces each element y by the angle of the point (x, y).</summary>
        public Tensor Atan2_(Tensor other) => Pointwise.ApplyInPlace<Atan2>(this, other);
    }
}
