using Autograd.Gpu.Devices;

namespace Autograd.Gpu.Lazy;

/// <summary>
/// A value before it is, or after it has become, a buffer: an immutable node of a graph. All inputs of an <see cref="ApplyExpression"/>
/// have its shape (leaves are expanded when they are taken in), so that a whole graph is one loop.
/// </summary>
internal abstract class Expression
{
    // The weight, and the dtype above it.
    private int _packed;

    protected Expression(DType dtype, Layout layout, Weight weight)
    {
        _packed = weight.Packed | (int)dtype << 24;
        Layout = layout;
    }

    public DType DType => (DType)(_packed >> 24);

    /// <summary>For a leaf the layout of what it reads, otherwise the contiguous layout of the result.</summary>
    public Layout Layout { get; }

    public Shape Shape => Layout.Shape;

    /// <summary>How many distinct nodes, buffers and numbers this graph has at most.</summary>
    public Weight Weight
    {
        get => new(_packed & 0xFFFFFF);
        protected set => _packed = value.Packed | (int)DType << 24;
    }

    /// <summary>Upper bound of the bytes that this graph keeps from being reused.</summary>
    public long HeldBytes => this is BufferExpression buffer ? buffer.Block.Bytes : this is ApplyExpression apply ? apply.BytesBelow : 0;

    /// <summary>Marks of the walk in progress (under the device's gate): which walk saw this node, and what it numbered it.</summary>
    public long VisitStamp;
    public int VisitIndex;
}

/// <summary>Elements in memory.</summary>
internal sealed class BufferExpression(Block block, DType dtype, Layout layout) : Expression(dtype, layout, Weight.Of(0, 1, 0))
{
    public Block Block { get; } = block;

    /// <summary>Whether this is the block's every element in order, so that it can be the value of a storage without keeping more memory than it needs.</summary>
    public bool IsWholeBlock => Layout.IsContiguous && Layout.Offset == 0 && Layout.Count * DType.Size() == Block.Bytes;

    public bool ReadsSameAs(BufferExpression other) => Block == other.Block && DType == other.DType && Layout.SameAs(other.Layout);

    public BufferExpression WithLayout(Layout layout) => ReferenceEquals(layout, Layout) ? this : new BufferExpression(Block, DType, layout);
}

/// <summary>The same number everywhere, already rounded to the dtype.</summary>
internal sealed class ConstantExpression(Scalar value, DType dtype, Layout layout) : Expression(dtype, layout, Weight.Of(0, 0, 1))
{
    public Scalar Value { get; } = value.As(dtype);
}

/// <summary>The position of the element, an int32 or int64: the offset that the strides of the layout give: a range, or the row or column number. The strides take an operand's place.</summary>
internal sealed class IndexExpression(DType dtype, Layout layout) : Expression(dtype, layout, Weight.Of(0, 1, 0));

/// <summary>A stream of random numbers: element i is a function of seed, offset and i alone.</summary>
internal sealed class RandomExpression(RandomKind kind, ulong seed, ulong offset, DType dtype, Layout layout) : Expression(dtype, layout, Weight.Of(0, 0, 2))
{
    public RandomKind Kind { get; } = kind;

    public ulong Seed { get; } = seed;

    public ulong Offset { get; } = offset;
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
    private readonly long _bytesBelow;
    private byte _timesComputed;

    public ApplyExpression(PointwiseFunction function, DType dtype, Layout layout, Expression in0, Expression? in1, Expression? in2, Weight weight)
        : base(dtype, layout, weight)
    {
        Function = function;
        In0 = in0;
        In1 = in1;
        In2 = in2;
        _bytesBelow = in0.HeldBytes + (in1?.HeldBytes ?? 0) + (in2?.HeldBytes ?? 0);
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

    /// <summary>The bytes that the inputs hold; those of the result once it is there.</summary>
    public long BytesBelow => Result?.HeldBytes ?? _bytesBelow;

    /// <summary>Whether the result was computed on behalf of a storage that is still to come, which takes over its one holder's count.</summary>
    public bool IsUnclaimed { get; set; }

    /// <summary>Whether no input is a function that has still to be computed.</summary>
    public bool HasLeavesOnly => Weight.Nodes == 1 || (IsLeaf(In0) && IsLeaf(In1) && IsLeaf(In2));

    public Expression? Input(int i) => i switch { 0 => In0, 1 => In1, _ => In2 };

    /// <summary>Takes the computed value; lets go of the inputs.</summary>
    public void Complete(BufferExpression result)
    {
        Result = result;
        Weight = result.Weight;
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

    private static bool IsLeaf(Expression? input) => input is not ApplyExpression { Result: null };

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
