namespace Autograd.Gpu.Tests;

/// <summary>Rows of the structural table: writes at places that an index names, and other forms in place.</summary>
internal static class InPlaceTable
{
    public static IEnumerable<Sample> Samples() => [.. Indexed(), .. Whole()];

    private static IEnumerable<Sample> Indexed()
    {
        static Tensor At(Tensor like, params long[] index) => Tensor.FromArray(index, like.Device);
        static Tensor Columns(Tensor like) => Tensor.FromArray(new[,] { { 2L, 0 }, { 1, 1 } }, like.Device);
        yield return Row(
            "IndexAdd_", [[3, 2], [2, 2]], (y, x) => y.IndexAdd_(0, At(y, 2, 2), x[1], 3),
            x => NdArray.Generate([3, 2], i => x[0][i] + (i[0] == 2 ? 3 * (x[1][0, i[1]] + x[1][1, i[1]]) : 0)));
        yield return Row(
            "IndexCopy_", [[3, 2], [3, 1]], (y, x) => y.IndexCopy_(1, At(y, 1), x[1]), x => NdArray.Generate([3, 2], i => i[1] == 1 ? x[1][i[0], 0] : x[0][i]));
        yield return Row("IndexFill_", [[3, 2]], (y, _) => y.IndexFill_(0, At(y, 0, 2), 7), x => NdArray.Generate([3, 2], i => i[0] == 1 ? x[0][i] : 7));
        yield return Row(
            "IndexPut_", [[3, 2], [3]], (y, x) => y.IndexPut_([At(y, 2, 0, 2), At(y, 1, 0, 1)], x[1], accumulate: true),
            x => NdArray.Generate([3, 2], i => x[0][i] + (i is [2, 1] ? x[1][0] + x[1][2] : i is [0, 0] ? x[1][1] : 0)));
        yield return Row(
            "IndexReduce_", [[2, 2], [2, 2]], (y, x) => y.IndexReduce_(0, At(y, 1, 1), x[1], ScatterReduction.Amax),
            x => NdArray.Generate([2, 2], i => i[0] == 0 ? x[0][i] : Math.Max(x[0][i], Math.Max(x[1][0, i[1]], x[1][1, i[1]]))));
        yield return Row(
            "MaskedScatter_", [[2, 2], [3]], (y, x) => y.MaskedScatter_(Tensor.FromArray(new[,] { { false, true }, { true, false } }, y.Device), x[1]),
            x => NdArray.Generate([2, 2], i => i[0] == i[1] ? x[0][i] : x[1][i[0]]));
        yield return Row("Put_", [[2, 2], [2]], (y, x) => y.Put_(At(y, 3, -4), x[1]), x => NdArray.Generate([2, 2], i => i[0] != i[1] ? x[0][i] : x[1][1 - i[0]]));
        yield return Row(
            "Scatter_", [[2, 3], [2, 2]], (y, x) => y.Scatter_(1, At(y, 2, 0, 1, 0).Reshape(2, 2), x[1]),
            x => NdArray.Generate([2, 3], i => (i[0], i[1]) switch { (0, 2) => x[1][0, 0], (0, 0) => x[1][0, 1], (1, 1) => x[1][1, 0], (1, 0) => x[1][1, 1], _ => x[0][i] }));
        yield return Row(
            "ScatterAdd_", [[2, 3], [2, 2]], (y, x) => y.ScatterAdd_(1, Columns(y), x[1]),
            x => NdArray.Generate([2, 3], i => x[0][i] + ((i[0], i[1]) switch { (0, 2) => x[1][0, 0], (0, 0) => x[1][0, 1], (1, 1) => x[1][1, 0] + x[1][1, 1], _ => 0 })));
        yield return Row(
            "ScatterReduce_", [[2, 3], [2, 2]], (y, x) => y.ScatterReduce_(1, Columns(y), x[1], ScatterReduction.Prod),
            x => NdArray.Generate([2, 3], i => x[0][i] * ((i[0], i[1]) switch { (0, 2) => x[1][0, 0], (0, 0) => x[1][0, 1], (1, 1) => x[1][1, 0] * x[1][1, 1], _ => 1 })));
    }

    private static IEnumerable<Sample> Whole()
    {
        yield return Row("Copy_", [[2, 3], [2]], (y, x) => y[1..].Copy_(x[1].Narrow(0, 1, 1)), x => NdArray.Generate([2, 3], i => i[0] == 1 ? x[1][1] : x[0][i]));
        yield return Row(
            "Fill_ and Zero_", [[4]], (y, _) =>
            {
                y[..1].Fill_(3);
                y[3..].Zero_();
            },
            x => NdArray.Generate([4], i => i[0] switch { 0 => 3, 3 => 0, _ => x[0][i] }));
        yield return Row(
            "Renorm_", [[2, 3]], (y, _) => y.Renorm_(2, 0, 1.5),
            x => NdArray.Generate([2, 3], i => x[0][i] * (Math.Sqrt(Enumerable.Range(0, 3).Sum(j => x[0][i[0], j] * x[0][i[0], j])) is var n && n > 1.5 ? 1.5 / (n + 1e-7) : 1)));
        yield return Row("x[0] = 5 and x[mask] = 7", [[3, 2]], (y, _) =>
        {
            y[0] = 5;
            y[Tensor.FromArray([false, false, true], y.Device)] = 7;
        }, x => NdArray.Generate([3, 2], i => i[0] switch { 0 => 5, 1 => x[0][i], _ => 7 }));
        yield return Answer("comparisons in place", (y, b) => [y().Eq_(b), y().Ne_(b), y().Lt_(b), y().Le_(b), y().Gt_(b), y().Ge_(b)], (a, b) => [a == b, a != b, a < b, a <= b, a > b, a >= b]);
        yield return Answer(
            "answers in place", (y, b) => [y().LogicalAnd_(b), y().LogicalOr_(b), y().LogicalXor_(b), y().LogicalNot_()], (a, b) => [a != 0 && b != 0, a != 0 || b != 0, a != 0 != (b != 0), a == 0]);
    }

    /// <summary>A copy of the first input, written to. It is a batch wherever another input is one, as what is written into it would not fit otherwise.</summary>
    private static Sample Row(string name, Shape[] shapes, Action<Tensor, IReadOnlyList<Tensor>> write, Func<NdArray[], NdArray> oracle) => new(name, shapes, x =>
    {
        var y = x.Skip(1).Aggregate(x[0] * 1, (copy, other) => copy + 0 * other.Sum());
        write(y, x);
        return y;
    }, oracle);

    /// <summary>Answers of whole numbers, packed into one number each; their derivatives are zero.</summary>
    private static Sample Answer(string name, Func<Func<Tensor>, Tensor, Tensor[]> write, Func<double, double, bool[]> oracle) => new(
        name, [[2, 3], [3]],
        x => write(() => x[0].Round() + 0 * x[1].Sum(), x[1].Round()).Select((answer, k) => answer.Detach() * (1 << k)).Aggregate((a, b) => a + b).To(DType.Int64),
        x => NdArray.Generate([2, 3], i => oracle(Math.Round(x[0][i]), Math.Round(x[1][i[1]])).Select((answer, k) => answer ? 1 << k : 0).Sum()))
    { IsDifferentiable = false };
}
