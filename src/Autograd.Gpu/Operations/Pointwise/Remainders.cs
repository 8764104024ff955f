using Autograd.Gpu.Kernels;
using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Operations
{
    /// <summary>a - b trunc(a / b), exactly. Integers over 0 give 0.</summary>
    internal sealed class Fmod() : PointwiseOperation("Fmod", 2)
    {
        public override Saves Saves => Saves.Inputs;

        public override (double Low, double High) Domain => (2.1, 2.9);

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) =>
            input == 0 ? gradient : -gradient * saved.Input0.Div(saved.Input1, DivisionRounding.Trunc);

        internal static float Invoke(float a, float b) => DeviceMath.Fmod(a, b);

        internal static double Invoke(double a, double b) => DeviceMath.Fmod(a, b);

        // The smallest integer has no quotient by -1.
        internal static int Invoke(int a, int b) => b == 0 || b == -1 ? 0 : a % b;

        internal static long Invoke(long a, long b) => b == 0 || b == -1 ? 0 : a % b;
    }

    /// <summary>a - b floor(a / b), exactly but for the addition of b where the signs differ. Integers over 0 give 0.</summary>
    internal sealed class Remainder() : PointwiseOperation("Remainder", 2)
    {
        public override Saves Saves => Saves.Inputs;

        public override (double Low, double High) Domain => (2.1, 2.9);

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) =>
            input == 0 ? gradient : -gradient * saved.Input0.Div(saved.Input1, DivisionRounding.Floor);

        internal static float Invoke(float a, float b)
        {
            float rest = DeviceMath.Fmod(a, b);
            return rest != 0f && (rest < 0f) != (b < 0f) ? rest + b : rest;
        }

        internal static double Invoke(double a, double b)
        {
            double rest = DeviceMath.Fmod(a, b);
            return rest != 0d && (rest < 0d) != (b < 0d) ? rest + b : rest;
        }

        internal static int Invoke(int a, int b)
        {
            int rest = Fmod.Invoke(a, b);
            return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
        }

        internal static long Invoke(long a, long b)
        {
            long rest = Fmod.Invoke(a, b);
            return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
        }
    }

    /// <summary>floor(a / b), from the exact remainder, so that it fits it; the derivatives are 0. Integers over 0 give 0.</summary>
    internal sealed class FloorDivide() : PointwiseOperation("FloorDivide", 2)
    {
        public override string NodeName => "DivBackward1";

        public override (double Low, double High) Domain => (2.1, 2.9);

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => null;

        internal static float Invoke(float a, float b)
        {
            if (b == 0f)
            {
                return a / b;
            }

            float rest = DeviceMath.Fmod(a, b);
            float quotient = (a - rest) / b;
            quotient = rest != 0f && (rest < 0f) != (b < 0f) ? quotient - 1f : quotient;
            float floor = DeviceMath.Floor(quotient);
            floor = quotient - floor > 0.5f ? floor + 1f : floor;
            return quotient == 0f ? DeviceMath.Copysign(0f, a / b) : floor;
        }

        internal static double Invoke(double a, double b)
        {
            if (b == 0d)
            {
                return a / b;
            }

            double rest = DeviceMath.Fmod(a, b);
            double quotient = (a - rest) / b;
            quotient = rest != 0d && (rest < 0d) != (b < 0d) ? quotient - 1d : quotient;
            double floor = DeviceMath.Floor(quotient);
            floor = quotient - floor > 0.5d ? floor + 1d : floor;
            return quotient == 0d ? DeviceMath.Copysign(0d, a / b) : floor;
        }

        internal static int Invoke(int a, int b)
        {
            int quotient = TruncDivide.Invoke(a, b);
            return b != 0 && b != -1 && (a < 0) != (b < 0) && quotient * b != a ? quotient - 1 : quotient;
        }

        internal static long Invoke(long a, long b)
        {
            long quotient = TruncDivide.Invoke(a, b);
            return b != 0 && b != -1 && (a < 0) != (b < 0) && quotient * b != a ? quotient - 1 : quotient;
        }
    }

    /// <summary>trunc(a / b); the derivatives are 0. Integers over 0 give 0.</summary>
    internal sealed class TruncDivide() : PointwiseOperation("TruncDivide", 2)
    {
        public override string NodeName => "DivBackward1";

        public override (double Low, double High) Domain => (2.1, 2.9);

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => null;

        internal static float Invoke(float a, float b) => DeviceMath.Trunc(a / b);

        internal static double Invoke(double a, double b) => DeviceMath.Trunc(a / b);

        internal static int Invoke(int a, int b) => b == 0 ? 0 : b == -1 ? -a : a / b;

        internal static long Invoke(long a, long b) => b == 0 ? 0 : b == -1 ? -a : a / b;
    }
}

namespace Autograd.Gpu
{
    /// <summary>How <see cref="Tensor.Div(Tensor, DivisionRounding?)"/> rounds a quotient.</summary>
    public enum DivisionRounding
    {
        /// <summary>Towards zero, as C# divides integers.</summary>
        Trunc,

        /// <summary>Down, as Python's // does.</summary>
        Floor,
    }

