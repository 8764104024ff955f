namespace Autograd.Gpu.Nn;

/// <summary>A loss as a module: it takes more than one tensor, so that it is called with these and cannot stand in a <see cref="Sequential"/>.</summary>
public abstract class LossModule : ModuleBase
{
    private protected LossModule()
    {
    }
}

/// <summary>A loss of an input and a target.</summary>
public abstract class Loss : LossModule
{
    /// <summary>The loss; also reachable as <see cref="Call(Tensor, Tensor)"/>.</summary>
    public abstract Tensor Forward(Tensor input, Tensor target);

    /// <summary>Computes the loss.</summary>
    public Tensor Call(Tensor input, Tensor target) => Forward(input, target);
}

/// <summary>A loss of three tensors.</summary>
public abstract class TripleLoss : LossModule
{
    /// <summary>The loss; also reachable as <see cref="Call(Tensor, Tensor, Tensor)"/>.</summary>
    public abstract Tensor Forward(Tensor first, Tensor second, Tensor third);

    /// <summary>Computes the loss.</summary>
    public Tensor Call(Tensor first, Tensor second, Tensor third) => Forward(first, second, third);
}

/// <summary><see cref="Functional.MseLoss"/> as a module.</summary>
public sealed class MseLoss(LossReduction reduction = LossReduction.Mean) : Loss
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input, Tensor target) => Functional.MseLoss(input, target, reduction);
}

/// <summary><see cref="Functional.L1Loss"/> as a module.</summary>
public sealed class L1Loss(LossReduction reduction = LossReduction.Mean) : Loss
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input, Tensor target) => Functional.L1Loss(input, target, reduction);
}

/// <summary><see cref="Functional.SmoothL1Loss"/> as a module.</summary>
public sealed class SmoothL1Loss(LossReduction reduction = LossReduction.Mean, double beta = 1) : Loss
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input, Tensor target) => Functional.SmoothL1Loss(input, target, reduction, beta);
}

/// <summary><see cref="Functional.HuberLoss"/> as a module.</summary>
public sealed class HuberLoss(LossReduction reduction = LossReduction.Mean, double delta = 1) : Loss
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input, Tensor target) => Functional.HuberLoss(input, target, reduction, delta);
}

/// <summary><see cref="Functional.KLDiv"/> as a module.</summary>
public sealed class KLDivLoss(KLDivReduction reduction = KLDivReduction.Mean, bool logTarget = false) : Loss
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input, Tensor target) => Functional.KLDiv(input, target, reduction, logTarget);
}

/// <summary><see cref="Functional.PoissonNllLoss"/> as a module.</summary>
public sealed class PoissonNllLoss(bool logInput = true, bool full = false, double eps = 1e-8, LossReduction reduction = LossReduction.Mean) : Loss
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input, Tensor target) => Functional.PoissonNllLoss(input, target, logInput, full, eps, reduction);
}

/// <summary><see cref="Functional.SoftMarginLoss"/> as a module.</summary>
public sealed class SoftMarginLoss(LossReduction reduction = LossReduction.Mean) : Loss
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input, Tensor target) => Functional.SoftMarginLoss(input, target, reduction);
}

/// <summary><see cref="Functional.HingeEmbeddingLoss"/> as a module.</summary>
public sealed class HingeEmbeddingLoss(double margin = 1, LossReduction reduction = LossReduction.Mean) : Loss
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input, Tensor target) => Functional.HingeEmbeddingLoss(input, target, margin, reduction);
}

/// <summary><see cref="Functional.MultilabelMarginLoss"/> as a module.</summary>
public sealed class MultilabelMarginLoss(LossReduction reduction = LossReduction.Mean) : Loss
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input, Tensor target) => Functional.MultilabelMarginLoss(input, target, reduction);
}
