using System.Globalization;
using System.Runtime.Intrinsics;
using Autograd.Gpu.Devices;
using Autograd.Gpu.Devices.Host;
using ILGPU.Runtime;

namespace Autograd.Gpu;

/// <summary>
/// Where tensors live and operations run: the host's processor or an NVIDIA GPU. There is one instance for each device, so devices compare by
/// reference. A device owns an ILGPU accelerator, a stream, a memory pool and a random generator, all made when first used.
/// </summary>
public sealed partial class Device
{
    /// <summary>How many numbers are kept as tensors, a power of two.</summary>
    internal const int NumbersKept = 64;

    private static readonly System.Collections.Concurrent.ConcurrentBag<Device> s_known = [];
    private static Device? s_default;

    private readonly Lazy<Accelerator> _accelerator;
    private readonly Lazy<AcceleratorStream>? _stream;

    private Device(DeviceKind kind, int index, string name, long memory, Func<Accelerator> accelerator)
    {
        Kind = kind;
        Index = index;
        Name = name;
        _accelerator = new Lazy<Accelerator>(accelerator);
        if (kind == DeviceKind.Cuda)
            _stream = new Lazy<AcceleratorStream>(() => Accelerator.CreateStream());
        TotalMemory = memory;
        Pool = new BufferPool(this, memory);
        s_known.Add(this);
    }

    /// <summary>The host's processor, running SIMD kernels.</summary>
    public static Device Cpu { get; } = OnHost(DeviceKind.Cpu);

    /// <summary>The host's processor, running the kernels that the GPU runs. Slow; it tests GPU code on a machine without a GPU.</summary>
    public static Device CpuKernels => Kernels.Device;

    /// <summary>How many CUDA devices can be used. Zero where there is none; <see cref="CudaStatus"/> then says why.</summary>
    public static int CudaCount => CudaDevices.Count;

    /// <summary>Whether <c>Device.Cuda(0)</c> works. Starts the GPU.</summary>
    public static bool IsCudaAvailable => CudaDevices.TryGet(0, out _, out _);

    /// <summary>
    /// In words: what the first CUDA device is (name, driver, compute capability, memory), or what was probed and what failed.
    /// </summary>
    public static string CudaStatus => CudaDevices.Status;

