namespace Autograd.Gpu.LinearAlgebra;

/// <summary>Y = A^-1 by LU: dY = -Y dA Y, gA = -Y^T gY Y^T (Giles 2008, 2.2.3).</summary>
internal sealed class Inverse(string operation) : UnaryFunction
{
    public override string Name => "LinalgInvEx";

    protected override Tensor Forward(Tensor x)
    {
        var inverse = HostForward.Run(x, a => [Invert(a)])[0];
        SaveForBackward(inverse);
        return inverse;
    }

    protected override Tensor? Backward(Tensor gradient)
    {
        var turned = Saved(0).MT;
        return -turned.MatMul(gradient).MatMul(turned);
    }

    protected override Tensor? Jvp(Tensor tangent) => -Saved(0).MatMul(tangent).MatMul(Saved(0));

    private Tensor Invert(Tensor a)
    {
        var stack = MatrixStack.Read(a);
        int n = stack.Rows;
        var result = new MatrixStack(stack.Lead, n, n);
        stack.ForEach((double)n * n * n, i =>
        {
            var pivots = new int[n];
            Dense.Lu(stack[i], n, n, pivots);
            int zero = Dense.FirstZero(stack[i], n);
            if (zero >= 0)
            {
                throw new LinearAlgebraException(
                    $"{operation}: {stack.Where(i)}The diagonal element {zero + 1} is zero, the inversion could not be completed because the input matrix is singular.");
            }

            for (int k = 0; k < n; k++)
            {
                result[i][k * n + k] = 1;
            }

            Dense.SolveLu(stack[i], pivots, n, result[i], n);
        });
        return result.ToTensor(a);
    }
}

/// <summary>X = A^-1 B by LU: dX = A^-1 (dB - dA X); gB = A^-T gX, gA = -gB X^T (Giles 2008, 2.3.1).</summary>
internal sealed class Solution : BinaryFunction
{
    public override string Name => "LinalgSolveEx";

    protected override Tensor Forward(Tensor a, Tensor b)
    {
        var x = HostForward.Run(a, b, Solve);
        SaveForBackward(a, x);
        return x;
    }

    protected override (Tensor? A, Tensor? B) Backward(Tensor gradient)
    {
        var gradientB = new Solution().Apply(Saved(0).MT, gradient);
        return (NeedsInputGrad(0) ? -gradientB.MatMul(Saved(1).MT) : null, gradientB);
    }

    protected override Tensor? Jvp(Tensor? a, Tensor? b)
    {
        var right = Matrices.Plus(b, a is null ? null : -a.MatMul(Saved(1)));
        return right is null ? null : new Solution().Apply(Saved(0), right);
    }

    private static Tensor Solve(Tensor a, Tensor b)
    {
        var (matrices, right) = (MatrixStack.Read(a), MatrixStack.Read(b));
        int n = matrices.Rows;
        var pivots = new int[matrices.Count][];
        matrices.ForEach((double)n * n * n, i =>
        {
            Dense.Lu(matrices[i], n, n, pivots[i] = new int[n]);
            if (Dense.FirstZero(matrices[i], n) >= 0)
            {
                throw new LinearAlgebraException($"linalg.solve: {matrices.Where(i)}The solver failed because the input matrix is singular.");
            }
        });
        return RightSides.Solve(matrices, b, right, (i, x) => Dense.SolveLu(matrices[i], pivots[i], n, x, right.Columns));
    }
}

/// <summary>X = A^-1 B for a triangular A: gB = A^-T gX, gA = -gB X^T on the triangle that was read.</summary>
internal sealed class TriangularSolution(bool upper, bool unit) : BinaryFunction
{
    public override string Name => "LinalgSolveTriangular";

    protected override Tensor Forward(Tensor a, Tensor b)
    {
        var x = HostForward.Run(a, b, Solve);
        SaveForBackward(a, x);
        return x;
    }

    protected override (Tensor? A, Tensor? B) Backward(Tensor gradient)
    {
        var gradientB = new TriangularSolution(!upper, unit).Apply(Saved(0).MT, gradient);
        return (NeedsInputGrad(0) ? -Matrices.Triangle(gradientB.MatMul(Saved(1).MT), upper, unit) : null, gradientB);
    }

    protected override Tensor? Jvp(Tensor? a, Tensor? b)
    {
        var right = Matrices.Plus(b, a is null ? null : -Matrices.Triangle(a, upper, unit).MatMul(Saved(1)));
        return right is null ? null : new TriangularSolution(upper, unit).Apply(Saved(0), right);
    }

    private Tensor Solve(Tensor a, Tensor b)
    {
        var (matrices, right) = (MatrixStack.Read(a), MatrixStack.Read(b));
        return RightSides.Solve(matrices, b, right, (i, x) => Dense.SolveTriangular(matrices[i], matrices.Rows, x, right.Columns, upper, unit));
    }
}

/// <summary>Right sides and the matrices that they belong to, when leading dimensions broadcast.</summary>
internal static class RightSides
{
    public delegate void Solver(int matrix, Span<double> x);

    public static Tensor Solve(MatrixStack matrices, Tensor b, MatrixStack right, Solver solver)
    {
        var lead = Shape.Broadcast(matrices.Lead, right.Lead, "linalg.solve");
        var (ofA, ofB) = (Numbers(matrices.Lead, lead), Numbers(right.Lead, lead));
        var result = new MatrixStack(lead.ToArray(), right.Rows, right.Columns);
        result.ForEach((double)right.Rows * right.Rows * right.Columns, i =>
        {
            right[ofB[i]].CopyTo(result[i]);
            solver(ofA[i], result[i]);
        });
        return result.ToTensor(b);
    }

    /// <summary>For each matrix of the broadcast batch which one of <paramref name="own"/> it is.</summary>
    public static int[] Numbers(Shape own, Shape lead)
    {
        var numbers = new int[lead.NumElements];
        for (int i = 0; i < numbers.Length; i++)
        {
            (long rest, int stride) = (i, 1);
            for (int d = lead.Rank - 1, o = own.Rank - 1; o >= 0; d--, o--)
            {
                numbers[i] += own[o] == 1 ? 0 : (int)(rest % lead[d]) * stride;
                rest /= lead[d];
                stride *= (int)own[o];
            }
        }

        return numbers;
    }
}
