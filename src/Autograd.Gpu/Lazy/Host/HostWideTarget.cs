using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Autograd.Gpu.Lazy.Host;

/// <summary>
/// 512-bit vectors of 4-byte lanes where the usual vector has 256 bits. What has no form of this length is done by
/// <paramref name="half"/> in two halves: functions without a <c>Vector512</c> method, casts, memory that is not laid out as the register is.
/// </summary>
internal sealed class HostWideTarget(ILGenerator il, HostFrame frame, HostVectorTarget half, bool isStreaming) : KernelTarget(il)
{
    public const int Lanes = 16;

    // Arrays: a dictionary by pairs is a type of its own, which takes the JIT a millisecond when it is first used.
    private readonly LocalBuilder?[] _constants = new LocalBuilder?[frame.Program.Constants];
    private readonly LocalBuilder?[] _scalars = new LocalBuilder?[frame.Program.Operands.Length];
    private readonly Dictionary<PointwiseFunction, LocalBuilder[]> _tables = [];

    public override Type Register(DType dtype) => Registers.Wide(dtype);

    public override MethodInfo Method(PointwiseFunction function, DType dtype) => function.WideMethod(dtype)!;

    /// <summary>Emits the broadcasts, from those of the usual vectors, and the loads of tables.</summary>
    public void Hoist()
    {
        HoistTables();
        foreach (var step in frame.Program.Values)
        {
            bool isConstant = step.Kind == ValueKind.Constant;
            if (!isConstant && !(step.Kind == ValueKind.Load && frame.Program.Operands[step.Slot].Inner == Access.Scalar))
            {
                continue;
            }

            for (int i = 0; i < 2; i++)
            {
                if (isConstant)
                {
                    half.EmitConstant(step.Slot, step.DType);
                }
                else
                {
                    half.EmitLoad(step.Slot);
                }
            }

            EmitJoin(step.DType);
            var local = IL.DeclareLocal(Register(step.DType));
            IL.Emit(OpCodes.Stloc, local);
            (isConstant ? _constants : _scalars)[step.Slot] = local;
        }
    }

    // From addresses that say nothing to the JIT: of read-only data that it knows, it makes operands in memory of each use.
    private unsafe void HoistTables()
    {
        foreach (var step in frame.Program.Values)
        {
            if (step.Function is not { } function || step.DType.ComputeType() != DType.Float32 || _tables.ContainsKey(function))
            {
                continue;
            }

            var rows = new LocalBuilder[function.WideTables.Length / Lanes];
            nint start = (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(function.WideTables));
            for (int i = 0; i < rows.Length; i++)
            {
                rows[i] = IL.DeclareLocal(typeof(Vector512<float>));
                IL.Emit(OpCodes.Ldc_I8, start + i * sizeof(Vector512<float>));
                IL.Emit(OpCodes.Conv_I);
                IL.Emit(OpCodes.Unaligned, (byte)1);
                IL.Emit(OpCodes.Ldobj, typeof(Vector512<float>));
                IL.Emit(OpCodes.Stloc, rows[i]);
            }

            _tables[function] = rows;
        }
    }

    public override void EmitCall(PointwiseFunction function, DType dtype)
    {
        if (function.WideMethod(dtype) is { } method)
        {
            if (_tables.TryGetValue(function, out var rows))
            {
                foreach (var row in rows)
                {
                    IL.Emit(OpCodes.Ldloc, row);
                }
            }

            IL.Emit(OpCodes.Call, method);
            return;
        }

        var narrow = half.Method(function, dtype);
        var inputs = new LocalBuilder[function.Arity];
        for (int i = inputs.Length - 1; i >= 0; i--)
        {
            bool isCondition = function.TakesCondition && i == 0;
            inputs[i] = IL.DeclareLocal(Register(isCondition ? DType.Bool : dtype));
            IL.Emit(OpCodes.Stloc, inputs[i]);
        }

        foreach (string part in Halves)
        {
            foreach (var input in inputs)
            {
                EmitHalf(input, part);
            }

            IL.Emit(OpCodes.Call, narrow);
        }

        IL.Emit(OpCodes.Call, Part(nameof(HostWide.Join), narrow.ReturnType.GetGenericArguments()[0]));
    }

