namespace Autograd.Gpu;

/// <summary>The kinds of <see cref="Device"/>.</summary>
public enum DeviceKind
{
    /// <summary>The host's processor, running the library's SIMD kernels.</summary>
    Cpu,

    /// <summary>The host's processor, running the kernels that the GPU runs: slow, and how GPU code is tested without one.</summary>
    CpuKernels,

    /// <summary>An NVIDIA GPU.</summary>
    Cuda,
}
