using System.Numerics;
using System.Runtime.Intrinsics;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Operations
{
    internal sealed class Expm1() : PointwiseOperation("Expm1", 1)
    {
        public override Saves Saves => Saves.Output;

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => gradient * (saved.Output + 1);

        internal static float Invoke(float x) => DeviceMath.Expm1(x);

        internal static double Invoke(double x) => DeviceMath.Expm1(x);

        internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Expm1(x);

        internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Expm1(x);

        internal static Vector512<float> Invoke(Vector512<float> x) => WideMath.Expm1(x);
    }

    internal sealed class Exp2() : PointwiseOperation("Exp2", 1)
    {
        internal const double Ln2 = 0.69314718055994530942;

        public override Saves Saves => Saves.Output;

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => gradient * (saved.Output * Ln2);

        internal static float Invoke(float x) => DeviceMath.Exp2(x);

        internal static double Invoke(double x) => DeviceMath.Exp2(x);

        internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Exp2(x);

        internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Exp2(x);
    }

    internal sealed class Log1p() : PointwiseOperation("Log1p", 1)
    {
        public override Saves Saves => Saves.Input0;

        public override (double Low, double High) Domain => (-0.7, 4);

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => gradient / (saved.Input0 + 1);

        internal static float Invoke(float x) => DeviceMath.Log1p(x);

        internal static double Invoke(double x) => DeviceMath.Log1p(x);

        internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Log1p(x);

        internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Log1p(x);

        internal static Vector512<float> Invoke(Vector512<float> x) => WideMath.Log1p(x);
    }

    internal sealed class Log2() : PointwiseOperation("Log2", 1)
    {
        public override Saves Saves => Saves.Input0;

        public override (double Low, double High) Domain => (0.1, 5);

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => gradient / (saved.Input0 * Exp2.Ln2);

        internal static float Invoke(float x) => DeviceMath.Log2(x);

        internal static double Invoke(double x) => DeviceMath.Log2(x);

        internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Log2(x);

        internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Log2(x);
    }

    internal sealed class Log10() : PointwiseOperation("Log10", 1)
    {
        public override Saves Saves => Saves.Input0;

        public override (double Low, double High) Domain => (0.1, 5);

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => gradient / (saved.Input0 * 2.3025850929940456840);

        internal static float Invoke(float x) => DeviceMath.Log10(x);

        internal static double Invoke(double x) => DeviceMath.Log10(x);

        internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Log10(x);

        internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Log10(x);
    }

    /// <summary>ln(1 + e^x), without overflow and exact for small results.</summary>
    internal sealed class Softplus() : PointwiseOperation("Softplus", 1)
    {
        public override Saves Saves => Saves.Input0;

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => gradient * saved.Input0.Sigmoid();

        internal static float Invoke(float x) => DeviceMath.Softplus(x);

        internal static double Invoke(double x) => DeviceMath.Softplus(x);

        internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Softplus(x);

        internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Softplus(x);

        internal static Vector512<float> Invoke(Vector512<float> x) => WideMath.Softplus(x);
    }

    /// <summary>ln(e^a + e^b) without overflow.</summary>
    internal sealed class LogAddExp() : PointwiseOperation("LogAddExp", 2)
    {
        public override Saves Saves => Saves.Inputs;

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) =>
            gradient * (input == 0 ? saved.Input0 - saved.Input1 : saved.Input1 - saved.Input0).Sigmoid();

        internal static float Invoke(float a, float b) => DeviceMath.LogAddExp(a, b);

        internal static double Invoke(double a, double b) => DeviceMath.LogAddExp(a, b);

        internal static Vector<float> Invoke(Vector<float> a, Vector<float> b) => VectorMath.LogAddExp(a, b);

        internal static Vector<double> Invoke(Vector<double> a, Vector<double> b) => VectorMath.LogAddExp(a, b);
    }

    /// <summary>
    /// x ln y, 0 where x is 0 and y not nan. The derivative with respect to x is ln y, and 0 where x is 0 and y not above 0; that with respect to y is x / y.
    /// </summary>
    internal sealed class Xlogy() : PointwiseOperation("Xlogy", 2)
    {
        public override Saves Saves => Saves.Inputs;

        public override (double Low, double High) Domain => (0.3, 3);

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved)
        {
            var (x, y) = (saved.Input0, saved.Input1);
            return input == 0
                ? Tensor.Where((x == 0) & (y <= 0), 0.0, Pointwise.Apply<Xlogy>(gradient, y))
                : gradient * (x / y);
        }

        internal static float Invoke(float x, float y) => x == 0f ? (float.IsNaN(y) ? y : 0f) : x * DeviceMath.Log(y);

        internal static double Invoke(double x, double y) => x == 0d ? (double.IsNaN(y) ? y : 0d) : x * DeviceMath.Log(y);

        internal static Vector<float> Invoke(Vector<float> x, Vector<float> y) =>
            Vector.ConditionalSelect(Vector.Equals(x, Vector<float>.Zero) & Vector.Equals(y, y), Vector<float>.Zero, x * VectorMath.Log(y));

        internal static Vector<double> Invoke(Vector<double> x, Vector<double> y) =>
            Vector.ConditionalSelect(Vector.Equals(x, Vector<double>.Zero) & Vector.Equals(y, y), Vector<double>.Zero, x * VectorMath.Log(y));
    }
}

