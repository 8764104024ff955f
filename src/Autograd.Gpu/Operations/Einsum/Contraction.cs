namespace Autograd.Gpu.Operations;

/// <summary>
/// Sums of products of tensors whose dimensions have labels: the elements with equal labels are multiplied, and what the result does not name is summed. Made of views,
/// sums, and one matrix product (or fused multiplication) for each pair, so that derivatives and batches come from these.
/// </summary>
internal static class Contraction
{
    public static bool IsHalf(DType dtype) => dtype is DType.Float16 or DType.BFloat16;

    /// <summary>The result with dimensions <paramref name="output"/>. A label's sizes are equal, or 1, which broadcasts.</summary>
    public static Tensor Of(IReadOnlyList<Tensor> operands, IReadOnlyList<int[]> labels, int[] output)
    {
        if (IsHalf(operands[0].DType))
        {
            return Of([.. operands.Select(x => x.To(DType.Float32))], labels, output).To(operands[0].DType);
        }

        var sizes = Sizes(operands, labels);
        var terms = new List<Term>(operands.Count);
        for (int k = 0; k < operands.Count; k++)
        {
            terms.Add(Term.Of(operands[k], labels[k], sizes));
        }

        var kept = Mask(output);
        if (terms.Count == 2)
        {
            terms[0] = Pair(terms[0], terms[1], kept);
        }
        else if (terms.Count > 2)
        {
            var path = new ContractionPath([.. terms.Select(t => Mask(t.Labels))], kept, l => sizes[l]);
            foreach (var (first, second) in path.Find())
            {
                var (a, b) = (terms[first], terms[second]);
                terms.RemoveAt(second);
                terms.RemoveAt(first);
                terms.Add(Pair(a, b, terms.Aggregate(kept, (mask, t) => mask | Mask(t.Labels))));
            }
        }

        var result = terms[0].SumAllBut(kept).Ordered(output);
        return operands.Contains(result) ? result.Permute([.. Enumerable.Range(0, result.Rank)]) : result;
    }

    private static long[] Sizes(IReadOnlyList<Tensor> operands, IReadOnlyList<int[]> labels)
    {
        var sizes = new long[128];
        Array.Fill(sizes, 1);
        for (int k = 0; k < operands.Count; k++)
        {
            var shape = operands[k].Shape;
            for (int d = 0; d < labels[k].Length; d++)
            {
                sizes[labels[k][d]] = shape[d] != 1 ? shape[d] : sizes[labels[k][d]];
            }
        }

        return sizes;
    }

    private static UInt128 Mask(int[] labels)
    {
        UInt128 mask = 0;
        foreach (int label in labels)
        {
            mask |= UInt128.One << label;
        }

        return mask;
    }

    private static bool Has(UInt128 mask, int label) => (mask & (UInt128.One << label)) != 0;

    /// <summary>The labels that are in a set, in their order.</summary>
    private static int[] Within(int[] labels, UInt128 mask) => Array.FindAll(labels, l => Has(mask, l));

    private static Term Pair(Term a, Term b, UInt128 kept)
    {
        a = a.SumAllBut(kept | Mask(b.Labels));
        b = b.SumAllBut(kept | Mask(a.Labels));
        var (inA, inB) = (Mask(a.Labels), Mask(b.Labels));
        int[] batch = Within(a.Labels, inB & kept), inner = Within(a.Labels, inB & ~kept);
        int[] rows = a.ByStride(Within(a.Labels, ~inB)), columns = b.ByStride(Within(b.Labels, ~inA));

        // Without something to sum, or with nothing else to do, a pass over both is less than a matrix product.
        if (inner.Length == 0 || (rows.Length == 0 && columns.Length == 0))
        {
            int[] all = [.. batch, .. rows, .. columns, .. inner];
            var product = a.Spread(all) * b.Spread(all);
            return new Term(product, all).SumAllBut(kept);
        }

        (batch, inner) = Cheapest(a, b, batch, inner, rows, columns);
        var result = a.Merged(batch, rows, inner).MatMul(b.Merged(batch, inner, columns));
        int[] labels = [.. batch, .. rows, .. columns];
        var sizes = new long[labels.Length];
        for (int d = 0; d < sizes.Length; d++)
        {
            sizes[d] = d < batch.Length + rows.Length ? a.SizeOf(labels[d]) : b.SizeOf(labels[d]);
        }

        return new Term(result.Reshape(sizes), labels);
    }

    /// <summary>The order of the shared labels, as they lie in one or the other tensor, that has the fewest elements copied to make matrices.</summary>
    private static (int[] Batch, int[] Inner) Cheapest(Term a, Term b, int[] batch, int[] inner, int[] rows, int[] columns)
    {
        if (batch.Length < 2 && inner.Length < 2)
        {
            return (batch, inner);
        }

        var best = (Batch: batch, Inner: inner, Copied: long.MaxValue);
        foreach (int[] batchOrder in new[] { a.ByStride(batch), b.ByStride(batch) })
        {
            foreach (int[] innerOrder in new[] { a.ByStride(inner), b.ByStride(inner) })
            {
                long copied = a.Copied(batchOrder, rows, innerOrder) + b.Copied(batchOrder, innerOrder, columns);
                if (copied < best.Copied)
                {
                    best = (batchOrder, innerOrder, copied);
                }
            }
        }

        return (best.Batch, best.Inner);
    }

