using System.Numerics;
using System.Runtime.Intrinsics;
using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Operations
{
    /// <summary>The magnitude; its derivative at 0 is 0.</summary>
    internal sealed class Abs() : PointwiseOperation("Abs", 1)
    {
        public override Saves Saves => Saves.Input0;

        public override (double Low, double High) Domain => (0.1, 3);

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => gradient * saved.Input0.Sign();

        internal static float Invoke(float x) => MathF.Abs(x);

        internal static double Invoke(double x) => Math.Abs(x);

        internal static int Invoke(int x) => x < 0 ? -x : x;

        internal static long Invoke(long x) => x < 0 ? -x : x;

        internal static Vector<T> Invoke<T>(Vector<T> x) where T : unmanaged => Vector.Abs(x);

        internal static Vector512<T> Invoke<T>(Vector512<T> x) where T : unmanaged => Vector512.Abs(x);
    }

    /// <summary>-1, 0 or 1; nan stays nan.</summary>
    internal sealed class Sign() : PointwiseOperation("Sign", 1)
    {
        public override (double Low, double High) Domain => (0.1, 3);

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => null;

        internal static float Invoke(float x) => x > 0f ? 1f : x < 0f ? -1f : x == 0f ? 0f : x;

        internal static double Invoke(double x) => x > 0d ? 1d : x < 0d ? -1d : x == 0d ? 0d : x;

        internal static int Invoke(int x) => x > 0 ? 1 : x < 0 ? -1 : 0;

        internal static long Invoke(long x) => x > 0 ? 1 : x < 0 ? -1 : 0;

        internal static Vector<float> Invoke(Vector<float> x) => Vector.ConditionalSelect(
            Vector.GreaterThan(x, Vector<float>.Zero), Vector<float>.One,
            Vector.ConditionalSelect(Vector.LessThan(x, Vector<float>.Zero), -Vector<float>.One, Vector.ConditionalSelect(Vector.Equals(x, x), Vector<float>.Zero, x)));

        internal static Vector<double> Invoke(Vector<double> x) => Vector.ConditionalSelect(
            Vector.GreaterThan(x, Vector<double>.Zero), Vector<double>.One,
            Vector.ConditionalSelect(Vector.LessThan(x, Vector<double>.Zero), -Vector<double>.One, Vector.ConditionalSelect(Vector.Equals(x, x), Vector<double>.Zero, x)));
    }

    /// <summary>The larger of two elements; nan if one of them is. Where they are equal each gets half of the gradient.</summary>
    internal sealed class Maximum() : PointwiseOperation("Maximum", 2)
    {
        public override Saves Saves => Saves.Inputs;

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) =>
            Share(gradient, saved.Input0, saved.Input1, input == 0 ? saved.Input0 > saved.Input1 : saved.Input1 > saved.Input0);

        /// <summary>The gradient where this input was chosen, half of it at a tie.</summary>
        internal static Tensor Share(Tensor gradient, Tensor a, Tensor b, Tensor isChosen)
        {
            var zero = Tensor.Wrap(0.0, gradient.Device);
            return Tensor.Where(isChosen, gradient, Tensor.Where(a == b, gradient * 0.5, zero));
        }

        internal static float Invoke(float a, float b) => a > b || float.IsNaN(a) ? a : b;

        internal static double Invoke(double a, double b) => a > b || double.IsNaN(a) ? a : b;

        internal static int Invoke(int a, int b) => a > b ? a : b;

        internal static long Invoke(long a, long b) => a > b ? a : b;

        internal static Vector<float> Invoke(Vector<float> a, Vector<float> b) =>
            Vector.ConditionalSelect(Vector.GreaterThan(a, b) | ~Vector.Equals(a, a), a, b);

        internal static Vector<double> Invoke(Vector<double> a, Vector<double> b) =>
            Vector.ConditionalSelect(Vector.GreaterThan(a, b) | ~Vector.Equals(a, a), a, b);

        internal static Vector<int> Invoke(Vector<int> a, Vector<int> b) => Vector.Max(a, b);

        internal static Vector<long> Invoke(Vector<long> a, Vector<long> b) => Vector.Max(a, b);

        // The native form, x86's here, gives b where the two are equal or one is nan.
        internal static Vector512<float> Invoke(Vector512<float> a, Vector512<float> b) =>
            Vector512.ConditionalSelect(Vector512.Equals(a, a), Vector512.MaxNative(a, b), a);
    }

    /// <summary>The smaller of two elements; nan if one of them is. Where they are equal each gets half of the gradient.</summary>
    internal sealed class Minimum() : PointwiseOperation("Minimum", 2)
    {
        public override Saves Saves => Saves.Inputs;

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) =>
            Maximum.Share(gradient, saved.Input0, saved.Input1, input == 0 ? saved.Input0 < saved.Input1 : saved.Input1 < saved.Input0);

        internal static float Invoke(float a, float b) => a < b || float.IsNaN(a) ? a : b;

        internal static double Invoke(double a, double b) => a < b || double.IsNaN(a) ? a : b;

        internal static int Invoke(int a, int b) => a < b ? a : b;

        internal static long Invoke(long a, long b) => a < b ? a : b;

        internal static Vector<float> Invoke(Vector<float> a, Vector<float> b) =>
            Vector.ConditionalSelect(Vector.LessThan(a, b) | ~Vector.Equals(a, a), a, b);

        internal static Vector<double> Invoke(Vector<double> a, Vector<double> b) =>
            Vector.ConditionalSelect(Vector.LessThan(a, b) | ~Vector.Equals(a, a), a, b);

        internal static Vector<int> Invoke(Vector<int> a, Vector<int> b) => Vector.Min(a, b);

        internal static Vector<long> Invoke(Vector<long> a, Vector<long> b) => Vector.Min(a, b);

        internal static Vector512<float> Invoke(Vector512<float> a, Vector512<float> b) =>
            Vector512.ConditionalSelect(Vector512.Equals(a, a), Vector512.MinNative(a, b), a);
    }

    /// <summary>min(max(x, low), high): at the bounds themselves the gradient passes; the bounds get what the element does not.</summary>
    internal sealed class Clamp() : PointwiseOperation("Clamp", 3)
    {
        public override Saves Saves => Saves.Inputs | Saves.Input2;

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved)
        {
            var (x, low, high) = (saved.Input0, saved.Input1, saved.Input2);
            var zero = Tensor.Wrap(0.0, gradient.Device);
            return input switch
            {
                0 => Tensor.Where((x >= low) * (x <= high), gradient, zero),
                1 => Tensor.Where((x < low) * (low <= high), gradient, zero),
                _ => Tensor.Where((x > high) + (low > high), gradient, zero),
            };
        }

        internal static float Invoke(float x, float low, float high) => Minimum.Invoke(Maximum.Invoke(x, low), high);

        internal static double Invoke(double x, double low, double high) => Minimum.Invoke(Maximum.Invoke(x, low), high);

        internal static int Invoke(int x, int low, int high) => Minimum.Invoke(Maximum.Invoke(x, low), high);

        internal static long Invoke(long x, long low, long high) => Minimum.Invoke(Maximum.Invoke(x, low), high);

        internal static Vector<float> Invoke(Vector<float> x, Vector<float> low, Vector<float> high) => Minimum.Invoke(Maximum.Invoke(x, low), high);

        internal static Vector<double> Invoke(Vector<double> x, Vector<double> low, Vector<double> high) => Minimum.Invoke(Maximum.Invoke(x, low), high);

        internal static Vector<int> Invoke(Vector<int> x, Vector<int> low, Vector<int> high) => Minimum.Invoke(Maximum.Invoke(x, low), high);

        internal static Vector<long> Invoke(Vector<long> x, Vector<long> low, Vector<long> high) => Minimum.Invoke(Maximum.Invoke(x, low), high);

        internal static Vector512<float> Invoke(Vector512<float> x, Vector512<float> low, Vector512<float> high) => Minimum.Invoke(Maximum.Invoke(x, low), high);
    }

    /// <summary>The second input where the first is true, else the third.</summary>
    internal sealed class Where() : PointwiseOperation("Where", 3)
    {
        public override bool TakesCondition => true;

        public override Saves Saves => Saves.Input0;

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved)
        {
            var zero = Tensor.Wrap(0.0, gradient.Device);
            return input switch
            {
                0 => null,
                1 => Tensor.Where(saved.Input0, gradient, zero),
                _ => Tensor.Where(saved.Input0, zero, gradient),
            };
        }

        internal static T Invoke<T>(bool condition, T a, T b) where T : unmanaged => condition ? a : b;

        internal static bool Invoke(bool condition, bool a, bool b) => condition ? a : b;

        internal static Vector<float> Invoke(Vector<int> condition, Vector<float> a, Vector<float> b) => Vector.ConditionalSelect(condition, a, b);

        internal static Vector<double> Invoke(Vector<long> condition, Vector<double> a, Vector<double> b) => Vector.ConditionalSelect(condition, a, b);

        internal static Vector<int> Invoke(Vector<int> condition, Vector<int> a, Vector<int> b) => Vector.ConditionalSelect(condition, a, b);

        internal static Vector<long> Invoke(Vector<long> condition, Vector<long> a, Vector<long> b) => Vector.ConditionalSelect(condition, a, b);

        internal static Vector<T> InvokeMask<T>(Vector<T> condition, Vector<T> a, Vector<T> b) where T : unmanaged => Vector.ConditionalSelect(condition, a, b);

        internal static Vector512<float> Invoke(Vector512<int> condition, Vector512<float> a, Vector512<float> b) => Vector512.ConditionalSelect(condition.AsSingle(), a, b);
    }
}

