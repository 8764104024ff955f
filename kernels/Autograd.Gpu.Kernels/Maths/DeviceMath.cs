using System.Reflection;
using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Backends.PTX;
using ILGPU.IR;
using ILGPU.IR.Intrinsics;

namespace Autograd.Gpu.Kernels;

/// <summary>
/// Elementary functions of floats and doubles for device code and the host, with the same bits on either. ILGPU's own compile to the
/// GPU's approximations (relative errors up to 2^-11) in float and do not compile in double.
/// </summary>
/// <remarks>
/// <para>Error bounds over the whole range, subnormal numbers included, in units in the last place, float / double: Exp 1 / 1, Expm1 1.5 / 2,
/// Log 1 / 1, Log1p 1.5 / 2, Log2 and Log10 1 / 1.5, Exp2 1.5 / 2, Sin and Cos 2 / 2, Tan 3 / 3, Asin and Acos 3 / 2, Atan 2.5 / 2, Atan2 3 / 3,
/// Sinh 3 / 4, Cosh 2.5 / 3, Asinh, Acosh and Atanh 4 / 5, Tanh and Sigmoid 2.5 / 2, Softplus 3 / 3, Erf 1.5 / 2, Erfc 3.5 / 3, Gelu 4 / 4, Erfinv 4 / 4, Pow 1.5 / 2,
/// Hypot 2 / 2, Rsqrt 1.5 / 1.5, Sqrt 0.5 / 0.5; Round, Floor, Ceil, Trunc and Fmod are exact. Lgamma and Digamma 1 / 8, in double only above 0 and away from
/// the zero of digamma: below 0 the error is 8 units of max(4, |f(-x)|), near digamma's zero 8 of 2. LogAddExp 4 / 4 units of
/// max(|a|, |b|). The tests assert them. NaN gives NaN unless a function says otherwise.</para>
/// <para>A context whose kernels call these functions needs <see cref="Register"/> before it compiles the first one.</para>
/// </remarks>
public static partial class DeviceMath
{
    /// <summary>a * b + c, rounded once, on every device.</summary>
    [IntrinsicImplementation]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Fma(float a, float b, float c) => MathF.FusedMultiplyAdd(a, b, c);

    /// <inheritdoc cref="Fma(float, float, float)"/>
    [IntrinsicImplementation]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Fma(double a, double b, double c) => Math.FusedMultiplyAdd(a, b, c);

    /// <summary>a * b, rounded: a product that the GPU's assembler may not contract with a later sum.</summary>
    [IntrinsicImplementation]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MultiplyRounded(float a, float b) => a * b;

    /// <inheritdoc cref="MultiplyRounded(float, float)"/>
    [IntrinsicImplementation]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double MultiplyRounded(double a, double b) => a * b;

    /// <summary>
    /// Teaches a context what <see cref="Fma(float, float, float)"/> and <see cref="MultiplyRounded(float, float)"/> are in PTX. To be
    /// called once on each context, before a kernel is compiled.
    /// </summary>
    /// <param name="context">The context.</param>
    /// <exception cref="ArgumentNullException"><paramref name="context"/> is null.</exception>
    public static void Register(Context context)
    {
        ArgumentNullException.ThrowIfNull(context);
        IntrinsicImplementationManager manager = context.GetIntrinsicManager();
        Register<float>(manager, nameof(Fma), nameof(EmitFmaSingle), 3);
        Register<double>(manager, nameof(Fma), nameof(EmitFmaDouble), 3);
        Register<float>(manager, nameof(MultiplyRounded), nameof(EmitMultiplySingle), 2);
        Register<double>(manager, nameof(MultiplyRounded), nameof(EmitMultiplyDouble), 2);
    }

    private static void Register<T>(IntrinsicImplementationManager manager, string name, string emitter, int arity)
    {
        MethodInfo method = typeof(DeviceMath).GetMethod(name, [.. Enumerable.Repeat(typeof(T), arity)])!;
        manager.RegisterMethod(method, new PTXIntrinsic(typeof(DeviceMath), emitter, IntrinsicImplementationMode.GenerateCode));
    }

    private static void EmitFmaSingle(PTXBackend backend, PTXCodeGenerator generator, Value value) => Emit("fma.rn.f32", generator, value);

    private static void EmitFmaDouble(PTXBackend backend, PTXCodeGenerator generator, Value value) => Emit("fma.rn.f64", generator, value);

    private static void EmitMultiplySingle(PTXBackend backend, PTXCodeGenerator generator, Value value) =>
        Emit("mul.rn.f32", generator, value);

    private static void EmitMultiplyDouble(PTXBackend backend, PTXCodeGenerator generator, Value value) =>
        Emit("mul.rn.f64", generator, value);

    private static void Emit(string instruction, PTXCodeGenerator generator, Value value)
    {
        // Arguments first: loading one may emit instructions of its own.
        var arguments = new PTXRegisterAllocator.PrimitiveRegister[value.Count];
        for (int i = 0; i < arguments.Length; i++) arguments[i] = (PTXRegisterAllocator.PrimitiveRegister)generator.LoadPrimitive(value[i]);
        var target = generator.AllocateHardware(value);
        using var command = generator.BeginCommand(instruction);
        command.AppendArgument(target);
        foreach (var argument in arguments) command.AppendArgument(argument);
    }
}
