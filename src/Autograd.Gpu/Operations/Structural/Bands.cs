using Autograd.Gpu.Devices.Host;
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

/// <summary>Band matrices for the last one to three dimensions, one for each, and the tables that kernels read of them.</summary>
internal sealed class BandSet
{
    /// <summary>How many sets of a kind are kept, and the numbers of their tables together.</summary>
    internal const int Most = 64;
    internal const long MostElements = 1 << 20;

    private readonly Band[] _bands;
    private readonly int[] _rows;
    private readonly double[] _weights;
    private float[]? _floats;
    private BandSet? _transposed;
    private (int Lanes, BandColumns? Columns)? _columns;

    public BandSet(params Band[] bands)
    {
        _bands = bands;
        var rows = new List<int>();
        var weights = new List<double>();
        for (int d = 0; d < 3; d++)
        {
            int at = d - (3 - bands.Length);
            var band = at < 0 ? Band.Identity(1) : bands[at];
            (From[d], To[d]) = (band.Input, band.Output);
            for (int o = 0; o < band.Output; o++)
            {
                rows.AddRange([band.First[o], band.Weights[o].Length, weights.Count]);
                weights.AddRange(band.Weights[o]);
            }
        }

        (_rows, _weights) = ([.. rows], [.. weights]);
    }

    /// <summary>How many dimensions there are matrices for.</summary>
    public int Rank => _bands.Length;

    /// <summary>Depth, height and width that they are applied to; dimensions without a matrix have size 1.</summary>
    public int[] From { get; } = new int[3];

    /// <summary>The same of the result.</summary>
    public int[] To { get; } = new int[3];

    /// <summary>The numbers of both tables, of their second form for float32, of the matrices themselves and of the transposed set.</summary>
    public long Elements => 4L * (_rows.Length + _weights.Length);

    /// <summary>How the host's vectors take the columns of float32; null if they do not.</summary>
    public BandColumns? Columns
    {
        get
        {
            int lanes = HostBandRows.Lanes;
            if (_columns is not { } made || made.Lanes != lanes)
            {
                // Large sets are not kept, and to make their plan takes longer than it saves once.
                made = (lanes, Elements > MostElements ? null : BandColumns.Of(_rows.AsSpan(3 * (To[0] + To[1])), Floats, From[2], lanes));
                _columns = made;
            }

            return made.Columns;
        }
    }

    private float[] Floats => _floats ??= Array.ConvertAll(_weights, static w => (float)w);

    /// <summary>The matrices that the gradient is multiplied with.</summary>
    public BandSet Transposed => _transposed ??= new BandSet(Array.ConvertAll(_bands, static b => b.Transposed)) { _transposed = this };

    /// <summary>For each row of each matrix its first position, how many weights it has, and where they stand; and the weights.</summary>
    public (BufferExpression Rows, BufferExpression Weights) Tables(DType dtype, Device device)
    {
        var weights = dtype == DType.Float64
            ? DeviceTables.Of(device, _weights)
            : DeviceTables.Of(device, Floats);
        return (DeviceTables.Of(device, _rows), weights);
    }
}

/// <summary>
/// Band matrices applied along the last one to three dimensions, one for each: average pooling, interpolation, and their gradients. Half types are computed in
/// float32.
/// </summary>
internal sealed class BandProduct(string name, BandSet bands, string? nodeName = null) : LinearOperation(name)
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
                var (rows, weights) = bands.Tables(x.DType, device);
                var columns = device.IsHost && x.DType == DType.Float32 ? bands.Columns : null;
                var call = new BandCall(Name, x.ContiguousBuffer(), result, rows, weights, columns, bands.From, bands.To);
                Executor.Of(device).Run(call, result.Shape);
            }

            return Tensor.FromNewBuffer(device, result).CastIfNeeded(dtype);
        }
    }

    protected override Tensor Vjp(Tensor gradient) =>
        Structural.Apply(new BandProduct(Name, bands.Transposed, NodeName), gradient);

    protected override Tensor Batch(Tensor batch, Tensor sample) => Structural.Apply(this, batch);

    private Shape ResultOf(Shape input)
    {
        var sizes = input.ToArray();
        for (int d = 1; d <= bands.Rank; d++)
        {
            sizes[^d] = bands.To[^d];
        }

        return Shape.Own(sizes);
    }
}
