using Autograd.Gpu.Lazy;
using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Operations;

/// <summary>Another dtype; the engine casts the gradient back to the input's.</summary>
internal sealed class ToDType : LinearOperation
{
    private static readonly ToDType[] s_instances = [.. Enum.GetValues<DType>().Select(d => new ToDType(d))];

    private readonly DType _dtype;

    private ToDType(DType dtype)
        : base("To") => _dtype = dtype;

    public static ToDType Of(DType dtype)
    {
        if ((uint)dtype >= (uint)s_instances.Length)
        {
            Defined.Check("To", dtype);
        }

        return s_instances[(int)dtype];
    }

    public override string NodeName => "ToCopyBackward0";

    protected override Tensor Forward(Tensor input) => input.CastTo(_dtype);

    protected override Tensor Vjp(Tensor gradient) => gradient;

    protected override Tensor Batch(Tensor batch, Tensor sample) => batch.To(_dtype);
}

/// <summary>Another device.</summary>
internal sealed class ToDevice(Device source, Device target) : LinearOperation("To")
{
    public override string NodeName => "ToCopyBackward0";

    protected override Tensor Forward(Tensor input)
    {
        var buffer = input.ContiguousBuffer();
        long size = input.DType.Size();
        var block = target.Allocate(input.NumElements * size);
        block.CopyFrom(buffer.Block, buffer.Layout.Offset * size, 0, input.NumElements * size);
        return Tensor.FromNewBuffer(target, new BufferExpression(block, input.DType, Layout.Contiguous(input.Shape)));
    }

    protected override Tensor Vjp(Tensor gradient) => gradient.To(source);

    protected override Tensor Batch(Tensor batch, Tensor sample) => batch.To(target);
}

/// <summary>What is written over a tensor: its history is that of the source, the second input; the old value, the first, has no part in it.</summary>
internal sealed class CopyInto : IDifferentiable
{
    public static CopyInto Instance { get; } = new();

    public string Name => "Copy_";

    public string NodeName => "CopyBackwards";

    public Saves Saves => Saves.None;

    public void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) => inputGradients[1] = gradient;
}

/// <summary>A number written over a tensor, so that nothing of the old value is left.</summary>
internal sealed class Filled : IDifferentiable
{
    public static Filled Instance { get; } = new();

    public string Name => "Fill_";

    public string NodeName => "FillBackward0";

    public Saves Saves => Saves.None;

    public void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
    }
}

/// <summary>The same values in memory of their own.</summary>
internal sealed class Clone() : LinearOperation("Clone")
{
    public static Clone Instance { get; } = new();

    protected override Tensor Forward(Tensor input) => input.ShareValue();

    protected override Tensor Vjp(Tensor gradient) => gradient;

    protected override Tensor Batch(Tensor batch, Tensor sample) => batch.Clone();
}
