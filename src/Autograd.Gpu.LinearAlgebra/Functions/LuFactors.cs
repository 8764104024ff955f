namespace Autograd.Gpu.LinearAlgebra;

/// <summary>
/// A = P L U with partial pivoting; outputs P, L, U and the pivots from 1 on. With k = min(m, n), A' = P^T A, L1 and U1 the square parts, L2 and U2 the rest:
/// g(A'1) = L1^-T (tril(L1^T gL1 - gU2 U2^T, -1) + triu(gU1 U1^T - L2^T gL2)) U1^-T, where a wide matrix has g(A'2) = L1^-T gU2 and a tall one
/// g(A'2) = gL2 U1^-T (de Hoog, Anderssen, Lukas 2011, for square ones).
/// </summary>
internal sealed class LuFactors : NaryFunction
{
    public override string Name => "LinalgLu";

    protected override Tensor[] Forward(ReadOnlySpan<Tensor> inputs)
    {
        SetMaterializeGrads(false);
        var outputs = HostForward.Run(inputs[0], Of);
        MarkNonDifferentiable(outputs[0], outputs[3]);
        SaveForBackward(outputs[0], outputs[1], outputs[2]);
        return outputs;
    }

    protected override Tensor?[] Backward(ReadOnlySpan<Tensor?> gradients)
    {
        var parts = Parts();
        var (gradientL, gradientU) = (gradients[1], gradients[2]);
        if (gradientL is null && gradientU is null)
        {
            return [null];
        }

        long k = parts.K;
        Tensor? lower = gradientL is { } gl ? parts.L1.MT.MatMul(gl.Narrow(-2, 0, k)) : null;
        Tensor? upper = gradientU is { } gu ? gu.Narrow(-1, 0, k).MatMul(parts.U1.MT) : null;
        Tensor? below = null, beside = null;
        if (parts.U2 is { } u2 && gradientU is { } wide)
        {
            var rest = wide.Narrow(-1, k, u2.Shape[-1]);
            lower = Matrices.Plus(lower, -rest.MatMul(u2.MT));
            beside = OverL(parts, rest);
        }

        if (parts.L2 is { } l2 && gradientL is { } tall)
        {
            var rest = tall.Narrow(-2, k, l2.Shape[-2]);
            upper = Matrices.Plus(upper, -l2.MT.MatMul(rest));
            below = OverU(parts, rest);
        }

        var square = OverU(parts, OverL(parts, Matrices.Plus(lower?.Tril(-1), upper?.Triu())!));
        var gradient = square;
        if (parts.U2 is { } right)
        {
            gradient = Tensor.Cat([square, beside ?? Tensor.ZerosLike(right)], -1);
        }
        else if (parts.L2 is { } bottom)
        {
            gradient = Tensor.Cat([square, below ?? Tensor.ZerosLike(bottom)], -2);
        }

        return [Saved(0).MatMul(gradient)];
    }

    protected override Tensor?[] Jvp(ReadOnlySpan<Tensor?> tangents)
    {
        if (tangents[0] is not { } tangent)
        {
            return [null, null, null, null];
        }

        var parts = Parts();
        long k = parts.K;
        var moved = Saved(0).MT.MatMul(tangent);
        var top = moved.Narrow(-2, 0, k);
        var first = new TriangularSolution(upper: false, unit: true).Apply(parts.L1, top.Narrow(-1, 0, k));
        var middle = UnderU(parts, first);
        Tensor lower = middle.Tril(-1), upper = middle.Triu();
        Tensor tangentL = parts.L1.MatMul(lower), tangentU = upper.MatMul(parts.U1);
        if (parts.U2 is { } u2)
        {
            var rest = new TriangularSolution(upper: false, unit: true).Apply(parts.L1, top.Narrow(-1, k, u2.Shape[-1])) - lower.MatMul(u2);
            tangentU = Tensor.Cat([tangentU, rest], -1);
        }

        if (parts.L2 is { } l2)
        {
            var rest = UnderU(parts, moved.Narrow(-2, k, l2.Shape[-2])) - l2.MatMul(upper);
            tangentL = Tensor.Cat([tangentL, rest], -2);
        }

        return [null, tangentL, tangentU, null];
    }

    /// <summary>L1^-T X.</summary>
    private static Tensor OverL(Split parts, Tensor x) => new TriangularSolution(upper: true, unit: true).Apply(parts.L1.MT, x);

    /// <summary>X U1^-T.</summary>
    private static Tensor OverU(Split parts, Tensor x) => new TriangularSolution(upper: true, unit: false).Apply(parts.U1, x.MT).MT;

    /// <summary>X U1^-1.</summary>
    private static Tensor UnderU(Split parts, Tensor x) => new TriangularSolution(upper: false, unit: false).Apply(parts.U1.MT, x.MT).MT;

    private Split Parts()
    {
        Tensor l = Saved(1), u = Saved(2);
        long k = l.Shape[-1], m = l.Shape[-2], n = u.Shape[-1];
        return new Split(
            k,
            m > k ? l.Narrow(-2, 0, k) : l,
            m > k ? l.Narrow(-2, k, m - k) : null,
            n > k ? u.Narrow(-1, 0, k) : u,
            n > k ? u.Narrow(-1, k, n - k) : null);
    }

    private static Tensor[] Of(Tensor a)
    {
        var stack = MatrixStack.Read(a);
        int m = stack.Rows, n = stack.Columns, k = Math.Min(m, n);
        MatrixStack p = new(stack.Lead, m, m), l = new(stack.Lead, m, k), u = new(stack.Lead, k, n);
        var pivots = new int[stack.Count * k];
        stack.ForEach((double)m * n * k, i =>
        {
            var own = pivots.AsSpan(i * k, k);
            Dense.Lu(stack[i], m, n, own);
            int[] rows = [.. Enumerable.Range(0, m)];
            for (int r = 0; r < k; r++)
            {
                (rows[r], rows[own[r]]) = (rows[own[r]], rows[r]);
                own[r]++;
            }

            for (int r = 0; r < m; r++)
            {
                p[i][rows[r] * m + r] = 1;
                for (int c = 0; c < n; c++)
                {
                    double element = stack[i][r * n + c];
                    if (c < r && c < k)
                    {
                        l[i][r * k + c] = element;
                    }
                    else if (r < k && c >= r)
                    {
                        u[i][r * n + c] = element;
                    }
                }

                if (r < k)
                {
                    l[i][r * k + r] = 1;
                }
            }
        });
        return [p.ToTensor(a), l.ToTensor(a), u.ToTensor(a), Tensor.FromArray(pivots, Shape.Create([.. stack.Lead, k]), a.Device)];
    }

    private sealed record Split(long K, Tensor L1, Tensor? L2, Tensor U1, Tensor? U2);
}
