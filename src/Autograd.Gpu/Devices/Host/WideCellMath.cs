using System.Runtime.Intrinsics;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Kernels.Recurrent;
using SingleTables = Autograd.Gpu.Kernels.TableMath<
    Autograd.Gpu.Kernels.Single512Lane, System.Runtime.Intrinsics.Vector512<float>, System.Runtime.Intrinsics.Vector512<int>, System.Runtime.Intrinsics.Vector512<int>>;

namespace Autograd.Gpu.Devices.Host;

/// <summary>The arithmetic of recurrent cells on 512 bits of floats, where the runtime's own vectors have 256.</summary>
internal readonly struct SingleWideMath : ICellMath<Vector512<float>>
{
    public static Vector512<float> One => Vector512<float>.One;

    public static Vector512<float> Add(Vector512<float> a, Vector512<float> b) => a + b;

    public static Vector512<float> Sub(Vector512<float> a, Vector512<float> b) => a - b;

    public static Vector512<float> Mul(Vector512<float> a, Vector512<float> b) => a * b;

    public static Vector512<float> Sigmoid(Vector512<float> a) => SingleTables.Sigmoid(a);

    public static Vector512<float> Tanh(Vector512<float> a) => SingleTables.Tanh(a);

    public static Vector512<float> Relu(Vector512<float> a) =>
        Vector512.ConditionalSelect(Vector512.LessThan(a, Vector512<float>.Zero), Vector512<float>.Zero, a);

    public static Vector512<float> WherePositive(Vector512<float> a, Vector512<float> b) =>
        Vector512.ConditionalSelect(Vector512.GreaterThan(a, Vector512<float>.Zero), b, Vector512<float>.Zero);
}

/// <summary>The arithmetic of recurrent cells on single floats, with the host's functions, so that all of a row comes from the same ones.</summary>
internal readonly struct SingleHostMath : ICellMath<float>
{
    public static float One => 1f;

    public static float Add(float a, float b) => a + b;

    public static float Sub(float a, float b) => a - b;

    public static float Mul(float a, float b) => a * b;

    public static float Sigmoid(float a) => HostMath.Sigmoid(a);

    public static float Tanh(float a) => HostMath.Tanh(a);

    public static float Relu(float a) => a < 0f ? 0f : a;

    public static float WherePositive(float a, float b) => a > 0f ? b : 0f;
}
