using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using NormalDouble64 = Autograd.Gpu.Kernels.LaneMath<
    Autograd.Gpu.Kernels.DoubleVectorLane, System.Numerics.Vector<double>, System.Numerics.Vector<long>, System.Numerics.Vector<long>>;
using NormalSingle32 = Autograd.Gpu.Kernels.LaneMath<
    Autograd.Gpu.Kernels.SingleVectorLane, System.Numerics.Vector<float>, System.Numerics.Vector<int>, System.Numerics.Vector<int>>;

namespace Autograd.Gpu.Kernels;

/// <summary>
/// The streams of <see cref="Philox"/> for host vectors: elements index to index + Count - 1, bit for bit. Any index will do; one that is a
/// multiple of 4 (floats) or 2 (doubles) takes half the time.
/// </summary>
public static class VectorPhilox
{
    // Two blocks fill a vector of 256 bits in the order in which the stream uses their words.
    private static bool IsAccelerated
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Avx2.IsSupported && Vector<byte>.Count == Vector256<byte>.Count;
    }

    /// <inheritdoc cref="Philox.UniformFloat"/>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<float> UniformFloat(ulong seed, ulong offset, long index) =>
        IsAccelerated && (index & 3) == 0
            ? UniformFloats(Words(seed, offset + ((ulong)index >> 2)))
            : UnalignedUniformFloat(seed, offset, index);

    /// <inheritdoc cref="Philox.UniformDouble"/>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> UniformDouble(ulong seed, ulong offset, long index) =>
        IsAccelerated && (index & 1) == 0
            ? UniformDoubles(Words(seed, offset + ((ulong)index >> 1)))
            : UnalignedUniformDouble(seed, offset, index);

    /// <inheritdoc cref="Philox.NormalFloat"/>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<float> NormalFloat(ulong seed, ulong offset, long index) =>
        IsAccelerated && (index & 3) == 0
            ? NormalFloats(Words(seed, offset + ((ulong)index >> 2)))
            : UnalignedNormalFloat(seed, offset, index);

    /// <inheritdoc cref="Philox.NormalDouble"/>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> NormalDouble(ulong seed, ulong offset, long index) =>
        IsAccelerated && (index & 1) == 0
            ? NormalDoubles(Words(seed, offset + ((ulong)index >> 1)))
            : UnalignedNormalDouble(seed, offset, index);

    /// <summary>The eight words of the blocks of <paramref name="counter"/> and the next one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Words(ulong seed, ulong counter)
    {
        Vector256<uint> state = Vector256.Create(counter, 0, counter + 1, 0).AsUInt32();
        Vector256<uint> key = Vector256.Create((uint)seed, seed >> 32, (uint)seed, seed >> 32).AsUInt32();
        Vector256<uint> weyl = Vector256.Create(Philox.Weyl0, Philox.Weyl1, (ulong)Philox.Weyl0, Philox.Weyl1).AsUInt32();
        Vector256<uint> multiplier =
            Vector256.Create(Philox.Multiplier0, Philox.Multiplier1, (ulong)Philox.Multiplier0, Philox.Multiplier1).AsUInt32();
        for (int i = 0; i < Philox.Rounds; i++)
        {
            // A block is (c0, c1, c2, c3): the products of its even words, turned round, against its odd words moved down.
            Vector256<uint> products = Avx2.Shuffle(Avx2.Multiply(state, multiplier).AsUInt32(), 0b00_01_10_11);
            state = products ^ (state.AsUInt64() >>> 32).AsUInt32() ^ key;
            key += weyl;
        }

        return state;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> UniformFloats(Vector256<uint> words) =>
        Vector.ConvertToSingle((words >>> 8).AsInt32().AsVector()) * Vector.Create(5.9604644775390625e-8f);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<double> UniformDoubles(Vector256<uint> words) =>
        Vector.ConvertToDouble((words.AsUInt64() >>> 11).AsInt64().AsVector()) * Vector.Create(1.1102230246251565e-16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> NormalFloats(Vector256<uint> words) => NormalSingle32.Normal(
        Avx2.Shuffle(words, 0b10_10_00_00).AsInt32().AsVector(),
        Avx2.Shuffle(words, 0b11_11_01_01).AsInt32().AsVector(),
        Vector256.Create(1, 0, 1, 0, 1, 0, 1, 0).AsVector());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<double> NormalDoubles(Vector256<uint> words) => NormalDouble64.Normal(
        Avx2.UnpackLow(words.AsInt64(), words.AsInt64()).AsVector(),
        Avx2.UnpackHigh(words.AsInt64(), words.AsInt64()).AsVector(),
        Vector256.Create(1L, 0, 1, 0).AsVector());

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Vector<float> UnalignedUniformFloat(ulong seed, ulong offset, long index)
    {
        Span<float> values = stackalloc float[2 * Vector<float>.Count];
        if (IsAccelerated)
        {
            long aligned = index & ~3L;
            UniformFloat(seed, offset, aligned).CopyTo(values);
            UniformFloat(seed, offset, aligned + Vector<float>.Count).CopyTo(values[Vector<float>.Count..]);
            return new Vector<float>(values[(int)(index - aligned)..]);
        }

        for (int i = 0; i < Vector<float>.Count; i++) values[i] = Philox.UniformFloat(seed, offset, index + i);
        return new Vector<float>(values);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Vector<double> UnalignedUniformDouble(ulong seed, ulong offset, long index)
    {
        Span<double> values = stackalloc double[2 * Vector<double>.Count];
        if (IsAccelerated)
        {
            long aligned = index & ~1L;
            UniformDouble(seed, offset, aligned).CopyTo(values);
            UniformDouble(seed, offset, aligned + Vector<double>.Count).CopyTo(values[Vector<double>.Count..]);
            return new Vector<double>(values[(int)(index - aligned)..]);
        }

        for (int i = 0; i < Vector<double>.Count; i++) values[i] = Philox.UniformDouble(seed, offset, index + i);
        return new Vector<double>(values);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Vector<float> UnalignedNormalFloat(ulong seed, ulong offset, long index)
    {
        Span<float> values = stackalloc float[2 * Vector<float>.Count];
        if (IsAccelerated)
        {
            long aligned = index & ~3L;
            NormalFloat(seed, offset, aligned).CopyTo(values);
            NormalFloat(seed, offset, aligned + Vector<float>.Count).CopyTo(values[Vector<float>.Count..]);
            return new Vector<float>(values[(int)(index - aligned)..]);
        }

        for (int i = 0; i < Vector<float>.Count; i++) values[i] = Philox.NormalFloat(seed, offset, index + i);
        return new Vector<float>(values);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Vector<double> UnalignedNormalDouble(ulong seed, ulong offset, long index)
    {
        Span<double> values = stackalloc double[2 * Vector<double>.Count];
        if (IsAccelerated)
        {
            long aligned = index & ~1L;
            NormalDouble(seed, offset, aligned).CopyTo(values);
            NormalDouble(seed, offset, aligned + Vector<double>.Count).CopyTo(values[Vector<double>.Count..]);
            return new Vector<double>(values[(int)(index - aligned)..]);
        }

        for (int i = 0; i < Vector<double>.Count; i++) values[i] = Philox.NormalDouble(seed, offset, index + i);
        return new Vector<double>(values);
    }
}
