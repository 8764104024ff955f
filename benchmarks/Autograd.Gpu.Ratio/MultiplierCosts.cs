using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace AutogradRatio;

/// <summary>What divisions and look-ups in sixteen numbers take beside fused multiply-adds, in the time of one of these.</summary>
/// <param name="Division">What one adds to the time of ten multiply-adds.</param>
/// <param name="Lookup">A look-up among its like.</param>
/// <param name="Mixed">Either among as many multiply-adds as look-ups: 1 where all their pipes are the same, 1/2 where no pipe serves both.</param>
internal readonly record struct MultiplierCosts(double Division, double Lookup, double Mixed)
{
    private const int Iterations = 400_000;
    private const int Goes = 24;

    /// <summary>With the vectors that <see cref="Machine"/> takes the peak with; without 512 bits there is no look-up in one register, which then counts nothing.</summary>
    public static unsafe MultiplierCosts Measure()
    {
        if (!Avx512F.IsSupported)
        {
            return new(OfDivision(Best(&Multiplies256), Best(&Divisions256)), 0, 0);
        }

        // A few look-ups beside many multiply-adds may cost nothing, for a pipe that does not multiply has room for them; as many as there are multiply-adds do not.
        var multiplies = Best(&Multiplies512);
        return new(OfDivision(multiplies, Best(&Divisions512)), Best(&Lookups512) / multiplies, Best(&Mixed512) / multiplies / 2);
    }

    /// <summary>The least time of an element's arithmetic, in multiply-adds.</summary>
    public double Time(Arithmetic arithmetic)
    {
        var multiplies = arithmetic.Multiplies + arithmetic.Divisions * Division;
        return Math.Max(Math.Max(multiplies, arithmetic.Lookups * Lookup), (multiplies + arithmetic.Lookups) * Mixed);
    }

    /// <summary>Of one of four beside forty multiply-adds.</summary>
    private static double OfDivision(double alone, double together) => Math.Max(0, (together / alone - 1) * 10);

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

    // Loops of forty multiply-adds, look-ups, or both, in chains enough that none is waited for.
    private static float Multiplies512() => Loop512<None>();

    private static float Divisions512() => Loop512<Division512>();

    private static float Lookups512() => Lookups512<None>();

    private static float Mixed512() => Lookups512<Multiply>();

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

    private readonly struct Multiply : IBeside
    {
        public static Vector512<float> Step(Vector512<float> v) => Vector512.FusedMultiplyAdd(v, Vector512.Create(0.999f), Vector512.Create(0.001f));

        public static Vector256<float> Step(Vector256<float> v) => v;
    }

    private readonly struct Division512 : IBeside
    {
        public static Vector512<float> Step(Vector512<float> v) => Vector512.Create(1.5f) / v;

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

    /// <summary>Look-ups by themselves, or each beside a multiply-add.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Lookups512<TBeside>()
        where TBeside : struct, IBeside
    {
        Vector512<float> table = Vector512.Create(0.999f);
        Vector512<float> a = table, b = table, c = table, d = table, e = table, f = table, g = table, h = table, i = table, j = table;
        Vector512<int> k = Vector512<int>.Indices, l = k, m = k, n = k, o = k, p = k, q = k, r = k, s = k, t = k;
        for (var count = 0; count < 4 * Iterations; count++)
        {
            a = TBeside.Step(a);
            k = LookUp(table, k);
            b = TBeside.Step(b);
            l = LookUp(table, l);
            c = TBeside.Step(c);
            m = LookUp(table, m);
            d = TBeside.Step(d);
            n = LookUp(table, n);
            e = TBeside.Step(e);
            o = LookUp(table, o);
            f = TBeside.Step(f);
            p = LookUp(table, p);
            g = TBeside.Step(g);
            q = LookUp(table, q);
            h = TBeside.Step(h);
            r = LookUp(table, r);
            i = TBeside.Step(i);
            s = LookUp(table, s);
            j = TBeside.Step(j);
            t = LookUp(table, t);
        }

        return Vector512.Sum(a + b + c + d + e + f + g + h + i + j) + Vector512.Sum(k + l + m + n + o + p + q + r + s + t);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> LookUp(Vector512<float> table, Vector512<int> index) => Avx512F.PermuteVar16x32(table, index).AsInt32();

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
