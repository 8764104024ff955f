using Autograd.Gpu.Nn;
using static Autograd.Gpu.Nn.Functional;

namespace Autograd.Gpu.Tests;

/// <summary>Rows of the structural table: operations that are other names or forms of those of the other tables, several to a row.</summary>
internal static class DerivedTable
{
    public static IEnumerable<Sample> Samples() => [.. Products(), .. Parts(), .. Answers(), .. Functions()];

    private static IEnumerable<Sample> Products()
    {
        yield return new(
            "Addmv", [[2], [2, 3], [3]], x => x[0].Addmv(x[1], x[2], 2, 3), x => NdArray.Generate([2], i => 2 * x[0][i] + 3 * Enumerable.Range(0, 3).Sum(k => x[1][i[0], k] * x[2][k])));
        yield return new("Addr", [[2, 3], [2], [3]], x => x[0].Addr(x[1], x[2], alpha: 2), x => NdArray.Generate([2, 3], i => x[0][i] + 2 * x[1][i[0]] * x[2][i[1]]));
        yield return new("Inner of Ger", [[2], [3]], x => x[0].Ger(x[1]).Inner(x[1]), x => x[0].Map(v => v * x[1].Values.Sum(w => w * w)));
        yield return new("Mv of Mm", [[2, 1], [1, 2], [2]], x => x[0].Mm(x[1]).Mv(x[2]), x => NdArray.Generate([2], i => x[0][i[0], 0] * (x[1][0, 0] * x[2][0] + x[1][0, 1] * x[2][1])));
        yield return new(
            "Bmm of Baddbmm", [[2, 1, 1], [2, 1, 2], [2, 2, 1]], x => x[0].Baddbmm(x[1], x[2], beta: 3).Bmm(x[0]),
            x => NdArray.Generate([2, 1, 1], i => x[0][i] * (3 * x[0][i] + x[1][i[0], 0, 0] * x[2][i[0], 0, 0] + x[1][i[0], 0, 1] * x[2][i[0], 1, 0])));
        yield return new("Vdot of ChainMatmul", [[1, 1], [1, 2], [2]], x => Tensor.ChainMatmul(x[0], x[1])[0].Vdot(x[2]), x => NdArray.Generate([], _ => x[0][0, 0] * (x[1][0, 0] * x[2][0] + x[1][0, 1] * x[2][1])));
        yield return new("VectorNorm 3 over 1", [[2, 3]], x => x[0].VectorNorm(3, [1]), x => x[0].Reduce([1], false, v => Math.Cbrt(v.Sum(e => Math.Abs(e * e * e)))));
    }

    private static IEnumerable<Sample> Parts()
    {
        yield return new(
            "Split, Chunk and Unbind", [[4, 2]], x => x[0].Split([1, 2, 1])[1] * x[0].Chunk(2)[0] + x[0].Split(3)[1] * x[0].Unbind()[3],
            x => NdArray.Generate([2, 2], i => x[0][i[0] + 1, i[1]] * x[0][i] + x[0][3, i[1]] * x[0][3, i[1]]));
        yield return new(
            "StdMean", [[2, 3]], x => x[0].StdMean([1]) is var (std, mean) ? std * mean : x[0], x => x[0].Reduce([1], false, v => v.Average() * Math.Sqrt(v.Sum(e => Math.Pow(e - v.Average(), 2)) / 2)));
        yield return new("Atleast1D", [[]], x => x[0].Atleast1D(), x => x[0].Reshape(1));
        yield return new("Double, TypeAs and Cpu", [[3]], x => x[0].Cpu().Double().TypeAs(x[0]).To(x[0].Device), x => x[0]);
        yield return new("PadSequence", [[2], [1]], x => RnnUtils.PadSequence([x[0], x[1]], true, 0.5), x => NdArray.Generate([2, 2], i => i[0] == 0 ? x[0][i[1]] : i[1] == 0 ? x[1][0] : 0.5));
        yield return new(
            "PadPackedSequence", [[2, 2, 1]], x => RnnUtils.PadPackedSequence(RnnUtils.PackPaddedSequence(x[0], [1, 2], enforceSorted: false)).Output,
            x => NdArray.Generate([2, 2, 1], i => i[0] == 1 && i[1] == 0 ? 0 : x[0][i]));
        yield return new(
            "creation", [[3]],
            x =>
            {
                var (dtype, device) = (x[0].DType, x[0].Device);
                var made = Tensor.Arange(3, dtype, device) + Tensor.Linspace(0, 1, 3, dtype, device) + Tensor.Logspace(0, 2, 3, 2, dtype, device) + Tensor.Ones([3], dtype, device) + Tensor.Full([3], 5, dtype, device);
                return x[0] * (made + Tensor.FullLike(x[0], 7) + Tensor.OnesLike(x[0]) + Tensor.ZerosLike(x[0]) + Tensor.TrilIndices(2, 2, device: device)[1] * Tensor.TriuIndices(2, 2, device: device)[1]);
            },
            x => NdArray.Generate([3], i => x[0][i] * (1.5 * i[0] + Math.Pow(2, i[0]) + 1 + 5 + 7 + 1 + (i[0] == 2 ? 1 : 0))));
    }

