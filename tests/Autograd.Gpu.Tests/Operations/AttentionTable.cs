using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Tests;

/// <summary>Rows of the structural table: attention.</summary>
internal static class AttentionTable
{
    public static IEnumerable<Sample> Samples()
    {
        yield return new(
            "Attention", [[2, 2], [3, 2], [3, 1]], x => Functional.ScaledDotProductAttention(x[0], x[1], x[2]), x => Oracle(x[0], x[1], x[2], Math.Sqrt(0.5)));
        yield return new(
            "Attention of heads, causal",
            [[2, 2, 2], [2, 2, 2], [1, 2, 2]],
            x => Functional.ScaledDotProductAttention(x[0], x[1], x[2], isCausal: true, scale: 2),
            x => Oracle(x[0], x[1], x[2], 2, (_, i, j) => j <= i ? 0 : double.NegativeInfinity));
        yield return new(
            "Attention with a mask",
            [[1, 2, 2, 1], [3, 1], [2, 3, 1]],
            x => Functional.ScaledDotProductAttention(x[0], x[1], x[2], Tensor.FromArray(new[,] { { true, false, true }, { false, false, false } }, x[0].Device)),
            x => Oracle(x[0], x[1], x[2], 1, (_, i, j) => i == 0 && j != 1 ? 0 : double.NegativeInfinity));
        yield return new(
            "Attention with grouped heads",
            [[2, 2, 1], [1, 2, 1], [1, 2, 1]],
            x => Functional.ScaledDotProductAttention(x[0], x[1], x[2], enableGqa: true),
            x => Oracle(x[0], x[1], x[2], 1));
        yield return new(
            "Attention with a mask that learns",
            [[2, 1], [2, 1], [2, 1], [2]],
            x => Functional.ScaledDotProductAttention(x[0], x[1], x[2], x[3]),
            x => Oracle(x[0], x[1], x[2], 1, (_, _, j) => x[3][j]));
        yield return new(
            "Attention to nothing",
            [[2, 2], [0, 2], [0, 1]],
            x => Functional.ScaledDotProductAttention(x[0], x[1], x[2]),
            _ => NdArray.Generate([2, 1], _ => 0));
    }

    /// <summary>The definition, row by row; leading dimensions broadcast; a row of minus infinities is zero.</summary>
    public static NdArray Oracle(NdArray q, NdArray k, NdArray v, double scale, Func<long[], long, long, double>? added = null)
    {
        int rank = Math.Max(q.Rank, Math.Max(k.Rank, v.Rank));
        var lead = new long[rank - 2];
        for (int d = 0; d < lead.Length; d++)
        {
            lead[d] = new[] { q, k, v }.Max(x => d - lead.Length + x.Rank - 2 < 0 ? 1 : x.Shape[d - lead.Length + x.Rank - 2]);
        }

        long queries = q.Shape[^2], keys = k.Shape[^2];
        double At(NdArray x, long[] at, long row, long column)
        {
            long[] own = at[(at.Length - x.Rank + 2)..];
            return x[[.. own.Select((i, d) => x.Shape[d] == 1 ? 0 : i), row, column]];
        }

        return NdArray.Generate([.. lead, queries, v.Shape[^1]], at =>
        {
            long[] head = at[..^2];
            long i = at[^2];
            var scores = new double[keys];
            for (long j = 0; j < keys; j++)
            {
                for (long e = 0; e < q.Shape[^1]; e++)
                {
                    scores[j] += scale * At(q, head, i, e) * At(k, head, j, e);
                }

                scores[j] += added?.Invoke(head, i, j) ?? 0;
            }

            double sum = scores.Sum(Math.Exp), result = 0;
            for (long j = 0; j < keys && sum > 0; j++)
            {
                result += Math.Exp(scores[j]) / sum * At(v, head, j, at[^1]);
            }

            return result;
        });
    }
}
