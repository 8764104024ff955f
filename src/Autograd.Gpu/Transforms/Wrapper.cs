using Autograd.Gpu.Lazy;

namespace Autograd.Gpu.Transforms;

/// <summary>What a transform knows of a tensor inside it, and the tensor that stands for it outside. See Note [Function transforms].</summary>
internal abstract class Wrapper(Level level, Tensor inner)
{
    public Level Level { get; } = level;

    /// <summary>The tensor one transform further out.</summary>
    public Tensor Inner { get; } = inner;

    /// <summary>The layout that the program sees.</summary>
    public virtual Layout Layout => Inner.Layout;

    /// <summary>Another value wrapped in the same way, without its history or tangent.</summary>
    public abstract Tensor Rewrap(Tensor inner);

    /// <summary>The present value, unmoved by writes, with its history or tangent further out.</summary>
    public virtual Tensor ShareWithHistory() => Rewrap(Inner.ShareWithHistory());
}

/// <summary>A value on the tape of one differentiation; node and flags stand in the tensor itself.</summary>
internal sealed class GradWrapper(GradLevel level, Tensor inner) : Wrapper(level, inner)
{
    public override Tensor Rewrap(Tensor inner) => new(new GradWrapper((GradLevel)Level, inner));
}

/// <summary>A value and its tangent.</summary>
internal sealed class DualWrapper(DualLevel level, Tensor primal, Tensor tangent) : Wrapper(level, primal)
{
    public Tensor Tangent { get; private set; } = tangent;

    /// <summary>Gives the tangent memory of its own in which its elements lie in the same order as those of the value.</summary>
    public void MatchStrides()
    {
        var strides = Inner.Layout.Strides;
        int[] order = [.. Enumerable.Range(0, strides.Length).OrderByDescending(d => strides[d])];
        var inverse = new int[order.Length];
        for (int d = 0; d < inverse.Length; d++)
        {
            inverse[order[d]] = d;
        }

        Tangent = Tangent.Permute(order).Clone().Permute(inverse);
    }

    public override Tensor Rewrap(Tensor inner) => inner;

    /// <summary>The value without this tangent and those of forward passes around.</summary>
    public Tensor Value => Inner.Wrapper is DualWrapper outer ? outer.Value : Inner;

    /// <summary>Another handle on <see cref="Value"/> with the same tangents, less those of passes that have ended.</summary>
    public Tensor Over(Tensor value)
    {
        var primal = Inner.Wrapper is DualWrapper outer ? outer.Over(value) : value;
        return Level.IsOpen ? ((DualLevel)Level).Wrap(primal, Tangent) : primal;
    }

    public override Tensor ShareWithHistory() => ((DualLevel)Level).Wrap(Inner.ShareWithHistory(), Tangent.ShareWithHistory());
}

/// <summary>A batch of values, one for each sample, along the first dimension of <see cref="Wrapper.Inner"/>, which the program does not see.</summary>
internal sealed class BatchWrapper(BatchLevel level, Tensor inner) : Wrapper(level, inner)
{
    private Layout? _layout;

    public override Layout Layout => _layout ??= Lazy.Layout.Strided(Shape.Own(Inner.Shape.AsSpan()[1..].ToArray()), Inner.Layout.Strides[1..], Inner.Layout.Offset);

    public override Tensor Rewrap(Tensor inner) => new(new BatchWrapper((BatchLevel)Level, inner));
}