namespace Autograd.Gpu
{
    public sealed partial class Tensor
    {
        /// <summary>The magnitude of each element; the derivative at 0 is 0.</summary>
        public Tensor Abs() => Pointwise.Apply<Abs>(this);

        /// <summary>-1, 0 or 1 by the sign of each element; nan stays nan.</summary>
        public Tensor Sign() => Pointwise.Apply<Sign>(this);

        /// <summary>The larger of two elements at each place; nan if one is. At a tie each input gets half of the gradient.</summary>
        public static Tensor Maximum(Tensor a, Tensor b) => Pointwise.Apply<Maximum>(a, b);

        /// <summary>The smaller of two elements at each place; nan if one is. At a tie each input gets half of the gradient.</summary>
        public static Tensor Minimum(Tensor a, Tensor b) => Pointwise.Apply<Minimum>(a, b);

        /// <summary>Each element moved into [<paramref name="min"/>, <paramref name="max"/>]; at the bounds the gradient passes.</summary>
        /// <exception cref="ArgumentException">Neither bound is given.</exception>
        public Tensor Clamp(Scalar? min = null, Scalar? max = null) => (min, max) switch
        {
            ({ } low, { } high) => Pointwise.Apply<Clamp>(this, Wrap(low, Device), Wrap(high, Device)),
            ({ } low, null) => Pointwise.Apply<Clamp>(this, Wrap(low, Device), Wrap(Highest, Device)),
            (null, { } high) => Pointwise.Apply<Clamp>(this, Wrap(Lowest, Device), Wrap(high, Device)),
            _ => throw new ArgumentException("Clamp: At least one of 'min' or 'max' must not be null."),
        };

