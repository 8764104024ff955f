using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Kernels;

internal static partial class LaneMath<L, F, I, M>
{
    /// <summary>x^y = e^(y ln |x|) with the logarithm in two words; special cases as in C99, F.9.4.4.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Pow(F x, F y)
    {
        F a = L.Abs(x);
        F b = L.Abs(y);
        F high = LogTwoWords(Decompose(a, out F f), f, out F low);
        high = L.Select(L.Less(a, Infinity), high, a);
        high = L.Select(L.Equal(a, 0), L.Neg(Infinity), high);

        F result = ExpOfProduct(y, high, low);

        M integer = IsInteger(b);
        M odd = L.Both(integer, L.Not(IsInteger(L.Mul(b, 0.5))));
        result = FlipSign(result, L.SelectInteger(odd, SignOf(x), L.N(0, 0)));
        M root = L.Both(L.Both(L.Less(x, 0), L.Less(a, Infinity)), L.Not(integer));
        result = L.Select(root, L.C(double.NaN), result);
        result = L.Select(L.Both(L.Equal(a, One), L.Equal(b, Infinity)), One, result);
        result = L.Select(L.Either(L.Equal(b, b), L.Equal(x, One)), result, y);
        return L.Select(L.Either(L.Equal(x, One), L.Equal(y, 0)), One, result);
    }

    /// <summary>x^y for x finite, positive and not subnormal, and y finite: the same bits as <see cref="Pow"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F PowOrdinary(F x, F y)
    {
        F high = LogTwoWords(DecomposeNormal(x, out F f), f, out F low);
        return ExpOfProduct(y, high, low);
    }

    /// <summary>e^(y (high + low)).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F ExpOfProduct(F y, F high, F low)
    {
        F product = L.Mul(y, high);
        F clamped = L.Clamp(product, ExpLow, ExpHigh);
        // Where the clamp was at work there is no second word, and it may have come out as NaN.
        F rest = L.Fma(y, low, L.Fma(y, high, L.Neg(product)));
        rest = L.Select(L.Equal(clamped, product), rest, L.C(0));
        return ExpTwoWords(clamped, rest);
    }

    /// <summary>Whether a, not negative, is an integer or infinite.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static M IsInteger(F a)
    {
        F shift = L.C(8388608.0, 4503599627370496.0);
        return L.Either(L.Not(L.Less(a, shift)), L.Equal(L.Sub(L.Add(a, shift), shift), a));
    }

    /// <summary>ln(2^n (1 + f)) as a sum of two words, relative error about 2^-34 (2^-66).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F LogTwoWords(F n, F f, out F low)
    {
        // q + qLow = 2 f / (2 + f), and ln(1 + f) = q + q^3 (1/12 + q^2 p(q^2)), error of q^4 p 2^-36.8 (2^-73.5)
        F reciprocal = L.Div(One, L.Add(L.C(2), f));
        F q = L.Mul(L.Add(f, f), reciprocal);
        F difference = L.Sub(f, q);
        F qLow = L.Mul(reciprocal, L.Fma(q, L.Neg(f), L.Add(difference, difference)));
        F s = L.Mul(q, q);
        F sLow = L.Fma(L.Add(q, q), qLow, L.Fma(q, q, L.Neg(s)));
        F p;
        if (L.Wide)
        {
            p = L.C(2.285601376804771e-07);
            p = L.Fma(p, s, 8.907794290080297e-07);
            p = L.Fma(p, s, 4.06990712225038e-06);
            p = L.Fma(p, s, 1.8779978345452206e-05);
            p = L.Fma(p, s, 8.877841233451965e-05);
            p = L.Fma(p, s, 0.0004340277776909429);
            p = L.Fma(p, s, 0.0022321428571440527);
            p = L.Fma(p, s, 0.012499999999999994);
        }
        else
        {
            p = L.C(0.00045741963549517095);
            p = L.Fma(p, s, 0.0022302409633994102);
            p = L.Fma(p, s, 0.01250004768371582);
        }

        F twelfth = L.C(0.0833333358168602, 0.08333333333333333);
        F c = L.Fma(s, p, twelfth);
        F cLow = L.Add(L.Fma(s, p, L.Sub(twelfth, c)), L.C(-2.4835269396561444e-09, 4.625929269271485e-18));
        F v = L.Mul(s, c);
        F vLow = L.Fma(s, cLow, L.Fma(sLow, c, L.Fma(s, c, L.Neg(v))));
        F w = L.Mul(q, v);
        F wLow = L.Fma(q, vLow, L.Fma(qLow, v, L.Fma(q, v, L.Neg(w))));
        F z = L.Add(q, w);
        F zLow = L.Add(L.Add(L.Sub(q, z), w), L.Add(qLow, wLow));

        // n times the upper part of ln 2 is exact.
        F m = L.Mul(n, L.C(0.693145751953125, 0.6931471805592082));
        F sum = L.Add(m, z);
        F sumLow = L.Add(L.Add(L.Sub(m, sum), z), L.Fma(n, L.C(1.428606765330187e-06, 7.371002565167799e-13), zLow));
        F result = L.Add(sum, sumLow);
        low = L.Add(L.Sub(sum, result), sumLow);
        return result;
    }
}
