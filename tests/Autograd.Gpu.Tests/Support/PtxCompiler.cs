using System.Reflection;
using Autograd.Gpu.Kernels;
using ILGPU;
using ILGPU.Backends;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime.Cuda;

namespace Autograd.Gpu.Tests.Support;

/// <summary>
/// Compiles ILGPU kernels to PTX on a machine without a GPU. ILGPU 1.5.3 writes ".target sm_80" for newer architectures too; what the
/// architecture decides is which instructions its intrinsics may use.
/// </summary>
internal static class PtxCompiler
{
    // One context for all: making one takes longer than most kernels.
    private static readonly Lazy<Context> Shared = new(() =>
    {
        Context context = Context.Create(builder => builder.Default());
        DeviceMath.Register(context);
        return context;
    });

    /// <summary>The PTX of a static method: an implicitly grouped kernel if its first parameter is an index, else an explicitly grouped one.</summary>
    public static string Compile(MethodInfo kernel, int smMajor, int smMinor) => Compile(Shared.Value, kernel, smMajor, smMinor);

    /// <summary>The same in a context of the caller's, on which <see cref="DeviceMath.Register"/> was called.</summary>
    public static string Compile(Context context, MethodInfo kernel, int smMajor, int smMinor)
    {
        var architecture = new CudaArchitecture(smMajor, smMinor);
        var capabilities = new CudaCapabilityContext(architecture);
        using var backend = new PTXBackend(context, capabilities, architecture, CudaInstructionSet.ISA_80, nvvmAPI: null!);
        var entry = typeof(IIndex).IsAssignableFrom(kernel.GetParameters()[0].ParameterType)
            ? EntryPointDescription.FromImplicitlyGroupedKernel(kernel)
            : EntryPointDescription.FromExplicitlyGroupedKernel(kernel);
        CompiledKernel compiled = backend.Compile(entry, default);
        return ((PTXCompiledKernel)compiled).PTXAssembly;
    }
}
