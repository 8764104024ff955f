using System.Diagnostics.CodeAnalysis;
using Autograd.Gpu.Devices;
using Autograd.Gpu.Kernels;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace Autograd.Gpu;

public sealed partial class Device
{
    /// <summary>
    /// The CUDA devices of this machine, probed once. The probe has an ILGPU context of its own, so that what goes wrong here leaves the host
    /// devices alone; a device's accelerator is made when the device is first asked for, and if that fails the words are kept.
    /// </summary>
    private static class CudaDevices
    {
        private static readonly Lock Probing = new();
        private static readonly Lazy<Probe> Found = new(Probe.Run);

        public static int Count => Found.Value.Devices.Count;

        public static string Status
        {
            get
            {
                var probe = Found.Value;
                if (probe.Driver is null || probe.Devices.Count == 0)
                    return probe.Failure;
                return TryGet(0, out _, out var failure) ? probe.Describe(0) : failure;
            }
        }

        public static bool TryGet(int index, [NotNullWhen(true)] out Device? device, out string failure)
        {
            var probe = Found.Value;
            device = null;
            if (index >= probe.Devices.Count)
            {
                failure = probe.Devices.Count == 0
                    ? probe.Failure
                    : $"There is no CUDA device {index}: {probe.Devices.Count} can be used, numbered from 0.";
                return false;
            }

            var slot = probe.Devices[index];
            lock (Probing)
            {
                if (slot is { Device: null, Failure: null })
                    Start(probe, index, slot);
                device = slot.Device;
                failure = slot.Failure ?? "";
                return device is not null;
            }
        }

        private static void Start(Probe probe, int index, Slot slot)
        {
            Accelerator? accelerator = null;
            try
            {
                accelerator = slot.Cuda.CreateAccelerator(probe.Context!);
                accelerator.Bind();
                var (major, minor) = probe.Driver!.ComputeCapability(slot.Cuda.DeviceId);
                if (probe.Driver.TryLoadKernel(slot.Cuda.InstructionSet.GetValueOrDefault().ToString(), major, minor) is { } words)
                {
                    slot.Failure = $"CUDA is not available: {probe.Describe(index)} was started, but the driver loads no kernel: {words}. " +
                        "In a container, the driver's libnvidia-ptxjitcompiler must be mounted (NVIDIA_DRIVER_CAPABILITIES=compute,utility).";
                    accelerator.Dispose();
                    return;
                }

                slot.Device = new Device(DeviceKind.Cuda, index, slot.Cuda.Name, accelerator.MemorySize, () => accelerator);
            }
            catch (Exception exception) when (exception is CudaException or NotSupportedException or DllNotFoundException or EntryPointNotFoundException)
            {
                accelerator?.Dispose();
                slot.Failure = $"CUDA is not available: {probe.Describe(index)} was found, but no context could be created on it: {exception.Message.TrimEnd('.')}. " +
                    "Another process may hold its memory or use it exclusively; see nvidia-smi.";
            }
        }
    }

    /// <summary>What the driver and ILGPU found, before any device is started.</summary>
    private sealed record Probe(CudaDriver? Driver, Context? Context, IReadOnlyList<Slot> Devices, string Failure)
    {
        public static Probe Run()
        {
            if (!CudaDriver.TryStart(out var driver, out var failure))
                return new Probe(null, null, [], failure);
            driver.HelpIlgpuFindIt();

            // Only at this level ILGPU finds out that a kernel's views are in global memory.
            var context = Context.Create(builder => builder.Cuda().EnableAlgorithms().Optimize(OptimizationLevel.O2));
            DeviceMath.Register(context);
            var slots = new List<Slot>();
            foreach (var cuda in context.GetCudaDevices())
                slots.Add(new Slot(cuda));
            if (slots.Count > 0)
                return new Probe(driver, context, slots, "");
            context.Dispose();
            var (major, minor) = driver.ComputeCapability(0);
            return new Probe(driver, null, [], $"CUDA is not available: the driver ({driver.Path}, CUDA {driver.Version}) sees {driver.DeviceCount} " +
                $"device(s), the first is {driver.DeviceName(0)} with compute capability {major}.{minor}, but ILGPU can use none of them: it has no PTX " +
                "version that both this driver and the device support. Update the NVIDIA driver.");
        }

        public string Describe(int index)
        {
            var cuda = Devices[index].Cuda;
            var (major, minor) = Driver!.ComputeCapability(cuda.DeviceId);
            return $"{cuda.Name} (cuda:{index}, compute capability {major}.{minor}, {cuda.MemorySize >> 20} MiB, driver for CUDA {Driver.Version})";
        }
    }

    /// <summary>A usable CUDA device and, once it was asked for, its device or what failed. Guarded by the probing lock.</summary>
    private sealed class Slot(CudaDevice cuda)
    {
        public CudaDevice Cuda { get; } = cuda;

        public Device? Device { get; set; }

        public string? Failure { get; set; }
    }
}
