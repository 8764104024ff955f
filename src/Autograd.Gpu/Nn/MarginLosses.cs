namespace Autograd.Gpu.Nn;

/// <summary><see cref="Functional.GaussianNllLoss"/> as a module.</summary>
public sealed class GaussianNllLoss(bool full = false, double eps = 1e-6, LossReduction reduction = LossReduction.Mean) : TripleLoss
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor first, Tensor second, Tensor third) => Functional.GaussianNllLoss(first, second, third, full, eps, reduction);
}

/// <summary><see cref="Functional.CosineEmbeddingLoss"/> as a module.</summary>
public sealed class CosineEmbeddingLoss(double margin = 0, LossReduction reduction = LossReduction.Mean) : TripleLoss
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor first, Tensor second, Tensor third) => Functional.CosineEmbeddingLoss(first, second, third, margin, reduction);
}

/// <summary><see cref="Functional.MarginRankingLoss"/> as a module.</summary>
public sealed class MarginRankingLoss(double margin = 0, LossReduction reduction = LossReduction.Mean) : TripleLoss
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor first, Tensor second, Tensor third) => Functional.MarginRankingLoss(first, second, third, margin, reduction);
}

/// <summary><see cref="Functional.TripletMarginLoss"/> as a module.</summary>
public sealed class TripletMarginLoss(double margin = 1, double p = 2, double eps = 1e-6, bool swap = false, LossReduction reduction = LossReduction.Mean) : TripleLoss
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor first, Tensor second, Tensor third) => Functional.TripletMarginLoss(first, second, third, margin, p, eps, swap, reduction);
}

/// <summary><see cref="Functional.TripletMarginWithDistanceLoss"/> as a module.</summary>
public sealed class TripletMarginWithDistanceLoss(Func<Tensor, Tensor, Tensor>? distance = null, double margin = 1, bool swap = false, LossReduction reduction = LossReduction.Mean) : TripleLoss
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor first, Tensor second, Tensor third) => Functional.TripletMarginWithDistanceLoss(first, second, third, distance, margin, swap, reduction);
}

/// <summary><see cref="Functional.BinaryCrossEntropy"/> as a module; its weights are buffers.</summary>
public sealed class BceLoss : Loss
{
    private readonly Buffer? _weight;
    private readonly LossReduction _reduction;

    /// <summary>Makes the loss.</summary>
    public BceLoss(Tensor? weight = null, LossReduction reduction = LossReduction.Mean)
    {
        _weight = weight is null ? null : RegisterBuffer("weight", weight);
        _reduction = reduction;
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor input, Tensor target) => Functional.BinaryCrossEntropy(input, target, _weight?.Value, _reduction);
}

/// <summary><see cref="Functional.BinaryCrossEntropyWithLogits"/> as a module; its weights are buffers.</summary>
public sealed class BceWithLogitsLoss : Loss
{
    private readonly Buffer? _weight;
    private readonly Buffer? _posWeight;
    private readonly LossReduction _reduction;

    /// <summary>Makes the loss.</summary>
    public BceWithLogitsLoss(Tensor? weight = null, Tensor? posWeight = null, LossReduction reduction = LossReduction.Mean)
    {
        _weight = weight is null ? null : RegisterBuffer("weight", weight);
        _posWeight = posWeight is null ? null : RegisterBuffer("pos_weight", posWeight);
        _reduction = reduction;
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor input, Tensor target) => Functional.BinaryCrossEntropyWithLogits(input, target, _weight?.Value, _reduction, _posWeight?.Value);
}

/// <summary><see cref="Functional.MultilabelSoftMarginLoss"/> as a module; its weights are buffers.</summary>
public sealed class MultilabelSoftMarginLoss : Loss
{
    private readonly Buffer? _weight;
    private readonly LossReduction _reduction;

    /// <summary>Makes the loss.</summary>
    public MultilabelSoftMarginLoss(Tensor? weight = null, LossReduction reduction = LossReduction.Mean)
    {
        _weight = weight is null ? null : RegisterBuffer("weight", weight);
        _reduction = reduction;
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor input, Tensor target) => Functional.MultilabelSoftMarginLoss(input, target, _weight?.Value, _reduction);
}

/// <summary><see cref="Functional.MultiMarginLoss"/> as a module; its weights are a buffer.</summary>
public sealed class MultiMarginLoss : Loss
{
    private readonly int _p;
    private readonly double _margin;
    private readonly Buffer? _weight;
    private readonly LossReduction _reduction;

    /// <summary>Makes the loss.</summary>
    public MultiMarginLoss(int p = 1, double margin = 1, Tensor? weight = null, LossReduction reduction = LossReduction.Mean)
    {
        (_p, _margin, _reduction) = (p, margin, reduction);
        _weight = weight is null ? null : RegisterBuffer("weight", weight);
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor input, Tensor target) => Functional.MultiMarginLoss(input, target, _p, _margin, _weight?.Value, _reduction);
}
