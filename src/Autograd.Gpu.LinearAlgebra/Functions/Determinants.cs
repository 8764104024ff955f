namespace Autograd.Gpu.LinearAlgebra;

/// <summary>det(A) by LU. Its gradient is the matrix of cofactors, which exists where A has no inverse: d det = &lt;C, dA&gt; (Jacobi; Giles 2008, 2.2.4).</summary>
internal sealed class Determinant : UnaryFunction
{
    public override string Name => "LinalgDet";

    protected override Tensor Forward(Tensor x)
    {
        SaveForBackward(x);
        return HostForward.Run(x, a => [Of(a)])[0];
    }

    protected override Tensor? Backward(Tensor gradient) => Matrices.Scales(gradient) * new Cofactors().Apply(Saved(0));

    protected override Tensor? Jvp(Tensor tangent) => Matrices.Dot(new Cofactors().Apply(Saved(0)), tangent);

    private static Tensor Of(Tensor a)
    {
        var stack = MatrixStack.Read(a);
        int n = stack.Rows;
        var result = new MatrixStack(stack.Lead, 1, 1);
        stack.ForEach((double)n * n * n, i =>
        {
            double product = Dense.Lu(stack[i], n, n, new int[n]);
            for (int k = 0; k < n; k++)
            {
                product *= stack[i][k * n + k];
            }

            result[i][0] = product;
        });
        return result.ToNumbers(a);
    }
}

/// <summary>
/// The matrix of cofactors C = det(A) A^-T. From A = U diag(s) V^T it is det(U V^T) U diag(c) V^T, where c[i] is the product of the other singular values: no division, so
/// that it is right for matrices of any rank.
/// </summary>
internal sealed class Cofactors : UnaryFunction
{
    public override string Name => "LinalgCofactors";

    protected override Tensor Forward(Tensor x)
    {
        SaveForBackward(x);
        return HostForward.Run(x, a => [Of(a)])[0];
    }

    protected override Tensor? Backward(Tensor gradient) => new CofactorSlope().Apply(Saved(0), gradient);

    protected override Tensor? Jvp(Tensor tangent) => new CofactorSlope().Apply(Saved(0), tangent);

    private static Tensor Of(Tensor a)
    {
        var stack = MatrixStack.Read(a);
        int n = stack.Rows;
        var result = new MatrixStack(stack.Lead, n, n);
        stack.ForEach(20.0 * n * n * n, i =>
        {
            var svd = SignedSvd.Of(stack[i], n);
            var others = SignedSvd.Exclusive(svd.S);
            for (int k = 0; k < n; k++)
            {
                foreach (ref double element in svd.Vt.AsSpan(k * n, n))
                {
                    element *= svd.Sign * others[k];
                }
            }

            Dense.Multiply(svd.U, svd.Vt, result[i], n);
        });
        return result.ToTensor(a);
    }
}

/// <summary>
/// The derivative of the cofactors along D, the second derivative of det, which is symmetric. In the basis of the singular vectors, M = U^T D V:
/// N[i, i] = sum_k M[k, k] p[i, k], N[i, j] = -M[j, i] p[i, j], with p[i, j] the product of all singular values but s[i] and s[j], and p[i, i] = 0.
/// </summary>
internal sealed class CofactorSlope : BinaryFunction
{
    public override string Name => "LinalgCofactorSlope";

    protected override Tensor Forward(Tensor a, Tensor b)
    {
        SaveForBackward(a, b);
        return HostForward.Run(a, b, Along);
    }

    protected override (Tensor? A, Tensor? B) Backward(Tensor gradient) => (
        NeedsInputGrad(0) ? Third(Saved(0), Saved(1), gradient) : null,
        NeedsInputGrad(1) ? new CofactorSlope().Apply(Saved(0), gradient) : null);

    protected override Tensor? Jvp(Tensor? a, Tensor? b) => Matrices.Plus(
        a is null ? null : Third(Saved(0), Saved(1), a),
        b is null ? null : new CofactorSlope().Apply(Saved(0), b));

    /// <summary>
    /// The third derivative of det along D and E, as a matrix: for an A that has an inverse Y,
    /// det(A) ((tr YD tr YE - tr YDYE) Y - tr(YD) YEY - tr(YE) YDY + YDYEY + YEYDY)^T.
    /// </summary>
    private static Tensor Third(Tensor a, Tensor d, Tensor e)
    {
        var y = new Inverse("linalg.det (third derivative)").Apply(a);
        Tensor yd = y.MatMul(d), ye = y.MatMul(e);
        Tensor traceD = Matrices.Diag(yd).Sum(-1), traceE = Matrices.Diag(ye).Sum(-1);
        var inner = Matrices.Scales(traceD * traceE - Matrices.TraceOf(yd, ye)) * y
            - Matrices.Scales(traceD) * ye.MatMul(y)
            - Matrices.Scales(traceE) * yd.MatMul(y)
            + (yd.MatMul(ye) + ye.MatMul(yd)).MatMul(y);
        return Matrices.Scales(new Determinant().Apply(a)) * inner.MT;
    }

