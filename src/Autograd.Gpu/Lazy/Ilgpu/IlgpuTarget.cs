using System.Reflection;
using System.Reflection.Emit;
using Autograd.Gpu.Kernels.Fused;

namespace Autograd.Gpu.Lazy.Ilgpu;

/// <summary>
/// The scalar form that ILGPU compiles: the body of <c>Store(int index, FusedArgs args)</c> or <c>Value(int index, FusedArgs args)</c>.
/// The rank is known here, so strided operands cost straight-line 32-bit divisions, shared by all of them.
/// </summary>
internal sealed class IlgpuTarget : ScalarTarget
{
    /// <summary>The operand that a store returns to the caller instead.</summary>
    public const int ReturnOperand = -1;

    private const int IndexArgument = 1;
    private const int ArgsArgument = 2;

    private readonly FusedProgram _program;
    private readonly LocalBuilder[] _coordinates;

    public IlgpuTarget(ILGenerator il, FusedProgram program)
        : base(il)
    {
        _program = program;
        _coordinates = new LocalBuilder[program.Operands.Any(o => o.Access == Access.Strided) ? program.Rank : 0];
        EmitCoordinates();
    }

    public override void EmitLoad(int operand)
    {
        EmitOperandField(operand, nameof(FusedOperand.View));
        EmitOffset(operand);
        IL.Emit(OpCodes.Call, Helper(typeof(FusedMemory), "Load" + _program.Operands[operand].DType));
    }

    public override void EmitIndex(int operand, DType dtype)
    {
        EmitOffset(operand);
        if (_program.Operands[operand].Access != Access.Strided)
        {
            EmitOperandField(operand, nameof(FusedOperand.Start));
            IL.Emit(OpCodes.Add);
        }

        IL.Emit(dtype == DType.Int32 ? OpCodes.Conv_I4 : OpCodes.Nop);
    }

    public override void EmitConstant(int slot, DType dtype)
    {
        EmitNumber(slot);
        IL.Emit(OpCodes.Call, Helper(typeof(FusedMemory), dtype.ComputeType() + "Of"));
    }

    public override void EmitRandom(int slot, RandomKind kind, DType dtype)
    {
        EmitNumber(_program.Constants + 2 * slot);
        EmitNumber(_program.Constants + 2 * slot + 1);
        IL.Emit(OpCodes.Ldarg, IndexArgument);
        IL.Emit(OpCodes.Conv_I8);
        IL.Emit(OpCodes.Call, Helper(typeof(Kernels.Philox), kind + (dtype == DType.Float64 ? "Double" : "Float")));
    }

    public override void EmitCast(DType from, DType to)
    {
        if (from == DType.Bool && to != DType.Bool)
        {
            // ILGPU has a type of its own for bools.
            IL.Emit(OpCodes.Call, Helper(typeof(FusedMemory), nameof(FusedMemory.BoolToInt32)));
            from = DType.Int32;
        }

        if (to != DType.UInt8)
        {
            base.EmitCast(from, to);
            return;
        }

        // Not conv.u1: ILGPU makes one conversion of two, which saturates where the two wrap around.
        if (from.ComputeType() != DType.Int32)
        {
            IL.Emit(from == DType.Int64 ? OpCodes.Nop : OpCodes.Conv_I8);
            IL.Emit(OpCodes.Ldc_I8, 255L);
            IL.Emit(OpCodes.And);
            IL.Emit(OpCodes.Conv_I4);
            return;
        }

        IL.Emit(OpCodes.Ldc_I4, 255);
        IL.Emit(OpCodes.And);
    }

    public override void EmitStore(int operand, LocalBuilder value)
    {
        if (operand == ReturnOperand)
        {
            IL.Emit(OpCodes.Ldloc, value);
            if (value.LocalType == typeof(bool))
            {
                IL.Emit(OpCodes.Call, Helper(typeof(FusedMemory), nameof(FusedMemory.BoolToInt32)));
            }

            return;
        }

        EmitOperandField(operand, nameof(FusedOperand.View));
        EmitOffset(operand);
        IL.Emit(OpCodes.Ldloc, value);
        IL.Emit(OpCodes.Call, Helper(typeof(FusedMemory), "Store" + _program.Operands[operand].DType));
    }

    /// <summary>Takes the index apart, innermost dimension first.</summary>
    private void EmitCoordinates()
    {
        if (_coordinates.Length == 0)
        {
            return;
        }

        var rest = IL.DeclareLocal(typeof(int));
        IL.Emit(OpCodes.Ldarg, IndexArgument);
        IL.Emit(OpCodes.Stloc, rest);
        for (int d = _coordinates.Length - 1; d >= 0; d--)
        {
            _coordinates[d] = IL.DeclareLocal(typeof(int));
            IL.Emit(OpCodes.Ldloc, rest);
            if (d > 0)
            {
                EmitSize(d);
                IL.Emit(OpCodes.Rem_Un);
            }

            IL.Emit(OpCodes.Stloc, _coordinates[d]);
            if (d > 0)
            {
                IL.Emit(OpCodes.Ldloc, rest);
                EmitSize(d);
                IL.Emit(OpCodes.Div_Un);
                IL.Emit(OpCodes.Stloc, rest);
            }
        }
    }

    /// <summary>Pushes the position of the current element in the operand's view, as a long; for an index sequence see <see cref="EmitIndex"/>.</summary>
    private void EmitOffset(int operand)
    {
        switch (_program.Operands[operand].Access)
        {
            case Access.Contiguous:
                IL.Emit(OpCodes.Ldarg, IndexArgument);
                IL.Emit(OpCodes.Conv_I8);
                return;
            case Access.Scalar:
                IL.Emit(OpCodes.Ldc_I8, 0L);
                return;
        }

        EmitOperandField(operand, nameof(FusedOperand.Start));
        for (int d = 0; d < _coordinates.Length; d++)
        {
            IL.Emit(OpCodes.Ldloc, _coordinates[d]);
            IL.Emit(OpCodes.Conv_I8);
            EmitOperandField(operand, nameof(FusedOperand.Strides));
            IL.Emit(OpCodes.Ldfld, Field(typeof(FusedStrides), "Stride" + d));
            IL.Emit(OpCodes.Mul);
            IL.Emit(OpCodes.Add);
        }
    }

    private void EmitOperandField(int operand, string name)
    {
        IL.Emit(OpCodes.Ldarg, ArgsArgument);
        IL.Emit(OpCodes.Ldfld, Field(typeof(FusedArgs), "Operand" + operand));
        IL.Emit(OpCodes.Ldfld, Field(typeof(FusedOperand), name));
    }

    private void EmitSize(int dimension)
    {
        IL.Emit(OpCodes.Ldarg, ArgsArgument);
        IL.Emit(OpCodes.Ldfld, Field(typeof(FusedArgs), nameof(FusedArgs.Sizes)));
        IL.Emit(OpCodes.Ldfld, Field(typeof(FusedSizes), "Size" + dimension));
    }

    private void EmitNumber(int slot)
    {
        IL.Emit(OpCodes.Ldarg, ArgsArgument);
        IL.Emit(OpCodes.Ldfld, Field(typeof(FusedArgs), nameof(FusedArgs.Numbers)));
        IL.Emit(OpCodes.Ldfld, Field(typeof(FusedNumbers), "Number" + slot));
    }

    private static FieldInfo Field(Type owner, string name) =>
        owner.GetField(name) ?? throw new MissingFieldException(owner.Name, name);
}
