using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Kernels;

internal static partial class LaneMath<L, F, I, M>
{
    /// <summary>The inverse of the error function: infinite at 1 and -1, NaN beyond.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Erfinv(F y)
    {
        // erfinv(a) / a over w = -ln(1 - a^2), relative error 2^-23 up to w = 5, then over sqrt(w), 2^-19.8 (M. Giles, Approximating the erfinv
        // function, 2010, has the idea); then one step of Halley's method with the part of the error function that has the digits.
        F a = L.Abs(y);
        F rest = L.Sub(One, a);
        F w = L.Neg(Log(L.Mul(rest, L.Add(One, a))));
        F z = L.Sub(w, L.C(2.5));
        F p = L.C(2.841139234988077e-08);
        p = L.Fma(p, z, 3.4372953905403847e-07);
        p = L.Fma(p, z, -3.527184162521735e-06);
        p = L.Fma(p, z, -4.39650011685444e-06);
        p = L.Fma(p, z, 0.00021859465050511062);
        p = L.Fma(p, z, -0.0012537091970443726);
        p = L.Fma(p, z, -0.004177694208920002);
        p = L.Fma(p, z, 0.24664072692394257);
        p = L.Fma(p, z, 1.5014094114303589);
        F inner = p;
        z = L.Sub(L.Sqrt(w), L.C(4));
        p = L.C(1.8051063307211734e-05);
        p = L.Fma(p, z, -7.88527904660441e-05);
        p = L.Fma(p, z, 8.893004269339144e-05);
        p = L.Fma(p, z, -2.8232208933332004e-05);
        p = L.Fma(p, z, 0.00025971391005441546);
        p = L.Fma(p, z, -0.0009409591439180076);
        p = L.Fma(p, z, 0.0012905088951811194);
        p = L.Fma(p, z, 1.0095103979110718);
        p = L.Fma(p, z, 3.8397817611694336);
        F x = L.Mul(a, L.Select(L.Less(w, 5), inner, p));

        F clamped = L.Clamp(x, L.C(0), L.C(10.2, 27.3));
        F excess = L.Select(L.Less(a, 0.5), L.Sub(ErfInner(x), a), L.Sub(rest, ErfcTail(clamped)));
        // The derivative of erf is 2 / sqrt(pi) e^(-x^2).
        F step = L.Mul(excess, L.Mul(Exp(L.Mul(clamped, clamped)), 0.886226925452758));
        x = L.Sub(x, L.Div(step, L.Fma(x, step, 1)));
        return FlipSign(L.Select(L.Equal(a, One), Infinity, x), SignOf(y));
    }
}
