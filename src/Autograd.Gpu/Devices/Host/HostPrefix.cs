using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// Running sums of floats, added in double, with the sums inside a vector taken in three steps, so that the elements wait for one addition a vector and not for one
/// each.
/// </summary>
internal static unsafe class HostPrefix
{
    private const int Lanes = 8;

    /// <summary>Whether vectors of eight doubles are what the processor has; else plain loops, several lines at a time, are faster.</summary>
    public static bool IsSupported => Avx512F.IsSupported && Vector512.IsHardwareAccelerated;

    /// <summary>result[k] = sum + x[0] + .. + x[k]; returns the last one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Forward(float* x, float* result, long count, double sum)
    {
        var carry = Vector512.Create(sum);
        var last = Vector512.Create(7L);
        long i = 0;
        for (; i <= count - Lanes; i += Lanes)
        {
            var v = Widen(x + i);
            v += Avx512F.PermuteVar8x64x2(v, Vector512.Create(8L, 0, 1, 2, 3, 4, 5, 6), Vector512<double>.Zero);
            v += Avx512F.PermuteVar8x64x2(v, Vector512.Create(8L, 8, 0, 1, 2, 3, 4, 5), Vector512<double>.Zero);
            v += Avx512F.PermuteVar8x64x2(v, Vector512.Create(8L, 8, 8, 8, 0, 1, 2, 3), Vector512<double>.Zero);
            Narrow(v + carry).Store(result + i);
            carry += Avx512F.PermuteVar8x64(v, last);
        }

        sum = carry.ToScalar();
        for (; i < count; i++)
        {
            sum += x[i];
            result[i] = (float)sum;
        }

        return sum;
    }

    /// <summary>result[k] = sum + x[count - 1] + .. + x[k]; returns that of the first element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Backward(float* x, float* result, long count, double sum)
    {
        var carry = Vector512.Create(sum);
        var first = Vector512.Create(0L);
        long i = count;
        for (; i >= Lanes; i -= Lanes)
        {
            var v = Widen(x + i - Lanes);
            v += Avx512F.PermuteVar8x64x2(v, Vector512.Create(1L, 2, 3, 4, 5, 6, 7, 8), Vector512<double>.Zero);
            v += Avx512F.PermuteVar8x64x2(v, Vector512.Create(2L, 3, 4, 5, 6, 7, 8, 8), Vector512<double>.Zero);
            v += Avx512F.PermuteVar8x64x2(v, Vector512.Create(4L, 5, 6, 7, 8, 8, 8, 8), Vector512<double>.Zero);
            Narrow(v + carry).Store(result + i - Lanes);
            carry += Avx512F.PermuteVar8x64(v, first);
        }

        sum = carry.ToScalar();
        while (--i >= 0)
        {
            sum += x[i];
            result[i] = (float)sum;
        }

        return sum;
    }

    /// <summary>The sum of all.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Total(float* x, long count)
    {
        Vector512<double> a = default, b = default, c = default, d = default;
        long i = 0;
        for (; i <= count - 4 * Lanes; i += 4 * Lanes)
        {
            a += Widen(x + i);
            b += Widen(x + i + Lanes);
            c += Widen(x + i + 2 * Lanes);
            d += Widen(x + i + 3 * Lanes);
        }

        double sum = Vector512.Sum(a + b + (c + d));
        for (; i < count; i++)
        {
            sum += x[i];
        }

        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> Widen(float* x) => Avx512F.ConvertToVector512Double(Vector256.Load(x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Narrow(Vector512<double> v) => Avx512F.ConvertToVector256Single(v);
}
