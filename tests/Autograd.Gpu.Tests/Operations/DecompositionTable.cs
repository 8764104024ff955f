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

        yield return new("SlogDet", [[2, 2]], x => Regular(x[0]).SlogDet() is var (sign, log) ? sign * log : x[0], x => NdArray.Generate([], _ => Math.Log(Det(Of(x[0])))));
        yield return new("Lu", [[2, 2]], x => Regular(x[0]).Lu() is var (p, l, u) ? p.MatMul(l + u) : x[0], x => Factors(x[0], l: true));
        yield return new("LuFactor", [[2, 2]], x => Regular(x[0]).LuFactor().Lu, x => Factors(x[0], l: false));
        yield return new(
            "LuSolve", [[2, 2], [2, 1]], x => Regular(x[0]).LuFactor() is var (lu, pivots) ? Linalg.LuSolve(lu, pivots, x[1]) : x[0], x => NdArray.MatMul(Inverse(x[0]), x[1]));
        yield return new(
            "SolveTriangular", [[2, 2], [2, 1]], x => Regular(x[0]).SolveTriangular(x[1], upper: true),
            x => Of(x[0]) is var m && x[1][1, 0] / m[3] is var last ? NdArray.Generate([2, 1], i => i[0] == 1 ? last : (x[1][0, 0] - m[1] * last) / m[0]) : x[0]);
        yield return new(
            "CholeskySolve by CholeskyInverse", [[2, 2], [2, 1]], x => Regular(x[0]) is var l ? x[1].CholeskySolve(l) - l.CholeskyInverse().MatMul(x[1]) + x[1] : x[0], x => x[1]);
        yield return new(
            "CholeskyInverse", [[2, 2]], x => Regular(x[0]).CholeskyInverse(),
            x => Of(x[0]) is var m ? InverseOf([m[0] * m[0], m[0] * m[2], m[0] * m[2], m[2] * m[2] + m[3] * m[3]]) : x[0]);
        yield return new("R of Qr", [[2, 1]], x => x[0].Qr().R.Abs(), x => NdArray.Generate([1, 1], _ => Length(x[0])));
        yield return new("Svd", [[2, 1]], x => x[0].Svd(fullMatrices: false) is var (u, s, v) ? (u * s).MatMul(v) + u.MatMul(u.MT).Sum(1, true) : x[0], x => NdArray.Generate([2, 1], i => x[0][i] + Projected(x[0], i[0])));
        yield return new(
            "Eigh", [[2, 2]], x => Symmetric(x[0]).Eigh().Vectors.Square(),
            x => Half(x[0]) is var (a, b, d) && Math.Atan2(2 * b, a - d) / 2 is var angle ? NdArray.Generate([2, 2], i => i[0] == i[1] ? Math.Pow(Math.Sin(angle), 2) : Math.Pow(Math.Cos(angle), 2)) : x[0]);
        yield return new(
            "Lstsq", [[2, 1], [2, 1]], x => x[0].Lstsq(x[1]).Solution, x => NdArray.Generate([1, 1], _ => (x[0][0, 0] * x[1][0, 0] + x[0][1, 0] * x[1][1, 0]) / Math.Pow(Length(x[0]), 2)));
        yield return new("MatrixExp", [[2, 2]], x => x[0].MatrixExp(), x => Exponential([x[0][0, 0], x[0][0, 1], x[0][1, 0], x[0][1, 1]]));
        yield return new("MatrixPower of Linalg", [[2, 2]], x => Linalg.MatrixPower(Regular(x[0]), -2), x => NdArray.MatMul(Inverse(x[0]), Inverse(x[0])));
        yield return new(
            "MatrixNorm of Linalg", [[2, 1]], x => Linalg.MatrixNorm(x[0]) + Linalg.MatrixNorm(x[0], "nuc") + Linalg.MatrixNorm(x[0], 2), x => NdArray.Generate([], _ => 3 * Length(x[0])));
        yield return new(
            "Cond", [[2, 2]], x => Symmetric(x[0]).Cond(),
            x => Half(x[0]) is var (a, b, d) && Math.Sqrt((a - d) * (a - d) / 4 + b * b) is var r ? NdArray.Generate([], _ => ((a + d) / 2 + r) / ((a + d) / 2 - r)) : x[0]);
        yield return new("MatrixRank", [[2, 2]], x => x[0].MatrixRank() + x[0].Narrow(1, 0, 1).MatMul(x[0].Narrow(0, 0, 1)).MatrixRank(), _ => NdArray.Generate([], _ => 3)) { IsDifferentiable = false };

        static double Length(NdArray x) => Math.Sqrt(x.Values.Sum(v => v * v));
        static double Projected(NdArray x, long row) => x.Values[row] * x.Values.Sum() / x.Values.Sum(v => v * v);
        static NdArray InverseOf(double[] m) => NdArray.Generate([2, 2], i => (i[0] == i[1] ? m[3 - 3 * i[0]] : -m[2 * i[0] + i[1]]) / Det(m));

        // The first element of a column is the largest, so that no rows are exchanged. The factors are packed, or added up with the diagonal of ones.
        static NdArray Factors(NdArray x, bool l) => Of(x) is var m
            ? NdArray.Generate([2, 2], i => (l && i[0] == i[1] ? 1 : 0) + ((i[0], i[1]) switch { (0, 0) => m[0], (0, 1) => m[1], (1, 0) => m[2] / m[0], _ => m[3] - m[2] / m[0] * m[1] }))
            : x;

        // exp(A) = exp(s) (cosh(q) I + sinh(q) / q (A - s I)) with s = tr(A) / 2 and q^2 = -det(A - s I), which may be negative.
        static NdArray Exponential(double[] m)
        {
            double s = (m[0] + m[3]) / 2, square = s * s - Det(m), q = Math.Sqrt(Math.Abs(square));
            var (c, f) = square >= 0 ? (Math.Cosh(q), Math.Sinh(q) / q) : (Math.Cos(q), Math.Sin(q) / q);
            return NdArray.Generate([2, 2], i => Math.Exp(s) * (f * m[2 * i[0] + i[1]] + (i[0] == i[1] ? c - f * s : 0)));
        }
    }
}
