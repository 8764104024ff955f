using System.Numerics;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.Intrinsics;

namespace Autograd.Gpu.Lazy.Host;

/// <summary>
/// A generated loop over <paramref name="count"/> elements of one row. Operand k starts at <c>pointers[k]</c> and goes <c>strides[k]</c>
/// bytes a step (an index sequence: its start and step). Constants come first in <paramref name="constants"/> (floating-point ones as the
/// bits of a double), then seed and offset of each random stream, whose element number starts at <paramref name="linear"/>.
/// </summary>
internal unsafe delegate void HostKernel(nint* pointers, long* strides, long* constants, long linear, long count);

/// <summary>Which loops a host kernel has. All give the same bits.</summary>
internal enum HostLoops
{
    /// <summary>Vectors of the usual length, then scalars.</summary>
    Usual,

    /// <summary>512-bit vectors before these, where the processor has them: for many elements, since the code is half as long again.</summary>
    Wide,

    /// <summary>
    /// As <see cref="Wide"/>, with stores that pass the caches by for what the program does not read as well: for results that no cache could
    /// hold, whose lines would otherwise be fetched first. Contiguous outputs begin at 64 bytes' alignment.
    /// </summary>
    Streaming,
}

/// <summary>Generates host kernels: vector loops where all values of the program have lanes of one size, and a scalar loop for the rest.</summary>
internal static class HostKernelCompiler
{
    /// <summary>Whether there are 512-bit vectors beside shorter usual ones.</summary>
    public static bool HasWideLoop => Vector512.IsHardwareAccelerated && Vector<byte>.Count == 32;

    /// <param name="program">What it computes.</param>
    /// <param name="loops">The loops that it is to have.</param>
    /// <param name="widensLater">Whether it may begin with the usual loops, see <see cref="HostKernelParts"/>.</param>
    public static unsafe HostKernel Compile(FusedProgram program, HostLoops loops = HostLoops.Usual, bool widensLater = false)
    {
        int lanes = VectorLanes(program, out int laneSize);
        return lanes == 0 ? CompileScalars(program, 1) : new HostKernelParts(program, loops, lanes, laneSize, widensLater).Run;
    }

    /// <summary>The loops over as many elements as fill vectors.</summary>
    public static HostKernel CompileVectors(FusedProgram program, HostLoops loops, int lanes, int laneSize)
    {
        var method = NewMethod(program);
        var il = method.GetILGenerator();
        var frame = new HostFrame(il, program);
        bool isStreaming = loops == HostLoops.Streaming;
        var target = new HostVectorTarget(il, frame, laneSize, isStreaming);
        target.Hoist();
        if (loops != HostLoops.Usual && HasWideLoop && laneSize == sizeof(float))
        {
            var wide = new HostWideTarget(il, frame, target, isStreaming);
            wide.Hoist();
            EmitLoop(il, frame, program, wide, HostWideTarget.Lanes);
        }

        EmitLoop(il, frame, program, target, lanes);
        if (isStreaming)
        {
            il.Emit(OpCodes.Call, typeof(HostVectors).GetMethod(nameof(HostVectors.EndStream))!);
        }

        il.Emit(OpCodes.Ret);
        return method.CreateDelegate<HostKernel>();
    }

    /// <summary>The loop over the elements that are left by vectors of <paramref name="lanes"/> elements, a power of two.</summary>
    public static HostKernel CompileScalars(FusedProgram program, int lanes)
    {
        var method = NewMethod(program);
        var il = method.GetILGenerator();
        var frame = new HostFrame(il, program);
        if (lanes > 1)
        {
            il.Emit(OpCodes.Ldarg, 4);
            il.Emit(OpCodes.Ldc_I8, (long)-lanes);
            il.Emit(OpCodes.And);
            il.Emit(OpCodes.Stloc, frame.Position);
        }

        EmitLoop(il, frame, program, new HostScalarTarget(il, frame), 1);
        il.Emit(OpCodes.Ret);
        return method.CreateDelegate<HostKernel>();
    }

    private static DynamicMethod NewMethod(FusedProgram program) => new(
        "Fused " + program.Describe(),
        typeof(void),
        [typeof(nint*), typeof(long*), typeof(long*), typeof(long), typeof(long)],
        typeof(HostKernelCompiler).Module,
        skipVisibility: true);

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

    /// <summary>How many elements beyond <see cref="Position"/> the code that is emitted now is to work on.</summary>
    public int Ahead { get; set; }

    /// <summary>Pushes the address of the current element of <paramref name="operand"/>.</summary>
    public void EmitAddress(int operand)
    {
        var info = Program.Operands[operand];
        _il.Emit(OpCodes.Ldloc, _pointers[operand]);
        if (info.Inner == Access.Scalar)
        {
            return;
        }

        EmitPosition();
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
        EmitPosition();
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
        EmitPosition();
        _il.Emit(OpCodes.Add);
    }

    private void EmitPosition()
    {
        _il.Emit(OpCodes.Ldloc, Position);
        if (Ahead != 0)
        {
            _il.Emit(OpCodes.Ldc_I8, (long)Ahead);
            _il.Emit(OpCodes.Add);
        }
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
    public override MethodInfo Method(PointwiseFunction function, DType dtype) => function.HostScalarMethod(dtype);

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
