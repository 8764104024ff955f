namespace Autograd.Gpu.LinearAlgebra;

/// <summary>
/// P = A^+, the Moore-Penrose inverse, from singular values above max(atol, rtol s[0]). Where the rank does not change:
/// dP = -P dA P + P P^T dA^T (I - A P) + (I - P A) dA^T P^T P (Golub, Pereyra 1973), of which the gradient is the adjoint.
/// </summary>
internal sealed class Pseudoinverse(double atol, double rtol, bool isSymmetric = false) : UnaryFunction
{
    public override string Name => "LinalgPinv";

    protected override Tensor Forward(Tensor x)
    {
        var inverse = HostForward.Run(x, a => [Of(a)])[0];
        SaveForBackward(x, inverse);
        return inverse;
    }

    protected override Tensor? Backward(Tensor gradient)
    {
        Tensor a = Saved(0), p = Saved(1), turned = gradient.MT;
        var pg = p.MatMul(p.MT);
        var gp = p.MT.MatMul(p);
        var left = turned.MatMul(pg);
        var right = gp.MatMul(turned);
        return -p.MT.MatMul(gradient).MatMul(p.MT) + (left - a.MatMul(p.MatMul(left))) + (right - right.MatMul(p).MatMul(a));
    }

    protected override Tensor? Jvp(Tensor tangent)
    {
        Tensor a = Saved(0), p = Saved(1), turned = tangent.MT;
        var left = p.MatMul(p.MT.MatMul(turned));
        var right = turned.MatMul(p.MT).MatMul(p);
        return -p.MatMul(tangent).MatMul(p) + (left - left.MatMul(a).MatMul(p)) + (right - p.MatMul(a.MatMul(right)));
    }

    private Tensor Of(Tensor a)
    {
        var stack = MatrixStack.Read(a);
        int m = stack.Rows, n = stack.Columns, k = Math.Min(m, n);
        var result = new MatrixStack(stack.Lead, n, m);
        stack.ForEach(20.0 * m * n * k, i =>
        {
            if (!Orthogonal.IsFinite(stack[i]))
            {
                throw new LinearAlgebraException($"linalg.pinv: {stack.Where(i)}The algorithm failed to converge because the input matrix contained non-finite values.");
            }

            if (isSymmetric)
            {
                AddInverse(stack[i], n, result[i]);
                return;
            }

            double[] u = new double[m * k], s = new double[k], vt = new double[k * n], column = new double[m];
            Orthogonal.Svd(stack[i], m, n, full: false, u, s, vt);
            for (int r = 0; r < k && s[r] > Math.Max(atol, rtol * s[0]); r++)
            {
                for (int j = 0; j < m; j++)
                {
                    column[j] = u[j * k + r] / s[r];
                }

                for (int j = 0; j < n; j++)
                {
                    Dense.AddScaled(result[i].Slice(j * m, m), vt[r * n + j], column);
                }
            }
        });
        return result.ToTensor(a);
    }

    /// <summary>The inverse by eigenvalues.</summary>
    private void AddInverse(Span<double> matrix, int n, Span<double> result)
    {
        double[] values = new double[n], vectors = new double[n * n], column = new double[n];
        Orthogonal.Eigh(matrix, n, upper: false, values, vectors);
        double limit = Math.Max(atol, rtol * values.Select(Math.Abs).DefaultIfEmpty().Max());
        for (int r = 0; r < n; r++)
        {
            if (Math.Abs(values[r]) > limit)
            {
                for (int j = 0; j < n; j++)
                {
                    column[j] = vectors[j * n + r];
                }

                for (int j = 0; j < n; j++)
                {
                    Dense.AddScaled(result.Slice(j * n, n), column[j] / values[r], column);
                }
            }
        }
    }
}

/// <summary>
/// A symmetric matrix of the lower half of one. As for all functions of symmetric matrices the derivative takes both halves for the same: gradients and tangents are
/// made symmetric.
/// </summary>
internal sealed class MirroredLower : UnaryFunction
{
    public override string Name => "LinalgMirror";

    protected override Tensor Forward(Tensor x) => x.Tril() + x.Tril(-1).MT;

    protected override Tensor? Backward(Tensor gradient) => (gradient + gradient.MT) / 2;

    protected override Tensor? Jvp(Tensor tangent) => (tangent + tangent.MT) / 2;
}
