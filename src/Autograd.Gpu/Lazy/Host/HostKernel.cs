using System.Numerics;
using System.Reflection;
using System.Reflection.Emit;

namespace Autograd.Gpu.Lazy.Host;

/// <summary>
/// A generated loop over <paramref name="count"/> elements of one row. Operand k starts at <c>pointers[k]</c> and goes <c>strides[k]</c>
/// bytes a step (an index sequence: its start and step). Constants come first in <paramref name="constants"/> (floating-point ones as the
/// bits of a double), then seed and offset of each random stream, whose element number starts at <paramref name="linear"/>.
/// </summary>
internal unsafe delegate void HostKernel(nint* pointers, long* strides, long* constants, long linear, long count);

/// <summary>Generates host kernels: a vector loop where all values of the program have lanes of one size, and a scalar loop for the rest.</summary>
internal static class HostKernelCompiler
{
    public static HostKernel Compile(FusedProgram program)
    {
        var method = new DynamicMethod(
            "Fused " + program.Describe(),
            typeof(void),
            [typeof(nint*), typeof(long*), typeof(long*), typeof(long), typeof(long)],
            typeof(HostKernelCompiler).Module,
            skipVisibility: true);
        var il = method.GetILGenerator();
        var frame = new HostFrame(il, program);
        int lanes = VectorLanes(program, out int laneSize);
        if (lanes > 0)
        {
            var target = new HostVectorTarget(il, frame, laneSize);
            target.Hoist();
            EmitLoop(il, frame, program, target, lanes);
        }

        EmitLoop(il, frame, program, new HostScalarTarget(il, frame), 1);
        il.Emit(OpCodes.Ret);
        return method.CreateDelegate<HostKernel>();
    }

    /// <summary>Elements of a vector, or 0 where sizes mix or a function has no vector form.</summary>
    private static int VectorLanes(FusedProgram program, out int laneSize)
    {
        laneSize = program.CommonLaneSize();
        if (laneSize == 0)
        {
            return 0;
        }

        foreach (var step in program.Values)
        {
            var input = step.Kind == ValueKind.Apply ? program.Values[Last(step)].DType : step.DType;
            bool hasForm = step.Kind switch
            {
                ValueKind.Apply when step.Function is CastFunction => HostVectorTarget.CanCast(input, step.DType),
                ValueKind.Apply => step.Function!.VectorMethod(input, laneSize) is not null,
                _ => true,
            };
            if (!hasForm)
            {
                return 0;
            }
        }

        return Vector<byte>.Count / laneSize;
    }

    private static int Last(ValueStep step) => step.Function!.Arity switch { 1 => step.In0, 2 => step.In1, _ => step.In2 };

    private static void EmitLoop(ILGenerator il, HostFrame frame, FusedProgram program, KernelTarget target, int step)
    {
        var test = il.DefineLabel();
        var body = il.DefineLabel();
        il.Emit(OpCodes.Br, test);
        il.MarkLabel(body);
        ProgramEmitter.EmitBody(program, target);
        il.Emit(OpCodes.Ldloc, frame.Position);
        il.Emit(OpCodes.Ldc_I8, (long)step);
        il.Emit(OpCodes.Add);
        il.Emit(OpCodes.Stloc, frame.Position);
        il.MarkLabel(test);
        il.Emit(OpCodes.Ldloc, frame.Position);
        il.Emit(OpCodes.Ldarg, 4);
        il.Emit(OpCodes.Ldc_I8, (long)(step - 1));
        il.Emit(OpCodes.Sub);
        il.Emit(OpCodes.Blt, body);
    }
}

/// <summary>The locals that both loops of a host kernel share: the position, and each operand's start and stride.</summary>
internal sealed class HostFrame
{
    private readonly LocalBuilder[] _pointers;
    private readonly LocalBuilder[] _strides;
    private readonly ILGenerator _il;

    public HostFrame(ILGenerator il, FusedProgram program)
    {
        _il = il;
        Program = program;
        Position = il.DeclareLocal(typeof(long));
        _pointers = new LocalBuilder[program.Operands.Length];
        _strides = new LocalBuilder[program.Operands.Length];
        for (int k = 0; k < _pointers.Length; k++)
        {
            _pointers[k] = il.DeclareLocal(typeof(nint));
            il.Emit(OpCodes.Ldarg_0);
            il.Emit(OpCodes.Ldc_I4, k * IntPtr.Size);
            il.Emit(OpCodes.Add);
            il.Emit(OpCodes.Ldind_I);
            il.Emit(OpCodes.Stloc, _pointers[k]);
            _strides[k] = il.DeclareLocal(typeof(long));
            il.Emit(OpCodes.Ldarg_1);
            EmitSlot(k);
            il.Emit(OpCodes.Stloc, _strides[k]);
        }
    }

