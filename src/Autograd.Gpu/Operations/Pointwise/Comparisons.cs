using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Operations
{
    /// <summary>A comparison: a bool for each pair of elements, and no derivative.</summary>
    internal abstract class Comparison(string name) : PointwiseOperation(name, 2)
    {
        public override bool IsPredicate => true;

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => null;
    }

    internal sealed class Equal() : Comparison("Eq")
    {
        internal static bool Invoke<T>(T a, T b) where T : unmanaged, INumber<T> => a == b;

        internal static bool Invoke(bool a, bool b) => a == b;

        internal static Vector<int> Invoke(Vector<float> a, Vector<float> b) => Vector.Equals(a, b);

        internal static Vector<long> Invoke(Vector<double> a, Vector<double> b) => Vector.Equals(a, b);

        internal static Vector<int> Invoke(Vector<int> a, Vector<int> b) => Vector.Equals(a, b);

        internal static Vector<long> Invoke(Vector<long> a, Vector<long> b) => Vector.Equals(a, b);

        internal static Vector<T> InvokeMask<T>(Vector<T> a, Vector<T> b) where T : unmanaged => ~(a ^ b);

        internal static Vector512<int> Invoke(Vector512<float> a, Vector512<float> b) => Vector512.Equals(a, b).AsInt32();
    }

    internal sealed class NotEqual() : Comparison("Ne")
    {
        internal static bool Invoke<T>(T a, T b) where T : unmanaged, INumber<T> => a != b;

        internal static bool Invoke(bool a, bool b) => a != b;

        internal static Vector<int> Invoke(Vector<float> a, Vector<float> b) => ~Vector.Equals(a, b);

        internal static Vector<long> Invoke(Vector<double> a, Vector<double> b) => ~Vector.Equals(a, b);

        internal static Vector<int> Invoke(Vector<int> a, Vector<int> b) => ~Vector.Equals(a, b);

        internal static Vector<long> Invoke(Vector<long> a, Vector<long> b) => ~Vector.Equals(a, b);

        internal static Vector<T> InvokeMask<T>(Vector<T> a, Vector<T> b) where T : unmanaged => a ^ b;

        internal static Vector512<int> Invoke(Vector512<float> a, Vector512<float> b) => ~Vector512.Equals(a, b).AsInt32();
    }

    internal sealed class Less() : Comparison("Lt")
    {
        internal static bool Invoke<T>(T a, T b) where T : unmanaged, INumber<T> => a < b;

        internal static Vector<int> Invoke(Vector<float> a, Vector<float> b) => Vector.LessThan(a, b);

        internal static Vector<long> Invoke(Vector<double> a, Vector<double> b) => Vector.LessThan(a, b);

        internal static Vector<int> Invoke(Vector<int> a, Vector<int> b) => Vector.LessThan(a, b);

        internal static Vector<long> Invoke(Vector<long> a, Vector<long> b) => Vector.LessThan(a, b);

        internal static Vector512<int> Invoke(Vector512<float> a, Vector512<float> b) => Vector512.LessThan(a, b).AsInt32();
    }

    internal sealed class LessOrEqual() : Comparison("Le")
    {
        internal static bool Invoke<T>(T a, T b) where T : unmanaged, INumber<T> => a <= b;

        internal static Vector<int> Invoke(Vector<float> a, Vector<float> b) => Vector.LessThanOrEqual(a, b);

        internal static Vector<long> Invoke(Vector<double> a, Vector<double> b) => Vector.LessThanOrEqual(a, b);

        internal static Vector<int> Invoke(Vector<int> a, Vector<int> b) => Vector.LessThanOrEqual(a, b);

        internal static Vector<long> Invoke(Vector<long> a, Vector<long> b) => Vector.LessThanOrEqual(a, b);

        internal static Vector512<int> Invoke(Vector512<float> a, Vector512<float> b) => Vector512.LessThanOrEqual(a, b).AsInt32();
    }

    internal sealed class Greater() : Comparison("Gt")
    {
        internal static bool Invoke<T>(T a, T b) where T : unmanaged, INumber<T> => a > b;

        internal static Vector<int> Invoke(Vector<float> a, Vector<float> b) => Vector.GreaterThan(a, b);

        internal static Vector<long> Invoke(Vector<double> a, Vector<double> b) => Vector.GreaterThan(a, b);

        internal static Vector<int> Invoke(Vector<int> a, Vector<int> b) => Vector.GreaterThan(a, b);

        internal static Vector<long> Invoke(Vector<long> a, Vector<long> b) => Vector.GreaterThan(a, b);

        internal static Vector512<int> Invoke(Vector512<float> a, Vector512<float> b) => Vector512.GreaterThan(a, b).AsInt32();
    }

    internal sealed class GreaterOrEqual() : Comparison("Ge")
    {
        internal static bool Invoke<T>(T a, T b) where T : unmanaged, INumber<T> => a >= b;

        internal static Vector<int> Invoke(Vector<float> a, Vector<float> b) => Vector.GreaterThanOrEqual(a, b);

        internal static Vector<long> Invoke(Vector<double> a, Vector<double> b) => Vector.GreaterThanOrEqual(a, b);

        internal static Vector<int> Invoke(Vector<int> a, Vector<int> b) => Vector.GreaterThanOrEqual(a, b);

        internal static Vector<long> Invoke(Vector<long> a, Vector<long> b) => Vector.GreaterThanOrEqual(a, b);

        internal static Vector512<int> Invoke(Vector512<float> a, Vector512<float> b) => Vector512.GreaterThanOrEqual(a, b).AsInt32();
    }
}

