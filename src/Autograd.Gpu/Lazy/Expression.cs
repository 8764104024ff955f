using Autograd.Gpu.Devices;

namespace Autograd.Gpu.Lazy;

/// <summary>
/// A value before it is, or after it has become, a buffer: an immutable node of a graph. All inputs of an <see cref="ApplyExpression"/>
/// have its shape (leaves are expanded when they are taken in), so that a whole graph is one loop.
/// </summary>
internal abstract class Expression(DType dtype, Layout layout)
{
    public DType DType { get; } = dtype;

    /// <summary>For a leaf the layout of what it reads, otherwise the contiguous layout of the result.</summary>
    public Layout Layout { get; } = layout;

    public Shape Shape => Layout.Shape;

    /// <summary>How many distinct nodes that are not leaves this graph has.</summary>
    public virtual int Nodes => 0;

    /// <summary>How many distinct leaves with a buffer this graph reads.</summary>
    public virtual int Operands => 0;

    /// <summary>How many numbers the leaves of this graph take: a constant one, a random stream two.</summary>
    public virtual int Numbers => 0;

    /// <summary>Upper bound of the bytes that this graph keeps from being reused.</summary>
    public virtual long HeldBytes => 0;

    /// <summary>Marks of the walk in progress (under the device's gate): which walk saw this node, and what it numbered it.</summary>
    public long VisitStamp;
    public int VisitIndex;
}

/// <summary>Elements in memory.</summary>
internal sealed class BufferExpression(Block block, DType dtype, Layout layout) : Expression(dtype, layout)
{
    public Block Block { get; } = block;

    public override int Operands => 1;

    public override long HeldBytes => Block.Bytes;

    /// <summary>Whether this is the block's every element in order, so that it can be the value of a storage without keeping more memory than it needs.</summary>
    public bool IsWholeBlock => Layout.IsContiguous && Layout.Offset == 0 && Layout.Count * DType.Size() == Block.Bytes;

    public bool ReadsSameAs(BufferExpression other) => Block == other.Block && DType == other.DType && Layout.SameAs(other.Layout);

    public BufferExpression WithLayout(Layout layout) => ReferenceEquals(layout, Layout) ? this : new BufferExpression(Block, DType, layout);
}

/// <summary>The same number everywhere, already rounded to the dtype.</summary>
internal sealed class ConstantExpression(Scalar value, DType dtype, Layout layout) : Expression(dtype, layout)
{
    public Scalar Value { get; } = value.As(dtype);

    public override int Numbers => 1;
}

/// <summary>The position of the element, an int32 or int64: the offset that the strides of the layout give: a range, or the row or column number.</summary>
internal sealed class IndexExpression(DType dtype, Layout layout) : Expression(dtype, layout)
{
    /// <summary>Its strides take an operand's place.</summary>
    public override int Operands => 1;
}

/// <summary>A stream of random numbers: element i is a function of seed, offset and i alone.</summary>
internal sealed class RandomExpression(RandomKind kind, ulong seed, ulong offset, DType dtype, Layout layout) : Expression(dtype, layout)
{
    public RandomKind Kind { get; } = kind;

    public ulong Seed { get; } = seed;

    public ulong Offset { get; } = offset;

    public override int Numbers => 2;
}

internal enum RandomKind
{
    Uniform,
    Normal,
}

/// <summary>
/// A function of other expressions that has not been computed yet. <see cref="References"/> counts who may still ask for the value: the
/// storage that holds it and the expressions that read it. See Note [Lazy values and in-place writes] in Storage.cs.
/// </summary>
internal sealed class ApplyExpression : Expression
{
    // Within the fuser's limits.
    private readonly byte _nodes;
    private readonly byte _operands;
    private readonly byte _numbers;
    private byte _timesComputed;
    private readonly long _heldBytes;

    public ApplyExpression(PointwiseFunction function, DType dtype, Layout layout, Expression in0, Expression? in1, Expression? in2, int nodes, int operands, int numbers)
        : base(dtype, layout)
    {
        Function = function;
        In0 = in0;
        In1 = in1;
        In2 = in2;
        _nodes = (byte)nodes;
        _operands = (byte)operands;
        _numbers = (byte)numbers;
        _heldBytes = in0.HeldBytes + (in1?.HeldBytes ?? 0) + (in2?.HeldBytes ?? 0);
    }

    public PointwiseFunction Function { get; }

    public Expression? In0 { get; private set; }

    public Expression? In1 { get; private set; }

    public Expression? In2 { get; private set; }

    /// <summary>Set once, when the value has been computed into memory.</summary>
    public BufferExpression? Result { get; private set; }

    /// <summary>The buffer that an in-place operation replaces; the value may be written there if nobody else reads it.</summary>
    public BufferExpression? Target { get; set; }

    /// <summary>Upper bound of the storages and expressions that may still ask for this value.</summary>
    public int References { get; set; }

    /// <summary>How many kernels have computed this value without keeping it.</summary>
    public int TimesComputed
    {
        get => _timesComputed;
        set => _timesComputed = (byte)Math.Min(value, byte.MaxValue);
    }

    public override int Nodes => Result is null ? _nodes : 0;

    public override int Operands => Result is null ? _operands : 1;

    public override int Numbers => Result is null ? _numbers : 0;

    public override long HeldBytes => Result?.HeldBytes ?? _heldBytes;

    /// <summary>Whether the result was computed on behalf of a storage that is still to come, which takes over its one holder's count.</summary>
    public bool IsUnclaimed { get; set; }

    public Expression? Input(int i) => i switch { 0 => In0, 1 => In1, _ => In2 };

    /// <summary>Takes the computed value; lets go of the inputs.</summary>
    public void Complete(BufferExpression result)
    {
        Result = result;
        Target = null;
        var (in0, in1, in2) = (In0, In1, In2);
        In0 = In1 = In2 = null;
        Release(in0);
        Release(in1);
        Release(in2);
    }

    /// <summary>Counts a storage as a holder of its new value.</summary>
    public static void Claim(Expression value)
    {
        if (value is ApplyExpression { IsUnclaimed: true } computed)
        {
            computed.IsUnclaimed = false;
            return;
        }

        Retain(value);
    }

    /// <summary>Counts one more reader of <paramref name="input"/>.</summary>
    public static void Retain(Expression input)
    {
        switch (Resolve(input))
        {
            case BufferExpression buffer:
                buffer.Block.Retain();
                break;
            case ApplyExpression apply:
                apply.References++;
                break;
        }
    }

    /// <summary>Counts one reader of <paramref name="input"/> less; a value that nobody can ask for any more lets go of its own inputs.</summary>
    public static void Release(Expression? input)
    {
        switch (input is null ? null : Resolve(input))
        {
            case BufferExpression buffer:
                buffer.Block.Release();
                break;
            case ApplyExpression apply:
                if (--apply.References == 0)
                {
                    apply.Abandon();
                }

                break;
        }
    }

    public static Expression Resolve(Expression expression) => expression is ApplyExpression { Result: { } result } ? result : expression;

    private void Abandon()
    {
        Target?.Block.Release();
        Target = null;
        var (in0, in1, in2) = (In0, In1, In2);
        In0 = In1 = In2 = null;
        Release(in0);
        Release(in1);
        Release(in2);
    }
}