namespace Autograd.Gpu
{
    public sealed partial class Tensor
    {
        /// <summary>e^x - 1, exact to rounding near 0. Integers become float32.</summary>
        public Tensor Expm1() => Pointwise.Apply<Expm1>(this);

        /// <summary>Replaces each element by e^x - 1.</summary>
        public Tensor Expm1_() => Pointwise.ApplyInPlace<Expm1>(this);

        /// <summary>2 to the power of each element, exact for integers.</summary>
        public Tensor Exp2() => Pointwise.Apply<Exp2>(this);

        /// <summary>Replaces each element by 2 to its power.</summary>
        public Tensor Exp2_() => Pointwise.ApplyInPlace<Exp2>(this);

        /// <summary>ln(1 + x), exact to rounding near 0; -inf at -1, nan below. The derivative is 1 / (1 + x).</summary>
        public Tensor Log1p() => Pointwise.Apply<Log1p>(this);

        /// <summary>Replaces each element by ln(1 + x).</summary>
        public Tensor Log1p_() => Pointwise.ApplyInPlace<Log1p>(this);

        /// <summary>The logarithm to base 2 of each element, exact for powers of two; -inf at 0, nan below.</summary>
        public Tensor Log2() => Pointwise.Apply<Log2>(this);

        /// <summary>Replaces each element by its logarithm to base 2.</summary>
        public Tensor Log2_() => Pointwise.ApplyInPlace<Log2>(this);

        /// <summary>The logarithm to base 10 of each element; -inf at 0, nan below.</summary>
        public Tensor Log10() => Pointwise.Apply<Log10>(this);

        /// <summary>Replaces each element by its logarithm to base 10.</summary>
        public Tensor Log10_() => Pointwise.ApplyInPlace<Log10>(this);

        /// <summary>Replaces each element by its natural logarithm.</summary>
        public Tensor Log_() => Pointwise.ApplyInPlace<Log>(this);

        /// <summary>ln(e^a + e^b) at each place, without overflow. Shapes broadcast, dtypes promote, integers become float32.</summary>
        public Tensor LogAddExp(Tensor other) => Pointwise.Apply<LogAddExp>(this, other);

        /// <summary>
        /// x ln y at each place: 0 where x is 0, unless y is nan. Shapes broadcast, dtypes promote, integers become float32. The derivative with respect to x
        /// is ln y, and 0 where x is 0 and y not above 0.
        /// </summary>
        public Tensor Xlogy(Tensor other) => Pointwise.Apply<Xlogy>(this, other);

        /// <inheritdoc cref="Xlogy(Tensor)"/>
        public Tensor Xlogy(Scalar other) => Pointwise.Apply<Xlogy>(this, other);

        /// <summary>Replaces each element x by x ln y.</summary>
        public Tensor Xlogy_(Tensor other) => Pointwise.ApplyInPlace<Xlogy>(this, other);
    }
}
