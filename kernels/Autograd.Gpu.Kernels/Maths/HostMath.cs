using Maths = Autograd.Gpu.Kernels.TableMath<Autograd.Gpu.Kernels.SingleLane, float, int, bool>;

namespace Autograd.Gpu.Kernels;

/// <summary>The functions whose forms for floats on the host are not those of <see cref="DeviceMath"/>: see <see cref="TableMath{L, F, I, M}"/>.</summary>
internal static class HostMath
{
    public static float Gelu(float x) => Maths.Gelu(x);

    public static float GeluSlope(float x) => Maths.GeluSlope(x);

    public static float Silu(float x) => Maths.Silu(x);

    public static float SiluSlope(float x) => Maths.SiluSlope(x);

    public static float Sigmoid(float x) => Maths.Sigmoid(x);

    public static float Tanh(float x) => Maths.Tanh(x);
}
