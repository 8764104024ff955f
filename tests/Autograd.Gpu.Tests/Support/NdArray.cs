namespace Autograd.Gpu.Tests;

/// <summary>Numbers in a shape, worked on with plain loops: what results of structural operations are compared with.</summary>
internal sealed class NdArray(long[] shape, double[] values)
{
    public long[] Shape { get; } = shape;

    public double[] Values { get; } = values;

    public int Rank => Shape.Length;

    public double this[params long[] index]
    {
        get
        {
            long at = 0;
            for (int d = 0; d < Shape.Length; d++)
            {
                at = at * Shape[d] + index[d];
            }

            return Values[at];
        }
    }

    /// <summary>The array whose element at each index is a function of that index.</summary>
    public static NdArray Generate(long[] shape, Func<long[], double> element) => new(shape, [.. Indices(shape).Select(element)]);

    /// <summary>All indices of a shape in row-major order.</summary>
    public static IEnumerable<long[]> Indices(long[] shape)
    {
        long count = shape.Aggregate(1L, (a, b) => a * b);
        for (long n = 0; n < count; n++)
        {
            var index = new long[shape.Length];
            long rest = n;
            for (int d = shape.Length - 1; d >= 0; d--)
            {
                index[d] = rest % shape[d];
                rest /= shape[d];
            }

            yield return index;
        }
    }

    public NdArray Map(Func<double, double> function) => new(Shape, Array.ConvertAll(Values, v => function(v)));

    /// <summary>For each place that is left, a function of the elements that it stands for, in row-major order.</summary>
    public NdArray Reduce(int[] dims, bool keepDim, Func<double[], double> function)
    {
        bool IsReduced(int d) => dims.Length == 0 || dims.Any(r => (r + Rank) % Math.Max(Rank, 1) == d);
        var kept = Shape.Select((s, d) => IsReduced(d) ? 1 : s).ToArray();
        var groups = Indices(kept).ToDictionary(i => string.Join(',', i), _ => new List<double>());
        foreach (var index in Indices(Shape))
        {
            groups[string.Join(',', index.Select((n, d) => IsReduced(d) ? 0 : n))].Add(this[index]);
        }

        var values = Indices(kept).Select(i => function([.. groups[string.Join(',', i)]])).ToArray();
        return new NdArray(keepDim ? kept : [.. Shape.Where((_, d) => !IsReduced(d))], values);
    }

    public NdArray Permute(params int[] order)
    {
        var shape = order.Select(d => Shape[d]).ToArray();
        return Generate(shape, index =>
        {
            var from = new long[Rank];
            for (int d = 0; d < Rank; d++)
            {
                from[order[d]] = index[d];
            }

            return this[from];
        });
    }

    public NdArray Reshape(params long[] shape) => new(shape, Values);

    public NdArray Expand(params long[] shape) => Generate(
        shape, index => this[[.. Shape.Select((size, d) => size == 1 ? 0 : index[shape.Length - Rank + d])]]);

    /// <summary>Elements start, start + step, ... of a dimension, as many as length says.</summary>
    public NdArray Slice(int dim, long start, long step, long length)
    {
        var shape = (long[])Shape.Clone();
        shape[dim] = length;
        return Generate(shape, index =>
        {
            var from = (long[])index.Clone();
            from[dim] = start + step * index[dim];
            return this[from];
        });
    }

    /// <summary>The matrix product by its definition, with NumPy's rules for vectors and stacks.</summary>
    public static NdArray MatMul(NdArray a, NdArray b)
    {
        var left = a.Rank == 1 ? a.Reshape(1, a.Shape[0]) : a;
        var right = b.Rank == 1 ? b.Reshape(b.Shape[0], 1) : b;
        int lead = Math.Max(left.Rank, right.Rank) - 2;
        var stack = new long[lead];
        for (int d = 0; d < lead; d++)
        {
            long SizeOf(NdArray x) => d < lead - (x.Rank - 2) ? 1 : x.Shape[d - (lead - (x.Rank - 2))];
            stack[d] = SizeOf(left) == 1 ? SizeOf(right) : SizeOf(left);
        }

        long m = left.Shape[^2], k = left.Shape[^1], n = right.Shape[^1];
        var (x, y) = (left.Expand([.. stack, m, k]), right.Expand([.. stack, k, n]));
        var product = Generate([.. stack, m, n], index =>
        {
            double sum = 0;
            for (long i = 0; i < k; i++)
            {
                sum += x[[.. index[..^1], i]] * y[[.. index[..^2], i, index[^1]]];
            }

            return sum;
        });
        var shape = new List<long>(stack);
        if (a.Rank > 1)
        {
            shape.Add(m);
        }

        if (b.Rank > 1)
        {
            shape.Add(n);
        }

        return product.Reshape([.. shape]);
    }

    public static NdArray Cat(int dim, params NdArray[] parts)
    {
        var shape = (long[])parts[0].Shape.Clone();
        shape[dim] = parts.Sum(p => p.Shape[dim]);
        return Generate(shape, index =>
        {
            var at = (long[])index.Clone();
            foreach (var part in parts)
            {
                if (at[dim] < part.Shape[dim])
                {
                    return part[at];
                }

                at[dim] -= part.Shape[dim];
            }

            throw new InvalidOperationException();
        });
    }

    /// <summary>A function of each line along a dimension: as many numbers as it is given.</summary>
    public NdArray AlongDim(int dim, Func<double[], double[]> function)
    {
        int d = (dim + Rank) % Rank;
        return Generate(Shape, index =>
        {
            var line = Enumerable.Range(0, (int)Shape[d]).Select(i =>
            {
                var at = (long[])index.Clone();
                at[d] = i;
                return this[at];
            }).ToArray();
            return function(line)[index[d]];
        });
    }
}
