using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Tests;

/// <summary>One use of a structural operation: what it is applied to, and what it computes by plain loops.</summary>
internal sealed record Sample(string Name, Shape[] Shapes, Func<IReadOnlyList<Tensor>, Tensor> Apply, Func<NdArray[], NdArray> Oracle)
{
    public (double Low, double High) Domain { get; init; } = (-2, 2);

    /// <summary>Whether the result is recorded; indices are not.</summary>
    public bool IsDifferentiable { get; init; } = true;

    public override string ToString() => Name;
}

/// <summary>The structural operations: a new one is a new row.</summary>
internal static class StructuralTable
{
    /// <summary>The dtypes in which values are compared with the oracle, on every device.</summary>
    public static IReadOnlyList<DType> DTypes { get; } = [DType.Float32, DType.Float64];

    public static IReadOnlyList<Sample> Samples { get; } =
    [
        .. Reductions(),
        .. Products(),
        .. Views(),
        .. Indexing(),
        .. Joins(),
        .. Losses(),
        .. ShapeTable.Samples(),
        .. MomentTable.Samples(),
        .. IndexTable.Samples(),
        .. ConvolutionTable.Samples(),
        .. PoolTable.Samples(),
        .. ResampleTable.Samples(),
        .. AttentionTable.Samples(),
        .. LookupTable.Samples(),
        .. LossTable.Samples(),
        .. RecurrentTable.Samples(),
        .. LinearAlgebraTable.Samples(),
        .. DecompositionTable.Samples(),
        .. RowTable.Samples(),
        .. NormTable.Samples(),
        .. CtcTests.Rows(),
        .. ArrangeTable.Samples(),
        .. DerivedTable.Samples(),
        .. InPlaceTable.Samples(),
    ];

    private static IEnumerable<Sample> Reductions()
    {
        static double Product(double[] v) => v.Aggregate(1.0, (a, b) => a * b);
        foreach (var (shape, dims, keepDim) in new (Shape, int[], bool)[]
        {
            ([2, 3], [], false), ([], [], false), ([5], [0], true), ([2, 3], [0], false), ([2, 3], [-1], true), ([2, 2, 2], [1], false),
            ([2, 2, 2], [0, 2], false), ([2, 2, 2], [1, 2], true), ([2, 1, 3], [0, 1, 2], false), ([1, 2], [0], false),
        })
        {
            string where = $"{shape} over [{string.Join(", ", dims)}]{(keepDim ? " kept" : "")}";
            yield return new($"Sum {where}", [shape], x => x[0].Sum(dims, keepDim), x => x[0].Reduce(dims, keepDim, v => v.Sum()));
            yield return new($"Mean {where}", [shape], x => x[0].Mean(dims, keepDim), x => x[0].Reduce(dims, keepDim, v => v.Average()));
            yield return new($"Amax {where}", [shape], x => x[0].Amax(dims, keepDim), x => x[0].Reduce(dims, keepDim, v => v.Max()));
            yield return new($"Amin {where}", [shape], x => x[0].Amin(dims, keepDim), x => x[0].Reduce(dims, keepDim, v => v.Min()));
        }

        foreach (int dim in new[] { 0, 1, -1 })
        {
            yield return new($"Max of [2, 3, 2] over {dim}", [[2, 3, 2]], x => x[0].Max(dim).Values, x => x[0].Reduce([dim], false, v => v.Max()));
            yield return new($"Min of [2, 3, 2] over {dim} kept", [[2, 3, 2]], x => x[0].Min(dim, true).Values, x => x[0].Reduce([dim], true, v => v.Min()));
            yield return new(
                $"ArgMax of [2, 3, 2] over {dim}", [[2, 3, 2]], x => x[0].ArgMax(dim), x => x[0].Reduce([dim], false, v => Array.IndexOf(v, v.Max())))
            { IsDifferentiable = false };
            yield return new(
                $"Indices of Min over {dim}", [[2, 3, 2]], x => x[0].Min(dim).Indices, x => x[0].Reduce([dim], false, v => Array.IndexOf(v, v.Min())))
            { IsDifferentiable = false };
        }

        yield return new("Max of all", [[2, 3]], x => x[0].Max(), x => x[0].Reduce([], false, v => v.Max()));
        yield return new("Min of all", [[2, 3]], x => x[0].Min(), x => x[0].Reduce([], false, v => v.Min()));
        yield return new("ArgMin of all", [[2, 3]], x => x[0].ArgMin(), x => x[0].Reduce([], false, v => Array.IndexOf(v, v.Min()))) { IsDifferentiable = false };
        yield return new("ArgMax of all, kept", [[2, 3]], x => x[0].ArgMax(null, true), x => x[0].Reduce([], true, v => Array.IndexOf(v, v.Max())))
        { IsDifferentiable = false };
        yield return new("SumToSize [2, 1]", [[2, 3]], x => x[0].SumToSize([2, 1]), x => x[0].Reduce([1], true, v => v.Sum()));
        yield return new("SumToSize [3]", [[2, 1, 3]], x => x[0].SumToSize([3]), x => x[0].Reduce([0, 1], false, v => v.Sum()));
        yield return new("Sum of a product", [[2, 3], [3]], x => (x[0] * x[1]).Sum(0), x => NdArray.Generate([3], i => (x[0][0, i[0]] + x[0][1, i[0]]) * x[1][i]));
        yield return new(
            "product of sums",
            [[2, 3]],
            x => x[0].Sum(0) * x[0].Sum([1], keepDim: true),
            x => NdArray.Generate([2, 3], i => (x[0][0, i[1]] + x[0][1, i[1]]) * (x[0][i[0], 0] + x[0][i[0], 1] + x[0][i[0], 2])));
        yield return new(
            "product of an axis by logarithms",
            [[2, 3]],
            x => x[0].Log().Sum(1).Exp(),
            x => x[0].Reduce([1], false, Product))
        { Domain = (0.5, 2) };
    }

