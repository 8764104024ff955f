namespace Autograd.Gpu.Nn;

/// <summary>What batch and instance normalisation share: a factor and a number for each channel, and running statistics.</summary>
public abstract class RunningNorm : Module
{
    private readonly Parameter? _weight;
    private readonly Parameter? _bias;
    private readonly Buffer? _mean;
    private readonly Buffer? _variance;
    private readonly Buffer? _count;

    private protected RunningNorm(long numFeatures, double eps, double? momentum, bool affine, bool trackRunningStats, DType dtype, Device? device)
    {
        (NumFeatures, Eps, Momentum) = (numFeatures, eps, momentum);
        if (affine)
        {
            _weight = Register("weight", Tensor.Ones([numFeatures], dtype, device).Materialize());
            _bias = Register("bias", Tensor.Zeros([numFeatures], dtype, device).Materialize());
        }

        if (trackRunningStats)
        {
            _mean = RegisterBuffer("running_mean", Tensor.Zeros([numFeatures], dtype, device).Materialize());
            _variance = RegisterBuffer("running_var", Tensor.Ones([numFeatures], dtype, device).Materialize());
            _count = RegisterBuffer("num_batches_tracked", Tensor.Zeros([], DType.Int64, device).Materialize());
        }
    }

    /// <summary>The number of channels.</summary>
    public long NumFeatures { get; }

    /// <summary>What is added to the variance.</summary>
    public double Eps { get; }

    /// <summary>The weight of new statistics in the running ones; null for the mean of all so far.</summary>
    public double? Momentum { get; }

    /// <summary>A factor for each channel, or null.</summary>
    public Tensor? Weight => _weight?.Value;

    /// <summary>A number for each channel, or null.</summary>
    public Tensor? Bias => _bias?.Value;

    /// <summary>The running mean, or null.</summary>
    public Tensor? RunningMean => _mean?.Value;

    /// <summary>The running unbiased variance, or null.</summary>
    public Tensor? RunningVar => _variance?.Value;

    /// <summary>How many batches the running values have seen, int64, or null.</summary>
    public Tensor? NumBatchesTracked => _count?.Value;

    /// <summary>Counts a batch, and returns the weight of its statistics.</summary>
    private protected double CountBatch()
    {
        if (_count is null)
        {
            return Momentum ?? 0;
        }

        using var mode = Autodiff.NoGrad();
        _count.Value.Add_(1);
        return Momentum ?? 1.0 / _count.Value.Item<long>();
    }

    private protected void CheckRank(Tensor input, int least, int most)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (input.Rank < least || input.Rank > most)
        {
            throw new ShapeException(
                $"{GetType().Name}: expected {(least == most ? $"{least}D" : $"{least}D or {most}D")} input (got {input.Rank}D input, shape {input.Shape}).");
        }
    }
}

/// <summary><see cref="Functional.BatchNorm"/> as a layer with its parameters and running statistics.</summary>
public abstract class BatchNorm : RunningNorm
{
    private readonly int _least;
    private readonly int _most;

    private protected BatchNorm(
        int least, int most, long numFeatures, double eps, double? momentum, bool affine, bool trackRunningStats, DType dtype, Device? device)
        : base(numFeatures, eps, momentum, affine, trackRunningStats, dtype, device) => (_least, _most) = (least, most);

    /// <inheritdoc/>
    public override Tensor Forward(Tensor input)
    {
        CheckRank(input, _least, _most);
        double momentum = Training ? CountBatch() : 0;
        return Functional.BatchNorm(input, RunningMean, RunningVar, Weight, Bias, Training || RunningMean is null, momentum, Eps);
    }
}

/// <summary>Batch normalisation of [N, C] or [N, C, L].</summary>
public sealed class BatchNorm1d(
    long numFeatures,
    double eps = 1e-5,
    double? momentum = 0.1,
    bool affine = true,
    bool trackRunningStats = true,
    DType dtype = DType.Float32,
    Device? device = null) : BatchNorm(2, 3, numFeatures, eps, momentum, affine, trackRunningStats, dtype, device);

/// <summary>Batch normalisation of [N, C, H, W].</summary>
public sealed class BatchNorm2d(
    long numFeatures,
    double eps = 1e-5,
    double? momentum = 0.1,
    bool affine = true,
    bool trackRunningStats = true,
    DType dtype = DType.Float32,
    Device? device = null) : BatchNorm(4, 4, numFeatures, eps, momentum, affine, trackRunningStats, dtype, device);

