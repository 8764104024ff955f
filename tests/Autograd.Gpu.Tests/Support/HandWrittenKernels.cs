using System.Reflection;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Kernels.Fused;

namespace Autograd.Gpu.Tests.Support;

/// <summary>The kernels of <c>kernels/</c>, those of them that tests compile to PTX, and those that the suite has run on a device.</summary>
internal static class HandWrittenKernels
{
    public const BindingFlags Everything = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    /// <summary>The definitions: what the static classes called after kernels have that returns nothing. Templates of generated kernels are <see cref="EveryKernel"/>'s.</summary>
    public static IReadOnlyList<MethodInfo> All { get; } =
    [
        .. from type in typeof(MatMulKernels).Assembly.GetTypes()
           where type is { IsAbstract: true, IsSealed: true } && type.Name.EndsWith("Kernels", StringComparison.Ordinal) && type != typeof(FusedKernels)
           from method in type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly)
           where method.ReturnType == typeof(void)
           select method,
    ];

    /// <summary>The kernels, with their type arguments, of all test classes that list kernels: those with a method Kernels().</summary>
    public static IReadOnlyList<MethodInfo> Listed { get; } =
    [
        .. from type in typeof(HandWrittenKernels).Assembly.GetTypes()
           let list = type.GetMethod("Kernels", BindingFlags.NonPublic | BindingFlags.Static, [])
           where list?.ReturnType == typeof(IEnumerable<TestCaseData>)
           from test in (IEnumerable<TestCaseData>)list.Invoke(null, null)!
           from kernel in test.Arguments.OfType<MethodInfo>()
           select kernel,
    ];

    public static MethodInfo Definition(MethodInfo method) => method.IsGenericMethod ? method.GetGenericMethodDefinition() : method;

    /// <summary>The kernel as a GPU has it: tiles of 16 lines where the host's groups have 4.</summary>
    public static MethodInfo OnGpu(MethodInfo kernel) => kernel.IsGenericMethod
        ? kernel.GetGenericMethodDefinition().MakeGenericMethod(Array.ConvertAll(kernel.GetGenericArguments(), t => t == typeof(Side4) ? typeof(Side16) : t))
        : kernel;

    public static string Name(MethodInfo kernel) =>
        $"{kernel.DeclaringType!.Name}.{kernel.Name}{(kernel.IsGenericMethod ? $"<{string.Join(", ", kernel.GetGenericArguments().Select(t => t.Name))}>" : "")}";
}
