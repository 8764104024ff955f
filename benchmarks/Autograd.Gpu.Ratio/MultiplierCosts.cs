using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace AutogradRatio;

/// <summary>What a division and a look-up in sixteen numbers take of the pipes that multiply, in fused multiply-adds: what each adds to the time of ten of these beside it.</summary>
internal readonly record struct MultiplierCosts(double Division, double Lookup)
{
    private const int Iterations = 400_000;
    private const int Goes = 24;

    /// <summary>With the vectors that <see cref="Machine"/> takes the peak with; without 512 bits there is no look-up in one register, which then counts nothing.</summary>
    public static unsafe MultiplierCosts Measure()
    {
        // Each loop has forty multiply-adds, four divisions and eight look-ups in four chains, so that no chain is waited for.
        if (Avx512F.IsSupported)
        {
            var alone = Best(&Multiplies512);
            return new(Cost(alone, Best(&Divisions512), 4), Cost(alone, Best(&Lookups512), 8));
        }

        return new(Cost(Best(&Multiplies256), Best(&Divisions256), 4), 0);
    }

    private static double Cost(double alone, double together, int count) => Math.Max(0, (together / alone - 1) * 40 / count);

    private static unsafe double Best(delegate*<float> loop)
    {
        var best = double.MaxValue;
        for (var go = 0; go < Goes; go++)
        {
            var start = Stopwatch.GetTimestamp();
            loop();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }

    private static float Multiplies512() => Loop512<None>();

    private static float Divisions512() => Loop512<Division512>();

    private static float Lookups512() => Loop512<Lookup512>();

    private static float Multiplies256() => Loop256<None>();

    private static float Divisions256() => Loop256<Division256>();

    private interface IBeside
    {
        static abstract Vector512<float> Step(Vector512<float> v);

        static abstract Vector256<float> Step(Vector256<float> v);
    }

    private readonly struct None : IBeside
    {
        public static Vector512<float> Step(Vector512<float> v) => v;

        public static Vector256<float> Step(Vector256<float> v) => v;
    }

    private readonly struct Division512 : IBeside
    {
        public static Vector512<float> Step(Vector512<float> v) => Vector512.Create(1.5f) / v;

        public static Vector256<float> Step(Vector256<float> v) => v;
    }

    private readonly struct Lookup512 : IBeside
    {
        public static Vector512<float> Step(Vector512<float> v) => Avx512F.PermuteVar16x32(Avx512F.PermuteVar16x32(v, Vector512<int>.Indices), v.AsInt32());

        public static Vector256<float> Step(Vector256<float> v) => v;
    }

    private readonly struct Division256 : IBeside
    {
        public static Vector512<float> Step(Vector512<float> v) => v;

        public static Vector256<float> Step(Vector256<float> v) => Vector256.Create(1.5f) / v;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Loop512<TBeside>()
        where TBeside : struct, IBeside
    {
        Vector512<float> m = Vector512.Create(0.999f), s = Vector512.Create(0.001f);
        Vector512<float> a = s, b = m, c = s, d = m, e = s, f = m, g = s, h = m, i = s, j = m;
        Vector512<float> w = m, x = m, y = m, z = m;
        for (var n = 0; n < Iterations; n++)
        {
            Ten512(ref a, ref b, ref c, ref d, ref e, ref f, ref g, ref h, ref i, ref j, m, s);
            w = TBeside.Step(w);
            Ten512(ref a, ref b, ref c, ref d, ref e, ref f, ref g, ref h, ref i, ref j, m, s);
            x = TBeside.Step(x);
            Ten512(ref a, ref b, ref c, ref d, ref e, ref f, ref g, ref h, ref i, ref j, m, s);
            y = TBeside.Step(y);
            Ten512(ref a, ref b, ref c, ref d, ref e, ref f, ref g, ref h, ref i, ref j, m, s);
            z = TBeside.Step(z);
        }

        return Vector512.Sum(a + b + c + d + e + f + g + h + i + j + w + x + y + z);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Ten512(
        ref Vector512<float> a, ref Vector512<float> b, ref Vector512<float> c, ref Vector512<float> d, ref Vector512<float> e,
        ref Vector512<float> f, ref Vector512<float> g, ref Vector512<float> h, ref Vector512<float> i, ref Vector512<float> j, Vector512<float> m, Vector512<float> s)
    {
        a = Vector512.FusedMultiplyAdd(a, m, s);
        b = Vector512.FusedMultiplyAdd(b, m, s);
        c = Vector512.FusedMultiplyAdd(c, m, s);
        d = Vector512.FusedMultiplyAdd(d, m, s);
        e = Vector512.FusedMultiplyAdd(e, m, s);
        f = Vector512.FusedMultiplyAdd(f, m, s);
        g = Vector512.FusedMultiplyAdd(g, m, s);
        h = Vector512.FusedMultiplyAdd(h, m, s);
        i = Vector512.FusedMultiplyAdd(i, m, s);
        j = Vector512.FusedMultiplyAdd(j, m, s);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Loop256<TBeside>()
        where TBeside : struct, IBeside
    {
        Vector256<float> m = Vector256.Create(0.999f), s = Vector256.Create(0.001f);
        Vector256<float> a = s, b = m, c = s, d = m, e = s, f = m, g = s, h = m, i = s, j = m;
        Vector256<float> x = m, y = m;
        for (var n = 0; n < 2 * Iterations; n++)
        {
            Ten256(ref a, ref b, ref c, ref d, ref e, ref f, ref g, ref h, ref i, ref j, m, s);
            x = TBeside.Step(x);
            Ten256(ref a, ref b, ref c, ref d, ref e, ref f, ref g, ref h, ref i, ref j, m, s);
            y = TBeside.Step(y);
        }

        return Vector256.Sum(a + b + c + d + e + f + g + h + i + j + x + y);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Ten256(
        ref Vector256<float> a, ref Vector256<float> b, ref Vector256<float> c, ref Vector256<float> d, ref Vector256<float> e,
        ref Vector256<float> f, ref Vector256<float> g, ref Vector256<float> h, ref Vector256<float> i, ref Vector256<float> j, Vector256<float> m, Vector256<float> s)
    {
        a = Vector256.FusedMultiplyAdd(a, m, s);
        b = Vector256.FusedMultiplyAdd(b, m, s);
        c = Vector256.FusedMultiplyAdd(c, m, s);
        d = Vector256.FusedMultiplyAdd(d, m, s);
        e = Vector256.FusedMultiplyAdd(e, m, s);
        f = Vector256.FusedMultiplyAdd(f, m, s);
        g = Vector256.FusedMultiplyAdd(g, m, s);
        h = Vector256.FusedMultiplyAdd(h, m, s);
        i = Vector256.FusedMultiplyAdd(i, m, s);
        j = Vector256.FusedMultiplyAdd(j, m, s);
    }
}