namespace Autograd.Gpu
{
    public sealed partial class Tensor
    {
        /// <summary>Whether each element is equal the other at its place, as a bool tensor.</summary>
        public Tensor Eq(Tensor other) => Pointwise.Apply<Equal>(this, other);

        /// <summary>Whether each element is equal a number, as a bool tensor.</summary>
        public Tensor Eq(Scalar other) => Pointwise.Apply<Equal>(this, other);

        /// <summary>Whether each element is equal the other at its place, as a bool tensor.</summary>
        /// <exception cref="ArgumentNullException">One is null. To ask whether a tensor is null write <c>x is null</c>.</exception>
        public static Tensor operator ==(Tensor a, Tensor b) => Compared(a).Eq(Compared(b));

        /// <summary>Whether each element is equal a number, as a bool tensor.</summary>
        public static Tensor operator ==(Tensor a, Scalar b) => NotNull(a).Eq(b);

        /// <summary>Whether each element is not equal the other at its place, as a bool tensor.</summary>
        public Tensor Ne(Tensor other) => Pointwise.Apply<NotEqual>(this, other);

        /// <summary>Whether each element is not equal a number, as a bool tensor.</summary>
        public Tensor Ne(Scalar other) => Pointwise.Apply<NotEqual>(this, other);

        /// <summary>Whether each element is not equal the other at its place, as a bool tensor.</summary>
        /// <exception cref="ArgumentNullException">One is null. To ask whether a tensor is null write <c>x is null</c>.</exception>
        public static Tensor operator !=(Tensor a, Tensor b) => Compared(a).Ne(Compared(b));

        /// <summary>Whether each element is not equal a number, as a bool tensor.</summary>
        public static Tensor operator !=(Tensor a, Scalar b) => NotNull(a).Ne(b);

        /// <summary>Whether each element is less than the other at its place, as a bool tensor.</summary>
        public Tensor Lt(Tensor other) => Pointwise.Apply<Less>(this, other);

        /// <summary>Whether each element is less than a number, as a bool tensor.</summary>
        public Tensor Lt(Scalar other) => Pointwise.Apply<Less>(this, other);

        /// <summary>Whether each element is less than the other at its place, as a bool tensor.</summary>
        public static Tensor operator <(Tensor a, Tensor b) => NotNull(a).Lt(NotNull(b));

        /// <summary>Whether each element is less than a number, as a bool tensor.</summary>
        public static Tensor operator <(Tensor a, Scalar b) => NotNull(a).Lt(b);

        /// <summary>Whether each element is less than or equal to the other at its place, as a bool tensor.</summary>
        public Tensor Le(Tensor other) => Pointwise.Apply<LessOrEqual>(this, other);

        /// <summary>Whether each element is less than or equal to a number, as a bool tensor.</summary>
        public Tensor Le(Scalar other) => Pointwise.Apply<LessOrEqual>(this, other);

        /// <summary>Whether each element is less than or equal to the other at its place, as a bool tensor.</summary>
        public static Tensor operator <=(Tensor a, Tensor b) => NotNull(a).Le(NotNull(b));

        /// <summary>Whether each element is less than or equal to a number, as a bool tensor.</summary>
        public static Tensor operator <=(Tensor a, Scalar b) => NotNull(a).Le(b);

        /// <summary>Whether each element is greater than the other at its place, as a bool tensor.</summary>
        public Tensor Gt(Tensor other) => Pointwise.Apply<Greater>(this, other);

        /// <summary>Whether each element is greater than a number, as a bool tensor.</summary>
        public Tensor Gt(Scalar other) => Pointwise.Apply<Greater>(this, other);

        /// <summary>Whether each element is greater than the other at its place, as a bool tensor.</summary>
        public static Tensor operator >(Tensor a, Tensor b) => NotNull(a).Gt(NotNull(b));

        /// <summary>Whether each element is greater than a number, as a bool tensor.</summary>
        public static Tensor operator >(Tensor a, Scalar b) => NotNull(a).Gt(b);

        /// <summary>Whether each element is greater than or equal to the other at its place, as a bool tensor.</summary>
        public Tensor Ge(Tensor other) => Pointwise.Apply<GreaterOrEqual>(this, other);

        /// <summary>Whether each element is greater than or equal to a number, as a bool tensor.</summary>
        public Tensor Ge(Scalar other) => Pointwise.Apply<GreaterOrEqual>(this, other);

        /// <summary>Whether each element is greater than or equal to the other at its place, as a bool tensor.</summary>
        public static Tensor operator >=(Tensor a, Tensor b) => NotNull(a).Ge(NotNull(b));

        /// <summary>Whether each element is greater than or equal to a number, as a bool tensor.</summary>
        public static Tensor operator >=(Tensor a, Scalar b) => NotNull(a).Ge(b);

        private static Tensor Compared(Tensor? tensor, [CallerArgumentExpression(nameof(tensor))] string? name = null) => tensor ?? throw new ArgumentNullException(
            name, "Eq: == and != compare tensors element by element, and one of these is null. To ask whether a tensor is null write x is null.");

        /// <summary>Whether this is the same object. To compare elements use <see cref="Eq(Tensor)"/>.</summary>
        public override bool Equals(object? obj) => ReferenceEquals(this, obj);

        /// <summary>A hash of the object's identity.</summary>
        public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);
    }
}
