using System.Numerics;
using System.Runtime.Intrinsics;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Operations
{
    internal sealed class Erf() : PointwiseOperation("Erf", 1)
    {
        /// <summary>2 / sqrt(pi), the derivative at 0.</summary>
        internal const double Slope = 1.12837916709551257390;

        public override Saves Saves => Saves.Input0;

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => gradient * (Slope * (-(saved.Input0 * saved.Input0)).Exp());

        internal static float Invoke(float x) => DeviceMath.Erf(x);

        internal static double Invoke(double x) => DeviceMath.Erf(x);

        internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Erf(x);

        internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Erf(x);

        internal static Vector512<float> Invoke(Vector512<float> x) => WideMath.Erf(x);
    }

    internal sealed class Erfc() : PointwiseOperation("Erfc", 1)
    {
        public override Saves Saves => Saves.Input0;

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => gradient * (-Erf.Slope * (-(saved.Input0 * saved.Input0)).Exp());

        internal static float Invoke(float x) => DeviceMath.Erfc(x);

        internal static double Invoke(double x) => DeviceMath.Erfc(x);

        internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Erfc(x);

        internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Erfc(x);

        internal static Vector512<float> Invoke(Vector512<float> x) => WideMath.Erfc(x);
    }

    internal sealed class Erfinv() : PointwiseOperation("Erfinv", 1)
    {
        public override Saves Saves => Saves.Output;

        public override (double Low, double High) Domain => (-0.6, 0.6);

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => gradient * ((saved.Output * saved.Output).Exp() / Erf.Slope);

        internal static float Invoke(float x) => DeviceMath.Erfinv(x);

        internal static double Invoke(double x) => DeviceMath.Erfinv(x);

        internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Erfinv(x);

        internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Erfinv(x);
    }

    /// <summary>ln |Gamma(x)|; its derivative is digamma.</summary>
    internal sealed class Lgamma() : PointwiseOperation("Lgamma", 1)
    {
        public override Saves Saves => Saves.Input0;

        public override (double Low, double High) Domain => (0.3, 5);

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => gradient * saved.Input0.Digamma();

        internal static float Invoke(float x) => DeviceMath.Lgamma(x);

        internal static double Invoke(double x) => DeviceMath.Lgamma(x);

        internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Lgamma(x);

        internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Lgamma(x);
    }

    /// <summary>The derivative of ln Gamma; its own is trigamma, zeta(2, x).</summary>
    internal sealed class Digamma() : PointwiseOperation("Digamma", 1)
    {
        public override Saves Saves => Saves.Input0;

        public override (double Low, double High) Domain => (0.3, 5);

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => gradient * saved.Input0.Polygamma(1);

        internal static float Invoke(float x) => DeviceMath.Digamma(x);

        internal static double Invoke(double x) => DeviceMath.Digamma(x);

        internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Digamma(x);

        internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Digamma(x);
    }

    /// <summary>The Hurwitz zeta function, the sum of (q + k)^-s over k = 0, 1, ...; its derivative with respect to q is -s zeta(s + 1, q).</summary>
    internal sealed class Zeta() : PointwiseOperation("Zeta", 2)
    {
        public override Saves Saves => Saves.Inputs;

        public override (double Low, double High) Domain => (1.5, 4);

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved)
        {
            if (input == 0)
            {
                throw new GradientException("Zeta: the derivative for 'self' (the exponent) is not implemented. Detach() it, or give it as a number.");
            }

            var (s, q) = (saved.Input0, saved.Input1);
            return gradient * (-s * Pointwise.Apply<Zeta>(s + 1, q));
        }

        internal static float Invoke(float s, float q) => DeviceMath.Zeta(s, q);

        internal static double Invoke(double s, double q) => DeviceMath.Zeta(s, q);
    }
}

namespace Autograd.Gpu
{
    public sealed partial class Tensor
    {
        /// <summary>The error function of each element, 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x. Integers become float32.</summary>
        public Tensor Erf() => Pointwise.Apply<Erf>(this);

        /// <summary>Replaces each element by its error function.</summary>
        public Tensor Erf_() => Pointwise.ApplyInPlace<Erf>(this);

        /// <summary>1 - erf(x), with a relative error bound however small it is.</summary>
        public Tensor Erfc() => Pointwise.Apply<Erfc>(this);

        /// <summary>Replaces each element by 1 - erf(x).</summary>
        public Tensor Erfc_() => Pointwise.ApplyInPlace<Erfc>(this);

        /// <summary>The inverse of the error function; infinite at 1 and -1, nan beyond. The derivative is sqrt(pi) / 2 e^(y^2).</summary>
        public Tensor Erfinv() => Pointwise.Apply<Erfinv>(this);

        /// <summary>Replaces each element by its inverse error function.</summary>
        public Tensor Erfinv_() => Pointwise.ApplyInPlace<Erfinv>(this);

        /// <summary>ln |Gamma(x)| of each element; infinite at 0 and at the negative integers. The derivative is <see cref="Digamma"/>.</summary>
        public Tensor Lgamma() => Pointwise.Apply<Lgamma>(this);

        /// <summary>Replaces each element by ln |Gamma(x)|.</summary>
        public Tensor Lgamma_() => Pointwise.ApplyInPlace<Lgamma>(this);

        /// <summary>The derivative of ln Gamma: -inf at 0 (+inf at -0), nan at the negative integers. Its own derivative is trigamma.</summary>
        public Tensor Digamma() => Pointwise.Apply<Digamma>(this);

        /// <summary>Replaces each element by its digamma function.</summary>
        public Tensor Digamma_() => Pointwise.ApplyInPlace<Digamma>(this);

        /// <summary>The <paramref name="n"/>-th derivative of <see cref="Digamma"/>: (-1)^(n + 1) n! zeta(n + 1, x), and digamma itself for 0.</summary>
        /// <param name="n">The order, not negative.</param>
        /// <exception cref="ArgumentOutOfRangeException">The order is negative.</exception>
        public Tensor Polygamma(int n)
        {
            if (n < 0)
            {
                throw new ArgumentOutOfRangeException(nameof(n), n, "Polygamma: polygamma(n, x) does not support negative n.");
            }

            if (n == 0)
            {
                return Digamma();
            }

            double factorial = 1;
            for (int k = 2; k <= n; k++)
            {
                factorial *= k;
            }

            return Pointwise.Apply<Zeta>(n + 1.0, this) * (n % 2 == 0 ? -factorial : factorial);
        }

        /// <summary>
        /// The Hurwitz zeta function zeta(s, q), the sum of (q + k)^-s over k = 0, 1, ..., of this tensor's elements s: infinite for s = 1 and where q is 0 or a
        /// negative integer, nan for s below 1, and for q below 0 unless s is an integer. Differentiable with respect to q alone.
        /// </summary>
        public Tensor Zeta(Tensor q) => Pointwise.Apply<Zeta>(this, q);

        /// <summary>sin(pi x) / (pi x), and 1 at 0, where the derivative is 0.</summary>
        public Tensor Sinc()
        {
            // Where it is not used the quotient is taken at 1, so that its derivative is finite.
            var isZero = this == 0;
            var angle = Where(isZero, 1.0, this) * Math.PI;
            return Where(isZero, 1.0, angle.Sin() / angle);
        }

        /// <summary>Replaces each element x by sin(pi x) / (pi x).</summary>
        public Tensor Sinc_() => Pointwise.AssignInPlace("Sinc_", this, static x => x.Sinc());
    }
}