    public sealed partial class Tensor
    {
        /// <summary>The quotient at each place, as a floating-point number. Shapes broadcast, dtypes promote.</summary>
        public Tensor Div(Tensor other) => Pointwise.Apply<Div>(this, other);

        /// <inheritdoc cref="Div(Tensor)"/>
        public Tensor Div(Scalar other) => this / other;

        /// <summary>
        /// The quotient at each place, rounded; null does not round. Integers stay integers, and over 0 they give 0. Rounded quotients have zero gradients.
        /// </summary>
        public Tensor Div(Tensor other, DivisionRounding? rounding)
        {
            Defined.Check("Div", rounding);
            return rounding switch
            {
                DivisionRounding.Trunc => Pointwise.Apply<TruncDivide>(this, other),
                DivisionRounding.Floor => Pointwise.Apply<FloorDivide>(this, other),
                _ => Pointwise.Apply<Div>(this, other),
            };
        }

        /// <inheritdoc cref="Div(Tensor, DivisionRounding?)"/>
        /// <exception cref="DTypeException">Integers are divided by 0.</exception>
        public Tensor Div(Scalar other, DivisionRounding? rounding)
        {
            Defined.Check("Div", rounding);
            return rounding switch
            {
                DivisionRounding.Trunc => Pointwise.Apply<TruncDivide>(this, Divisor("Div", other)),
                DivisionRounding.Floor => Pointwise.Apply<FloorDivide>(this, Divisor("Div", other)),
                _ => this / other,
            };
        }

        /// <summary>Divides this tensor by another in place and rounds the quotients.</summary>
        public Tensor Div_(Tensor other, DivisionRounding? rounding)
        {
            Defined.Check("Div_", rounding);
            return rounding switch
            {
                DivisionRounding.Trunc => Pointwise.ApplyInPlace<TruncDivide>(this, other),
                DivisionRounding.Floor => Pointwise.ApplyInPlace<FloorDivide>(this, other),
                _ => Div_(other),
            };
        }

        /// <summary>floor(a / b) at each place: Python's //. Integers stay integers, and over 0 they give 0. The gradients are 0.</summary>
        public Tensor FloorDivide(Tensor other) => Pointwise.Apply<FloorDivide>(this, other);

        /// <inheritdoc cref="FloorDivide(Tensor)"/>
        /// <exception cref="DTypeException">Integers are divided by 0.</exception>
        public Tensor FloorDivide(Scalar other) => Pointwise.Apply<FloorDivide>(this, Divisor("FloorDivide", other));

        /// <summary>Replaces each element by floor(a / b).</summary>
        public Tensor FloorDivide_(Tensor other) => Pointwise.ApplyInPlace<FloorDivide>(this, other);

        /// <summary>
        /// a - b floor(a / b) at each place, with the sign of b: Python's %. Integers over 0 give 0, floating-point numbers nan. The derivatives are 1 and
        /// -floor(a / b).
        /// </summary>
        public Tensor Remainder(Tensor other) => Pointwise.Apply<Remainder>(this, other);

        /// <inheritdoc cref="Remainder(Tensor)"/>
        /// <exception cref="DTypeException">Integers are divided by 0.</exception>
        public Tensor Remainder(Scalar other) => Pointwise.Apply<Remainder>(this, Divisor("Remainder", other));

        /// <summary>Replaces each element by its remainder, with the sign of the divisor.</summary>
        public Tensor Remainder_(Tensor other) => Pointwise.ApplyInPlace<Remainder>(this, other);

        /// <summary>
        /// a - b trunc(a / b) at each place, with the sign of a: C#'s %. Exact. Integers over 0 give 0, floating-point numbers nan. The derivatives are 1 and
        /// -trunc(a / b).
        /// </summary>
        public Tensor Fmod(Tensor other) => Pointwise.Apply<Fmod>(this, other);

        /// <inheritdoc cref="Fmod(Tensor)"/>
        /// <exception cref="DTypeException">Integers are divided by 0.</exception>
        public Tensor Fmod(Scalar other) => Pointwise.Apply<Fmod>(this, Divisor("Fmod", other));

        /// <summary>Replaces each element by its remainder, with its own sign.</summary>
        public Tensor Fmod_(Tensor other) => Pointwise.ApplyInPlace<Fmod>(this, other);

        /// <summary>The remainder with the sign of the divisor, as <see cref="Remainder(Tensor)"/>: Python's %, and not C#'s, which is <see cref="Fmod(Tensor)"/>.</summary>
        public static Tensor operator %(Tensor a, Tensor b) => NotNull(a).Remainder(NotNull(b));

        /// <inheritdoc cref="op_Modulus(Tensor, Tensor)"/>
        public static Tensor operator %(Tensor a, Scalar b) => NotNull(a).Remainder(b);

        private Scalar Divisor(string operation, Scalar other) =>
            other.ToDouble() == 0 && !other.IsFloatingPoint && !DType.IsFloatingPoint()
                ? throw new DTypeException($"{operation}: ZeroDivisionError: an {DType.Name()} tensor cannot be divided by the integer 0. Convert it with To(DType.Float32) first.")
                : other;
    }
}