        /// <summary>Moves each element into [<paramref name="min"/>, <paramref name="max"/>] in place.</summary>
        /// <exception cref="ArgumentException">Neither bound is given.</exception>
        public Tensor Clamp_(Scalar? min = null, Scalar? max = null) => min is null && max is null
            ? throw new ArgumentException("Clamp_: At least one of 'min' or 'max' must not be null.")
            : Pointwise.ApplyInPlace<Clamp>(this, Wrap(min ?? Lowest, Device), Wrap(max ?? Highest, Device));

        /// <summary>Elements of <paramref name="a"/> where <paramref name="condition"/> is true, elsewhere of <paramref name="b"/>. Shapes broadcast, dtypes promote.</summary>
        /// <exception cref="DTypeException">The condition is not a bool tensor.</exception>
        public static Tensor Where(Tensor condition, Tensor a, Tensor b) => NotNull(condition).DType == DType.Bool
            ? Pointwise.Apply<Where>(condition, a, b)
            : throw new DTypeException($"Where: expected condition to be a boolean tensor, but got a tensor with dtype {condition.DType.Name()}. Compare it first, as in x != 0.");

        /// <summary>Elements of <paramref name="a"/> where <paramref name="condition"/> is true, elsewhere a number.</summary>
        public static Tensor Where(Tensor condition, Tensor a, Scalar b) => Where(NotNull(condition), NotNull(a), Wrap(b, a.Device));

        /// <summary>A number where <paramref name="condition"/> is true, elsewhere elements of <paramref name="b"/>.</summary>
        public static Tensor Where(Tensor condition, Scalar a, Tensor b) => Where(NotNull(condition), Wrap(a, NotNull(b).Device), b);

        internal Scalar Lowest => LowestOf(DType);

        internal Scalar Highest => HighestOf(DType);

        // Each arm is cast, since arms of different C# types would become doubles, and the result float32.
        private static Scalar LowestOf(DType dtype) => dtype switch
        {
            DType.Bool or DType.UInt8 => (Scalar)0,
            DType.Int32 => (Scalar)int.MinValue,
            DType.Int64 => (Scalar)long.MinValue,
            _ => (Scalar)double.NegativeInfinity,
        };

        private static Scalar HighestOf(DType dtype) => dtype switch
        {
            DType.Bool or DType.UInt8 => (Scalar)(int)byte.MaxValue,
            DType.Int32 => (Scalar)int.MaxValue,
            DType.Int64 => (Scalar)long.MaxValue,
            _ => (Scalar)double.PositiveInfinity,
        };
    }
}