    private static IEnumerable<Sample> Products()
    {
        foreach (var (a, b) in new (Shape, Shape)[]
        {
            ([3], [3]), ([2, 3], [3]), ([3], [3, 2]), ([2, 3], [3, 2]), ([2, 2, 2], [2, 3]), ([2, 2, 2], [2, 2, 1]), ([2, 1, 1, 2], [2, 2, 1]),
            ([2], [2, 2, 2]), ([2, 2, 2], [2]), ([1, 2, 2], [2, 2, 1]), ([1, 1], [1, 1]), ([2, 0], [0, 2]), ([2, 0, 3], [3, 2]),
        })
        {
            yield return new($"MatMul {a} {b}", [a, b], x => x[0].MatMul(x[1]), x => NdArray.MatMul(x[0], x[1]));
        }

        yield return new("MatMul with transposed left", [[3, 2], [3, 2]], x => x[0].T.MatMul(x[1]), x => NdArray.MatMul(x[0].Permute(1, 0), x[1]));
        yield return new("MatMul with transposed right", [[2, 3], [2, 3]], x => x[0].MatMul(x[1].T), x => NdArray.MatMul(x[0], x[1].Permute(1, 0)));
        yield return new("MatMul with itself", [[2, 2]], x => x[0].MatMul(x[0]), x => NdArray.MatMul(x[0], x[0]));
        yield return new(
            "MatMul of a slice", [[3, 4], [2, 2]], x => x[0][1.., TensorIndex.Slice(0, 4, 2)].MatMul(x[1]), x => NdArray.MatMul(x[0].Slice(0, 1, 1, 2).Slice(1, 0, 2, 2), x[1]));
        yield return new(
            "MatMul of an expanded matrix",
            [[1, 2], [2, 2]],
            x => x[0].Expand(3, 2).MatMul(x[1]),
            x => NdArray.MatMul(x[0].Expand(3, 2), x[1]));
        yield return new(
            "Linear",
            [[2, 3], [2, 3], [2]],
            x => Functional.Linear(x[0], x[1], x[2]),
            x => NdArray.Generate([2, 2], i => NdArray.MatMul(x[0], x[1].Permute(1, 0))[i] + x[2][i[1]]));
    }

