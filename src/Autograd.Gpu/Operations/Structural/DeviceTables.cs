using System.Runtime.CompilerServices;
using Autograd.Gpu.Lazy;

namespace Autograd.Gpu.Operations;

/// <summary>
/// Small tables that kernels read, such as where a pooling's windows lie: each is brought to a device once, and found again by what it contains. Callers hold the device's gate.
/// </summary>
internal static class DeviceTables
{
    /// <summary>The tables of one device; programs that go through more shapes than this begin anew.</summary>
    internal const int Most = 128;

    private static readonly ConditionalWeakTable<Device, Dictionary<Key, Tensor>> s_tables = [];

    public static BufferExpression Of(Device device, int[] values) => Of(device, values, HashOf<int>(values), static (v, d) => Tensor.FromArray((int[])v, d));

    public static BufferExpression Of(Device device, float[] values) => Of(device, values, HashOf<float>(values), static (v, d) => Tensor.FromArray((float[])v, d));

    public static BufferExpression Of(Device device, double[] values) => Of(device, values, HashOf<double>(values), static (v, d) => Tensor.FromArray((double[])v, d));

    private static BufferExpression Of(Device device, Array values, int hash, Func<Array, Device, Tensor> upload)
    {
        var tables = s_tables.GetValue(device, static _ => []);
        var key = new Key(values, hash);
        if (!tables.TryGetValue(key, out var table))
        {
            if (tables.Count >= Most)
            {
                tables.Clear();
            }

            table = upload(values, device);
            tables.Add(key, table);
        }

        return table.ContiguousBuffer();
    }

    private static int HashOf<T>(T[] values)
        where T : unmanaged
    {
        var hash = default(HashCode);
        hash.AddBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()));
        return hash.ToHashCode();
    }

    private readonly struct Key(Array values, int hash) : IEquatable<Key>
    {
        private readonly Array _values = values;
        private readonly int _hash = hash;

        public bool Equals(Key other) => _hash == other._hash && (_values, other._values) switch
        {
            (int[] a, int[] b) => a.AsSpan().SequenceEqual(b),
            (float[] a, float[] b) => a.AsSpan().SequenceEqual(b),
            (double[] a, double[] b) => a.AsSpan().SequenceEqual(b),
            _ => false,
        };

        public override bool Equals(object? obj) => obj is Key other && Equals(other);

        public override int GetHashCode() => _hash;
    }
}
