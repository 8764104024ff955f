using System.Numerics;
using System.Runtime.Intrinsics;
using Autograd.Gpu.Lazy;
using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Operations
{
    internal sealed class Add() : PointwiseOperation("Add", 2)
    {
        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => gradient;

        internal static T Invoke<T>(T a, T b) where T : unmanaged, INumber<T> => a + b;

        internal static bool Invoke(bool a, bool b) => a | b;

        internal static Vector<T> Invoke<T>(Vector<T> a, Vector<T> b) where T : unmanaged => a + b;

        internal static Vector<T> InvokeMask<T>(Vector<T> a, Vector<T> b) where T : unmanaged => a | b;

        internal static Vector512<T> Invoke<T>(Vector512<T> a, Vector512<T> b) where T : unmanaged => a + b;
    }

    internal sealed class Sub() : PointwiseOperation("Sub", 2)
    {
        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => input == 0 ? gradient : -gradient;

        public override string? Refusal(DType dtype) => dtype == DType.Bool
            ? "Sub: Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` operator instead."
            : null;

        internal static T Invoke<T>(T a, T b) where T : unmanaged, INumber<T> => a - b;

        internal static Vector<T> Invoke<T>(Vector<T> a, Vector<T> b) where T : unmanaged => a - b;

        internal static Vector512<T> Invoke<T>(Vector512<T> a, Vector512<T> b) where T : unmanaged => a - b;
    }

    internal sealed class Mul() : PointwiseOperation("Mul", 2)
    {
        public override Saves Saves => Saves.Inputs;

        // x * 2 keeps no x.
        public override Saves InputsFor(bool first, bool second) => (first ? Saves.Input1 : Saves.None) | (second ? Saves.Input0 : Saves.None);

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) =>
            gradient * (input == 0 ? saved.Input1 : saved.Input0);

        public override Expression? Simplify(Expression in0, Expression? in1, DType dtype) =>
            Identity.IsOne(in1!) ? Identity.Of(in0) : Identity.IsOne(in0) ? Identity.Of(in1!) : null;

        internal static T Invoke<T>(T a, T b) where T : unmanaged, INumber<T> => a * b;

        internal static bool Invoke(bool a, bool b) => a & b;

        internal static Vector<T> Invoke<T>(Vector<T> a, Vector<T> b) where T : unmanaged => a * b;

        internal static Vector<T> InvokeMask<T>(Vector<T> a, Vector<T> b) where T : unmanaged => a & b;

        internal static Vector512<T> Invoke<T>(Vector512<T> a, Vector512<T> b) where T : unmanaged => a * b;
    }

    /// <summary>True division: integers are converted to float32 first.</summary>
    internal sealed class Div() : PointwiseOperation("Div", 2)
    {
        public override Saves Saves => Saves.Inputs;

        public override Saves InputsFor(bool first, bool second) => second ? Saves.Inputs : Saves.Input1;

        public override (double Low, double High) Domain => (0.5, 3);

        // The order of the divisions keeps (a / b) / b finite where b * b would overflow.
        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => input == 0
            ? gradient / saved.Input1
            : -gradient * (saved.Input0 / saved.Input1 / saved.Input1);

        public override Expression? Simplify(Expression in0, Expression? in1, DType dtype) => Identity.IsOne(in1!) ? Identity.Of(in0) : null;

        internal static float Invoke(float a, float b) => a / b;

        internal static double Invoke(double a, double b) => a / b;

        internal static Vector<float> Invoke(Vector<float> a, Vector<float> b) => a / b;

        internal static Vector<double> Invoke(Vector<double> a, Vector<double> b) => a / b;

        internal static Vector512<float> Invoke(Vector512<float> a, Vector512<float> b) => a / b;
    }

    internal sealed class Neg() : PointwiseOperation("Neg", 1)
    {
        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => -gradient;

        public override string? Refusal(DType dtype) => dtype == DType.Bool
            ? "Neg: Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the `~` or `logical_not()` operator instead."
            : null;

        internal static float Invoke(float x) => -x;

        internal static double Invoke(double x) => -x;

        internal static int Invoke(int x) => -x;

        internal static long Invoke(long x) => -x;

        internal static Vector<T> Invoke<T>(Vector<T> x) where T : unmanaged => -x;

        internal static Vector512<T> Invoke<T>(Vector512<T> x) where T : unmanaged => -x;
    }

    /// <summary>Values that an operation returns unchanged.</summary>
    internal static class Identity
    {
        public static bool IsOne(Expression expression) =>
            expression is ConstantExpression { Value: var value } && value.ToDouble() == 1 && expression.DType.IsFloatingPoint();

        /// <summary>The expression, if it can be a storage's value as it is.</summary>
        public static Expression? Of(Expression expression) =>
            expression is ApplyExpression or BufferExpression { IsWholeBlock: true } ? expression : null;
    }
}

