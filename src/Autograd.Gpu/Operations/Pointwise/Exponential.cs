using System.Numerics;
using System.Runtime.Intrinsics;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Operations
{
    internal sealed class Exp() : PointwiseOperation("Exp", 1)
    {
        public override Saves Saves => Saves.Output;

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => gradient * saved.Output;

        internal static float Invoke(float x) => DeviceMath.Exp(x);

        internal static double Invoke(double x) => DeviceMath.Exp(x);

        internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Exp(x);

        internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Exp(x);

        internal static Vector512<float> Invoke(Vector512<float> x) => WideMath.Exp(x);
    }

    internal sealed class Log() : PointwiseOperation("Log", 1)
    {
        public override Saves Saves => Saves.Input0;

        public override (double Low, double High) Domain => (0.1, 5);

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => gradient / saved.Input0;

        internal static float Invoke(float x) => DeviceMath.Log(x);

        internal static double Invoke(double x) => DeviceMath.Log(x);

        internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Log(x);

        internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Log(x);

        internal static Vector512<float> Invoke(Vector512<float> x) => WideMath.Log(x);
    }

    /// <summary>
    /// a^b. The derivative with respect to the exponent is 0 where the base is 0 and the exponent not negative, and the one with respect to the
    /// base is 0 where the exponent is 0, whatever the base is: PyTorch's conventions.
    /// </summary>
    internal sealed class Pow() : PointwiseOperation("Pow", 2)
    {
        public override Saves Saves => Saves.Inputs | Saves.Output;

        public override (double Low, double High) Domain => (0.3, 2.5);

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved)
        {
            var (x, exponent) = (saved.Input0, saved.Input1);
            if (input == 0)
            {
                var slope = gradient * (exponent * x.Pow(exponent - 1));
                return Tensor.Where(exponent == 0, Tensor.Wrap(0.0, x.Device), slope);
            }

            var log = Tensor.Where((x == 0) * (exponent >= 0), Tensor.Wrap(0.0, x.Device), x.Log());
            return gradient * (saved.Output * log);
        }

        internal static float Invoke(float a, float b) => DeviceMath.Pow(a, b);

        internal static double Invoke(double a, double b) => DeviceMath.Pow(a, b);

        internal static long Invoke(long a, long b)
        {
            // Integer powers wrap around like products; a negative exponent gives 0 but for bases 1 and -1.
            if (b < 0)
            {
                return a == 1 ? 1 : a == -1 ? ((b & 1) == 0 ? 1 : -1) : 0;
            }

            long result = 1;
            while (b > 0)
            {
                if ((b & 1) != 0)
                {
                    result *= a;
                }

                a *= a;
                b >>= 1;
            }

            return result;
        }

        internal static int Invoke(int a, int b) => (int)Invoke((long)a, (long)b);

        internal static Vector<float> Invoke(Vector<float> a, Vector<float> b) => VectorMath.Pow(a, b);

        internal static Vector<double> Invoke(Vector<double> a, Vector<double> b) => VectorMath.Pow(a, b);

        internal static Vector512<float> Invoke(Vector512<float> x, Vector512<float> y) => WideMath.Pow(x, y);
    }

    internal sealed class Sqrt() : PointwiseOperation("Sqrt", 1)
    {
        public override Saves Saves => Saves.Output;

        public override (double Low, double High) Domain => (0.1, 5);

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => gradient / (2 * saved.Output);

        internal static float Invoke(float x) => DeviceMath.Sqrt(x);

        internal static double Invoke(double x) => DeviceMath.Sqrt(x);

        internal static Vector<float> Invoke(Vector<float> x) => Vector.SquareRoot(x);

        internal static Vector<double> Invoke(Vector<double> x) => Vector.SquareRoot(x);

        internal static Vector512<float> Invoke(Vector512<float> x) => Vector512.Sqrt(x);
    }

    internal sealed class Rsqrt() : PointwiseOperation("Rsqrt", 1)
    {
        public override Saves Saves => Saves.Output;

        public override (double Low, double High) Domain => (0.1, 5);

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) =>
            gradient * -0.5 * (saved.Output * saved.Output * saved.Output);

        internal static float Invoke(float x) => DeviceMath.Rsqrt(x);

        internal static double Invoke(double x) => DeviceMath.Rsqrt(x);

        internal static Vector<float> Invoke(Vector<float> x) => Vector<float>.One / Vector.SquareRoot(x);

        internal static Vector<double> Invoke(Vector<double> x) => Vector<double>.One / Vector.SquareRoot(x);

        internal static Vector512<float> Invoke(Vector512<float> x) => WideMath.Rsqrt(x);
    }
}

namespace Autograd.Gpu
{
    public sealed partial class Tensor
    {
        /// <summary>e to the power of each element.</summary>
        public Tensor Exp() => Pointwise.Apply<Exp>(this);

        /// <summary>The natural logarithm of each element: -inf at 0, nan below.</summary>
        public Tensor Log() => Pointwise.Apply<Log>(this);

        /// <summary>Each element to the power of the exponent at its place. Shapes broadcast, dtypes promote.</summary>
        public Tensor Pow(Tensor exponent) => Pointwise.Apply<Pow>(this, exponent);

        /// <summary>
        /// Each element to a power. Small whole exponents are products, which are exact for negative bases as well. Bools become int64 (float32 for a
        /// floating-point exponent).
        /// </summary>
        /// <exception cref="DTypeException">An integer is to be raised to a negative integer.</exception>
        public Tensor Pow(Scalar exponent)
        {
            bool whole = !exponent.IsFloatingPoint && !DType.IsFloatingPoint();
            if (whole && exponent.ToInt64() < 0)
            {
                throw new DTypeException(
                    $"Pow: Integers to negative integer powers are not allowed, but got an {DType.Name()} tensor and {exponent}. Convert it with To(DType.Float32).");
            }

            return DType == DType.Bool || (exponent.IsFloatingPoint && !DType.IsFloatingPoint()) ? Pointwise.Apply<Pow>(this, exponent) : exponent.ToDouble() switch
            {
                1 => this * 1,
                2 => this * this,
                3 => this * this * this,
                _ => Pointwise.Apply<Pow>(this, exponent),
            };
        }

        /// <summary>A number to the power of each element.</summary>
        public static Tensor Pow(Scalar self, Tensor exponent) => Pointwise.Apply<Pow>(self, exponent);

        /// <summary>The square root of each element; nan below 0.</summary>
        public Tensor Sqrt() => Pointwise.Apply<Sqrt>(this);

        /// <summary>1 over the square root of each element.</summary>
        public Tensor Rsqrt() => Pointwise.Apply<Rsqrt>(this);

        /// <summary>Replaces each element by e to its power.</summary>
        public Tensor Exp_() => Pointwise.ApplyInPlace<Exp>(this);

        /// <summary>Replaces each element by its square root.</summary>
        public Tensor Sqrt_() => Pointwise.ApplyInPlace<Sqrt>(this);

        /// <summary>Raises each element to a power in place.</summary>
        public Tensor Pow_(Scalar exponent) => Pointwise.ApplyInPlace<Pow>(this, Wrap(exponent, Device));
    }
}
