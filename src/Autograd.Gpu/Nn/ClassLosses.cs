namespace Autograd.Gpu.Nn;

/// <summary><see cref="Functional.CrossEntropy(Tensor, Tensor, Tensor?, long, LossReduction, double)"/> as a module; its weights are a buffer.</summary>
public sealed class CrossEntropyLoss : Loss
{
    private readonly Buffer? _weight;
    private readonly long _ignoreIndex;
    private readonly LossReduction _reduction;
    private readonly double _labelSmoothing;

    /// <summary>Makes the loss.</summary>
    public CrossEntropyLoss(Tensor? weight = null, long ignoreIndex = -100, LossReduction reduction = LossReduction.Mean, double labelSmoothing = 0)
    {
        (_ignoreIndex, _reduction, _labelSmoothing) = (ignoreIndex, reduction, labelSmoothing);
        _weight = weight is null ? null : RegisterBuffer("weight", weight);
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor input, Tensor target) =>
        Functional.CrossEntropy(input, target, _weight?.Value, _ignoreIndex, _reduction, _labelSmoothing);
}

/// <summary><see cref="Functional.NllLoss(Tensor, Tensor, Tensor?, long, LossReduction)"/> as a module; its weights are a buffer.</summary>
public sealed class NLLLoss : Loss
{
    private readonly Buffer? _weight;
    private readonly long _ignoreIndex;
    private readonly LossReduction _reduction;

    /// <summary>Makes the loss.</summary>
    public NLLLoss(Tensor? weight = null, long ignoreIndex = -100, LossReduction reduction = LossReduction.Mean)
    {
        (_ignoreIndex, _reduction) = (ignoreIndex, reduction);
        _weight = weight is null ? null : RegisterBuffer("weight", weight);
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor input, Tensor target) => Functional.NllLoss(input, target, _weight?.Value, _ignoreIndex, _reduction);
}
