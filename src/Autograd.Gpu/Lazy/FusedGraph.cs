using System.Runtime.CompilerServices;
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

    private static int s_graphs;

    private readonly long[] _sizes = new long[MaxRank];
    private readonly long[] _strides = new long[MaxOperands * MaxRank];
    private Pile<ValueStep> _values = new(64);
    private Pile<ApplyExpression?> _nodes = new(64);
    private Pile<OperandInfo> _operands = new(MaxOperands + 1);
    private Pile<Layout> _layouts = new(MaxOperands + 1);
    private Pile<Block?> _blocks = new(MaxOperands + 1);
    private Pile<int> _loads = new(MaxOperands + 1);
    private Pile<OutputStep> _outputs = new(MaxOperands);
    private Pile<ConstantExpression> _constants = new(MaxNumbers);
    private Pile<RandomExpression> _randoms = new(MaxNumbers / 2);
    private Pile<int> _key = new(128);
    private long _stamp = (long)Interlocked.Increment(ref s_graphs) << 48; // no two graphs give the same stamp

    /// <summary>Sizes of the merged dimensions.</summary>
    public ReadOnlySpan<long> Sizes => _sizes;

    /// <summary>Strides in elements, operand by operand, <see cref="MaxRank"/> each.</summary>
    public ReadOnlySpan<long> Strides => _strides;

    public int Rank { get; private set; }

    public long Count { get; private set; }

    public Shape Shape { get; private set; }

    public ReadOnlySpan<OperandInfo> Operands => _operands.Items;

    public ReadOnlySpan<Block?> Blocks => _blocks.Items;

    public ReadOnlySpan<ConstantExpression> Constants => _constants.Items;

    public ReadOnlySpan<RandomExpression> Randoms => _randoms.Items;

    public ReadOnlySpan<OutputStep> Outputs => _outputs.Items;

    /// <summary>The distinct pending nodes, inputs before those who read them; null at the places of leaves.</summary>
    public ReadOnlySpan<ApplyExpression?> Nodes => _nodes.Items;

    public ReadOnlySpan<ValueStep> Values => _values.Items;

    public ReadOnlySpan<int> Key => _key.Items;

    /// <summary>How many nodes replace a buffer in place.</summary>
    public int Targets { get; private set; }

    /// <summary>The most often that one of the nodes has been computed without being kept.</summary>
    public int MostTimesComputed { get; private set; }

    public long OffsetOf(int operand) => _layouts.Items[operand].Offset;

    private ReadOnlySpan<Layout> Layouts => _layouts.Items;

    public Layout LayoutOf(int operand) => _layouts.Items[operand];

    /// <summary>A mark that no other walk over expressions has used.</summary>
    public long NextStamp() => ++_stamp;

    /// <summary>Starts over with the graph below <paramref name="root"/>; returns the number of the root's value.</summary>
    public int Load(Expression root)
    {
        Clear();
        NextStamp();
        Targets = 0;
        MostTimesComputed = 0;
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
        _loads.Clear();
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

    public FusedProgram ToProgram() => new(Values.ToArray(), Operands.ToArray(), Outputs.ToArray(), Rank, _constants.Count, _randoms.Count);

    /// <summary>Merges dimensions and completes the key; call when all outputs are there.</summary>
    public void Finish()
    {
        MergeDimensions();
        _key.Add(Rank | (_operands.Count << 8));
        var operands = _operands.Items;
        for (int k = 0; k < operands.Length; k++)
        {
            ref var operand = ref operands[k];
            var inner = InnerAccess(k);
            var access = Rank == 1 ? inner : IsAllZero(k) ? Access.Scalar : IsRowMajor(k) ? Access.Contiguous : Access.Strided;
            operand = new OperandInfo(operand.DType, access, inner, operand.IsIndex);
            _key.Add((int)operand.DType | ((int)access << 8) | ((int)inner << 12) | (operand.IsIndex ? 1 << 16 : 0));
        }

        foreach (ref readonly var v in Values)
        {
            _key.Add((int)v.Kind | ((int)v.DType << 4) | ((int)v.Random << 8) | ((v.Function?.Id ?? v.Slot) << 12));
            if (v.Kind == ValueKind.Apply)
            {
                _key.Add(v.In0 | (v.In1 << 8) | (v.In2 << 16));
            }
        }

        foreach (var output in Outputs)
        {
            _key.Add(-1 - (output.Value | (output.Operand << 8)));
        }
    }

    private Access InnerAccess(int k) => _strides[k * MaxRank + Rank - 1] switch
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
                Targets += apply.Target is null ? 0 : 1;
                MostTimesComputed = Math.Max(MostTimesComputed, apply.TimesComputed);
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

        int number = step.Kind == ValueKind.Load ? _loads.Items[step.Slot] : -1;
        if (number < 0)
        {
            number = _values.Count;
            _values.Add(step);
            _nodes.Add(node);
            if (step.Kind == ValueKind.Load)
            {
                _loads.Items[step.Slot] = number;
            }
        }

        expression.VisitStamp = _stamp;
        expression.VisitIndex = number;
        return number;
    }

    private static ValueStep Leaf(ValueKind kind, DType dtype, int slot) => new(kind, dtype, slot, null, 0, 0, 0, default);

    private int FindOperand(Block block, DType dtype, Layout layout)
    {
        var blocks = _blocks.Items;
        for (int k = 0; k < blocks.Length; k++)
        {
            if (blocks[k] == block && _operands.Items[k].DType == dtype && _layouts.Items[k].SameAs(layout))
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
        _loads.Add(-1);
        return _operands.Count - 1;
    }

    /// <summary>Drops size-1 dimensions and merges neighbours that every operand walks through without a jump.</summary>
    private void MergeDimensions()
    {
        var layouts = Layouts;
        if (Count <= 1 || IsFlat(layouts))
        {
            Rank = 1;
            _sizes[0] = Count;
            for (int k = 0; k < layouts.Length; k++)
            {
                _strides[k * MaxRank] = 1;
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
                _sizes[rank - 1] *= size;
                continue;
            }

            if (rank == MaxRank)
            {
                throw new ShapeException(
                    $"A pointwise operation on the shape {Shape} reads operands whose strides leave more than {MaxRank} dimensions apart. Call Contiguous() on one of them first.");
            }

            _sizes[rank] = size;
            for (int k = 0; k < layouts.Length; k++)
            {
                _strides[k * MaxRank + rank] = layouts[k].Stride(d);
            }

            rank++;
        }

        Rank = rank;
        Array.Reverse(_sizes, 0, rank);
        for (int k = 0; k < layouts.Length; k++)
        {
            Array.Reverse(_strides, k * MaxRank, rank);
        }

        bool Merges(int d, int r)
        {
            var layouts = Layouts;
            for (int k = 0; k < layouts.Length; k++)
            {
                if (layouts[k].Stride(d) != _strides[k * MaxRank + r] * _sizes[r])
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
            if (_strides[k * MaxRank + d] != 0)
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
            if (_strides[k * MaxRank + d] != expected)
            {
                return false;
            }

            expected *= _sizes[d];
        }

        return true;
    }

    private static bool IsFlat(ReadOnlySpan<Layout> layouts)
    {
        foreach (var layout in layouts)
        {
            if (!layout.IsContiguous)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>A list whose items are reached without a check of who else changes it.</summary>
    private struct Pile<T>(int capacity)
    {
        private T[] _items = new T[capacity];

        public int Count { get; private set; }

        public readonly Span<T> Items => _items.AsSpan(0, Count);

        public void Add(in T item)
        {
            if (Count == _items.Length)
            {
                Array.Resize(ref _items, 2 * Count);
            }

            // Not by index, which would check the type of what is stored.
            Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_items), Count++) = item;
        }

        public void Clear()
        {
            if (RuntimeHelpers.IsReferenceOrContainsReferences<T>())
            {
                Items.Clear();
            }

            Count = 0;
        }
    }
}
