using Autograd.Gpu.Lazy;
using Autograd.Gpu.Operations;
using Autograd.Gpu.Tape;
using Autograd.Gpu.Transforms;

namespace Autograd.Gpu;

// Uniform and normal numbers and what follows from them. All are pending values: a seed and a counter until something reads them.
public sealed partial class Tensor
{
    /// <summary>Numbers up to which a product with 53 random bits reaches each whole number.</summary>
    private const ulong ExactRange = 1UL << 53;

    private const ulong BlockOfNumbers = 1UL << 12;

    /// <summary>Random numbers, uniform in [0, 1).</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="dtype">A floating-point type.</param>
    /// <param name="device">Where the tensor lives; by default <see cref="Device.Default"/>.</param>
    /// <param name="requiresGrad">Whether operations on it are recorded.</param>
    /// <param name="generator">Where the numbers come from; by default the device's generator.</param>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    public static Tensor Rand(
        Shape shape, DType dtype = DType.Float32, Device? device = null, bool requiresGrad = false, Generator? generator = null)
    {
        if (dtype is not (DType.Float16 or DType.BFloat16))
        {
            return Random(RandomKind.Uniform, shape, dtype, device, generator).WithRequiresGrad(requiresGrad);
        }

        // As many bits as the type has digits, or the largest numbers would round to 1.
        using var mode = GradMode.Set(false);
        double steps = dtype == DType.Float16 ? 2048 : 256;
        var uniform = Random(RandomKind.Uniform, shape, DType.Float32, device, generator);
        return ((uniform * steps).Floor() * (1 / steps)).To(dtype).WithRequiresGrad(requiresGrad);
    }

    /// <summary>Random numbers, normal with mean 0 and variance 1; parameters as <see cref="Rand"/>.</summary>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    public static Tensor Randn(
        Shape shape, DType dtype = DType.Float32, Device? device = null, bool requiresGrad = false, Generator? generator = null) =>
        Random(RandomKind.Normal, shape, dtype, device, generator).WithRequiresGrad(requiresGrad);

    /// <summary>Random whole numbers in [<paramref name="low"/>, <paramref name="high"/>).</summary>
    /// <param name="low">The least number.</param>
    /// <param name="high">The number behind the greatest.</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="dtype">The type of the elements.</param>
    /// <param name="device">Where the tensor lives; by default <see cref="Device.Default"/>.</param>
    /// <param name="generator">Where the numbers come from; by default the device's generator.</param>
    /// <exception cref="ArgumentException">The range is empty.</exception>
    public static Tensor RandInt(long low, long high, Shape shape, DType dtype = DType.Int64, Device? device = null, Generator? generator = null)
    {
        if (high <= low)
        {
            throw new ArgumentException($"RandInt: random_ expects 'from' to be less than 'to', but got from={low} >= to={high}.");
        }

        return WholeNumbers(low, unchecked((ulong)high - (ulong)low), shape, device ?? Device.Default, generator).To(dtype);
    }

    /// <summary>Random whole numbers in [0, <paramref name="high"/>); parameters as <see cref="RandInt(long, long, Shape, DType, Device?, Generator?)"/>.</summary>
    /// <exception cref="ArgumentException">The range is empty.</exception>
    public static Tensor RandInt(long high, Shape shape, DType dtype = DType.Int64, Device? device = null, Generator? generator = null) =>
        RandInt(0, high, shape, dtype, device, generator);

    /// <summary>The whole numbers from 0 to <paramref name="n"/> - 1 in random order, each order as likely as any other.</summary>
    /// <param name="n">How many.</param>
    /// <param name="dtype">The type of the elements.</param>
    /// <param name="device">Where the tensor lives; by default <see cref="Device.Default"/>.</param>
    /// <param name="generator">Where the numbers come from; by default the device's generator.</param>
    /// <exception cref="ArgumentException">n is negative.</exception>
    public static Tensor RandPerm(long n, DType dtype = DType.Int64, Device? device = null, Generator? generator = null)
    {
        if (n < 0)
        {
            throw new ArgumentException($"RandPerm: n must be non-negative, but got {n}.", nameof(n));
        }

        // Sorted by 53 random bits each. The sort is stable, the same on each device.
        return Rand([n], DType.Float64, device, generator: generator).ArgSort(0).To(dtype);
    }

    /// <summary><see cref="Rand"/> with another tensor's shape, dtype and device, where these are not given.</summary>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    public static Tensor RandLike(Tensor other, DType? dtype = null, Device? device = null, bool requiresGrad = false, Generator? generator = null) =>
        Rand(NotNull(other).Shape, dtype ?? other.DType, device ?? other.Device, requiresGrad, generator);

    /// <summary><see cref="Randn"/> with another tensor's shape, dtype and device, where these are not given.</summary>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    public static Tensor RandnLike(Tensor other, DType? dtype = null, Device? device = null, bool requiresGrad = false, Generator? generator = null) =>
        Randn(NotNull(other).Shape, dtype ?? other.DType, device ?? other.Device, requiresGrad, generator);

    /// <summary>Random whole numbers in [low, high) with another tensor's shape, dtype and device, where these are not given.</summary>
    /// <exception cref="ArgumentException">The range is empty.</exception>
    public static Tensor RandIntLike(Tensor other, long low, long high, DType? dtype = null, Device? device = null, Generator? generator = null) =>
        RandInt(low, high, NotNull(other).Shape, dtype ?? other.DType, device ?? other.Device, generator);

    /// <summary>Seeds the generators of all devices, so that each draws the same numbers.</summary>
    public static void ManualSeed(ulong seed)
    {
        Generator.StartSeed = seed;
        foreach (var device in Device.Known)
        {
            device.Generator.ManualSeed(seed);
        }
    }

    /// <summary>Seeds the generators of all devices with one number that the operating system draws, and returns it.</summary>
    public static ulong Seed()
    {
        ulong seed = new Generator().Seed();
        ManualSeed(seed);
        return seed;
    }

    /// <summary>The seed that the generator of a device, by default <see cref="Device.Default"/>, was last given.</summary>
    public static ulong InitialSeed(Device? device = null) => (device ?? Device.Default).Generator.InitialSeed;

    /// <summary>The state of the generator of a device, by default <see cref="Device.Default"/>: 16 bytes.</summary>
    public static Tensor GetRngState(Device? device = null) => (device ?? Device.Default).Generator.GetState();

    /// <summary>Restores what <see cref="GetRngState"/> gave.</summary>
    /// <exception cref="DTypeException">The tensor is not of uint8.</exception>
    /// <exception cref="ShapeException">It has not 16 elements.</exception>
    public static void SetRngState(Tensor state, Device? device = null) => (device ?? Device.Default).Generator.SetState(state);

    /// <summary>
    /// int64 numbers from <paramref name="low"/> on, <paramref name="range"/> of them; 0 stands for all 2^64.
    /// </summary>
    private static Tensor WholeNumbers(long low, ulong range, Shape shape, Device device, Generator? generator)
    {
        using var mode = GradMode.Set(false);
        if (range is > 0 and <= ExactRange)
        {
            // The product is at least 0, and rounds to at most the range itself, which the minimum takes back.
            var scaled = Rand(shape, DType.Float64, device, generator: generator) * (double)range;
            return Minimum(scaled.To(DType.Int64), Wrap((long)range - 1, device)) + low;
        }

        // A block of 2^12 numbers, then one of them. What lies beyond the range, in the last block, starts again at its beginning; the highest bit is flipped for
        // an unsigned comparison.
        ulong blocks = range == 0 ? ExactRange / 2 : (range - 1) / BlockOfNumbers + 1;
        var number = WholeNumbers(0, blocks, shape, device, generator) * (long)BlockOfNumbers + WholeNumbers(0, BlockOfNumbers, shape, device, generator);
        return range == 0
            ? number
            : Where(number + long.MinValue < unchecked((long)(range + (1UL << 63))), number, number - unchecked((long)range)) + low;
    }

    private static Tensor Random(RandomKind kind, Shape shape, DType dtype, Device? device, Generator? generator)
    {
        Defined.Check("Rand", dtype);
        if (!dtype.IsFloatingPoint())
        {
            throw new DTypeException($"Rand: expected a floating-point dtype, but got {dtype.Name()}. For whole numbers use RandInt.");
        }

        device ??= Device.Default;
        generator ??= device.Generator;
        return Level.Current is null ? Draw(kind, shape, dtype, device, generator) : DrawInside(Level.Current, kind, shape, dtype, device, generator);
    }

    /// <summary>Random numbers inside function transforms: inside Vmap they are the same for all samples, or others for each.</summary>
    private static Tensor DrawInside(Level? level, RandomKind kind, Shape shape, DType dtype, Device device, Generator generator)
    {
        while (level is not (null or BatchLevel { Randomness: not VmapRandomness.Same }))
        {
            level = level.Outer;
        }

        return level switch
        {
            null => Draw(kind, shape, dtype, device, generator),
            BatchLevel { Randomness: VmapRandomness.Different } batch =>
                batch.Wrap(DrawInside(level.Outer, kind, Shape.Own([batch.Size, .. shape.AsSpan()]), dtype, device, generator)),
            _ => throw BatchLevel.RandomnessError(kind == RandomKind.Normal ? "Randn" : "Rand"),
        };
    }

    private static Tensor Draw(RandomKind kind, Shape shape, DType dtype, Device device, Generator generator)
    {
        // Float64 numbers take two of a counter's four words, float32 numbers one.
        long count = shape.NumElements;
        ulong counters = (ulong)(dtype == DType.Float64 ? (count + 1) / 2 : (count + 3) / 4);
        ulong offset = generator.Reserve(counters, out ulong seed);
        var layout = Layout.Contiguous(shape);
        var computed = dtype.ComputeType();
        using (device.Gate.Enter())
        {
            var random = new RandomExpression(kind, seed, offset, computed, layout);
            return FromExpression(device, Fuser.Cast(device, random, dtype));
        }
    }
}
