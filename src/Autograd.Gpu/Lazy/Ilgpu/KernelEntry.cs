using System.Reflection;
using Autograd.Gpu.Kernels.Fused;

namespace Autograd.Gpu.Lazy.Ilgpu;

/// <summary>The method that a kernel starts at, which is all that a compiler needs: for the device at hand, or to PTX with no GPU there.</summary>
/// <param name="Operations">The operations that the kernel computes.</param>
/// <param name="Method">A closed template of <see cref="FusedKernels"/>; explicitly grouped if its first parameter is no index.</param>
internal readonly record struct KernelEntry(string Operations, MethodInfo Method)
{
    /// <summary>Called with every kernel that an executor generates, before it is compiled. For tests.</summary>
    public static event Action<KernelEntry>? Generated;

    /// <summary>The kernel of a program that stores.</summary>
    public static KernelEntry Pointwise(FusedProgram program) =>
        new KernelEntry(program.Describe(), Template(nameof(FusedKernels.Pointwise)).MakeGenericMethod(BodyCompiler.CompileStore(program))).Report();

    /// <summary>A kernel that reduces value <paramref name="value"/> of a program that has no outputs.</summary>
    public static KernelEntry Reduce(FusedProgram program, int value, Reduction reduction, ReductionTypes types, bool isRows) =>
        Reduce($"{program.Describe()} -> {reduction}", BodyCompiler.CompileValue(program, value), types, isRows);

    /// <summary>The second pass of a reduction; <paramref name="types"/> are those of <see cref="ReductionTypes.SecondPass"/>.</summary>
    public static KernelEntry Merge(Reduction reduction, ReductionTypes types) =>
        Reduce($"{reduction} of partial results", types.PartialBody(), types, isRows: true);

    private static KernelEntry Reduce(string operations, Type body, ReductionTypes types, bool isRows) => new KernelEntry(
        operations,
        Template(isRows ? nameof(FusedKernels.ReduceRows) : nameof(FusedKernels.ReduceColumns))
            .MakeGenericMethod(body, types.Combiner, types.Store, types.Value, types.State)).Report();

    private static MethodInfo Template(string name) => typeof(FusedKernels).GetMethod(name)!;

    private KernelEntry Report()
    {
        Generated?.Invoke(this);
        return this;
    }
}