    private static IEnumerable<Sample> Views()
    {
        yield return new("Reshape", [[2, 3]], x => x[0].Reshape(3, -1), x => x[0].Reshape(3, 2));
        yield return new("Reshape to 0-d", [[1, 1]], x => x[0].Reshape(), x => x[0].Reshape());
        yield return new("Reshape of a transpose", [[2, 3]], x => x[0].T.Reshape(6), x => x[0].Permute(1, 0).Reshape(6));
        yield return new("View", [[2, 2, 2]], x => x[0].Contiguous().View(4, 2), x => x[0].Reshape(4, 2));
        yield return new("Flatten", [[2, 2, 2]], x => x[0].Flatten(1), x => x[0].Reshape(2, 4));
        yield return new("Permute", [[2, 1, 3]], x => x[0].Permute(2, 0, -2), x => x[0].Permute(2, 0, 1));
        yield return new("Transpose", [[2, 3, 1]], x => x[0].Transpose(0, -2), x => x[0].Permute(1, 0, 2));
        yield return new("Transpose of a dimension with itself", [[2, 3]], x => x[0].Transpose(1, -1), x => x[0].Permute(0, 1));
        yield return new("T", [[2, 3]], x => x[0].T, x => x[0].Permute(1, 0));
        yield return new("Expand", [[2, 1]], x => x[0].Expand(2, 2, 3), x => x[0].Expand(2, 2, 3));
        yield return new("Expand keeping sizes", [[1, 3]], x => x[0].Expand(2, -1), x => x[0].Expand(2, 3));
        yield return new("Expand of 0-d", [[]], x => x[0].Expand(3), x => x[0].Expand(3));
        yield return new("Select", [[2, 3, 4]], x => x[0].Select(1, -1), x => NdArray.Generate([2, 4], i => x[0][i[0], 2, i[1]]));
        yield return new("Squeeze", [[1, 2, 1, 3]], x => x[0].Squeeze(), x => x[0].Reshape(2, 3));
        yield return new("Squeeze of a dim", [[1, 2, 1]], x => x[0].Squeeze(-1), x => x[0].Reshape(1, 2));
        yield return new("Unsqueeze", [[2, 3]], x => x[0].Unsqueeze(1), x => x[0].Reshape(2, 1, 3));
        yield return new("Unsqueeze at the end", [[3]], x => x[0].Unsqueeze(-1), x => x[0].Reshape(3, 1));
        yield return new("Narrow", [[2, 4]], x => x[0].Narrow(1, 1, 2), x => x[0].Slice(1, 1, 1, 2));
        yield return new("Narrow from the end", [[4, 2]], x => x[0].Narrow(0, -2, 2), x => x[0].Slice(0, 2, 1, 2));
        yield return new("Narrow to nothing", [[3, 2]], x => x[0].Narrow(0, 1, 0), x => x[0].Slice(0, 1, 1, 0));
        yield return new("Select", [[3, 2]], x => x[0].Select(0, 1), x => x[0].Slice(0, 1, 1, 1).Reshape(2));
        yield return new("Select of the last", [[2, 3]], x => x[0].Select(-1, -1), x => x[0].Slice(1, 2, 1, 1).Reshape(2));
        yield return new("Clone", [[2, 3]], x => x[0].Clone(), x => x[0]);
        yield return new("Clone of a transpose", [[2, 3]], x => x[0].T.Clone(), x => x[0].Permute(1, 0));
        yield return new("Contiguous", [[2, 3]], x => x[0].T.Contiguous(), x => x[0].Permute(1, 0));
        yield return new("a view of a view of a product", [[2, 3]], x => (x[0] * x[0]).T.Narrow(0, 1, 2).Reshape(4), x => x[0].Map(v => v * v).Permute(1, 0).Slice(0, 1, 1, 2).Reshape(4));
    }

    private static IEnumerable<Sample> Indexing()
    {
        yield return new("x[1]", [[3, 2]], x => x[0][1], x => x[0].Slice(0, 1, 1, 1).Reshape(2));
        yield return new("x[^1, 0]", [[3, 2]], x => x[0][^1, 0], x => x[0].Slice(0, 2, 1, 1).Slice(1, 0, 1, 1).Reshape());
        yield return new("x[1..3]", [[4, 2]], x => x[0][1..3], x => x[0].Slice(0, 1, 1, 2));
        yield return new("x[.., ..^1]", [[2, 3]], x => x[0][.., ..^1], x => x[0].Slice(1, 0, 1, 2));
        yield return new("x[::2]", [[5]], x => x[0][TensorIndex.Slice(step: 2)], x => x[0].Slice(0, 0, 2, 3));
        yield return new("x[1:-1:3]", [[9]], x => x[0][TensorIndex.Slice(1, -1, 3)], x => x[0].Slice(0, 1, 3, 3));
        yield return new("x[-100:100]", [[3]], x => x[0][TensorIndex.Slice(-100, 100)], x => x[0]);
        yield return new("x[2:1]", [[3]], x => x[0][2..1], x => x[0].Slice(0, 0, 1, 0));
        yield return new("x[..., 1]", [[2, 2, 2]], x => x[0][TensorIndex.Ellipsis, 1], x => x[0].Slice(2, 1, 1, 1).Reshape(2, 2));
        yield return new("x[0, ..., 1:]", [[2, 2, 2]], x => x[0][0, TensorIndex.Ellipsis, 1..], x => x[0].Slice(0, 0, 1, 1).Slice(2, 1, 1, 1).Reshape(2, 1));
        yield return new("x[None, :, None]", [[3]], x => x[0][TensorIndex.NewAxis, .., TensorIndex.NewAxis], x => x[0].Reshape(1, 3, 1));
        yield return new("x[...]", [[2, 2]], x => x[0][TensorIndex.Ellipsis], x => x[0]);
        yield return new("x[0] * x[1]", [[2, 3]], x => x[0][0] * x[0][1], x => NdArray.Generate([3], i => x[0][0, i[0]] * x[0][1, i[0]]));
        yield return new("x[1:] * x[:-1]", [[4]], x => x[0][1..] * x[0][..^1], x => NdArray.Generate([3], i => x[0][i[0] + 1] * x[0][i]));
    }

