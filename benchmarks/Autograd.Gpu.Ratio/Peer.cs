using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace AutogradRatio;

/// <summary>What the peer's sides have in common.</summary>
internal static class Peer
{
    public static string Version => torch.__version__;

    public static void Start(int threads)
    {
        try
        {
            set_num_threads(threads);
        }
        catch (Exception e) when (e is NotSupportedException or TypeInitializationException or DllNotFoundException)
        {
            throw new InvalidOperationException(
                "TorchSharp's native library does not load. On Linux it needs the libstdc++ of GCC 13 or newer.", e);
        }
    }

    /// <summary>A tensor in libtorch's own (aligned) memory.</summary>
    public static Tensor Of(float[] data, params long[] shape)
    {
        using var managed = tensor(data, shape);
        return managed.clone();
    }

    /// <summary>A leaf that requires its gradient.</summary>
    public static Tensor Leaf(float[] data, params long[] shape) => Of(data, shape).requires_grad_();

    public static Parameter Weight(float[] data, params long[] shape) => new(Of(data, shape));
}
