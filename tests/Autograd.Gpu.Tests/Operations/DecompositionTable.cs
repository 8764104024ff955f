using Autograd.Gpu.LinearAlgebra;

namespace Autograd.Gpu.Tests;

/// <summary>
/// Rows of the structural table: decompositions of matrices [2, 2], for which there are formulas. What has none is in <see cref="DecompositionTests"/> and
/// <see cref="DecompositionDerivativeTests"/>.
/// </summary>
internal static class DecompositionTable
{
    public static IEnumerable<Sample> Samples()
    {
        // Regular, and for the last ones symmetric with different eigenvalues: A + 6 I, and A + A^T + diag(12, 6).
        static Tensor Regular(Tensor a) => a + 6 * Tensor.Eye(2, null, a.DType, a.Device);
        static Tensor Symmetric(Tensor a) => a + a.MT + Tensor.FromArray([12.0, 6], a.Device).To(a.DType).Diag();
        static double[] Of(NdArray x) => [x[0, 0] + 6, x[0, 1], x[1, 0], x[1, 1] + 6];
        static (double A, double B, double D) Half(NdArray x) => (2 * x[0, 0] + 12, x[0, 1] + x[1, 0], 2 * x[1, 1] + 6);
        static double Det(double[] m) => m[0] * m[3] - m[1] * m[2];
        static NdArray Inverse(NdArray x) => Of(x) is var m ? NdArray.Generate([2, 2], i => (i[0] == i[1] ? m[3 - 3 * i[0]] : -m[2 * i[0] + i[1]]) / Det(m)) : x;
        yield return new("Det", [[2, 2]], x => Regular(x[0]).Det(), x => NdArray.Generate([], _ => Det(Of(x[0]))));
        yield return new("LogDet", [[2, 2]], x => Regular(x[0]).LogDet(), x => NdArray.Generate([], _ => Math.Log(Det(Of(x[0])))));
        yield return new("Inv", [[2, 2]], x => Regular(x[0]).Inv(), x => Inverse(x[0]));
        yield return new("Solve", [[2, 2], [2, 1]], x => Regular(x[0]).Solve(x[1]), x => NdArray.MatMul(Inverse(x[0]), x[1]));
        yield return new(
            "Cholesky", [[2, 2]], x => Symmetric(x[0]).Cholesky(),
            x => Half(x[0]) is var (a, b, d) ? NdArray.Generate([2, 2], i => i[0] == 0 ? i[1] == 0 ? Math.Sqrt(a) : 0 : i[1] == 0 ? b / Math.Sqrt(a) : Math.Sqrt(d - b * b / a)) : x[0]);
        yield return new(
            "EighVals", [[2, 2]], x => Symmetric(x[0]).EighVals(),
            x => Half(x[0]) is var (a, b, d) ? NdArray.Generate([2], i => (a + d) / 2 + (i[0] == 0 ? -1 : 1) * Math.Sqrt((a - d) * (a - d) / 4 + b * b)) : x[0]);
        yield return new("SvdVals", [[2, 1]], x => x[0].SvdVals(), x => NdArray.Generate([1], _ => Math.Sqrt(x[0][0, 0] * x[0][0, 0] + x[0][1, 0] * x[0][1, 0])));
        yield return new("Pinv", [[2, 1]], x => x[0].Pinv(), x => NdArray.Generate([1, 2], i => x[0][i[1], 0] / (x[0][0, 0] * x[0][0, 0] + x[0][1, 0] * x[0][1, 0])));
    }
}
