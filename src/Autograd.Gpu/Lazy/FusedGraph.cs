using System.Runtime.InteropServices;
using Autograd.Gpu.Devices;

namespace Autograd.Gpu.Lazy;

/// <summary>
/// Linearises a graph of expressions: numbers its distinct nodes in the order of computation, merges equal operands, drops dimensions that
/// no operand needs, and writes down the key under which its kernel is kept. One instance a device, used under its gate, so that nothing is
/// allocated when the kernel is already there.
/// </summary>
internal sealed class FusedGraph
{
    /// <summary>Operands of one kernel, read, written or both.</summary>
    public const int MaxOperands = 8;

    /// <summary>Numbers that one kernel is given: a constant is one, a random stream two.</summary>
    public const int MaxNumbers = 32;

    /// <summary>Dimensions after those that lie one after the other have been merged.</summary>
    public const int MaxRank = 8;

    private static long s_stamp;

    private readonly List<ValueStep> _values = [];
    private readonly List<ApplyExpression?> _nodes = [];
    private readonly List<OperandInfo> _operands = [];
    private readonly List<Layout> _layouts = [];
    private readonly List<Block?> _blocks = [];
    private readonly List<OutputStep> _outputs = [];
    private readonly List<ConstantExpression> _constants = [];
    private readonly List<RandomExpression> _randoms = [];
    private readonly List<int> _key = [];
    private long _stamp;

    /// <summary>Sizes of the merged dimensions.</summary>
    public long[] Sizes { get; } = new long[MaxRank];

    /// <summary>Strides in elements, operand by operand, <see cref="MaxRank"/> each.</summary>
    public long[] Strides { get; } = new long[MaxOperands * MaxRank];

    public int Rank { get; private set; }

    public long Count { get; private set; }

    public Shape Shape { get; private set; }

    public ReadOnlySpan<OperandInfo> Operands => CollectionsMarshal.AsSpan(_operands);

    public ReadOnlySpan<Block?> Blocks => CollectionsMarshal.AsSpan(_blocks);

    public ReadOnlySpan<ConstantExpression> Constants => CollectionsMarshal.AsSpan(_constants);

    public ReadOnlySpan<RandomExpression> Randoms => CollectionsMarshal.AsSpan(_randoms);

    public ReadOnlySpan<OutputStep> Outputs => CollectionsMarshal.AsSpan(_outputs);

    /// <summary>The distinct pending nodes, inputs before those who read them; null at the places of leaves.</summary>
    public ReadOnlySpan<ApplyExpression?> Nodes => CollectionsMarshal.AsSpan(_nodes);

    public ReadOnlySpan<ValueStep> Values => CollectionsMarshal.AsSpan(_values);

    public ReadOnlySpan<int> Key => CollectionsMarshal.AsSpan(_key);

    public long OffsetOf(int operand) => _layouts[operand].Offset;

    public Layout LayoutOf(int operand) => _layouts[operand];

    public static long NextStamp() => Interlocked.Increment(ref s_stamp);

    /// <summary>Starts over with the graph below <paramref name="root"/>; returns the number of the root's value.</summary>
    public int Load(Expression root)
    {
        Clear();
        _stamp = NextStamp();
        Shape = root.Shape;
        Count = root.Layout.Count;
        return Visit(root);
    }

    /// <summary>Drops the references to expressions and blocks.</summary>
    public void Clear()
    {
        _values.Clear();
        _nodes.Clear();
        _operands.Clear();
        _layouts.Clear();
        _blocks.Clear();
        _outputs.Clear();
        _constants.Clear();
        _randoms.Clear();
        _key.Clear();
    }

    /// <summary>Stores value <paramref name="value"/> to <paramref name="block"/>; null stands for memory that the launcher supplies.</summary>
    public void AddOutput(int value, Block? block, DType dtype, Layout layout) =>
        _outputs.Add(new OutputStep(value, Operand(block, dtype, layout, isIndex: false)));

    /// <summary>Whether these elements are an operand already, so that writing them takes no further one.</summary>
    public bool HasOperand(Block block, DType dtype, Layout layout) => FindOperand(block, dtype, layout) >= 0;

    public FusedProgram ToProgram() => new([.. _values], [.. _operands], [.. _outputs], Rank, _constants.Count, _randoms.Count);

    /// <summary>Merges dimensions and completes the key; call when all outputs are there.</summary>
    public void Finish()
    {
        MergeDimensions();
        for (int k = 0; k < _operands.Count; k++)
        {
            var inner = InnerAccess(k);
            var access = Rank == 1 ? inner : IsAllZero(k) ? Access.Scalar : IsRowMajor(k) ? Access.Contiguous : Access.Strided;
            _operands[k] = _operands[k] with { Access = access, Inner = inner };
        }

        _key.Add(Rank | (_operands.Count << 8));
        foreach (var operand in _operands)
        {
            _key.Add((int)operand.DType | ((int)operand.Access << 8) | ((int)operand.Inner << 12) | (operand.IsIndex ? 1 << 16 : 0));
        }

        foreach (var v in _values)
        {
            _key.Add((int)v.Kind | ((int)v.DType << 4) | ((int)v.Random << 8) | ((v.Function?.Id ?? v.Slot) << 12));
            if (v.Kind == ValueKind.Apply)
            {
                _key.Add(v.In0 | (v.In1 << 8) | (v.In2 << 16));
            }
        }

        foreach (var output in _outputs)
        {
            _key.Add(-1 - (output.Value | (output.Operand << 8)));
        }
    }

