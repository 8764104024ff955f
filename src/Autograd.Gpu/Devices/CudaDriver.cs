using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using System.Text;
using ILGPU.Runtime.Cuda;

namespace Autograd.Gpu.Devices;

/// <summary>
/// The few calls of the CUDA driver that tell what is there, and why not. ILGPU reports every failure as an empty list of devices; the driver's
/// own answers are what a user needs to know.
/// </summary>
internal sealed unsafe class CudaDriver
{
    private const int Success = 0;
    private const int LeastVersion = 11000;
    private const int ComputeCapabilityMajor = 75;
    private const int ComputeCapabilityMinor = 76;

    private readonly nint _library;
    private readonly delegate* unmanaged<int, nint*, int> _getErrorString;

    private CudaDriver(nint library, string path)
    {
        _library = library;
        Path = path;
        if (NativeLibrary.TryGetExport(library, "cuGetErrorString", out var address))
            _getErrorString = (delegate* unmanaged<int, nint*, int>)address;
    }

    /// <summary>The name under which the library was found.</summary>
    public string Path { get; }

    /// <summary>The highest CUDA version that the driver supports.</summary>
    public string Version { get; private set; } = "unknown";

    public int DeviceCount { get; private set; }

    /// <summary>Loads and starts the driver. Where there is none, this costs one failed library load for each name.</summary>
    /// <param name="failure">What was probed and what failed, as a sentence.</param>
    public static bool TryStart([NotNullWhen(true)] out CudaDriver? driver, out string failure)
    {
        driver = null;
        var names = OperatingSystem.IsWindows() ? ["nvcuda.dll"]
            : OperatingSystem.IsLinux() ? new[] { "libcuda.so.1", "libcuda.so", "/usr/lib/wsl/lib/libcuda.so.1" }
            : [];
        if (names.Length == 0)
        {
            failure = $"CUDA is not available: NVIDIA has no driver for {RuntimeInformation.OSDescription}.";
            return false;
        }

        foreach (var name in names)
        {
            if (!NativeLibrary.TryLoad(name, out var library))
                continue;
            var found = new CudaDriver(library, name);
            failure = found.Start();
            driver = failure.Length == 0 ? found : null;
            return driver is not null;
        }

        failure = $"CUDA is not available: no NVIDIA driver library was found (probed {string.Join(", ", names)}). " +
            "Install the NVIDIA driver; in a container, start it with the NVIDIA container toolkit (--gpus all). The CUDA toolkit is not needed.";
        return false;
    }

    /// <summary>
    /// Lets ILGPU find the library under the name that it imports ("cuda", so libcuda.so): many containers have libcuda.so.1 alone.
    /// </summary>
    public void HelpIlgpuFindIt() =>
        AssemblyLoadContext.Default.ResolvingUnmanagedDll += (assembly, name) =>
            name is "cuda" or "nvcuda" && assembly == typeof(CudaAccelerator).Assembly ? _library : 0;

    public string DeviceName(int index)
    {
        const int length = 256;
        var name = stackalloc byte[length];
        var get = (delegate* unmanaged<byte*, int, int, int>)NativeLibrary.GetExport(_library, "cuDeviceGetName");
        return get(name, length, index) == Success ? Marshal.PtrToStringUTF8((nint)name) ?? "" : "unknown";
    }

    /// <summary>Major and minor number of the compute capability.</summary>
    public (int Major, int Minor) ComputeCapability(int index)
    {
        var get = (delegate* unmanaged<int*, int, int, int>)NativeLibrary.GetExport(_library, "cuDeviceGetAttribute");
        int major = 0, minor = 0;
        _ = get(&major, ComputeCapabilityMajor, index);
        _ = get(&minor, ComputeCapabilityMinor, index);
        return (major, minor);
    }

    /// <summary>
    /// Loads an empty kernel into the current context. The driver compiles kernels with a library of its own, which some containers lack, and
    /// that shows only here.
    /// </summary>
    /// <returns>The driver's words, or null when the kernel was loaded.</returns>
    public string? TryLoadKernel(string instructionSet, int major, int minor)
    {
        var text = $".version {instructionSet}\n.target sm_{major}{minor}\n.address_size 64\n.visible .entry probe()\n{{\nret;\n}}\n\0";
        var load = (delegate* unmanaged<nint*, byte*, int>)NativeLibrary.GetExport(_library, "cuModuleLoadData");
        var unload = (delegate* unmanaged<nint, int>)NativeLibrary.GetExport(_library, "cuModuleUnload");
        nint module = 0;
        int result;
        fixed (byte* image = Encoding.ASCII.GetBytes(text))
            result = load(&module, image);
        if (result != Success)
            return Describe(result);
        _ = unload(module);
        return null;
    }

    /// <returns>Empty, or what failed.</returns>
    private string Start()
    {
        if (!NativeLibrary.TryGetExport(_library, "cuInit", out var init)
            || !NativeLibrary.TryGetExport(_library, "cuDriverGetVersion", out var getVersion)
            || !NativeLibrary.TryGetExport(_library, "cuDeviceGetCount", out var getCount))
            return $"CUDA is not available: {Path} was loaded, but it is no CUDA driver (cuInit, cuDriverGetVersion or cuDeviceGetCount is missing).";

        // The version can be asked for before the driver is started, and explains best why an old one does not start.
        var version = 0;
        if (((delegate* unmanaged<int*, int>)getVersion)(&version) == Success)
            Version = $"{version / 1000}.{version % 1000 / 10}";
        var started = ((delegate* unmanaged<uint, int>)init)(0);
        if (started != Success)
        {
            return $"CUDA is not available: the driver ({Path}, CUDA {Version}) did not start: {Describe(started)}. " +
                "Check that nvidia-smi works for this user and lists a GPU.";
        }

        if (version < LeastVersion)
        {
            return $"CUDA is not available: the driver ({Path}) is too old: it supports CUDA {Version}, needed is " +
                $"{LeastVersion / 1000}.{LeastVersion % 1000 / 10} or later. Update the NVIDIA driver.";
        }

        var count = 0;
        var counted = ((delegate* unmanaged<int*, int>)getCount)(&count);
        if (counted != Success)
            return $"CUDA is not available: the driver ({Path}, CUDA {Version}) could not list its devices: {Describe(counted)}.";
        if (count == 0)
        {
            return $"CUDA is not available: the driver ({Path}, CUDA {Version}) is present but sees no device. " +
                "Check CUDA_VISIBLE_DEVICES and that nvidia-smi lists a GPU.";
        }

        DeviceCount = count;
        return "";
    }

    private string Describe(int error)
    {
        nint text = 0;
        return _getErrorString != null && _getErrorString(error, &text) == Success && text != 0
            ? $"{Marshal.PtrToStringUTF8(text)} (error {error})"
            : $"error {error}";
    }
}
