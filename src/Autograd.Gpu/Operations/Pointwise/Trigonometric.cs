using System.Numerics;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Operations;
using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Operations
{
    internal sealed class Sin() : PointwiseOperation("Sin", 1)
    {
        public override Saves Saves => Saves.Input0;

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => gradient * saved.Input0.Cos();

        internal static float Invoke(float x) => DeviceMath.Sin(x);

        internal static double Invoke(double x) => DeviceMath.Sin(x);

        internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Sin(x);

        internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Sin(x);
    }

    internal sealed class Cos() : PointwiseOperation("Cos", 1)
    {
        public override Saves Saves => Saves.Input0;

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => gradient * -saved.Input0.Sin();

        internal static float Invoke(float x) => DeviceMath.Cos(x);

        internal static double Invoke(double x) => DeviceMath.Cos(x);

        internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Cos(x);

        internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Cos(x);
    }
}

namespace Autograd.Gpu
{
    public sealed partial class Tensor
    {
        /// <summary>The sine of each element, in radians.</summary>
        public Tensor Sin() => Pointwise.Apply<Sin>(this);

        /// <summary>The cosine of each element, in radians.</summary>
        public Tensor Cos() => Pointwise.Apply<Cos>(this);
    }
}