    /// <summary>A tensor and the labels of its dimensions, all different.</summary>
    private readonly record struct Term(Tensor Value, int[] Labels)
    {
        /// <summary>An operand with its diagonals taken where a label is repeated, and without dimensions of size 1 that only broadcast.</summary>
        public static Term Of(Tensor value, int[] labels, long[] sizes)
        {
            for (int d = 0; d < labels.Length; d++)
            {
                int again = Array.IndexOf(labels, labels[d], d + 1);
                if (again >= 0)
                {
                    value = value.Diagonal(0, d, again);
                    labels = [.. labels[..d], .. labels[(d + 1)..again], .. labels[(again + 1)..], labels[d]];
                    d = -1;
                }
            }

            for (int d = labels.Length - 1; d >= 0; d--)
            {
                if (value.Shape[d] == 1 && sizes[labels[d]] != 1)
                {
                    value = value.Squeeze(d);
                    labels = [.. labels[..d], .. labels[(d + 1)..]];
                }
            }

            return new Term(value, labels);
        }

        public long SizeOf(int label) => Value.Shape[Array.IndexOf(Labels, label)];

        public Term SumAllBut(UInt128 kept)
        {
            if ((Mask(Labels) & ~kept) == 0)
            {
                return this;
            }

            int[] left = Within(Labels, kept), dims = new int[Labels.Length - left.Length];
            for (int d = 0, next = 0; d < Labels.Length; d++)
            {
                if (!Has(kept, Labels[d]))
                {
                    dims[next++] = d;
                }
            }

            return new Term(Value.Sum(dims, dtype: Value.DType), left);
        }

        /// <summary>The value with its dimensions in this order.</summary>
        public Tensor Ordered(int[] order)
        {
            if (order.AsSpan().SequenceEqual(Labels))
            {
                return Value;
            }

            var dims = new int[order.Length];
            for (int d = 0; d < dims.Length; d++)
            {
                dims[d] = Array.IndexOf(Labels, order[d]);
            }

            return Value.Permute(dims);
        }

        /// <summary>The value with these dimensions, of size 1 where it has none.</summary>
        public Tensor Spread(int[] order)
        {
            var own = Ordered(Within(order, Mask(Labels)));
            for (int d = 0; d < order.Length; d++)
            {
                own = Array.IndexOf(Labels, order[d]) >= 0 ? own : own.Unsqueeze(d);
            }

            return own;
        }

        /// <summary>
        /// As a matrix, or a stack of them if there are batch labels, whose dimensions are groups of labels. Where that takes a copy, it is one that keeps what lies
        /// together in memory together.
        /// </summary>
        public Tensor Merged(int[] batch, int[] rows, int[] columns)
        {
            bool isTurned = Nearest(rows) < Nearest(columns);
            var (outer, inner) = isTurned ? (columns, rows) : (rows, columns);
            var ordered = Ordered([.. batch, .. outer, .. inner]);
            var merged = batch.Length == 0 ? ordered.Reshape(Product(outer), Product(inner)) : ordered.Reshape(Product(batch), Product(outer), Product(inner));
            return isTurned ? merged.MT : merged;
        }

        /// <summary>The number of elements that <see cref="Merged"/> copies: all or none.</summary>
        public long Copied(int[] batch, int[] rows, int[] columns) => Merges(batch) && Merges(rows) && Merges(columns) ? 0 : Value.NumElements;

        /// <summary>The labels with the one first whose elements lie farthest apart.</summary>
        public int[] ByStride(int[] labels)
        {
            if (labels.Length < 2)
            {
                return labels;
            }

            var term = this;
            return [.. labels.OrderByDescending(l => term.Value.Strides[Array.IndexOf(term.Labels, l)])];
        }

        /// <summary>The smallest stride of these dimensions.</summary>
        private long Nearest(int[] labels)
        {
            long nearest = long.MaxValue;
            foreach (int label in labels)
            {
                int d = Array.IndexOf(Labels, label);
                nearest = Value.Shape[d] == 1 ? nearest : Math.Min(nearest, Value.Strides[d]);
            }

            return nearest;
        }

        private long Product(int[] labels)
        {
            long product = 1;
            foreach (int label in labels)
            {
                product *= SizeOf(label);
            }

            return product;
        }

        /// <summary>Whether dimensions that stand in this order are one in memory.</summary>
        private bool Merges(int[] group)
        {
            long next = -1;
            for (int i = group.Length - 1; i >= 0; i--)
            {
                int d = Array.IndexOf(Labels, group[i]);
                if (Value.Shape[d] == 1)
                {
                    continue;
                }

                if (next >= 0 && Value.Strides[d] != next)
                {
                    return false;
                }

                next = Value.Strides[d] * Value.Shape[d];
            }

            return true;
        }
    }
}
