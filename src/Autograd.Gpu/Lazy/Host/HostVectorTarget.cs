using System.Reflection;
using System.Reflection.Emit;

namespace Autograd.Gpu.Lazy.Host;

/// <summary>A vector at a time. Constants and operands that stay the same are broadcast before the loop.</summary>
internal sealed class HostVectorTarget(ILGenerator il, HostFrame frame, int laneSize, bool isStreaming = false) : KernelTarget(il)
{
    // Arrays: a dictionary by pairs is a type of its own, which takes the JIT a millisecond when it is first used.
    private readonly LocalBuilder?[] _constants = new LocalBuilder?[frame.Program.Constants];
    private readonly LocalBuilder?[] _scalars = new LocalBuilder?[frame.Program.Operands.Length];

    public override Type Register(DType dtype) => Registers.Vector(dtype, laneSize);

    public override MethodInfo Method(PointwiseFunction function, DType dtype) => function.VectorMethod(dtype, laneSize)!;

    /// <summary>Whether there is a form; casts inside a vector loop keep the lane size.</summary>
    public static bool CanCast(DType from, DType to) => from == to || to != DType.UInt8;

    /// <summary>Whether a register holds the same before and after a cast.</summary>
    public static bool ChangesNothing(DType from, DType to) =>
        from == to || (from.ComputeType() == to.ComputeType() && to is not (DType.UInt8 or DType.Float16 or DType.BFloat16));

    /// <summary>Emits the broadcasts.</summary>
    public void Hoist()
    {
        var scalar = new HostScalarTarget(IL, frame);
        foreach (var step in frame.Program.Values)
        {
            bool isConstant = step.Kind == ValueKind.Constant;
            if (!isConstant && !(step.Kind == ValueKind.Load && frame.Program.Operands[step.Slot].Inner == Access.Scalar))
            {
                continue;
            }

            if (isConstant)
            {
                scalar.EmitConstant(step.Slot, step.DType);
            }
            else
            {
                scalar.EmitLoad(step.Slot);
            }

            EmitBroadcast(step.DType);
            var local = IL.DeclareLocal(Register(step.DType));
            IL.Emit(OpCodes.Stloc, local);
            (isConstant ? _constants : _scalars)[step.Slot] = local;
        }
    }

    public override void EmitLoad(int operand)
    {
        if (_scalars[operand] is { } local)
        {
            IL.Emit(OpCodes.Ldloc, local);
            return;
        }

        var info = frame.Program.Operands[operand];
        frame.EmitAddress(operand);
        if (info.Inner == Access.Strided)
        {
            frame.EmitStride(operand);
            IL.Emit(OpCodes.Call, Helper(typeof(HostVectors), $"Gather{Suffix(info.DType)}"));
        }
        else if (info.DType.Size() == laneSize && info.DType != DType.Bool)
        {
            IL.Emit(OpCodes.Unaligned, (byte)1);
            IL.Emit(OpCodes.Ldobj, Register(info.DType));
        }
        else
        {
            IL.Emit(OpCodes.Call, Helper(typeof(HostVectors), $"Load{Suffix(info.DType)}"));
        }
    }

    public override void EmitIndex(int operand, DType dtype)
    {
        frame.EmitIndexValue(operand);
        frame.EmitStride(operand);
        IL.Emit(OpCodes.Call, Helper(typeof(HostVectors), $"Sequence{dtype}"));
    }

    public override void EmitConstant(int slot, DType dtype) => IL.Emit(OpCodes.Ldloc, _constants[slot]!);

    public override void EmitRandom(int slot, RandomKind kind, DType dtype)
    {
        frame.EmitRandomState(slot);
        IL.Emit(OpCodes.Call, Helper(typeof(Kernels.VectorPhilox), kind + (dtype == DType.Float64 ? "Double" : "Float")));
    }

    public override void EmitCast(DType from, DType to)
    {
        if (ChangesNothing(from, to))
        {
            return;
        }

        if (to == DType.UInt8)
        {
            IL.Emit(OpCodes.Call, Helper(typeof(HostVectors), nameof(HostVectors.Int32ToUInt8)));
            return;
        }

        var (source, target) = (from.ComputeType(), to.ComputeType());
        if (source != target)
        {
            string name = $"{source}To{target}" + (source == DType.Bool || target == DType.Bool ? laneSize.ToString() : "");
            IL.Emit(OpCodes.Call, Helper(typeof(HostVectors), name));
        }

        if (to is DType.Float16 or DType.BFloat16)
        {
            IL.Emit(OpCodes.Call, Helper(typeof(HostVectors), $"RoundTo{to}"));
        }
    }

    public override void EmitStore(int operand, LocalBuilder value)
    {
        var info = frame.Program.Operands[operand];
        frame.EmitAddress(operand);
        if (info.Inner == Access.Strided)
        {
            frame.EmitStride(operand);
            IL.Emit(OpCodes.Ldloc, value);
            IL.Emit(OpCodes.Call, Helper(typeof(HostVectors), $"Scatter{Suffix(info.DType)}"));
        }
        else if (info.DType.Size() == laneSize && info.DType != DType.Bool)
        {
            IL.Emit(OpCodes.Ldloc, value);
            if (isStreaming && !frame.Program.Reads(operand))
            {
                IL.Emit(OpCodes.Call, Helper(typeof(HostVectors), nameof(HostVectors.Stream)).MakeGenericMethod(Registers.Scalar(info.DType)));
                return;
            }

            IL.Emit(OpCodes.Unaligned, (byte)1);
            IL.Emit(OpCodes.Stobj, Register(info.DType));
        }
        else
        {
            IL.Emit(OpCodes.Ldloc, value);
            IL.Emit(OpCodes.Call, Helper(typeof(HostVectors), $"Store{Suffix(info.DType)}"));
        }
    }

    private string Suffix(DType dtype) => dtype == DType.Bool ? "Bool" + laneSize : dtype.ToString();

    private void EmitBroadcast(DType dtype) =>
        IL.Emit(OpCodes.Call, Helper(typeof(HostVectors), "Broadcast" + (dtype == DType.Bool ? "Bool" + laneSize : dtype.ComputeType().ToString())));
}
