namespace Autograd.Gpu.LinearAlgebra;

/// <summary>
/// exp(A) by scaling and squaring with the Padé approximant of order 13 (Higham 2005, "The scaling and squaring method for the matrix exponential revisited"). The
/// derivative along D is the upper right block of exp([[A, D], [0, A]]) (Mathias 1996), and the gradient that of A^T along gY.
/// </summary>
internal sealed class Exponential : UnaryFunction
{
    private const double MaxNorm = 5.371920351148152;

    private static readonly double[] s_pade =
    [
        64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600, 670442572800, 33522128640, 1323241920, 40840800, 960960,
        16380, 182, 1,
    ];

    public override string Name => "LinalgMatrixExp";

    protected override Tensor Forward(Tensor x)
    {
        SaveForBackward(x);
        return HostForward.Run(x, a => [Of(a)])[0];
    }

    protected override Tensor? Backward(Tensor gradient) => Along(Saved(0).MT, gradient);

    protected override Tensor? Jvp(Tensor tangent) => Along(Saved(0), tangent);

    private static Tensor Along(Tensor a, Tensor direction)
    {
        long n = a.Shape[-1];
        var top = Tensor.Cat([a, direction], -1);
        var bottom = Tensor.Cat([Tensor.ZerosLike(direction), a], -1);
        return new Exponential().Apply(Tensor.Cat([top, bottom], -2)).Narrow(-2, 0, n).Narrow(-1, n, n);
    }

    private static Tensor Of(Tensor a)
    {
        var stack = MatrixStack.Read(a);
        int n = stack.Rows;
        var result = new MatrixStack(stack.Lead, n, n);
        stack.ForEach(20.0 * n * n * n, i => Exp(stack[i], n, result[i]));
        return result.ToTensor(a);
    }

    private static void Exp(ReadOnlySpan<double> source, int n, Span<double> result)
    {
        if (!Orthogonal.IsFinite(source))
        {
            result.Fill(double.NaN);
            return;
        }

        double norm = 0;
        for (int j = 0; j < n; j++)
        {
            double sum = 0;
            for (int i = 0; i < n; i++)
            {
                sum += Math.Abs(source[i * n + j]);
            }

            norm = Math.Max(norm, sum);
        }

        int squarings = norm <= MaxNorm ? 0 : Math.ILogB(norm / MaxNorm) + 1;
        double[] a = source.ToArray(), a2 = new double[n * n], a4 = new double[n * n], a6 = new double[n * n], u = new double[n * n], v = new double[n * n], w = new double[n * n];
        foreach (ref double element in a.AsSpan())
        {
            element = Math.ScaleB(element, -squarings);
        }

        Dense.Multiply(a, a, a2, n);
        Dense.Multiply(a2, a2, a4, n);
        Dense.Multiply(a2, a4, a6, n);
        Sum(w, s_pade[13], s_pade[11], s_pade[9], 0);
        Dense.Multiply(a6, w, u, n);
        Sum(w, s_pade[7], s_pade[5], s_pade[3], s_pade[1]);
        Dense.AddScaled(w, 1, u);
        Dense.Multiply(a, w, u, n);
        Sum(w, s_pade[12], s_pade[10], s_pade[8], 0);
        Dense.Multiply(a6, w, v, n);
        Sum(w, s_pade[6], s_pade[4], s_pade[2], s_pade[0]);
        Dense.AddScaled(v, 1, w);

        // exp(A) = (V - U)^-1 (V + U).
        v.CopyTo(result);
        Dense.AddScaled(result, 1, u);
        Dense.AddScaled(v, -1, u);
        var pivots = new int[n];
        Dense.Lu(v, n, n, pivots);
        Dense.SolveLu(v, pivots, n, result, n);
        for (int i = 0; i < squarings; i++)
        {
            Dense.Multiply(result, result, w, n);
            w.CopyTo(result);
        }

        void Sum(double[] target, double six, double four, double two, double one)
        {
            Array.Clear(target);
            Dense.AddScaled(target, six, a6);
            Dense.AddScaled(target, four, a4);
            Dense.AddScaled(target, two, a2);
            for (int i = 0; i < n; i++)
            {
                target[i * n + i] += one;
            }
        }
    }
}
