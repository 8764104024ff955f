using System.Reflection;
using System.Reflection.Emit;

namespace Autograd.Gpu.Lazy;

/// <summary>
/// Writes the loop body of a fused program as IL: one local per value, one call per function. What differs between host vectors, host
/// scalars and ILGPU (how an operand is loaded and stored, which form of a function is called) is the target's.
/// </summary>
internal static class ProgramEmitter
{
    public static void EmitBody(FusedProgram program, KernelTarget target)
    {
        var il = target.IL;
        var locals = new LocalBuilder[program.Values.Length];
        for (int i = 0; i < locals.Length; i++)
        {
            var step = program.Values[i];
            switch (step.Kind)
            {
                case ValueKind.Load:
                    target.EmitLoad(step.Slot);
                    break;
                case ValueKind.Index:
                    target.EmitIndex(step.Slot, step.DType);
                    break;
                case ValueKind.Constant:
                    target.EmitConstant(step.Slot, step.DType);
                    break;
                case ValueKind.Random:
                    target.EmitRandom(step.Slot, step.Random, step.DType);
                    break;
                default:
                    EmitApply(program, step, locals, target);
                    break;
            }

            locals[i] = il.DeclareLocal(target.Register(step.DType));
            il.Emit(OpCodes.Stloc, locals[i]);
        }

        foreach (var output in program.Outputs)
        {
            target.EmitStore(output.Operand, locals[output.Value]);
        }
    }

    private static void EmitApply(FusedProgram program, ValueStep step, LocalBuilder[] locals, KernelTarget target)
    {
        var function = step.Function!;
        target.IL.Emit(OpCodes.Ldloc, locals[step.In0]);
        if (function is CastFunction)
        {
            target.EmitCast(program.Values[step.In0].DType, step.DType);
            return;
        }

        int last = step.In0;
        if (function.Arity > 1)
        {
            target.IL.Emit(OpCodes.Ldloc, locals[last = step.In1]);
        }

        if (function.Arity > 2)
        {
            target.IL.Emit(OpCodes.Ldloc, locals[last = step.In2]);
        }

        target.EmitCall(function, program.Values[last].DType);
        if (step.DType == DType.UInt8)
        {
            // It is computed in 32 bits, which must not be seen by what comes after it.
            target.EmitCast(DType.Int32, DType.UInt8);
        }
    }
}

/// <summary>One form of generated code: how it holds, loads, converts and stores values.</summary>
internal abstract class KernelTarget(ILGenerator il)
{
    public ILGenerator IL { get; } = il;

    /// <summary>The .NET type that holds a value of this dtype.</summary>
    public abstract Type Register(DType dtype);

    /// <summary>The form of <paramref name="function"/> to call on inputs of <paramref name="dtype"/>.</summary>
    public abstract MethodInfo Method(PointwiseFunction function, DType dtype);

    /// <summary>Calls <paramref name="function"/> on the inputs on the stack, the last of which has this dtype.</summary>
    public virtual void EmitCall(PointwiseFunction function, DType dtype) => IL.Emit(OpCodes.Call, Method(function, dtype));

    public abstract void EmitLoad(int operand);

    public abstract void EmitIndex(int operand, DType dtype);

    public abstract void EmitConstant(int slot, DType dtype);

    public abstract void EmitRandom(int slot, RandomKind kind, DType dtype);

    /// <summary>Converts the value on the stack.</summary>
    public abstract void EmitCast(DType from, DType to);

    public abstract void EmitStore(int operand, LocalBuilder value);

    protected static MethodInfo Helper(Type owner, string name) =>
        owner.GetMethod(name, BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
        ?? throw new MissingMethodException(owner.Name, name);
}

/// <summary>Converts an element to another dtype; the emitter knows how, for each target.</summary>
internal sealed class CastFunction : PointwiseFunction
{
    private CastFunction()
        : base("Cast", 1)
    {
    }

    public static CastFunction Instance { get; } = new();
}

/// <summary>What the two scalar targets, the host's tail loops and ILGPU, have in common.</summary>
internal abstract class ScalarTarget(ILGenerator il) : KernelTarget(il)
{
    public override Type Register(DType dtype) => Registers.Scalar(dtype);

    public override MethodInfo Method(PointwiseFunction function, DType dtype) => function.ScalarMethod(dtype);

    public override void EmitCast(DType from, DType to)
    {
        var (source, target) = (from.ComputeType(), to.ComputeType());
        if (to == DType.Bool)
        {
            EmitToBool(source);
            return;
        }

        // A bool on the stack is the integer 0 or 1.
        if (to == DType.UInt8)
        {
            IL.Emit(source.IsFloatingPoint() ? OpCodes.Conv_I8 : OpCodes.Nop);
            IL.Emit(OpCodes.Conv_U1);
            return;
        }

        if (source != target)
        {
            IL.Emit(target switch
            {
                DType.Int32 => OpCodes.Conv_I4,
                DType.Int64 => source == DType.Bool ? OpCodes.Conv_U8 : OpCodes.Conv_I8,
                DType.Float32 => OpCodes.Conv_R4,
                _ => OpCodes.Conv_R8,
            });
        }

        EmitRound(to);
    }

    /// <summary>Rounds a value computed in float32 to a half type, so that a cast in the middle of a program is a cast.</summary>
    private void EmitRound(DType to)
    {
        if (to is DType.Float16 or DType.BFloat16)
        {
            IL.Emit(OpCodes.Call, Helper(typeof(Kernels.HalfConversion), to == DType.Float16 ? "RoundToHalf" : "RoundToBFloat16"));
        }
    }

    private void EmitToBool(DType source)
    {
        switch (source)
        {
            case DType.Bool:
                return;
            case DType.Float32:
                IL.Emit(OpCodes.Ldc_R4, 0f);
                break;
            case DType.Float64:
                IL.Emit(OpCodes.Ldc_R8, 0d);
                break;
            case DType.Int64:
                IL.Emit(OpCodes.Ldc_I8, 0L);
                break;
            default:
                IL.Emit(OpCodes.Ldc_I4_0);
                break;
        }

        // Not equal, so that nan is true.
        IL.Emit(OpCodes.Ceq);
        IL.Emit(OpCodes.Ldc_I4_0);
        IL.Emit(OpCodes.Ceq);
    }
}
