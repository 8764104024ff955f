using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using Autograd.Gpu.Kernels.Fused;

namespace Autograd.Gpu.Lazy.Ilgpu;

/// <summary>
/// Generates the struct that stands for a fused program in the kernel templates of <see cref="FusedKernels"/>. It lives in an assembly
/// that was saved and loaded, because ILGPU reads a method's IL through <see cref="MethodBase.GetMethodBody"/>.
/// </summary>
internal static class BodyCompiler
{
    private static int s_count;

    /// <summary>A struct that implements <see cref="IFusedBody"/>.</summary>
    public static Type CompileStore(FusedProgram program) =>
        Compile(program, typeof(IFusedBody), nameof(IFusedBody.Store), typeof(void));

    /// <summary>A struct that implements <see cref="IFusedValue{T}"/>: value <paramref name="value"/> of the program, which has no outputs.</summary>
    public static Type CompileValue(FusedProgram program, int value)
    {
        var type = ValueType(program.Values[value].DType);
        return Compile(
            program with { Outputs = [new OutputStep(value, IlgpuTarget.ReturnOperand)] },
            typeof(IFusedValue<>).MakeGenericType(type),
            nameof(IFusedValue<int>.Value),
            type);
    }

    /// <summary>What a reduction reads elements of <paramref name="dtype"/> as: the register type, and int for bools.</summary>
    public static Type ValueType(DType dtype) => dtype == DType.Bool ? typeof(int) : Registers.Scalar(dtype);

    private static Type Compile(FusedProgram program, Type contract, string method, Type returns)
    {
        string name = $"Autograd.Gpu.Fused{Interlocked.Increment(ref s_count)}";
        var assembly = new PersistedAssemblyBuilder(new AssemblyName(name), typeof(object).Assembly);
        var owners = Owners(program);
        foreach (var owner in owners)
        {
            assembly.SetCustomAttribute(new CustomAttributeBuilder(
                typeof(IgnoresAccessChecksToAttribute).GetConstructor([typeof(string)])!, [owner.GetName().Name!]));
        }

        var type = assembly.DefineDynamicModule(name).DefineType(
            "Body",
            TypeAttributes.Public | TypeAttributes.Sealed | TypeAttributes.SequentialLayout | TypeAttributes.BeforeFieldInit,
            typeof(ValueType),
            [contract]);
        var body = type.DefineMethod(
            method,
            MethodAttributes.Public | MethodAttributes.Final | MethodAttributes.Virtual | MethodAttributes.HideBySig | MethodAttributes.NewSlot,
            returns,
            [typeof(int), typeof(FusedArgs)]);
        body.SetImplementationFlags(MethodImplAttributes.AggressiveInlining);
        var il = body.GetILGenerator();
        ProgramEmitter.EmitBody(program, new IlgpuTarget(il, program));
        il.Emit(OpCodes.Ret);
        type.CreateType();

        using var image = new MemoryStream();
        assembly.Save(image);
        image.Position = 0;
        return new GeneratedContext(name, owners).LoadFromStream(image).GetType("Body", throwOnError: true)!;
    }

    /// <summary>The assemblies whose methods the program calls, internal ones too.</summary>
    private static Assembly[] Owners(FusedProgram program) => [.. program.Values
        .Where(v => v.Function is not null)
        .Select(v => v.Function!.Owner.Assembly)
        .Append(typeof(FusedKernels).Assembly)
        .Distinct()];

    /// <summary>
    /// Finds what generated code refers to: the very assemblies that the functions come from, which may be the program's, and the rest where this library finds it.
    /// </summary>
    private sealed class GeneratedContext(string name, Assembly[] owners) : AssemblyLoadContext(name)
    {
        private static readonly AssemblyLoadContext Own = GetLoadContext(typeof(BodyCompiler).Assembly)!;

        protected override Assembly? Load(AssemblyName assemblyName) =>
            Array.Find(owners, o => o.FullName == assemblyName.FullName) ?? Own.LoadFromAssemblyName(assemblyName);
    }
}