    public FusedProgram Program { get; }

    /// <summary>The element the loop is at.</summary>
    public LocalBuilder Position { get; }

    /// <summary>Pushes the address of the current element of <paramref name="operand"/>.</summary>
    public void EmitAddress(int operand)
    {
        var info = Program.Operands[operand];
        _il.Emit(OpCodes.Ldloc, _pointers[operand]);
        if (info.Inner == Access.Scalar)
        {
            return;
        }

        _il.Emit(OpCodes.Ldloc, Position);
        if (info.Inner == Access.Contiguous)
        {
            _il.Emit(OpCodes.Ldc_I8, (long)info.DType.Size());
        }
        else
        {
            _il.Emit(OpCodes.Ldloc, _strides[operand]);
        }

        _il.Emit(OpCodes.Mul);
        _il.Emit(OpCodes.Conv_I);
        _il.Emit(OpCodes.Add);
    }

    /// <summary>Pushes the stride of <paramref name="operand"/>: bytes, or the step of an index sequence.</summary>
    public void EmitStride(int operand) => _il.Emit(OpCodes.Ldloc, _strides[operand]);

    /// <summary>Pushes the current value of an index sequence.</summary>
    public void EmitIndexValue(int operand)
    {
        _il.Emit(OpCodes.Ldloc, _pointers[operand]);
        _il.Emit(OpCodes.Conv_I8);
        _il.Emit(OpCodes.Ldloc, Position);
        EmitStride(operand);
        _il.Emit(OpCodes.Mul);
        _il.Emit(OpCodes.Add);
    }

    /// <summary>Pushes constant <paramref name="slot"/> as the scalar register of <paramref name="dtype"/>.</summary>
    public void EmitConstant(int slot, DType dtype)
    {
        _il.Emit(OpCodes.Ldarg_2);
        EmitSlot(slot);
        switch (dtype.ComputeType())
        {
            case DType.Float32:
                _il.Emit(OpCodes.Call, typeof(BitConverter).GetMethod(nameof(BitConverter.Int64BitsToDouble))!);
                _il.Emit(OpCodes.Conv_R4);
                break;
            case DType.Float64:
                _il.Emit(OpCodes.Call, typeof(BitConverter).GetMethod(nameof(BitConverter.Int64BitsToDouble))!);
                break;
            case DType.Int64:
                break;
            default:
                _il.Emit(OpCodes.Conv_I4);
                break;
        }
    }

    /// <summary>Pushes seed, offset and element number of random stream <paramref name="slot"/>.</summary>
    public void EmitRandomState(int slot)
    {
        _il.Emit(OpCodes.Ldarg_2);
        EmitSlot(Program.Constants + 2 * slot);
        _il.Emit(OpCodes.Ldarg_2);
        EmitSlot(Program.Constants + 2 * slot + 1);
        _il.Emit(OpCodes.Ldarg_3);
        _il.Emit(OpCodes.Ldloc, Position);
        _il.Emit(OpCodes.Add);
    }

    private void EmitSlot(int slot)
    {
        _il.Emit(OpCodes.Ldc_I4, slot * sizeof(long));
        _il.Emit(OpCodes.Add);
        _il.Emit(OpCodes.Ldind_I8);
    }
}

/// <summary>Element by element: tails, and programs whose values differ in size.</summary>
internal sealed class HostScalarTarget(ILGenerator il, HostFrame frame) : ScalarTarget(il)
{
    public override void EmitLoad(int operand)
    {
        frame.EmitAddress(operand);
        switch (frame.Program.Operands[operand].DType)
        {
            case DType.Bool or DType.UInt8:
                IL.Emit(OpCodes.Ldind_U1);
                break;
            case DType.Int32:
                IL.Emit(OpCodes.Ldind_I4);
                break;
            case DType.Int64:
                IL.Emit(OpCodes.Ldind_I8);
                break;
            case DType.Float32:
                IL.Emit(OpCodes.Ldind_R4);
                break;
            case DType.Float64:
                IL.Emit(OpCodes.Ldind_R8);
                break;
            case DType.Float16:
                IL.Emit(OpCodes.Ldind_U2);
                IL.Emit(OpCodes.Call, Helper(typeof(Kernels.HalfConversion), "HalfToFloat"));
                break;
            default:
                IL.Emit(OpCodes.Ldind_U2);
                IL.Emit(OpCodes.Call, Helper(typeof(Kernels.HalfConversion), "BFloat16ToFloat"));
                break;
        }
    }

