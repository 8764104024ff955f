namespace Autograd.Gpu.Operations;

/// <summary>Average pooling as products with band matrices: the weight of an element is a product of one number for each dimension.</summary>
internal static class AveragePooling
{
    /// <param name="pool">The windows.</param>
    /// <param name="x">The planes.</param>
    /// <param name="countIncludePad">Whether the padding counts as zeros; what lies beyond it never does.</param>
    /// <param name="divisor">What sums are divided by, instead of the number of elements.</param>
    public static Tensor Apply(PoolParameters pool, Tensor x, bool countIncludePad, long? divisor)
    {
        var sizes = pool.OutputSizes(x.Shape);
        var bands = new Band[pool.Rank];
        for (int d = 0; d < bands.Length; d++)
        {
            int size = checked((int)x.Shape[d - pool.Rank]), dim = d;
            bands[d] = Band.Generate(size, sizes[d], o =>
            {
                long start = o * pool.Stride[dim] - pool.Padding[dim], end = Math.Min(start + pool.Kernel[dim], size + pool.Padding[dim]);
                long first = Math.Max(start, 0), count = Math.Min(end, size) - first;
                double by = divisor is { } given ? dim == 0 ? given : 1 : countIncludePad ? end - start : count;
                return (first, Weights(count, by));
            });
        }

        return Structural.Apply(new BandProduct(pool.Name, bands), x);
    }

    public static Tensor Adaptive(string name, long[] output, Tensor x)
    {
        var bands = new Band[output.Length];
        for (int d = 0; d < bands.Length; d++)
        {
            long from = x.Shape[d - bands.Length], to = output[d];
            bands[d] = Band.Generate(checked((int)from), to, o =>
            {
                long first = o * from / to, count = ((o + 1) * from + to - 1) / to - first;
                return (first, Weights(count, count));
            });
        }

        return Structural.Apply(new BandProduct(name, bands), x);
    }

    private static double[] Weights(long count, double divisor)
    {
        var weights = new double[Math.Max(count, 0)];
        Array.Fill(weights, 1 / divisor);
        return weights;
    }
}
