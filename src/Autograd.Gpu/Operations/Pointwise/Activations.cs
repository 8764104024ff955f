using System.Numerics;
using System.Runtime.Intrinsics;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Operations
{
    internal sealed class Tanh() : PointwiseOperation("Tanh", 1)
    {
        public override ReadOnlySpan<float> WideTables => ActivationTables.Tanh;

        public override Saves Saves => Saves.Output;

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => Pointwise.Apply<TanhBackward>(gradient, saved.Output);

        internal static float Invoke(float x) => DeviceMath.Tanh(x);

        internal static float InvokeHost(float x) => HostMath.Tanh(x);

        internal static double Invoke(double x) => DeviceMath.Tanh(x);

        internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Tanh(x);

        internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Tanh(x);

        internal static Vector512<float> Invoke(
            Vector512<float> x, Vector512<float> c0, Vector512<float> c1, Vector512<float> c2, Vector512<float> c3, Vector512<float> c4, Vector512<float> c5, Vector512<float> c6, Vector512<float> c7) =>
            WideMath.Tanh(x, c0, c1, c2, c3, c4, c5, c6, c7);
    }

    internal sealed class Sigmoid() : PointwiseOperation("Sigmoid", 1)
    {
        public override ReadOnlySpan<float> WideTables => ActivationTables.Silu;

        public override Saves Saves => Saves.Output;

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => Pointwise.Apply<SigmoidBackward>(gradient, saved.Output);

        internal static float Invoke(float x) => DeviceMath.Sigmoid(x);

        internal static float InvokeHost(float x) => HostMath.Sigmoid(x);

        internal static double Invoke(double x) => DeviceMath.Sigmoid(x);

        internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Sigmoid(x);

        internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Sigmoid(x);

        internal static Vector512<float> Invoke(
            Vector512<float> x, Vector512<float> c0, Vector512<float> c1, Vector512<float> c2, Vector512<float> c3, Vector512<float> c4, Vector512<float> c5) =>
            WideMath.Sigmoid(x, c0, c1, c2, c3, c4, c5);
    }

    /// <summary>max(x, 0); nan stays nan, the derivative at 0 is 0.</summary>
    internal sealed class Relu() : PointwiseOperation("Relu", 1)
    {
        public override Saves Saves => Saves.Output;

        public override (double Low, double High) Domain => (0.1, 3);

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => Pointwise.Apply<ReluBackward>(gradient, saved.Output);

        internal static float Invoke(float x) => x < 0f ? 0f : x;

        internal static double Invoke(double x) => x < 0d ? 0d : x;

        internal static int Invoke(int x) => x < 0 ? 0 : x;

        internal static long Invoke(long x) => x < 0 ? 0 : x;

        internal static Vector<float> Invoke(Vector<float> x) => Vector.ConditionalSelect(Vector.LessThan(x, Vector<float>.Zero), Vector<float>.Zero, x);

        internal static Vector<double> Invoke(Vector<double> x) => Vector.ConditionalSelect(Vector.LessThan(x, Vector<double>.Zero), Vector<double>.Zero, x);

        internal static Vector<int> Invoke(Vector<int> x) => Vector.Max(x, Vector<int>.Zero);

        internal static Vector<long> Invoke(Vector<long> x) => Vector.Max(x, Vector<long>.Zero);

        internal static Vector512<float> Invoke(Vector512<float> x) => Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512<float>.Zero), Vector512<float>.Zero, x);
    }
}

namespace Autograd.Gpu
{
    public sealed partial class Tensor
    {
        /// <summary>The hyperbolic tangent of each element.</summary>
        public Tensor Tanh() => Pointwise.Apply<Tanh>(this);

        /// <summary>1 / (1 + exp(-x)) of each element.</summary>
        public Tensor Sigmoid() => Pointwise.Apply<Sigmoid>(this);

        /// <summary>The larger of each element and 0; the derivative at 0 is 0.</summary>
        public Tensor Relu() => Pointwise.Apply<Relu>(this);

        /// <summary>Replaces each element by its hyperbolic tangent.</summary>
        public Tensor Tanh_() => Pointwise.ApplyInPlace<Tanh>(this);

        /// <summary>Replaces each element by its sigmoid.</summary>
        public Tensor Sigmoid_() => Pointwise.ApplyInPlace<Sigmoid>(this);

        /// <summary>Replaces negative elements by 0.</summary>
        public Tensor Relu_() => Pointwise.ApplyInPlace<Relu>(this);
    }
}
