namespace Autograd.Gpu.Nn;

/// <summary>What <see cref="Init.CalculateGain"/> knows the gain of.</summary>
public enum Nonlinearity
{
    /// <summary>None: a linear layer or a convolution.</summary>
    Linear,

    /// <summary>The logistic function.</summary>
    Sigmoid,

    /// <summary>The hyperbolic tangent.</summary>
    Tanh,

    /// <summary>max(x, 0).</summary>
    Relu,

    /// <summary>max(x, slope x).</summary>
    LeakyRelu,

    /// <summary>The scaled exponential unit.</summary>
    Selu,
}

/// <summary>Which variance <see cref="Init.KaimingUniform_"/> keeps.</summary>
public enum FanMode
{
    /// <summary>That of the forward pass.</summary>
    FanIn,

    /// <summary>That of the backward pass.</summary>
    FanOut,
}

/// <summary>Starting values of parameters, written in place and unrecorded; each method returns its tensor.</summary>
public static partial class Init
{
    /// <summary>The factor by which a nonlinearity wants the standard deviation of its layer's weights scaled: PyTorch's table.</summary>
    /// <param name="nonlinearity">What follows the layer.</param>
    /// <param name="param">The negative slope of <see cref="Nonlinearity.LeakyRelu"/>.</param>
    public static double CalculateGain(Nonlinearity nonlinearity, double param = 0.01) => nonlinearity switch
    {
        Nonlinearity.Tanh => 5.0 / 3,
        Nonlinearity.Relu => Math.Sqrt(2),
        Nonlinearity.LeakyRelu => Math.Sqrt(2 / (1 + param * param)),
        Nonlinearity.Selu => 0.75,
        Nonlinearity.Linear or Nonlinearity.Sigmoid => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(nonlinearity), $"CalculateGain: Unsupported nonlinearity {nonlinearity}."),
    };

    /// <summary>Numbers uniform in [a, b).</summary>
    /// <exception cref="ArgumentException">a is greater than b.</exception>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    public static Tensor Uniform_(Tensor tensor, double a = 0, double b = 1, Generator? generator = null) => Unrecorded(tensor, x => x.Uniform_(a, b, generator));

    /// <summary>Normal numbers.</summary>
    /// <exception cref="ArgumentException">std is negative.</exception>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    public static Tensor Normal_(Tensor tensor, double mean = 0, double std = 1, Generator? generator = null) =>
        Unrecorded(tensor, x => x.Normal_(mean, std, generator));

    /// <summary>Normal numbers of which those outside of [a, b] are drawn again, by the inverse of the distribution function.</summary>
    /// <exception cref="ArgumentException">std is not positive, or a is greater than b.</exception>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    public static Tensor TruncNormal_(Tensor tensor, double mean = 0, double std = 1, double a = -2, double b = 2, Generator? generator = null)
    {
        if (!(std > 0) || !(a < b))
        {
            throw new ArgumentException($"TruncNormal_: expects std > 0 and a < b, but got std={std}, a={a}, b={b}.");
        }

        double Distribution(double x) => (1 + Kernels.DeviceMath.Erf((x - mean) / std / Math.Sqrt(2))) / 2;
        var (low, high) = (2 * Distribution(a) - 1, 2 * Distribution(b) - 1);
        return Unrecorded(tensor, x =>
        {
            var uniform = Tensor.Rand(x.Shape, DType.Float64, x.Device, generator: generator) * (high - low) + low;
            return x.Copy_((uniform.Erfinv() * (std * Math.Sqrt(2)) + mean).Clamp(a, b));
        });
    }

    /// <summary>One number everywhere.</summary>
    public static Tensor Constant_(Tensor tensor, Scalar value) => Unrecorded(tensor, x => x.Fill_(value));

    /// <summary>Ones.</summary>
    public static Tensor Ones_(Tensor tensor) => Constant_(tensor, 1);

    /// <summary>Zeros.</summary>
    public static Tensor Zeros_(Tensor tensor) => Constant_(tensor, 0);

    /// <summary>Ones on the diagonal of a matrix, elsewhere zeros.</summary>
    /// <exception cref="ShapeException">The tensor has not two dimensions.</exception>
    public static Tensor Eye_(Tensor tensor) => Tensor.NotNull(tensor).Rank == 2
        ? Unrecorded(tensor, x => x.Copy_(Tensor.Eye(x.Shape[0], x.Shape[1], x.DType, x.Device)))
        : throw new ShapeException($"Eye_: Only tensors with 2 dimensions are supported, but got shape {tensor.Shape}.");

    /// <summary>Convolution weights [out, in, ..] that keep as many input channels as possible as they are: 1 at the middle of kernel (i, i), in each group.</summary>
    /// <exception cref="ShapeException">The tensor has not three to five dimensions, or its channels do not divide into the groups.</exception>
    public static Tensor Dirac_(Tensor tensor, long groups = 1)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (tensor.Rank is < 3 or > 5)
        {
            throw new ShapeException($"Dirac_: Only tensors with 3, 4, or 5 dimensions are supported, but got shape {tensor.Shape}.");
        }

        if (groups <= 0 || tensor.Shape[0] % groups != 0)
        {
            throw new ShapeException($"Dirac_: dim 0 must be divisible by groups, but got {tensor.Shape[0]} and {groups} groups.");
        }

        return Unrecorded(tensor, x =>
        {
            var shape = x.Shape;
            long channels = shape[0] / groups, volume = 1, middle = 0;
            for (int d = 2; d < shape.Rank; d++)
            {
                (volume, middle) = (volume * shape[d], middle * shape[d] + shape[d] / 2);
            }

            var values = new float[shape.NumElements];
            for (long g = 0; g < groups; g++)
            {
                for (long c = 0; c < Math.Min(channels, shape[1]); c++)
                {
                    values[((g * channels + c) * shape[1] + c) * volume + middle] = 1;
                }
            }

            return x.Copy_(Tensor.FromArray(values, shape, x.Device));
        });
    }

    /// <summary>Uniform numbers of standard deviation gain * sqrt(2 / (fan in + fan out)) (X. Glorot and Y. Bengio, 2010).</summary>
    /// <exception cref="ShapeException">The tensor has less than two dimensions.</exception>
    public static Tensor XavierUniform_(Tensor tensor, double gain = 1, Generator? generator = null)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        double bound = Math.Sqrt(3) * Xavier("XavierUniform_", tensor, gain);
        return Uniform_(tensor, -bound, bound, generator);
    }

    /// <summary>Normal numbers of standard deviation gain * sqrt(2 / (fan in + fan out)).</summary>
    /// <inheritdoc cref="XavierUniform_"/>
    public static Tensor XavierNormal_(Tensor tensor, double gain = 1, Generator? generator = null) =>
        Normal_(Tensor.NotNull(tensor), 0, Xavier("XavierNormal_", tensor, gain), generator);

    /// <summary>Uniform numbers of standard deviation gain / sqrt(fan) (K. He and others, 2015).</summary>
    /// <param name="tensor">Weights, [out, in, ..].</param>
    /// <param name="a">The negative slope of <see cref="Nonlinearity.LeakyRelu"/>.</param>
    /// <param name="mode">Which fan.</param>
    /// <param name="nonlinearity">What follows the layer.</param>
    /// <param name="generator">Where the numbers come from; by default the device's generator.</param>
    /// <exception cref="ShapeException">The tensor has less than two dimensions.</exception>
    public static Tensor KaimingUniform_(
        Tensor tensor, double a = 0, FanMode mode = FanMode.FanIn, Nonlinearity nonlinearity = Nonlinearity.LeakyRelu, Generator? generator = null)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        double bound = Math.Sqrt(3) * Kaiming("KaimingUniform_", tensor, a, mode, nonlinearity);
        return Uniform_(tensor, -bound, bound, generator);
    }

    /// <summary>Normal numbers of standard deviation gain / sqrt(fan).</summary>
    /// <inheritdoc cref="KaimingUniform_"/>
    public static Tensor KaimingNormal_(
        Tensor tensor, double a = 0, FanMode mode = FanMode.FanIn, Nonlinearity nonlinearity = Nonlinearity.LeakyRelu, Generator? generator = null) =>
        Normal_(Tensor.NotNull(tensor), 0, Kaiming("KaimingNormal_", tensor, a, mode, nonlinearity), generator);

    /// <summary>Normal numbers, of which in each column of a matrix a share is zero (J. Martens, 2010).</summary>
    /// <param name="tensor">A matrix.</param>
    /// <param name="sparsity">The share of each column that is zero, rounded up to whole elements.</param>
    /// <param name="std">The standard deviation of the others.</param>
    /// <param name="generator">Where the numbers come from; by default the device's generator.</param>
    /// <exception cref="ShapeException">The tensor has not two dimensions.</exception>
    /// <exception cref="ArgumentException">The sparsity is not in [0, 1].</exception>
    public static Tensor Sparse_(Tensor tensor, double sparsity, double std = 0.01, Generator? generator = null)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (tensor.Rank != 2)
        {
            throw new ShapeException($"Sparse_: Only tensors with 2 dimensions are supported, but got shape {tensor.Shape}.");
        }

        if (!(sparsity >= 0 && sparsity <= 1))
        {
            throw new ArgumentException($"Sparse_: the sparsity must lie in [0, 1], but got {sparsity}.", nameof(sparsity));
        }

        return Unrecorded(tensor, x =>
        {
            // The rank of each row in a random order of its column.
            var rank = Tensor.Rand(x.Shape, DType.Float64, x.Device, generator: generator).ArgSort(0).ArgSort(0);
            x.Normal_(0, std, generator);
            return x.Copy_(x.MaskedFill(rank < (long)Math.Ceiling(sparsity * x.Shape[0]), 0));
        });
    }

    internal static (long In, long Out) Fans(string name, Tensor tensor)
    {
        if (tensor.Rank < 2)
        {
            throw new ShapeException($"{name}: Fan in and fan out can not be computed for tensor with fewer than 2 dimensions, but got shape {tensor.Shape}.");
        }

        long field = 1;
        foreach (long size in tensor.Shape.AsSpan()[2..])
        {
            field *= size;
        }

        return (tensor.Shape[1] * field, tensor.Shape[0] * field);
    }

    private static double Xavier(string name, Tensor tensor, double gain)
    {
        var (fanIn, fanOut) = Fans(name, tensor);
        return gain * Math.Sqrt(2.0 / Math.Max(fanIn + fanOut, 1));
    }

    private static double Kaiming(string name, Tensor tensor, double a, FanMode mode, Nonlinearity nonlinearity)
    {
        Operations.Defined.Check(name, mode);
        Operations.Defined.Check(name, nonlinearity);
        var (fanIn, fanOut) = Fans(name, tensor);
        return CalculateGain(nonlinearity, a) / Math.Sqrt(Math.Max(mode == FanMode.FanIn ? fanIn : fanOut, 1));
    }

    private static Tensor Unrecorded(Tensor tensor, Func<Tensor, Tensor> write)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        using var mode = Tape.GradMode.Set(false);
        return write(tensor);
    }
}
