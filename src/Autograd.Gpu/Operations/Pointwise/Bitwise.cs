using System.Numerics;
using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Operations
{
    /// <summary>An operation on the bits of integers, and on bools as single bits; it has no derivative.</summary>
    internal abstract class BitwiseOperation(string name, int arity) : PointwiseOperation(name, arity)
    {
        public override bool IsDifferentiable => false;

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => null;

        public override string? Refusal(DType dtype) =>
            dtype.IsFloatingPoint() ? $"{Name}: not implemented for {dtype.Name()}: it takes integers and bools. Compare first, as in x > 0, or convert." : null;
    }

    internal sealed class BitwiseAnd() : BitwiseOperation("BitwiseAnd", 2)
    {
        internal static int Invoke(int a, int b) => a & b;

        internal static long Invoke(long a, long b) => a & b;

        internal static bool Invoke(bool a, bool b) => a & b;

        internal static Vector<int> Invoke(Vector<int> a, Vector<int> b) => a & b;

        internal static Vector<long> Invoke(Vector<long> a, Vector<long> b) => a & b;

        internal static Vector<T> InvokeMask<T>(Vector<T> a, Vector<T> b) where T : unmanaged => a & b;
    }

    internal sealed class BitwiseOr() : BitwiseOperation("BitwiseOr", 2)
    {
        internal static int Invoke(int a, int b) => a | b;

        internal static long Invoke(long a, long b) => a | b;

        internal static bool Invoke(bool a, bool b) => a | b;

        internal static Vector<int> Invoke(Vector<int> a, Vector<int> b) => a | b;

        internal static Vector<long> Invoke(Vector<long> a, Vector<long> b) => a | b;

        internal static Vector<T> InvokeMask<T>(Vector<T> a, Vector<T> b) where T : unmanaged => a | b;
    }

    internal sealed class BitwiseXor() : BitwiseOperation("BitwiseXor", 2)
    {
        internal static int Invoke(int a, int b) => a ^ b;

        internal static long Invoke(long a, long b) => a ^ b;

        internal static bool Invoke(bool a, bool b) => a != b;

        internal static Vector<int> Invoke(Vector<int> a, Vector<int> b) => a ^ b;

        internal static Vector<long> Invoke(Vector<long> a, Vector<long> b) => a ^ b;

        internal static Vector<T> InvokeMask<T>(Vector<T> a, Vector<T> b) where T : unmanaged => a ^ b;
    }

    internal sealed class BitwiseNot() : BitwiseOperation("BitwiseNot", 1)
    {
        internal static int Invoke(int x) => ~x;

        internal static long Invoke(long x) => ~x;

        internal static bool Invoke(bool x) => !x;

        internal static Vector<int> Invoke(Vector<int> x) => ~x;

        internal static Vector<long> Invoke(Vector<long> x) => ~x;

        internal static Vector<T> InvokeMask<T>(Vector<T> x) where T : unmanaged => ~x;
    }

    /// <summary>a 2^b without the bits that leave the number; 0 where b is negative or not below its number of bits.</summary>
    internal sealed class LeftShift() : BitwiseOperation("BitwiseLeftShift", 2)
    {
        internal static int Invoke(int a, int b) => b < 0 || b > 31 ? 0 : a << b;

        internal static long Invoke(long a, long b) => b < 0 || b > 63 ? 0 : a << (int)b;
    }

    /// <summary>floor(a / 2^b); nothing but the sign is left where b is negative or not below the number of bits.</summary>
    internal sealed class RightShift() : BitwiseOperation("BitwiseRightShift", 2)
    {
        internal static int Invoke(int a, int b) => a >> (b < 0 || b > 31 ? 31 : b);

        internal static long Invoke(long a, long b) => a >> (b < 0 || b > 63 ? 63 : (int)b);
    }
}

namespace Autograd.Gpu
{
    public sealed partial class Tensor
    {
        /// <summary>The bitwise and of integers, the logical one of bools. Shapes broadcast, dtypes promote; not differentiable.</summary>
        /// <exception cref="DTypeException">One is a floating-point tensor.</exception>
        public Tensor BitwiseAnd(Tensor other) => Pointwise.Apply<BitwiseAnd>(this, other);

        /// <inheritdoc cref="BitwiseAnd(Tensor)"/>
        public Tensor BitwiseAnd(Scalar other) => Pointwise.Apply<BitwiseAnd>(this, other);

        /// <inheritdoc cref="BitwiseAnd(Tensor)"/>
        public Tensor BitwiseAnd_(Tensor other) => Pointwise.ApplyInPlace<BitwiseAnd>(this, other);

        /// <inheritdoc cref="BitwiseAnd(Tensor)"/>
        public static Tensor operator &(Tensor a, Tensor b) => Pointwise.Apply<BitwiseAnd>(a, b);