    /// <summary>
    /// The device that factories use when none is named. Starts as <see cref="Best"/>.
    /// </summary>
    public static Device Default
    {
        get => Volatile.Read(ref s_default) ?? Interlocked.CompareExchange(ref s_default, Best(), null) ?? s_default;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            Volatile.Write(ref s_default, value);
        }
    }

    /// <summary>
    /// How many threads an operation on <see cref="Cpu"/> may use, the calling one included: PyTorch's <c>set_num_threads</c>. Starts as the environment
    /// variable <c>AUTOGRAD_NUM_THREADS</c> if that is a number above 0, else as the number of processors. Setting it changes no result: sums are cut
    /// by their shapes alone. It may exceed the number of processors. An operation that runs while another thread's has the workers runs on its caller.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1 or above 512.</exception>
    public static int HostThreads
    {
        get => HostParallel.ThreadCount;
        set
        {
            if (value is < 1 or > HostParallel.MaxThreads)
                throw new ArgumentOutOfRangeException(nameof(value), value, $"[Device.HostThreads] The number of threads must lie in 1..{HostParallel.MaxThreads}.");
            HostParallel.ThreadCount = value;
        }
    }

    /// <summary>What kind of device this is.</summary>
    public DeviceKind Kind { get; }

    /// <summary>The number of the device among those of its kind, from 0.</summary>
    public int Index { get; }

    /// <summary>The device's name, as the driver gives it, or the host's processor in words.</summary>
    public string Name { get; }

    /// <summary>The random numbers of this device.</summary>
    public Generator Generator { get; } = new(Generator.StartSeed);

    /// <summary>What the memory pool holds and has done.</summary>
    public MemoryStatistics Memory => Pool.Statistics;

    /// <summary>
    /// The bytes that the pool may take from the system, cached ones included. Starts as the device's memory (for the host: what the
    /// process may use). An allocation beyond it throws <see cref="OutOfDeviceMemoryException"/>, after a garbage collection and a flush.
    /// Lowering it below what is reserved gives the cache back.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public long MemoryLimit
    {
        get => Pool.MemoryLimit;
        set => Pool.MemoryLimit = value;
    }

    /// <summary>
    /// The bytes that the pool may keep for reuse; what is beyond goes back to the system. Starts as all memory on a GPU, a quarter of it on the
    /// host. Zero gives everything back at once and is slow.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public long CacheLimit
    {
        get => Pool.CacheLimit;
        set => Pool.CacheLimit = value;
    }

    /// <summary>Whether the host's SIMD kernels do the work.</summary>
    internal bool IsHost => Kind == DeviceKind.Cpu;

    /// <summary>Whether blocks are memory that the host can address.</summary>
    internal bool HasHostMemory => Kind != DeviceKind.Cuda;

    internal Accelerator Accelerator => _accelerator.Value;

    /// <summary>The one stream that all work of the device is put on, see Note [Stream order and pool reuse].</summary>
    internal AcceleratorStream Stream => _stream?.Value ?? Accelerator.DefaultStream;

    internal BufferPool Pool { get; }

    /// <summary>What runs kernels on this device; kept here for the layer above, which knows its type.</summary>
    internal object? Executor { get; set; }

    /// <summary>Tensors of recent numbers; kept here for the layer above, which knows their type.</summary>
    internal object?[] Numbers { get; } = new object?[NumbersKept];

    /// <summary>Bytes of memory that the device has for this process.</summary>
    internal long TotalMemory { get; }

    /// <summary>The devices that have been made so far.</summary>
    internal static IReadOnlyCollection<Device> Known => s_known.ToArray();

    /// <summary>Guards the materialisation of pending values on this device.</summary>
    internal Gate Gate { get; } = new(new GateState());

    /// <summary>A CUDA device.</summary>
    /// <param name="index">Its number, from 0.</param>
    /// <exception cref="DeviceNotAvailableException">There is no such device, or it does not work; the message is that of <see cref="CudaStatus"/>.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The index is negative.</exception>
    public static Device Cuda(int index = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        return CudaDevices.TryGet(index, out var device, out var failure)
            ? device
            : throw new DeviceNotAvailableException($"[Device.Cuda] {failure} Device.Cpu works without a GPU.");
    }

    /// <summary>The first CUDA device if it works, else <see cref="Cpu"/>.</summary>
    public static Device Best() => CudaDevices.TryGet(0, out var device, out _) ? device : Cpu;

    /// <summary>Finds a device by its name: <c>cpu</c>, <c>cpu-kernels</c>, <c>cuda</c>, <c>cuda:1</c> or <c>best</c>.</summary>
    /// <exception cref="ArgumentException">The name is none of these.</exception>
    /// <exception cref="DeviceNotAvailableException">The name is that of a CUDA device that is not there.</exception>
    public static Device Parse(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        switch (name.Trim().ToLowerInvariant())
        {
            case "cpu":
                return Cpu;
            case "cpu-kernels":
                return CpuKernels;
            case "cuda":
                return Cuda();
            case "best":
                return Best();
            case var other when other.StartsWith("cuda:", StringComparison.Ordinal)
                && int.TryParse(other.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out var index):
                return Cuda(index);
            default:
                throw new ArgumentException($"[Device.Parse] '{name}' is no device; expected cpu, cpu-kernels, cuda, cuda:N (N from 0) or best.");
        }
    }

    /// <summary>Waits until the device has done all work that was put on it.</summary>
    public void Synchronize()
    {
        if (_stream is { IsValueCreated: true })
            _stream.Value.Synchronize();
    }

    /// <summary>Gives memory that no tensor holds back to the system.</summary>
    public void EmptyCache() => Pool.EmptyCache();

    /// <summary>Lets <see cref="MemoryStatistics.PeakBytes"/> start again from what is active now.</summary>
    public void ResetPeakMemory() => Pool.ResetPeak();

    /// <summary>The name that <see cref="Parse"/> reads: <c>cpu</c>, <c>cpu-kernels</c>, <c>cuda:0</c>.</summary>
    public override string ToString() => Kind switch
    {
        DeviceKind.Cpu => "cpu",
        DeviceKind.CpuKernels => "cpu-kernels",
        _ => $"cuda:{Index}",
    };

    /// <summary>Memory for so many bytes, zero included, uninitialised; the caller is the one holder.</summary>
    /// <exception cref="OutOfDeviceMemoryException">There is none.</exception>
    internal Block Allocate(long bytes) => Pool.Allocate(bytes);

    /// <summary>A host device with a pool of its own. The library uses the shared ones; tests count on nobody else's blocks.</summary>
    internal static Device OnHost(DeviceKind kind)
    {
        // A little is left to the rest of the process: beyond the end Linux kills it, and no exception would tell why.
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 16 * 15;
        var bits = Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128;
        var how = kind == DeviceKind.Cpu ? $"{bits}-bit SIMD" : "ILGPU kernels";
        return new Device(kind, 0, $"CPU, {Environment.ProcessorCount} threads, {how}", memory, HostContext.CreateAccelerator);
    }

    private static class Kernels
    {
        public static readonly Device Device = OnHost(DeviceKind.CpuKernels);
    }
}
