namespace Autograd.Gpu.LinearAlgebra;

/// <summary>
/// A = L L^T, from the lower half of A. With Phi the lower triangle that has half of its diagonal: dL = L Phi(L^-1 dA L^-T), gA = (S + S^T) / 2 with
/// S = L^-T Phi(L^T gL) L^-1 (Murray 2016, "Differentiation of the Cholesky decomposition"). The gradient is symmetric.
/// </summary>
internal sealed class CholeskyFactor : UnaryFunction
{
    public override string Name => "LinalgCholeskyEx";

    protected override Tensor Forward(Tensor x)
    {
        var factor = HostForward.Run(x, a => [Of(a)])[0];
        SaveForBackward(factor);
        return factor;
    }

    protected override Tensor? Backward(Tensor gradient)
    {
        var l = Saved(0);
        var s = BetweenInverses(l.MT, Matrices.HalfLower(l.MT.MatMul(gradient)), l);
        return (s + s.MT) * 0.5;

        // X^-1 M Y^-1 for the upper X and the lower Y.
        static Tensor BetweenInverses(Tensor upper, Tensor middle, Tensor lower)
        {
            var left = new TriangularSolution(upper: true, unit: false).Apply(upper, middle);
            return new TriangularSolution(upper: true, unit: false).Apply(lower.MT, left.MT).MT;
        }
    }

    protected override Tensor? Jvp(Tensor tangent)
    {
        var l = Saved(0);
        var half = new TriangularSolution(upper: false, unit: false).Apply(l, (tangent + tangent.MT) * 0.5);
        var both = new TriangularSolution(upper: false, unit: false).Apply(l, half.MT);
        return l.MatMul(Matrices.HalfLower(both.MT));
    }

    private static Tensor Of(Tensor a)
    {
        var stack = MatrixStack.Read(a);
        int n = stack.Rows;
        var result = new MatrixStack(stack.Lead, n, n);
        stack.ForEach(n * (double)n * n / 3, i =>
        {
            int order = Dense.Cholesky(stack[i], n, result[i]);
            if (order > 0)
            {
                throw new LinearAlgebraException(
                    $"linalg.cholesky: {stack.Where(i)}The factorization could not be completed because the input is not positive-definite (the leading minor of order {order} "
                    + "is not positive-definite).");
            }
        });
        return result.ToTensor(a);
    }
}
