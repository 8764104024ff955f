namespace Autograd.Gpu.Benchmarks.Peers;

/// <summary>A computation that a peer in another process declares under the same name, on the same numbers.</summary>
/// <param name="Name">The name on both sides.</param>
/// <param name="SetUp">Makes the inputs on a device and returns one iteration, whose results are then computed.</param>
internal sealed record Workload(string Name, Func<Device, Func<Tensor[]>> SetUp);

/// <summary>Inputs that a peer in another language makes too: exact integer arithmetic, one rounding to float32.</summary>
internal static class Numbers
{
    /// <summary>Elements between -scale and scale: a multiplicative hash of the index, mixed twice.</summary>
    public static Tensor Uniform(Device device, uint seed, double scale, params long[] shape)
    {
        var count = shape.Aggregate(1L, (product, size) => product * size);
        var data = new float[count];
        for (var i = 0L; i < count; i++)
        {
            data[i] = (float)((Hash(seed, i) / 2147483648.0 - 1) * scale);
        }

        return Tensor.FromArray(data, [.. shape], device);
    }

    /// <summary>The same as a leaf that asks for its gradient.</summary>
    public static Tensor Leaf(Device device, uint seed, double scale, params long[] shape) =>
        Uniform(device, seed, scale, shape).RequiresGrad_();

    /// <summary>Class numbers or positions below <paramref name="limit"/>.</summary>
    public static Tensor Below(Device device, uint seed, long limit, params long[] shape)
    {
        var count = shape.Aggregate(1L, (product, size) => product * size);
        var data = new long[count];
        for (var i = 0L; i < count; i++)
        {
            data[i] = Hash(seed, i) % limit;
        }

        return Tensor.FromArray(data, [.. shape], device);
    }

    private static uint Hash(uint seed, long index)
    {
        var h = unchecked((uint)(index * 2654435761L) + seed * 40503u);
        h = unchecked((h ^ (h >> 16)) * 0x45d9f3bu);
        return h ^ (h >> 16);
    }
}
