namespace Autograd.Gpu.Nn;

/// <summary><see cref="Functional.CosineSimilarity"/> as a layer of two inputs.</summary>
public sealed class CosineSimilarity(int dim = 1, double eps = 1e-8) : PairModule
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input1, Tensor input2) => Functional.CosineSimilarity(input1, input2, dim, eps);
}

/// <summary><see cref="Functional.PairwiseDistance"/> as a layer of two inputs.</summary>
public sealed class PairwiseDistance(double p = 2, double eps = 1e-6, bool keepDim = false) : PairModule
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input1, Tensor input2) => Functional.PairwiseDistance(input1, input2, p, eps, keepDim);
}
