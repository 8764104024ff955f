namespace Autograd.Gpu.LinearAlgebra;

/// <summary>
/// A = Q R for a matrix [m, n]. For m >= n, with C the upper triangle of (M + M^T) that has half of its diagonal, M = Q^T dA R^-1: dR = C R, dQ = (dA - Q dR) R^-1;
/// gA = (gQ + Q (X + X^T - diag X)) R^-T with X = triu(gR R^T - Q^T gQ) (Roberts, Roberts 2020, "QR and LQ decomposition matrix backpropagation algorithms").
/// </summary>
internal sealed class OrthogonalTriangular(QrMode mode) : NaryFunction
{
    public override string Name => "LinalgQr";

    protected override Tensor[] Forward(ReadOnlySpan<Tensor> inputs)
    {
        SetMaterializeGrads(false);
        var outputs = HostForward.Run(inputs[0], Of);
        SaveForBackward(outputs);
        return outputs;
    }

    protected override Tensor?[] Backward(ReadOnlySpan<Tensor?> gradients)
    {
        CheckDifferentiable();
        Tensor q = Saved(0), r = Saved(1);
        var inner = Matrices.Plus(
            gradients[1]?.MatMul(r.MT),
            gradients[0] is { } gradientQ ? -q.MT.MatMul(gradientQ) : null)?.Triu();
        if (inner is null)
        {
            return [null];
        }

        var right = q.MatMul(inner + inner.MT - Matrices.Diag(inner).DiagEmbed());
        return [OverTransposed(r, gradients[0] is { } g ? g + right : right)];
    }

    protected override Tensor?[] Jvp(ReadOnlySpan<Tensor?> tangents)
    {
        CheckDifferentiable();
        Tensor q = Saved(0), r = Saved(1);
        if (tangents[0] is not { } tangent)
        {
            return [null, null];
        }

        var scaled = Over(r, tangent);
        var middle = q.MT.MatMul(scaled);
        var upper = (middle + middle.MT).Triu();
        upper -= (Matrices.Diag(upper) * 0.5).DiagEmbed();
        return [scaled - q.MatMul(upper), upper.MatMul(r)];
    }

    /// <summary>X R^-1.</summary>
    private static Tensor Over(Tensor r, Tensor x) => new TriangularSolution(upper: false, unit: false).Apply(r.MT, x.MT).MT;

    /// <summary>X R^-T.</summary>
    private static Tensor OverTransposed(Tensor r, Tensor x) => new TriangularSolution(upper: true, unit: false).Apply(r, x.MT).MT;

    private void CheckDifferentiable()
    {
        if (mode == QrMode.R)
        {
            throw new GradientException(
                "linalg.qr: The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use mode='reduced' (QrMode.Reduced) if you are going to need gradients.");
        }

        if (mode == QrMode.Complete)
        {
            throw new GradientException(
                "linalg.qr: The QR decomposition is not differentiable when mode='complete' and nrows > ncols: the further columns of Q may be any basis. Use QrMode.Reduced.");
        }
    }

    private Tensor[] Of(Tensor a)
    {
        var stack = MatrixStack.Read(a);
        bool complete = mode == QrMode.Complete || stack.Rows < stack.Columns;
        int width = complete ? stack.Rows : stack.Columns;
        var (q, r) = (new MatrixStack(stack.Lead, stack.Rows, width), new MatrixStack(stack.Lead, width, stack.Columns));
        stack.ForEach(4.0 * stack.Rows * stack.Columns * width, i => Orthogonal.Qr(stack[i], stack.Rows, stack.Columns, complete, q[i], r[i]));
        return mode == QrMode.R ? [r.ToTensor(a)] : [q.ToTensor(a), r.ToTensor(a)];
    }
}

/// <summary>
/// A = U diag(S) V^T. With E[i, j] = S[j]^2 - S[i]^2 (1 on the diagonal) and skew(X) = X - X^T:
/// gA = U ((skew(U^T gU) / E) S + S (skew(V^T gV) / E) + diag gS) V^T + (I - U U^T) gU S^-1 V^T + U S^-1 gV^T (I - V V^T) (Giles 2008, 3.2; Townsend 2016).
/// The further columns of full matrices are taken to turn with the others only as far as they must to stay orthogonal.
/// </summary>
internal sealed class SingularValues(bool full) : NaryFunction
{
    public override string Name => "LinalgSvd";

