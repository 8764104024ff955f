using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;

namespace Autograd.Gpu.Devices;

/// <summary>The ILGPU context of the host devices. Made when a kernel or a view is first needed: the SIMD kernels need neither.</summary>
internal static class HostContext
{
    // Groups of up to 16, what the tiled product needs. ILGPU gives each thread of a group a thread of the system, and each launch wakes all of
    // them: with groups of up to 64 the test suite took twice as long. Automatically grouped kernels take one warp as their group, so the smallest
    // warp is the fastest: 0.2 ms a launch instead of 2 ms with 32 lanes.
    private static readonly CPUDevice Simulated = new(numThreadsPerWarp: 2, numWarpsPerMultiprocessor: 8, numMultiprocessors: 1);

    private static readonly Lazy<Context> Shared = new(() => Context.Create(builder => builder.CPU(Simulated).EnableAlgorithms()));

    public static Accelerator CreateAccelerator() => Simulated.CreateCPUAccelerator(Shared.Value, CPUAcceleratorMode.Parallel);
}
