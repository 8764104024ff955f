using System.Runtime.Intrinsics;
using Autograd.Gpu.Kernels.Recurrent;
using SingleMaths = Autograd.Gpu.Kernels.LaneMath<
    Autograd.Gpu.Kernels.Single512Lane, System.Runtime.Intrinsics.Vector512<float>, System.Runtime.Intrinsics.Vector512<int>, System.Runtime.Intrinsics.Vector512<int>>;

namespace Autograd.Gpu.Devices.Host;

/// <summary>The arithmetic of recurrent cells on 512 bits of floats, where the runtime's own vectors have 256.</summary>
internal readonly struct SingleWideMath : ICellMath<Vector512<float>>
{
    public static Vector512<float> One => Vector512<float>.One;

    public static Vector512<float> Add(Vector512<float> a, Vector512<float> b) => a + b;

    public static Vector512<float> Sub(Vector512<float> a, Vector512<float> b) => a - b;

    public static Vector512<float> Mul(Vector512<float> a, Vector512<float> b) => a * b;

    public static Vector512<float> Sigmoid(Vector512<float> a) => SingleMaths.Sigmoid(a);

    public static Vector512<float> Tanh(Vector512<float> a) => SingleMaths.Tanh(a);

    public static Vector512<float> Relu(Vector512<float> a) =>
        Vector512.ConditionalSelect(Vector512.LessThan(a, Vector512<float>.Zero), Vector512<float>.Zero, a);

    public static Vector512<float> WherePositive(Vector512<float> a, Vector512<float> b) =>
        Vector512.ConditionalSelect(Vector512.GreaterThan(a, Vector512<float>.Zero), b, Vector512<float>.Zero);
}
