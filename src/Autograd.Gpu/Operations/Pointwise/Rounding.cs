using System.Numerics;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Operations
{
    /// <summary>An integer near each element; the derivative is 0 everywhere. Integers stay as they are.</summary>
    internal abstract class RoundingOperation(string name) : PointwiseOperation(name, 1)
    {
        public override (double Low, double High) Domain => (0.05, 0.3);

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => null;

        public override string? Refusal(DType dtype) => dtype == DType.Bool ? $"{Name}: not implemented for bool. Convert with To(DType.Int64)." : null;
    }

    internal sealed class Floor() : RoundingOperation("Floor")
    {
        internal static float Invoke(float x) => DeviceMath.Floor(x);

        internal static double Invoke(double x) => DeviceMath.Floor(x);

        internal static int Invoke(int x) => x;

        internal static long Invoke(long x) => x;

        internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Floor(x);

        internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Floor(x);

        internal static Vector<int> Invoke(Vector<int> x) => x;

        internal static Vector<long> Invoke(Vector<long> x) => x;
    }

    internal sealed class Ceil() : RoundingOperation("Ceil")
    {
        internal static float Invoke(float x) => DeviceMath.Ceil(x);

        internal static double Invoke(double x) => DeviceMath.Ceil(x);

        internal static int Invoke(int x) => x;

        internal static long Invoke(long x) => x;

        internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Ceil(x);

        internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Ceil(x);

        internal static Vector<int> Invoke(Vector<int> x) => x;

        internal static Vector<long> Invoke(Vector<long> x) => x;
    }

    internal sealed class Round() : RoundingOperation("Round")
    {
        internal static float Invoke(float x) => DeviceMath.Round(x);

        internal static double Invoke(double x) => DeviceMath.Round(x);

        internal static int Invoke(int x) => x;

        internal static long Invoke(long x) => x;

        internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Round(x);

        internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Round(x);

        internal static Vector<int> Invoke(Vector<int> x) => x;

        internal static Vector<long> Invoke(Vector<long> x) => x;
    }

    internal sealed class Trunc() : RoundingOperation("Trunc")
    {
        internal static float Invoke(float x) => DeviceMath.Trunc(x);

        internal static double Invoke(double x) => DeviceMath.Trunc(x);

        internal static int Invoke(int x) => x;

        internal static long Invoke(long x) => x;

        internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Trunc(x);

        internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Trunc(x);

        internal static Vector<int> Invoke(Vector<int> x) => x;

        internal static Vector<long> Invoke(Vector<long> x) => x;
    }
}

namespace Autograd.Gpu
{
    public sealed partial class Tensor
    {
        /// <summary>The largest integer that is not above each element, as a number of the same dtype; zeros keep their sign. The derivative is 0 everywhere.</summary>
        /// <exception cref="DTypeException">This is a bool tensor.</exception>
        public Tensor Floor() => Pointwise.Apply<Floor>(this);

        /// <inheritdoc cref="Floor"/>
        public Tensor Floor_() => Pointwise.ApplyInPlace<Floor>(this);

        /// <summary>The smallest integer that is not below each element, as a number of the same dtype; zeros keep their sign. The derivative is 0 everywhere.</summary>
        /// <exception cref="DTypeException">This is a bool tensor.</exception>
        public Tensor Ceil() => Pointwise.Apply<Ceil>(this);

        /// <inheritdoc cref="Ceil"/>
        public Tensor Ceil_() => Pointwise.ApplyInPlace<Ceil>(this);

        /// <summary>Each element without its fraction, as a number of the same dtype; zeros keep their sign. The derivative is 0 everywhere.</summary>
        /// <exception cref="DTypeException">This is a bool tensor.</exception>
        public Tensor Trunc() => Pointwise.Apply<Trunc>(this);

        /// <inheritdoc cref="Trunc"/>
        public Tensor Trunc_() => Pointwise.ApplyInPlace<Trunc>(this);

        /// <summary>The integer nearest to each element, of two that are as near the even one. The derivative is 0 everywhere.</summary>
        /// <exception cref="DTypeException">This is a bool tensor.</exception>
        public Tensor Round() => Pointwise.Apply<Round>(this);

        /// <summary>
        /// Each element rounded to <paramref name="decimals"/> digits after the point, or to a multiple of 10^-decimals where that is negative; integers stay as
        /// they are.
        /// </summary>
        public Tensor Round(int decimals)
        {
            if (decimals == 0 || !DType.IsFloatingPoint())
            {
                return Round();
            }

            double scale = Math.Pow(10, Math.Abs((double)decimals));
            return decimals > 0 ? (this * scale).Round() / scale : (this / scale).Round() * scale;
        }

        /// <inheritdoc cref="Round()"/>
        public Tensor Round_() => Pointwise.ApplyInPlace<Round>(this);

        /// <summary>The fraction of each element, x - trunc(x), with its sign. The derivative is 1.</summary>
        public Tensor Frac() => this - Trunc();

        /// <inheritdoc cref="Frac"/>
        public Tensor Frac_() => Pointwise.AssignInPlace("Frac_", this, static x => x.Frac());
    }
}