        /// <inheritdoc cref="BitwiseAnd(Tensor)"/>
        public static Tensor operator &(Tensor a, Scalar b) => Pointwise.Apply<BitwiseAnd>(a, b);

        /// <summary>The bitwise or of integers, the logical one of bools. Shapes broadcast, dtypes promote; not differentiable.</summary>
        /// <exception cref="DTypeException">One is a floating-point tensor.</exception>
        public Tensor BitwiseOr(Tensor other) => Pointwise.Apply<BitwiseOr>(this, other);

        /// <inheritdoc cref="BitwiseOr(Tensor)"/>
        public Tensor BitwiseOr(Scalar other) => Pointwise.Apply<BitwiseOr>(this, other);

        /// <inheritdoc cref="BitwiseOr(Tensor)"/>
        public Tensor BitwiseOr_(Tensor other) => Pointwise.ApplyInPlace<BitwiseOr>(this, other);

        /// <inheritdoc cref="BitwiseOr(Tensor)"/>
        public static Tensor operator |(Tensor a, Tensor b) => Pointwise.Apply<BitwiseOr>(a, b);

        /// <inheritdoc cref="BitwiseOr(Tensor)"/>
        public static Tensor operator |(Tensor a, Scalar b) => Pointwise.Apply<BitwiseOr>(a, b);

        /// <summary>The bitwise exclusive or of integers, the logical one of bools. Shapes broadcast, dtypes promote; not differentiable.</summary>
        /// <exception cref="DTypeException">One is a floating-point tensor.</exception>
        public Tensor BitwiseXor(Tensor other) => Pointwise.Apply<BitwiseXor>(this, other);

        /// <inheritdoc cref="BitwiseXor(Tensor)"/>
        public Tensor BitwiseXor(Scalar other) => Pointwise.Apply<BitwiseXor>(this, other);

        /// <inheritdoc cref="BitwiseXor(Tensor)"/>
        public Tensor BitwiseXor_(Tensor other) => Pointwise.ApplyInPlace<BitwiseXor>(this, other);

        /// <inheritdoc cref="BitwiseXor(Tensor)"/>
        public static Tensor operator ^(Tensor a, Tensor b) => Pointwise.Apply<BitwiseXor>(a, b);

        /// <inheritdoc cref="BitwiseXor(Tensor)"/>
        public static Tensor operator ^(Tensor a, Scalar b) => Pointwise.Apply<BitwiseXor>(a, b);

        /// <summary>The complement of integers, the negation of bools; not differentiable.</summary>
        /// <exception cref="DTypeException">This is a floating-point tensor.</exception>
        public Tensor BitwiseNot() => Pointwise.Apply<BitwiseNot>(this);

        /// <inheritdoc cref="BitwiseNot"/>
        public Tensor BitwiseNot_() => Pointwise.ApplyInPlace<BitwiseNot>(this);

        /// <inheritdoc cref="BitwiseNot"/>
        public static Tensor operator ~(Tensor x) => NotNull(x).BitwiseNot();

        /// <summary>Integers shifted to the left; 0 where the distance is negative or not below the number of bits. Not differentiable.</summary>
        /// <exception cref="DTypeException">One is a floating-point tensor.</exception>
        public Tensor BitwiseLeftShift(Tensor other) => Pointwise.Apply<LeftShift>(this, other);

        /// <inheritdoc cref="BitwiseLeftShift(Tensor)"/>
        public Tensor BitwiseLeftShift(Scalar other) => Pointwise.Apply<LeftShift>(this, other);

        /// <inheritdoc cref="BitwiseLeftShift(Tensor)"/>
        public static Tensor operator <<(Tensor a, Tensor b) => Pointwise.Apply<LeftShift>(a, b);

        /// <inheritdoc cref="BitwiseLeftShift(Tensor)"/>
        public static Tensor operator <<(Tensor a, Scalar b) => Pointwise.Apply<LeftShift>(a, b);

        /// <summary>Integers shifted to the right, filled with the sign; only that is left where the distance is negative or not below the number of bits. Not differentiable.</summary>
        /// <exception cref="DTypeException">One is a floating-point tensor.</exception>
        public Tensor BitwiseRightShift(Tensor other) => Pointwise.Apply<RightShift>(this, other);

        /// <inheritdoc cref="BitwiseRightShift(Tensor)"/>
        public Tensor BitwiseRightShift(Scalar other) => Pointwise.Apply<RightShift>(this, other);

        /// <inheritdoc cref="BitwiseRightShift(Tensor)"/>
        public static Tensor operator >>(Tensor a, Tensor b) => Pointwise.Apply<RightShift>(a, b);

        /// <inheritdoc cref="BitwiseRightShift(Tensor)"/>
        public static Tensor operator >>(Tensor a, Scalar b) => Pointwise.Apply<RightShift>(a, b);
    }
}