/// <summary>Batch normalisation of [N, C, D, H, W].</summary>
public sealed class BatchNorm3d(
    long numFeatures,
    double eps = 1e-5,
    double? momentum = 0.1,
    bool affine = true,
    bool trackRunningStats = true,
    DType dtype = DType.Float32,
    Device? device = null) : BatchNorm(5, 5, numFeatures, eps, momentum, affine, trackRunningStats, dtype, device);

/// <summary><see cref="Functional.InstanceNorm"/> as a layer; an input without batch is taken as one sample.</summary>
public abstract class InstanceNorm : RunningNorm
{
    private readonly int _rank;

    private protected InstanceNorm(int rank, long numFeatures, double eps, double? momentum, bool affine, bool trackRunningStats, DType dtype, Device? device)
        : base(numFeatures, eps, momentum, affine, trackRunningStats, dtype, device) => _rank = rank;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor input)
    {
        CheckRank(input, _rank + 1, _rank + 2);
        bool usesInput = Training || RunningMean is null;
        double momentum = Training ? CountBatch() : 0;
        var batch = input.Rank == _rank + 1 ? input.Unsqueeze(0) : input;
        var result = Functional.InstanceNorm(batch, RunningMean, RunningVar, Weight, Bias, usesInput, momentum, Eps);
        return input.Rank == _rank + 1 ? result.Squeeze(0) : result;
    }
}

/// <summary>Instance normalisation of [N, C, L] or [C, L].</summary>
public sealed class InstanceNorm1d(
    long numFeatures,
    double eps = 1e-5,
    double? momentum = 0.1,
    bool affine = false,
    bool trackRunningStats = false,
    DType dtype = DType.Float32,
    Device? device = null) : InstanceNorm(1, numFeatures, eps, momentum, affine, trackRunningStats, dtype, device);

/// <summary>Instance normalisation of [N, C, H, W] or [C, H, W].</summary>
public sealed class InstanceNorm2d(
    long numFeatures,
    double eps = 1e-5,
    double? momentum = 0.1,
    bool affine = false,
    bool trackRunningStats = false,
    DType dtype = DType.Float32,
    Device? device = null) : InstanceNorm(2, numFeatures, eps, momentum, affine, trackRunningStats, dtype, device);

/// <summary>Instance normalisation of [N, C, D, H, W] or [C, D, H, W].</summary>
public sealed class InstanceNorm3d(
    long numFeatures,
    double eps = 1e-5,
    double? momentum = 0.1,
    bool affine = false,
    bool trackRunningStats = false,
    DType dtype = DType.Float32,
    Device? device = null) : InstanceNorm(3, numFeatures, eps, momentum, affine, trackRunningStats, dtype, device);

/// <summary><see cref="Functional.GroupNorm"/> as a layer with its parameters.</summary>
public sealed class GroupNorm : Module
{
    private readonly Parameter? _weight;
    private readonly Parameter? _bias;
    private readonly int _numGroups;
    private readonly double _eps;

    /// <summary>Makes a layer for <paramref name="numChannels"/> channels in <paramref name="numGroups"/> groups.</summary>
    /// <exception cref="ShapeException">The groups do not divide the channels.</exception>
    public GroupNorm(int numGroups, long numChannels, double eps = 1e-5, bool affine = true, DType dtype = DType.Float32, Device? device = null)
    {
        if (numGroups <= 0 || numChannels % numGroups != 0)
        {
            throw new ShapeException($"GroupNorm: num_channels must be divisible by num_groups, but got {numChannels} channels and {numGroups} groups.");
        }

        (_numGroups, _eps) = (numGroups, eps);
        if (affine)
        {
            _weight = Register("weight", Tensor.Ones([numChannels], dtype, device).Materialize());
            _bias = Register("bias", Tensor.Zeros([numChannels], dtype, device).Materialize());
        }
    }

    /// <summary>A factor for each channel, or null.</summary>
    public Tensor? Weight => _weight?.Value;

    /// <summary>A number for each channel, or null.</summary>
    public Tensor? Bias => _bias?.Value;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.GroupNorm(input, _numGroups, Weight, Bias, _eps);
}

/// <summary><see cref="Functional.LocalResponseNorm"/> as a layer.</summary>
public sealed class LocalResponseNorm(int size, double alpha = 1e-4, double beta = 0.75, double k = 1) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.LocalResponseNorm(input, size, alpha, beta, k);
}