    public override void EmitIndex(int operand, DType dtype)
    {
        frame.EmitIndexValue(operand);
        IL.Emit(dtype == DType.Int32 ? OpCodes.Conv_I4 : OpCodes.Nop);
    }

    public override void EmitConstant(int slot, DType dtype) => frame.EmitConstant(slot, dtype);

    public override void EmitRandom(int slot, RandomKind kind, DType dtype)
    {
        frame.EmitRandomState(slot);
        IL.Emit(OpCodes.Call, Helper(typeof(Kernels.Philox), kind + (dtype == DType.Float64 ? "Double" : "Float")));
    }

    public override void EmitStore(int operand, LocalBuilder value)
    {
        frame.EmitAddress(operand);
        IL.Emit(OpCodes.Ldloc, value);
        switch (frame.Program.Operands[operand].DType)
        {
            case DType.Bool or DType.UInt8:
                IL.Emit(OpCodes.Stind_I1);
                break;
            case DType.Int32:
                IL.Emit(OpCodes.Stind_I4);
                break;
            case DType.Int64:
                IL.Emit(OpCodes.Stind_I8);
                break;
            case DType.Float32:
                IL.Emit(OpCodes.Stind_R4);
                break;
            case DType.Float64:
                IL.Emit(OpCodes.Stind_R8);
                break;
            case DType.Float16:
                IL.Emit(OpCodes.Call, Helper(typeof(Kernels.HalfConversion), "FloatToHalf"));
                IL.Emit(OpCodes.Stind_I2);
                break;
            default:
                IL.Emit(OpCodes.Call, Helper(typeof(Kernels.HalfConversion), "FloatToBFloat16"));
                IL.Emit(OpCodes.Stind_I2);
                break;
        }
    }
}

/// <summary>A vector at a time. Constants and operands that stay the same are broadcast before the loop.</summary>
internal sealed class HostVectorTarget(ILGenerator il, HostFrame frame, int laneSize) : KernelTarget(il)
{
    private readonly Dictionary<(bool IsConstant, int Slot), LocalBuilder> _hoisted = [];

    public override Type Register(DType dtype) => Registers.Vector(dtype, laneSize);

    public override MethodInfo Method(PointwiseFunction function, DType dtype) => function.VectorMethod(dtype, laneSize)!;

    /// <summary>Casts inside a vector loop keep the lane size.</summary>
    public static bool CanCast(DType from, DType to) =>
        from == to || to is not (DType.Float16 or DType.BFloat16 or DType.UInt8);

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
            _hoisted[(isConstant, step.Slot)] = local;
        }
    }

    public override void EmitLoad(int operand)
    {
        if (_hoisted.TryGetValue((false, operand), out var local))
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

    public override void EmitConstant(int slot, DType dtype) => IL.Emit(OpCodes.Ldloc, _hoisted[(true, slot)]);

    public override void EmitRandom(int slot, RandomKind kind, DType dtype)
    {
        frame.EmitRandomState(slot);
        IL.Emit(OpCodes.Call, Helper(typeof(Kernels.VectorPhilox), kind + (dtype == DType.Float64 ? "Double" : "Float")));
    }

    public override void EmitCast(DType from, DType to)
    {
        if (from != to && to == DType.UInt8)
        {
            IL.Emit(OpCodes.Call, Helper(typeof(HostVectors), nameof(HostVectors.Int32ToUInt8)));
            return;
        }

        if (from.ComputeType() == to.ComputeType())
        {
            return;
        }

        string name = $"{from.ComputeType()}To{to}" + (from == DType.Bool || to == DType.Bool ? laneSize.ToString() : "");
        IL.Emit(OpCodes.Call, Helper(typeof(HostVectors), name));
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

    private void EmitBroadcast(DType dtype)
    {
        if (dtype == DType.Bool)
        {
            IL.Emit(OpCodes.Call, Helper(typeof(HostVectors), "BroadcastBool" + laneSize));
            return;
        }

        var type = Registers.Scalar(dtype);
        IL.Emit(OpCodes.Newobj, typeof(Vector<>).MakeGenericType(type).GetConstructor([type])!);
    }
}