    protected override Tensor[] Forward(ReadOnlySpan<Tensor> inputs)
    {
        SetMaterializeGrads(false);
        var outputs = HostForward.Run(inputs[0], Of);
        SaveForBackward(outputs);
        return outputs;
    }

    protected override Tensor?[] Backward(ReadOnlySpan<Tensor?> gradients)
    {
        var (u, s, vt) = Thin(out var restU, out var restVt);
        long k = s.Shape[-1];
        Tensor? gradientU = gradients[0], gradientVt = gradients[2];
        if (restU is not null && gradientU is { } wholeU)
        {
            gradientU = wholeU.Narrow(-1, 0, k) - restU.MatMul(wholeU.Narrow(-1, k, restU.Shape[-1]).MT.MatMul(u));
        }

        if (restVt is not null && gradientVt is { } wholeVt)
        {
            gradientVt = wholeVt.Narrow(-2, 0, k) - vt.MatMul(wholeVt.Narrow(-2, k, restVt.Shape[-2]).MT).MatMul(restVt);
        }

        var inner = gradients[1]?.DiagEmbed();
        Tensor? beside = null;
        if (gradientU is { } gu)
        {
            var own = u.MT.MatMul(gu);
            inner = Matrices.Plus(inner, (own - own.MT) / Gaps(s) * s.Unsqueeze(-2));
            if (u.Shape[-2] > k)
            {
                beside = ((gu - u.MatMul(own)) / s.Unsqueeze(-2)).MatMul(vt);
            }
        }

        if (gradientVt is { } gv)
        {
            var own = vt.MatMul(gv.MT);
            inner = Matrices.Plus(inner, s.Unsqueeze(-1) * ((own - own.MT) / Gaps(s)));
            if (vt.Shape[-1] > k)
            {
                beside = Matrices.Plus(beside, u.MatMul((gv - own.MT.MatMul(vt)) / s.Unsqueeze(-1)));
            }
        }

        return [Matrices.Plus(inner is null ? null : u.MatMul(inner).MatMul(vt), beside)];
    }

    protected override Tensor?[] Jvp(ReadOnlySpan<Tensor?> tangents)
    {
        if (tangents[0] is not { } tangent)
        {
            return [null, null, null];
        }

        var (u, s, vt) = Thin(out var restU, out var restVt);
        var (onRight, onLeft) = (tangent.MatMul(vt.MT), u.MT.MatMul(tangent));
        var middle = u.MT.MatMul(onRight);
        var slopes = Matrices.Diag(middle);
        var off = middle - slopes.DiagEmbed();
        Tensor bySides = off * s.Unsqueeze(-2), byRows = s.Unsqueeze(-1) * off;
        var tangentU = u.MatMul((bySides + bySides.MT) / Gaps(s));
        var tangentVt = ((byRows + byRows.MT) / Gaps(s)).MT.MatMul(vt);
        if (u.Shape[-2] > s.Shape[-1])
        {
            tangentU += (onRight - u.MatMul(middle)) / s.Unsqueeze(-2);
        }

        if (vt.Shape[-1] > s.Shape[-1])
        {
            tangentVt += (onLeft - middle.MatMul(vt)) / s.Unsqueeze(-1);
        }

        if (restU is not null)
        {
            tangentU = Tensor.Cat([tangentU, -u.MatMul(tangentU.MT.MatMul(restU))], -1);
        }

        if (restVt is not null)
        {
            tangentVt = Tensor.Cat([tangentVt, -restVt.MatMul(tangentVt.MT).MatMul(vt)], -2);
        }

        return [tangentU, slopes, tangentVt];
    }

    /// <summary>S[j]^2 - S[i]^2, and 1 on the diagonal. Equal singular values give 0, and infinite gradients of the vectors, which are not determined there.</summary>
    private static Tensor Gaps(Tensor s)
    {
        Tensor row = s.Unsqueeze(-2), column = s.Unsqueeze(-1);
        return (row - column) * (row + column) + Matrices.Eye(s, s.Shape[-1]);
    }