    private static Tensor Along(Tensor a, Tensor direction)
    {
        var (matrices, directions) = (MatrixStack.Read(a), MatrixStack.Read(direction));
        int n = matrices.Rows;
        var lead = Shape.Broadcast(matrices.Lead, directions.Lead, "linalg.det");
        var (ofA, ofD) = (RightSides.Numbers(matrices.Lead, lead), RightSides.Numbers(directions.Lead, lead));
        var svds = new SignedSvd[matrices.Count];
        matrices.ForEach(20.0 * n * n * n, i => svds[i] = SignedSvd.Of(matrices[i], n));
        var result = new MatrixStack(lead.ToArray(), n, n);
        result.ForEach(4.0 * n * n * n, i =>
        {
            var svd = svds[ofA[i]];
            double[] u = svd.U, ut = new double[n * n], vt = svd.Vt, v = new double[n * n], m = new double[n * n], other = new double[n * n];
            for (int r = 0; r < n; r++)
            {
                for (int c = 0; c < n; c++)
                {
                    (ut[c * n + r], v[c * n + r]) = (u[r * n + c], vt[r * n + c]);
                }
            }

            Dense.Multiply(ut, directions[ofD[i]], other, n);
            Dense.Multiply(other, v, m, n);
            Array.Clear(other);
            for (int r = 0; r < n; r++)
            {
                double[] rest = [.. svd.S];
                rest[r] = 1;
                var products = SignedSvd.Exclusive(rest);
                for (int c = 0; c < n; c++)
                {
                    if (c != r)
                    {
                        other[r * n + r] += svd.Sign * m[c * n + c] * products[c];
                        other[r * n + c] = -svd.Sign * m[c * n + r] * products[c];
                    }
                }
            }

            Dense.Multiply(u, other, m, n);
            Dense.Multiply(m, vt, result[i], n);
        });
        return result.ToTensor(direction);
    }
}

/// <summary>The singular value decomposition of a square matrix and the sign of det(U V^T).</summary>
internal sealed record SignedSvd(double[] U, double[] S, double[] Vt, int Sign)
{
    public static SignedSvd Of(ReadOnlySpan<double> a, int n)
    {
        if (!Orthogonal.IsFinite(a))
        {
            var nan = new double[n * n];
            Array.Fill(nan, double.NaN);
            return new SignedSvd(nan, [.. Enumerable.Repeat(double.NaN, n)], [.. nan], 1);
        }

        var (u, s, vt) = (new double[n * n], new double[n], new double[n * n]);
        Orthogonal.Svd(a, n, n, full: false, u, s, vt);
        return new SignedSvd(u, s, vt, SignOf(u, n) * SignOf(vt, n));
    }

    /// <summary>For each number the product of all the others.</summary>
    public static double[] Exclusive(double[] values)
    {
        var products = new double[values.Length];
        double before = 1, after = 1;
        for (int i = 0; i < values.Length; i++)
        {
            products[i] = before;
            before *= values[i];
        }

        for (int i = values.Length - 1; i >= 0; i--)
        {
            products[i] *= after;
            after *= values[i];
        }

        return products;
    }

    private static int SignOf(double[] orthogonal, int n)
    {
        double[] lu = [.. orthogonal];
        int sign = Dense.Lu(lu, n, n, new int[n]);
        for (int k = 0; k < n; k++)
        {
            sign *= lu[k * n + k] < 0 ? -1 : 1;
        }

        return sign;
    }
}

/// <summary>The sign of the determinant, which has no derivative, and log |det A|: gA = g A^-T.</summary>
internal sealed class SignAndLogDeterminant : NaryFunction
{
    public override string Name => "LinalgSlogdet";

    protected override Tensor[] Forward(ReadOnlySpan<Tensor> inputs)
    {
        SetMaterializeGrads(false);
        SaveForBackward(inputs[0]);
        var outputs = HostForward.Run(inputs[0], Of);
        MarkNonDifferentiable(outputs[0]);
        return outputs;
    }

    protected override Tensor?[] Backward(ReadOnlySpan<Tensor?> gradients) =>
        [gradients[1] is { } gradient ? Matrices.Scales(gradient) * InverseOf(Saved(0)).MT : null];

    protected override Tensor?[] Jvp(ReadOnlySpan<Tensor?> tangents) => [null, tangents[0] is { } tangent ? Matrices.TraceOf(InverseOf(Saved(0)), tangent) : null];

    private static Tensor InverseOf(Tensor a) => new Inverse("linalg.slogdet (derivative)").Apply(a);

    private static Tensor[] Of(Tensor a)
    {
        var stack = MatrixStack.Read(a);
        int n = stack.Rows;
        var (signs, logs) = (new MatrixStack(stack.Lead, 1, 1), new MatrixStack(stack.Lead, 1, 1));
        stack.ForEach((double)n * n * n, i =>
        {
            double sign = Dense.Lu(stack[i], n, n, new int[n]), sum = 0;
            for (int k = 0; k < n; k++)
            {
                double pivot = stack[i][k * n + k];
                sign *= double.IsNaN(pivot) ? double.NaN : Math.Sign(pivot);
                sum += Math.Log(Math.Abs(pivot));
            }

            (signs[i][0], logs[i][0]) = (sign, sum);
        });
        return [signs.ToNumbers(a), logs.ToNumbers(a)];
    }
}
