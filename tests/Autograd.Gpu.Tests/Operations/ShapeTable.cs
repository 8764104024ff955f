namespace Autograd.Gpu.Tests;

/// <summary>Rows of the structural table: repeats, flips, diagonals, windows, grids.</summary>
internal static class ShapeTable
{
    public static IEnumerable<Sample> Samples()
    {
        yield return new("MT", [[2, 2, 3]], x => x[0].MT, x => x[0].Permute(0, 2, 1));
        yield return new("SwapAxes", [[2, 1, 3]], x => x[0].SwapAxes(0, -1), x => x[0].Permute(2, 1, 0));
        yield return new("MoveDim of two", [[2, 1, 3]], x => x[0].MoveDim([0, 1], [-1, 0]), x => x[0].Permute(1, 2, 0));
        yield return new("BroadcastTo", [[3, 1]], x => x[0].BroadcastTo([2, 3, 2]), x => x[0].Expand(2, 3, 2));
        yield return new("ExpandAs", [[1, 3], [2, 3]], x => x[0].ExpandAs(x[1]) * x[1], x => NdArray.Generate([2, 3], i => x[0][0, i[1]] * x[1][i]));
        yield return new("ViewAs", [[2, 3], [3, 2]], x => x[0].Contiguous().ViewAs(x[1]) + x[1], x => NdArray.Generate([3, 2], i => x[0].Reshape(3, 2)[i] + x[1][i]));
        yield return new("ReshapeAs", [[2, 3], [3, 2]], x => x[0].T.ReshapeAs(x[1]) * x[1], x => NdArray.Generate([3, 2], i => x[0].Permute(1, 0)[i] * x[1][i]));
        yield return new("Ravel", [[2, 3]], x => x[0].T.Ravel(), x => x[0].Permute(1, 0).Reshape(6));
        yield return new("Unflatten", [[2, 6]], x => x[0].Unflatten(1, 2, -1), x => x[0].Reshape(2, 2, 3));
        yield return new("Atleast3D of a vector", [[3]], x => x[0].Atleast3D(), x => x[0].Reshape(1, 3, 1));
        yield return new("Atleast2D of a number", [[]], x => x[0].Atleast2D(), x => x[0].Reshape(1, 1));
        foreach (long offset in new[] { 0L, 1, -1, 3 })
        {
            yield return new(
                $"Diagonal {offset}", [[2, 3]], x => x[0].Diagonal(offset),
                x => NdArray.Generate([Math.Max(0, offset >= 0 ? Math.Min(2, 3 - offset) : 2 + offset)], i => x[0][i[0] + Math.Max(0, -offset), i[0] + Math.Max(0, offset)]));
            yield return new($"Tril {offset}", [[2, 3]], x => x[0].Tril(offset), x => NdArray.Generate([2, 3], i => i[1] - i[0] <= offset ? x[0][i] : 0));
            yield return new($"Triu {offset}", [[2, 3]], x => x[0].Triu(offset), x => NdArray.Generate([2, 3], i => i[1] - i[0] >= offset ? x[0][i] : 0));
        }

        yield return new("Diagonal of other dims", [[2, 3, 2]], x => x[0].Diagonal(0, 2, 0), x => NdArray.Generate([3, 2], i => x[0][i[1], i[0], i[1]]));
        yield return new("Diag of a vector", [[2]], x => x[0].Diag(1), x => NdArray.Generate([3, 3], i => i[1] == i[0] + 1 ? x[0][i[0]] : 0));
        yield return new("Diag of a matrix", [[3, 2]], x => x[0].Diag(-1), x => NdArray.Generate([2], i => x[0][i[0] + 1, i[0]]));
        yield return new("DiagEmbed", [[2, 2]], x => x[0].DiagEmbed(0, 0, 2), x => NdArray.Generate([2, 2, 2], i => i[0] == i[2] ? x[0][i[1], i[0]] : 0));
        yield return new("Unfold, overlapping", [[5]], x => x[0].Unfold(0, 3, 1), x => NdArray.Generate([3, 3], i => x[0][i[0] + i[1]]));
        yield return new("Unfold of a middle dim", [[2, 4, 2]], x => x[0].Unfold(1, 2, 2), x => NdArray.Generate([2, 2, 2, 2], i => x[0][i[0], 2 * i[1] + i[3], i[2]]));
        yield return new("Unfold with gaps", [[5]], x => x[0].Unfold(0, 1, 2), x => NdArray.Generate([3, 1], i => x[0][2 * i[0]]));
        yield return new("AsStrided, overlapping", [[5]], x => x[0].Clone().Contiguous().AsStrided([3, 2], [1, 2]), x => NdArray.Generate([3, 2], i => x[0][i[0] + 2 * i[1]]));
        yield return new("AsStrided with offset", [[2, 3]], x => x[0].Clone().Contiguous().AsStrided([2], [2], 1), x => NdArray.Generate([2], i => x[0].Values[1 + 2 * i[0]]));
        yield return new("Repeat", [[2, 1]], x => x[0].Repeat(2, 1, 3), x => NdArray.Generate([2, 2, 3], i => x[0][i[1], 0]));
        yield return new("Repeat of a vector", [[2]], x => x[0].Repeat(3), x => NdArray.Generate([6], i => x[0][i[0] % 2]));
        yield return new("Tile", [[2, 2]], x => x[0].Tile(2), x => NdArray.Generate([2, 4], i => x[0][i[0], i[1] % 2]));
        yield return new("RepeatInterleave", [[2, 2]], x => x[0].RepeatInterleave(2, 1), x => NdArray.Generate([2, 4], i => x[0][i[0], i[1] / 2]));
        yield return new("RepeatInterleave of all", [[2, 2]], x => x[0].RepeatInterleave(2), x => NdArray.Generate([8], i => x[0].Values[i[0] / 2]));
        yield return new(
            "RepeatInterleave by a tensor", [[3, 2]], x => x[0].RepeatInterleave(Tensor.FromArray([2L, 0, 1], x[0].Device), 0),
            x => NdArray.Generate([3, 2], i => x[0][i[0] == 2 ? 2 : 0, i[1]]));
        yield return new("Flip", [[2, 3]], x => x[0].Flip(0, -1), x => NdArray.Generate([2, 3], i => x[0][1 - i[0], 2 - i[1]]));
        yield return new("Flip of a transpose", [[2, 3]], x => x[0].T.Flip(0), x => NdArray.Generate([3, 2], i => x[0][i[1], 2 - i[0]]));
        yield return new("Flip of a pending value", [[4]], x => (x[0] * x[0]).Flip(0), x => NdArray.Generate([4], i => x[0][3 - i[0]] * x[0][3 - i[0]]));
        yield return new("Roll", [[2, 3]], x => x[0].Roll(-1, 1), x => NdArray.Generate([2, 3], i => x[0][i[0], (i[1] + 1) % 3]));
        yield return new("Roll of all", [[2, 2]], x => x[0].Roll(5), x => NdArray.Generate([2, 2], i => x[0].Values[(2 * i[0] + i[1] + 3) % 4]));
        yield return new("Roll of two dims", [[2, 3]], x => x[0].Roll([1, 2], [0, 1]), x => NdArray.Generate([2, 3], i => x[0][1 - i[0], (i[1] + 1) % 3]));
        yield return new("Rot90", [[2, 3]], x => x[0].Rot90(), x => NdArray.Generate([3, 2], i => x[0][i[1], 2 - i[0]]));
        yield return new("Rot90 back", [[2, 3]], x => x[0].Rot90(-1), x => NdArray.Generate([3, 2], i => x[0][1 - i[1], i[0]]));
        yield return new("Meshgrid", [[2], [3]], x => Tensor.Meshgrid([x[0], x[1]])[0] * Tensor.Meshgrid([x[0], x[1]])[1], x => NdArray.Generate([2, 3], i => x[0][i[0]] * x[1][i[1]]));
        yield return new("Meshgrid xy", [[2], [3]], x => Tensor.Meshgrid([x[0], x[1]], GridIndexing.Xy)[0] + x[1].Unsqueeze(1), x => NdArray.Generate([3, 2], i => x[0][i[1]] + x[1][i[0]]));
        yield return new("CartesianProd", [[2], [2]], x => Tensor.CartesianProd(x[0], x[1]), x => NdArray.Generate([4, 2], i => i[1] == 0 ? x[0][i[0] / 2] : x[1][i[0] % 2]));
        yield return new("HStack", [[2, 1], [2, 2]], x => Tensor.HStack(x[0], x[1]), x => NdArray.Cat(1, x));
        yield return new("HStack of vectors", [[2], [1]], x => Tensor.HStack(x[0], x[1]), x => NdArray.Cat(0, x));
        yield return new("VStack", [[2], [1, 2]], x => Tensor.VStack(x[0], x[1]), x => NdArray.Cat(0, x[0].Reshape(1, 2), x[1]));
        yield return new("DStack", [[2], [2]], x => Tensor.DStack(x[0], x[1]), x => NdArray.Cat(2, x[0].Reshape(1, 2, 1), x[1].Reshape(1, 2, 1)));
    }
}