namespace Autograd.Gpu
{
    public sealed partial class Tensor
    {
        /// <summary>The sum, element by element. Shapes broadcast, dtypes promote.</summary>
        public static Tensor operator +(Tensor a, Tensor b) => Pointwise.Apply<Add>(a, b);

        /// <summary>Adds a number to each element.</summary>
        public static Tensor operator +(Tensor a, Scalar b) => Pointwise.Apply<Add>(a, b);

        /// <summary>Adds a number to each element.</summary>
        public static Tensor operator +(Scalar a, Tensor b) => Pointwise.Apply<Add>(a, b);

        /// <summary>The difference, element by element. Shapes broadcast, dtypes promote.</summary>
        public static Tensor operator -(Tensor a, Tensor b) => Pointwise.Apply<Sub>(a, b);

        /// <summary>Subtracts a number from each element.</summary>
        public static Tensor operator -(Tensor a, Scalar b) => Pointwise.Apply<Sub>(a, b);

        /// <summary>Subtracts each element from a number.</summary>
        public static Tensor operator -(Scalar a, Tensor b) => Pointwise.Apply<Sub>(a, b);

        /// <summary>The product, element by element; for the matrix product see <see cref="MatMul"/>. Shapes broadcast, dtypes promote.</summary>
        public static Tensor operator *(Tensor a, Tensor b) => Pointwise.Apply<Mul>(a, b);

        /// <summary>Multiplies each element by a number.</summary>
        public static Tensor operator *(Tensor a, Scalar b) => Pointwise.Apply<Mul>(a, b);

        /// <summary>Multiplies each element by a number.</summary>
        public static Tensor operator *(Scalar a, Tensor b) => Pointwise.Apply<Mul>(a, b);

        /// <summary>The quotient, element by element, as floating-point numbers. Shapes broadcast, dtypes promote.</summary>
        public static Tensor operator /(Tensor a, Tensor b) => Pointwise.Apply<Div>(a, b);

        /// <summary>Divides each element by a number.</summary>
        public static Tensor operator /(Tensor a, Scalar b) => Pointwise.Apply<Div>(a, b);

        /// <summary>Divides a number by each element.</summary>
        public static Tensor operator /(Scalar a, Tensor b) => Pointwise.Apply<Div>(a, b);

        /// <summary>The negative of each element.</summary>
        public static Tensor operator -(Tensor x) => NotNull(x).Neg();

        /// <summary>The negative of each element.</summary>
        public Tensor Neg() => Pointwise.Apply<Neg>(this);

        /// <summary>Adds <paramref name="alpha"/> times <paramref name="other"/> to this tensor in place and returns it.</summary>
        public Tensor Add_(Tensor other, Scalar? alpha = null) => Pointwise.ApplyInPlace<Add>(this, Scaled(NotNull(other), alpha));

        /// <summary>Adds a number to each element in place.</summary>
        public Tensor Add_(Scalar other) => Pointwise.ApplyInPlace<Add>(this, Wrap(other, Device));

        /// <summary>Subtracts <paramref name="alpha"/> times <paramref name="other"/> from this tensor in place and returns it.</summary>
        public Tensor Sub_(Tensor other, Scalar? alpha = null) => Pointwise.ApplyInPlace<Sub>(this, Scaled(NotNull(other), alpha));

        /// <summary>Subtracts a number from each element in place.</summary>
        public Tensor Sub_(Scalar other) => Pointwise.ApplyInPlace<Sub>(this, Wrap(other, Device));

        /// <summary>Multiplies this tensor by another in place, element by element.</summary>
        public Tensor Mul_(Tensor other) => Pointwise.ApplyInPlace<Mul>(this, other);

        /// <summary>Multiplies each element by a number in place.</summary>
        public Tensor Mul_(Scalar other) => Pointwise.ApplyInPlace<Mul>(this, Wrap(other, Device));

        /// <summary>Divides this tensor by another in place, element by element.</summary>
        public Tensor Div_(Tensor other) => Pointwise.ApplyInPlace<Div>(this, other);

        /// <summary>Divides each element by a number in place.</summary>
        public Tensor Div_(Scalar other) => Pointwise.ApplyInPlace<Div>(this, Wrap(other, Device));

        private static Tensor Scaled(Tensor tensor, Scalar? factor) => factor is { } f ? tensor * f : tensor;
    }
}
