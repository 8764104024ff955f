using Autograd.Gpu.Lazy;
using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Operations;

/// <summary>A matrix [output, input] whose rows have their elements that are not zero side by side.</summary>
internal sealed class Band(int input, int[] first, double[][] weights)
{
    private Band? _transposed;

    /// <summary>The size that it is applied to.</summary>
    public int Input => input;

    /// <summary>The size that it makes.</summary>
    public int Output => first.Length;

    /// <summary>Where the weights of each row begin.</summary>
    public ReadOnlySpan<int> First => first;

    /// <summary>The weights of each row.</summary>
    public double[][] Weights => weights;

    /// <summary>The matrix that the gradient is multiplied with.</summary>
    public Band Transposed => _transposed ??= Transpose();

    /// <summary>One along the diagonal.</summary>
    public static Band Identity(int size) => Generate(size, size, o => (o, [1.0]));

    /// <summary>A band from the first position and the weights of each row.</summary>
    public static Band Generate(int input, long output, Func<long, (long First, double[] Weights)> row)
    {
        var (first, weights) = (new int[output], new double[output][]);
        for (int o = 0; o < output; o++)
        {
            var (start, values) = row(o);
            (first[o], weights[o]) = ((int)start, values);
        }

        return new Band(input, first, weights);
    }

    private Band Transpose()
    {
        // Rows that have a weight for a position lie side by side, or nearly so: what is between them has weight 0.
        int[] lowest = new int[input], highest = new int[input];
        Array.Fill(lowest, int.MaxValue);
        Array.Fill(highest, -1);
        for (int o = 0; o < first.Length; o++)
        {
            for (int k = 0; k < weights[o].Length; k++)
            {
                int i = first[o] + k;
                (lowest[i], highest[i]) = (Math.Min(lowest[i], o), Math.Max(highest[i], o));
            }
        }

        return Generate(first.Length, input, i => highest[i] < 0 ? (0, []) :
        (
            lowest[i],
            [.. Enumerable.Range(lowest[i], highest[i] - lowest[i] + 1).Select(o => i - first[o] is >= 0 and var k && k < weights[o].Length ? weights[o][k] : 0)]
        ));
    }
}

/// <summary>
/// Band matrices applied along the last one to three dimensions, one for each: average pooling, interpolation, and their gradients. Half types are computed in
/// float32.
/// </summary>
internal sealed class BandProduct(string name, Band[] bands, string? nodeName = null) : LinearOperation(name)
{
    public override string NodeName => nodeName ?? base.NodeName;

    protected override Tensor Forward(Tensor input)
    {
        using var mode = GradMode.Set(false);
        var dtype = input.DType;
        var x = input.CastIfNeeded(dtype.ComputeType());
        var device = x.Device;
        using (device.Gate.Enter())
        {
            var result = Fuser.NewBuffer(device, x.DType, Layout.Contiguous(ResultOf(x.Shape)));
            if (result.Layout.Count > 0)
            {
                var (rows, weights) = Tables(x.DType, device);
                int[] from = [1, 1, 1], to = [1, 1, 1];
                for (int d = 0; d < bands.Length; d++)
                {
                    (from[3 - bands.Length + d], to[3 - bands.Length + d]) = (bands[d].Input, bands[d].Output);
                }

                var call = new BandCall(Name, x.ContiguousBuffer(), result, rows, weights, from, to);
                Executor.Of(device).Run(call, result.Shape);
            }

            return Tensor.FromNewBuffer(device, result).CastIfNeeded(dtype);
        }
    }

    protected override Tensor Vjp(Tensor gradient) =>
        Structural.Apply(new BandProduct(Name, [.. bands.Select(b => b.Transposed)], NodeName), gradient);

    protected override Tensor Batch(Tensor batch, Tensor sample) => Structural.Apply(this, batch);

    private Shape ResultOf(Shape input)
    {
        var sizes = input.ToArray();
        for (int d = 0; d < bands.Length; d++)
        {
            sizes[^(bands.Length - d)] = bands[d].Output;
        }

        return Shape.Own(sizes);
    }

    private (BufferExpression Rows, BufferExpression Weights) Tables(DType dtype, Device device)
    {
        var rows = new List<int>();
        var weights = new List<double>();
        var all = Enumerable.Repeat(Band.Identity(1), 3 - bands.Length).Concat(bands);
        foreach (var band in all)
        {
            for (int o = 0; o < band.Output; o++)
            {
                rows.AddRange([band.First[o], band.Weights[o].Length, weights.Count]);
                weights.AddRange(band.Weights[o]);
            }
        }

        var values = dtype == DType.Float64
            ? DeviceTables.Of(device, weights.ToArray())
            : DeviceTables.Of(device, weights.Select(w => (float)w).ToArray());
        return (DeviceTables.Of(device, rows.ToArray()), values);
    }
}
