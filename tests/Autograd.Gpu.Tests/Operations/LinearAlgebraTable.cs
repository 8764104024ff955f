namespace Autograd.Gpu.Tests;

/// <summary>Rows of the structural table: products of vectors and matrices, einsum, distances.</summary>
internal static class LinearAlgebraTable
{
    public static IEnumerable<Sample> Samples()
    {
        yield return Row("i,i->", [[3], [3]], x => x[0].Dot(x[1]), "Dot");
        yield return Row("i,j->ij", [[2], [3]], x => x[0].Outer(x[1]), "Outer");
        yield return Row("ii->", [[2, 2]], x => x[0].Trace(), "Trace");
        yield return Row("ij,jk,kl->il", [[2, 1], [1, 3], [3, 1]], x => Tensor.MultiDot([.. x]), "MultiDot");
        yield return Row("ij,jk,kl->il", [[2, 2]], x => x[0].MatrixPower(3), "MatrixPower", x => [x[0], x[0], x[0]]);
        yield return Row("ijk,kjl->il", [[2, 1, 2], [2, 1, 2]], x => x[0].Tensordot(x[1], [1, -1], [1, 0]), "Tensordot over two dims");
        yield return new(
            "Kron",
            [[2, 1], [3]],
            x => x[0].Kron(x[1]),
            x => NdArray.Generate([2, 3], i => x[0][i[0], 0] * x[1][i[1]]));
        yield return new(
            "Addmm",
            [[2], [2, 1], [1, 2]],
            x => x[0].Addmm(x[1], x[2], beta: 0.5, alpha: -2),
            x => NdArray.Generate([2, 2], i => 0.5 * x[0][i[1]] - 2 * x[1][i[0], 0] * x[2][0, i[1]]));
        yield return new(
            "Addbmm",
            [[2, 2, 1], [2, 1, 2]],
            x => x[0][0].Addbmm(x[0], x[1], alpha: 3),
            x => NdArray.Generate([2, 2], i => x[0][0, i[0], 0] + 3 * (x[0][0, i[0], 0] * x[1][0, 0, i[1]] + x[0][1, i[0], 0] * x[1][1, 0, i[1]])));
        yield return new(
            "Cross",
            [[1, 3], [2, 3]],
            x => x[0].Cross(x[1]),
            x => NdArray.Generate([2, 3], i =>
                x[0][0, (i[1] + 1) % 3] * x[1][i[0], (i[1] + 2) % 3] - x[0][0, (i[1] + 2) % 3] * x[1][i[0], (i[1] + 1) % 3]));
        yield return new("Vander", [[2]], x => x[0].Vander(3), x => NdArray.Generate([2, 3], i => Math.Pow(x[0][i[0]], 2 - i[1])));
        yield return new(
            "BlockDiag",
            [[2, 1], [2], []],
            x => Tensor.BlockDiag([.. x]),
            x => NdArray.Generate([4, 4], i => i[0] < 2 && i[1] == 0 ? x[0][i[0], 0] : i[0] == 2 && i[1] is 1 or 2 ? x[1][i[1] - 1] : i[0] == 3 && i[1] == 3 ? x[2].Values[0] : 0));
        foreach (double p in new[] { 2, 3 })
        {
            yield return new(
                $"Cdist {p}",
                [[2, 2], [1, 2]],
                x => x[0].Cdist(x[1], p),
                x => NdArray.Generate([2, 1], i => Math.Pow(Enumerable.Range(0, 2).Sum(k => Math.Pow(Math.Abs(x[0][i[0], k] - x[1][0, k]), p)), 1 / p)));
        }

        yield return new(
            "Pdist",
            [[3, 2]],
            x => x[0].Pdist(),
            x => NdArray.Generate([3], i => Math.Sqrt(Enumerable.Range(0, 2).Sum(k => Math.Pow(x[0][i[0] == 2 ? 1 : 0, k] - x[0][i[0] == 0 ? 1 : 2, k], 2)))));
        yield return new(
            "MatrixNorm 1",
            [[2, 2, 2]],
            x => x[0].MatrixNorm(1, 0, -1),
            x => NdArray.Generate([2], i => Enumerable.Range(0, 2).Max(c => Math.Abs(x[0][0, i[0], c]) + Math.Abs(x[0][1, i[0], c]))));
        yield return Row("bij,bjk->kbi", [[2, 1, 2], [2, 2, 1]], x => Tensor.Einsum("bij,bjk->kbi", [.. x]), "Einsum of stacks");
        yield return Row("iij,kj->ki", [[2, 2, 2], [1, 2]], x => Tensor.Einsum("iij, kj -> ki", [.. x]), "Einsum of a diagonal");
        yield return Row("ijk,kl->ijl", [[2, 1, 2], [2, 2]], x => Tensor.Einsum("...k,kl", [.. x]), "Einsum with an ellipsis");
        yield return Row("ij,j->i", [[2, 3], [1]], x => Tensor.Einsum("ij,j->i", [.. x]), "Einsum that broadcasts");
    }

    private static Sample Row(
        string equation, Shape[] shapes, Func<IReadOnlyList<Tensor>, Tensor> apply, string name, Func<NdArray[], NdArray[]>? operands = null) =>
        new(name, shapes, apply, x => Contract(equation, operands is null ? x : operands(x)));

    /// <summary>Sums of products by loops over all labels at once; sizes of 1 broadcast.</summary>
    public static NdArray Contract(string equation, params NdArray[] operands)
    {
        string[] sides = equation.Split("->");
        string[] terms = sides[0].Split(',');
        char[] labels = [.. sides[0].Replace(",", "", StringComparison.Ordinal).Distinct()];
        long SizeOf(char label) => terms.SelectMany((t, k) => t.Select((c, d) => c == label ? operands[k].Shape[d] : 1)).FirstOrDefault(size => size != 1, 1);
        var shape = sides[1].Select(SizeOf).ToArray();
        var sums = new double[shape.Aggregate(1L, (a, b) => a * b)];
        foreach (var index in NdArray.Indices([.. labels.Select(SizeOf)]))
        {
            long At(char label) => index[Array.IndexOf(labels, label)];
            double product = 1;
            for (int k = 0; k < terms.Length; k++)
            {
                var operand = operands[k];
                product *= operand[[.. terms[k].Select((c, d) => operand.Shape[d] == 1 ? 0 : At(c))]];
            }

            long place = 0;
            for (int d = 0; d < shape.Length; d++)
            {
                place = place * shape[d] + At(sides[1][d]);
            }

            sums[place] += product;
        }

        return new NdArray(shape, sums);
    }
}