    /// <summary>The vectors that belong to singular values, and the further ones if there are any.</summary>
    private (Tensor U, Tensor S, Tensor Vt) Thin(out Tensor? restU, out Tensor? restVt)
    {
        Tensor u = Saved(0), s = Saved(1), vt = Saved(2);
        long k = s.Shape[-1], m = u.Shape[-1], n = vt.Shape[-2];
        restU = m > k ? u.Narrow(-1, k, m - k) : null;
        restVt = n > k ? vt.Narrow(-2, k, n - k) : null;
        return (m > k ? u.Narrow(-1, 0, k) : u, s, n > k ? vt.Narrow(-2, 0, k) : vt);
    }

    private Tensor[] Of(Tensor a)
    {
        var stack = MatrixStack.Read(a);
        int m = stack.Rows, n = stack.Columns, k = Math.Min(m, n);
        var (u, s, vt) = (new MatrixStack(stack.Lead, m, full ? m : k), new MatrixStack(stack.Lead, k, 1), new MatrixStack(stack.Lead, full ? n : k, n));
        stack.ForEach(20.0 * m * n * k, i =>
        {
            if (!Orthogonal.IsFinite(stack[i]))
            {
                throw new LinearAlgebraException($"linalg.svd: {stack.Where(i)}The algorithm failed to converge because the input matrix contained non-finite values.");
            }

            Orthogonal.Svd(stack[i], m, n, full, u[i], s[i], vt[i]);
        });
        return [u.ToTensor(a), s.ToVectors(a), vt.ToTensor(a)];
    }
}

/// <summary>
/// A = V diag(L) V^T for a symmetric A. With F[i, j] = 1 / (L[j] - L[i]) off the diagonal and 0 on it: dL = diag(V^T dA V), dV = V (F o (V^T dA V)),
/// gA = V (diag gL + F o (V^T gV)) V^T (Giles 2008, 3.1).
/// </summary>
internal sealed class SymmetricEigen(bool upper) : NaryFunction
{
    public override string Name => "LinalgEigh";

    protected override Tensor[] Forward(ReadOnlySpan<Tensor> inputs)
    {
        SetMaterializeGrads(false);
        var outputs = HostForward.Run(inputs[0], Of);
        SaveForBackward(outputs);
        return outputs;
    }

    protected override Tensor?[] Backward(ReadOnlySpan<Tensor?> gradients)
    {
        var v = Saved(1);
        var inner = Matrices.Plus(
            gradients[0]?.DiagEmbed(),
            gradients[1] is { } gradient ? WithoutDiagonal(v.MT.MatMul(gradient)) / Gaps(Saved(0)) : null);
        return [inner is null ? null : v.MatMul(inner).MatMul(v.MT)];
    }

    protected override Tensor?[] Jvp(ReadOnlySpan<Tensor?> tangents)
    {
        if (tangents[0] is not { } tangent)
        {
            return [null, null];
        }

        var v = Saved(1);
        var middle = v.MT.MatMul(tangent).MatMul(v);
        return [Matrices.Diag(middle), v.MatMul(WithoutDiagonal(middle) / Gaps(Saved(0)))];
    }

    private static Tensor WithoutDiagonal(Tensor x) => x - Matrices.Diag(x).DiagEmbed();

    private static Tensor Gaps(Tensor l) => l.Unsqueeze(-2) - l.Unsqueeze(-1) + Matrices.Eye(l, l.Shape[-1]);

    private Tensor[] Of(Tensor a)
    {
        var stack = MatrixStack.Read(a);
        int n = stack.Rows;
        var (values, vectors) = (new MatrixStack(stack.Lead, n, 1), new MatrixStack(stack.Lead, n, n));
        stack.ForEach(9.0 * n * n * n, i =>
        {
            if (!Orthogonal.IsFinite(stack[i]))
            {
                throw new LinearAlgebraException($"linalg.eigh: {stack.Where(i)}The algorithm failed to converge because the input matrix contained non-finite values.");
            }

            Orthogonal.Eigh(stack[i], n, upper, values[i], vectors[i]);
        });
        return [values.ToVectors(a), vectors.ToTensor(a)];
    }
}