    public override void EmitLoad(int operand)
    {
        if (_scalars[operand] is { } local)
        {
            IL.Emit(OpCodes.Ldloc, local);
            return;
        }

        var info = frame.Program.Operands[operand];
        if (IsDirect(info))
        {
            frame.EmitAddress(operand);
            IL.Emit(OpCodes.Unaligned, (byte)1);
            IL.Emit(OpCodes.Ldobj, Register(info.DType));
        }
        else if (IsConverted(info))
        {
            frame.EmitAddress(operand);
            IL.Emit(OpCodes.Call, Helper(typeof(HostWide), $"Load{info.DType}"));
        }
        else
        {
            EmitBoth(info.DType, () => half.EmitLoad(operand));
        }
    }

    public override void EmitIndex(int operand, DType dtype) => EmitBoth(dtype, () => half.EmitIndex(operand, dtype));

    public override void EmitConstant(int slot, DType dtype) => IL.Emit(OpCodes.Ldloc, _constants[slot]!);

    public override void EmitRandom(int slot, RandomKind kind, DType dtype) => EmitBoth(dtype, () => half.EmitRandom(slot, kind, dtype));

    public override void EmitCast(DType from, DType to)
    {
        if (HostVectorTarget.ChangesNothing(from, to))
        {
            return;
        }

        if (to is DType.Float16 or DType.BFloat16)
        {
            EmitCast(from, DType.Float32);
            IL.Emit(OpCodes.Call, Helper(typeof(HostWide), $"RoundTo{to}"));
            return;
        }

        var value = IL.DeclareLocal(Register(from));
        IL.Emit(OpCodes.Stloc, value);
        foreach (string part in Halves)
        {
            EmitHalf(value, part);
            half.EmitCast(from, to);
        }

        EmitJoin(to);
    }

    public override void EmitStore(int operand, LocalBuilder value)
    {
        var info = frame.Program.Operands[operand];
        if (IsDirect(info))
        {
            frame.EmitAddress(operand);
            IL.Emit(OpCodes.Ldloc, value);
            if (isStreaming && !frame.Program.Reads(operand))
            {
                IL.Emit(OpCodes.Call, Part(nameof(HostWide.Stream), Element(info.DType)));
                return;
            }

            IL.Emit(OpCodes.Unaligned, (byte)1);
            IL.Emit(OpCodes.Stobj, Register(info.DType));
        }
        else if (IsConverted(info))
        {
            frame.EmitAddress(operand);
            IL.Emit(OpCodes.Ldloc, value);
            IL.Emit(OpCodes.Call, Helper(typeof(HostWide), $"Store{info.DType}"));
        }
        else
        {
            for (int i = 0; i < Halves.Length; i++)
            {
                var narrow = IL.DeclareLocal(half.Register(info.DType));
                EmitHalf(value, Halves[i]);
                IL.Emit(OpCodes.Stloc, narrow);
                frame.Ahead = i * Lanes / 2;
                half.EmitStore(operand, narrow);
            }

            frame.Ahead = 0;
        }
    }

    private static string[] Halves { get; } = [nameof(HostWide.Lower), nameof(HostWide.Upper)];

    /// <summary>Whether memory looks as the register does.</summary>
    private static bool IsDirect(OperandInfo info) => info.Inner == Access.Contiguous && info.DType is DType.Float32 or DType.Int32;

    /// <summary>Whether a whole vector of it is converted between memory and register.</summary>
    private static bool IsConverted(OperandInfo info) => info.Inner == Access.Contiguous && info.DType is DType.Bool or DType.Float16 or DType.BFloat16;

    private static Type Element(DType dtype) => Registers.Wide(dtype).GetGenericArguments()[0];

    private static MethodInfo Part(string name, Type element) => Helper(typeof(HostWide), name).MakeGenericMethod(element);

    private void EmitHalf(LocalBuilder value, string part)
    {
        IL.Emit(OpCodes.Ldloc, value);
        IL.Emit(OpCodes.Call, Part(part, value.LocalType.GetGenericArguments()[0]));
    }

    private void EmitJoin(DType dtype) => IL.Emit(OpCodes.Call, Part(nameof(HostWide.Join), Element(dtype)));

    /// <summary>The same code for either half of the lanes.</summary>
    private void EmitBoth(DType dtype, Action emit)
    {
        emit();
        frame.Ahead = Lanes / 2;
        emit();
        frame.Ahead = 0;
        EmitJoin(dtype);
    }
}