    private Access InnerAccess(int k) => Strides[k * MaxRank + Rank - 1] switch
    {
        1 => Access.Contiguous,
        0 => Access.Scalar,
        _ => Access.Strided,
    };

    private int Visit(Expression expression)
    {
        expression = ApplyExpression.Resolve(expression);
        if (expression.VisitStamp == _stamp)
        {
            return expression.VisitIndex;
        }

        ValueStep step;
        ApplyExpression? node = null;
        switch (expression)
        {
            case ApplyExpression apply:
                int in0 = Visit(apply.In0!);
                int in1 = apply.In1 is null ? 0 : Visit(apply.In1);
                int in2 = apply.In2 is null ? 0 : Visit(apply.In2);
                step = new ValueStep(ValueKind.Apply, apply.DType, 0, apply.Function, in0, in1, in2, default);
                node = apply;
                break;
            case BufferExpression buffer:
                step = Leaf(ValueKind.Load, buffer.DType, Operand(buffer.Block, buffer.DType, buffer.Layout, isIndex: false));
                break;
            case IndexExpression index:
                step = Leaf(ValueKind.Index, index.DType, Operand(null, index.DType, index.Layout, isIndex: true));
                break;
            case ConstantExpression constant:
                _constants.Add(constant);
                step = Leaf(ValueKind.Constant, constant.DType, _constants.Count - 1);
                break;
            default:
                var random = (RandomExpression)expression;
                _randoms.Add(random);
                step = Leaf(ValueKind.Random, random.DType, _randoms.Count - 1) with { Random = random.Kind };
                break;
        }

        int number = step.Kind == ValueKind.Load ? FindLoad(step.Slot) : -1;
        if (number < 0)
        {
            number = _values.Count;
            _values.Add(step);
            _nodes.Add(node);
        }

        expression.VisitStamp = _stamp;
        expression.VisitIndex = number;
        return number;
    }

    private static ValueStep Leaf(ValueKind kind, DType dtype, int slot) => new(kind, dtype, slot, null, 0, 0, 0, default);

    private int FindLoad(int operand)
    {
        for (int i = 0; i < _values.Count; i++)
        {
            if (_values[i].Kind == ValueKind.Load && _values[i].Slot == operand)
            {
                return i;
            }
        }

        return -1;
    }

    private int FindOperand(Block block, DType dtype, Layout layout)
    {
        for (int k = 0; k < _operands.Count; k++)
        {
            if (_blocks[k] == block && _operands[k].DType == dtype && _layouts[k].SameAs(layout))
            {
                return k;
            }
        }

        return -1;
    }

    private int Operand(Block? block, DType dtype, Layout layout, bool isIndex)
    {
        int found = block is null ? -1 : FindOperand(block, dtype, layout);
        if (found >= 0)
        {
            return found;
        }

        _operands.Add(new OperandInfo(dtype, Access.Contiguous, Access.Contiguous, isIndex));
        _layouts.Add(layout);
        _blocks.Add(block);
        return _operands.Count - 1;
    }

    /// <summary>Drops size-1 dimensions and merges neighbours that every operand walks through without a jump.</summary>
    private void MergeDimensions()
    {
        bool flat = true;
        for (int k = 0; k < _layouts.Count && flat; k++)
        {
            flat = _layouts[k].IsContiguous;
        }

        Array.Clear(Strides);
        if (flat || Count <= 1)
        {
            Rank = 1;
            Sizes[0] = Count;
            for (int k = 0; k < _layouts.Count; k++)
            {
                Strides[k * MaxRank] = 1;
            }

            return;
        }

        // Built from the innermost dimension outwards, then reversed.
        int rank = 0;
        for (int d = Shape.Rank - 1; d >= 0; d--)
        {
            long size = Shape[d];
            if (size == 1)
            {
                continue;
            }

            if (rank > 0 && Merges(d, rank - 1))
            {
                Sizes[rank - 1] *= size;
                continue;
            }

            if (rank == MaxRank)
            {
                throw new ShapeException(
                    $"A pointwise operation on the shape {Shape} reads operands whose strides leave more than {MaxRank} dimensions apart. Call Contiguous() on one of them first.");
            }

            Sizes[rank] = size;
            for (int k = 0; k < _layouts.Count; k++)
            {
                Strides[k * MaxRank + rank] = _layouts[k].Strides[d];
            }

            rank++;
        }

        Rank = rank;
        Array.Reverse(Sizes, 0, rank);
        for (int k = 0; k < _layouts.Count; k++)
        {
            Array.Reverse(Strides, k * MaxRank, rank);
        }

        bool Merges(int d, int r)
        {
            for (int k = 0; k < _layouts.Count; k++)
            {
                if (_layouts[k].Strides[d] != Strides[k * MaxRank + r] * Sizes[r])
                {
                    return false;
                }
            }

            return true;
        }
    }

    private bool IsAllZero(int k)
    {
        for (int d = 0; d < Rank; d++)
        {
            if (Strides[k * MaxRank + d] != 0)
            {
                return false;
            }
        }

        return true;
    }

    private bool IsRowMajor(int k)
    {
        long expected = 1;
        for (int d = Rank - 1; d >= 0; d--)
        {
            if (Strides[k * MaxRank + d] != expected)
            {
                return false;
            }

            expected *= Sizes[d];
        }

        return true;
    }
}