    private static IEnumerable<Sample> Joins()
    {
        yield return new("Cat", [[2, 2], [1, 2]], x => Tensor.Cat(x), x => NdArray.Cat(0, x));
        yield return new("Cat along the last", [[2, 2], [2, 1], [2, 2]], x => Tensor.Cat(x, -1), x => NdArray.Cat(1, x));
        yield return new("Cat with nothing", [[2], [0], [1]], x => Tensor.Cat(x), x => NdArray.Cat(0, x));
        yield return new("Cat of one with itself", [[2, 2]], x => Tensor.Cat([x[0], x[0]], 1), x => NdArray.Cat(1, x[0], x[0]));
        yield return new("Cat of pending values", [[2], [2]], x => Tensor.Cat([x[0] * x[1], x[0] + x[1]]), x => NdArray.Generate([4], i => i[0] < 2 ? x[0][i] * x[1][i] : x[0][i[0] - 2] + x[1][i[0] - 2]));
        yield return new("Stack", [[2], [2]], x => Tensor.Stack(x), x => NdArray.Cat(0, x[0].Reshape(1, 2), x[1].Reshape(1, 2)));
        yield return new("Stack along the last", [[2], [2]], x => Tensor.Stack(x, -1), x => NdArray.Cat(1, x[0].Reshape(2, 1), x[1].Reshape(2, 1)));
        yield return new("Stack of 0-d", [[], []], x => Tensor.Stack(x), x => NdArray.Cat(0, x[0].Reshape(1), x[1].Reshape(1)));
    }

    private static IEnumerable<Sample> Losses()
    {
        static double[] Softmax(double[] v) => Array.ConvertAll(v, e => Math.Exp(e) / v.Sum(Math.Exp));
        foreach (var (shape, dim) in new (Shape, int)[] { ([4], 0), ([2, 3], 1), ([2, 3], 0), ([2, 2, 2], 1), ([2, 1], -1) })
        {
            yield return new($"Softmax of {shape} over {dim}", [shape], x => x[0].Softmax(dim), x => x[0].AlongDim(dim, Softmax));
            yield return new(
                $"LogSoftmax of {shape} over {dim}", [shape], x => x[0].LogSoftmax(dim), x => x[0].AlongDim(dim, v => Array.ConvertAll(Softmax(v), Math.Log)));
        }

        foreach (var reduction in Enum.GetValues<LossReduction>())
        {
            yield return new(
                $"CrossEntropy, {reduction}",
                [[2, 3]],
                x => Functional.CrossEntropy(x[0], Tensor.FromArray(new long[] { 2, 0 }, x[0].Device), reduction: reduction),
                x => Reduced(NdArray.Generate([2], i => -Math.Log(x[0].AlongDim(1, Softmax)[i[0], i[0] == 0 ? 2 : 0])), reduction));
            yield return new(
                $"MseLoss, {reduction}",
                [[2, 2], [2, 2]],
                x => Functional.MseLoss(x[0], x[1], reduction),
                x => Reduced(NdArray.Generate([2, 2], i => (x[0][i] - x[1][i]) * (x[0][i] - x[1][i])), reduction));
        }
    }

    private static NdArray Reduced(NdArray losses, LossReduction reduction) => reduction switch
    {
        LossReduction.None => losses,
        LossReduction.Mean => losses.Reduce([], false, v => v.Average()),
        _ => losses.Reduce([], false, v => v.Sum()),
    };
}