    private static IEnumerable<Sample> Answers()
    {
        yield return Answer("All and Any", [[2, 3]], x => (x[0] > -1).All(1).LogicalXor((x[0] > 1).Any(1)), x => x[0].Reduce([1], false, v => v.All(e => e > -1) != v.Any(e => e > 1) ? 1 : 0));
        yield return Answer("SignBit", [[4]], x => x[0].SignBit(), x => x[0].Map(v => v < 0 ? 1 : 0));
        yield return Answer("IsClose", [[2, 1], [3]], x => x[0].IsClose(x[1], 0.5, 0.5), x => NdArray.Generate([2, 3], i => Math.Abs(x[0][i[0], 0] - x[1][i[1]]) <= 0.5 + 0.5 * Math.Abs(x[1][i[1]]) ? 1 : 0));
        yield return Answer("IsIn", [[2, 3], [2]], x => x[0].Round().IsIn(x[1].Round()), x => x[0].Map(v => x[1].Values.Any(w => Math.Round(w) == Math.Round(v)) ? 1 : 0));
        yield return Answer("OneHot", [[4]], x => x[0].Abs().Long().OneHot(2) + Functional.OneHot((x[0] > 0).Long(), 2), x => NdArray.Generate([4, 2], i => ((long)Math.Abs(x[0][i[0]]) == i[1] ? 1 : 0) + ((x[0][i[0]] > 0 ? 1 : 0) == i[1] ? 1 : 0)));
        yield return Answer("casts through every type", [[4]], x => (x[0].Abs() * 3).Long().Int().Byte().Half().BFloat16().Float() * x[0].Bool(), x => x[0].Map(v => Math.Truncate(3 * Math.Abs(v))));
        yield return Answer("Histc", [[6]], x => x[0].Histc(4, -2, 2), x => NdArray.Generate([4], i => x[0].Values.Count(v => (long)Math.Floor(v + 2) == i[0])));
        yield return Answer("Histogram", [[6]], x => x[0].Histogram(2, (-1, 1)).Hist, x => NdArray.Generate([2], i => x[0].Values.Count(v => (long)Math.Floor(v + 1) == i[0])));
    }

    private static IEnumerable<Sample> Functions()
    {
        static double Sigmoid(double v) => 1 / (1 + Math.Exp(-v));
        yield return new("Glu", [[2, 4]], x => Glu(x[0]), x => NdArray.Generate([2, 2], i => x[0][i] * Sigmoid(x[0][i[0], i[1] + 2])));
        yield return new("Rrelu at rest", [[4]], x => Rrelu(x[0], 0.1, 0.3), x => x[0].Map(v => v > 0 ? v : 0.2 * v));
        yield return new("Softmax and LogSoftmax as functions", [[2, 3]], x => Softmax(x[0], 1) * LogSoftmax(x[0], 1), x => x[0].AlongDim(1, v => Array.ConvertAll(v, e => Math.Exp(e) / v.Sum(Math.Exp) is var p ? p * Math.Log(p) : 0)));
        yield return new(
            "ApplyRotary of RotaryTables, interleaved", [[2, 2]], x => RotaryTables(2, 2, dtype: x[0].DType, device: x[0].Device) is var (cos, sin) ? ApplyRotary(x[0], cos, sin, true) : x[0],
            x => NdArray.Generate([2, 2], i => Math.Cos(i[0]) * x[0][i] + (i[1] == 0 ? -1 : 1) * Math.Sin(i[0]) * x[0][i[0], 1 - i[1]]));
        yield return new(
            "ApplyRotary", [[2, 4], [2, 2], [2, 2]], x => ApplyRotary(x[0], x[1], x[2]),
            x => NdArray.Generate([2, 4], i => i[1] % 2 is var k && i[1] < 2 ? x[0][i] * x[1][i[0], k] - x[0][i[0], k + 2] * x[2][i[0], k] : x[0][i] * x[1][i[0], k] + x[0][i[0], k] * x[2][i[0], k]));
    }

    private static Sample Answer(string name, Shape[] shapes, Func<IReadOnlyList<Tensor>, Tensor> apply, Func<NdArray[], NdArray> oracle) =>
        new(name, shapes, x => apply(x).To(DType.Int64), oracle) { IsDifferentiable = false };
}
