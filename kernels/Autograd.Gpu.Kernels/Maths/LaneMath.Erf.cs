using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Kernels;

internal static partial class LaneMath<L, F, I, M>
{
    /// <summary>The error function 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Erf(F x)
    {
        F a = L.Abs(x);
        F outer = FlipSign(L.Sub(One, ErfcOuter(L.Clamp(a, L.C(0), L.C(4.0, 6.0)))), SignOf(x));
        return L.Select(L.Less(a, L.C(0.84, 0.85)), ErfInner(x), outer);
    }

    /// <summary>1 - erf(x) with a relative error bound: for x above 0 as e^(-x^2) g(x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Erfc(F x)
    {
        F a = L.Abs(x);
        F tail = ErfcTail(L.Clamp(a, L.C(0), L.C(10.2, 27.3)));
        F outer = L.Select(L.Less(x, 0), L.Sub(L.C(2), tail), tail);
        return L.Select(L.Less(a, 0.5), L.Sub(One, ErfInner(x)), outer);
    }

    /// <summary>erf for |x| below 0.85.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F ErfInner(F x)
    {
        // erf(x) / x - 1 over x^2, error 2^-29.9 (2^-56.2)
        F z = L.Mul(x, x);
        F p;
        if (L.Wide)
        {
            p = L.C(-1.7131970778314545e-09);
            p = L.Fma(p, z, 1.7501116601505555e-08);
            p = L.Fma(p, z, -1.6871670048460508e-07);
            p = L.Fma(p, z, 1.6513379358779366e-06);
            p = L.Fma(p, z, -1.4928825334978761e-05);
            p = L.Fma(p, z, 0.00012055458406813327);
            p = L.Fma(p, z, -0.0008548330194670028);
            p = L.Fma(p, z, 0.0052239776753537125);
            p = L.Fma(p, z, -0.026866170649713566);
            p = L.Fma(p, z, 0.11283791670976744);
            p = L.Fma(p, z, -0.37612638903184153);
            p = L.Fma(p, z, 0.1283791670955126);
        }
        else
        {
            p = L.C(7.683855801587924e-05);
            p = L.Fma(p, z, -0.0007994850748218596);
            p = L.Fma(p, z, 0.005189071409404278);
            p = L.Fma(p, z, -0.026854930445551872);
            p = L.Fma(p, z, 0.11283619701862335);
            p = L.Fma(p, z, -0.3761262893676758);
            p = L.Fma(p, z, 0.12837916612625122);
        }

        return L.Fma(x, p, x);
    }

    /// <summary>1 - erf(a) for a from 0.84 up, with an error that counts against erf(a).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F ErfcOuter(F a)
    {
        if (L.Wide) return ErfcTail(a);

        // ln(1 - erf(a)) on [0.84, 4], error of erf 2^-32.9
        F p = L.C(-1.9826773495879024e-05);
        p = L.Fma(p, a, 0.00042004004353657365);
        p = L.Fma(p, a, -0.004102448001503944);
        p = L.Fma(p, a, 0.024942325428128242);
        p = L.Fma(p, a, -0.10801210254430771);
        p = L.Fma(p, a, -0.6335847973823547);
        p = L.Fma(p, a, -1.1294001340866089);
        p = L.Fma(p, a, 0.0001514339237473905);
        F n = RoundedMultiple(p, out F r);
        return L.Mul(L.Add(One, ExpM1Reduced(r)), PowerOfTwo(L.Add(n, RoundingShift)));
    }

    /// <summary>1 - erf(a) for a from 0 up, with a relative error bound.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F ErfcTail(F a)
    {
        // e^(a^2) (1 - erf(a)) (1 + 2 a) over t = (a - k) / (a + k), error 2^-25.9 with k = 2 (2^-54.6 with k = 4)
        F k = L.C(2.0, 4.0);
        F t = L.Div(L.Sub(a, k), L.Add(a, k));
        F p;
        if (L.Wide)
        {
            p = L.C(-1.4515871604261266e-09);
            p = L.Fma(p, t, -1.2939630622456872e-08);
            p = L.Fma(p, t, -8.796134867256432e-09);
            p = L.Fma(p, t, 1.1248664514624286e-07);
            p = L.Fma(p, t, 6.362693488399192e-08);
            p = L.Fma(p, t, -8.305462477292758e-07);
            p = L.Fma(p, t, 3.0153268852969013e-07);
            p = L.Fma(p, t, 5.7138169954395e-06);
            p = L.Fma(p, t, -1.1225615294200837e-05);
            p = L.Fma(p, t, -2.440099568714527e-05);
            p = L.Fma(p, t, 0.0001506228641712032);
            p = L.Fma(p, t, -0.00019925623700950003);
            p = L.Fma(p, t, -0.0007577735771723398);
            p = L.Fma(p, t, 0.005031969909507636);
            p = L.Fma(p, t, -0.016197734008304803);
            p = L.Fma(p, t, 0.037167515542948844);
            p = L.Fma(p, t, -0.0663303658176715);
            p = L.Fma(p, t, 0.09373283499816894);
            p = L.Fma(p, t, -0.10103906603597189);
            p = L.Fma(p, t, 0.06809705425469295);
            p = L.Fma(p, t, 0.015379652102611103);
            p = L.Fma(p, t, -0.13962111684056247);
            p = L.Fma(p, t, 1.2329951186255526);
        }
        else
        {
            p = L.C(-0.0004041996435262263);
            p = L.Fma(p, t, -0.0012375545920804143);
            p = L.Fma(p, t, 0.0013139944057911634);
            p = L.Fma(p, t, 0.00864012073725462);
            p = L.Fma(p, t, -0.00805799663066864);
            p = L.Fma(p, t, -0.05420752987265587);
            p = L.Fma(p, t, 0.16405460238456726);
            p = L.Fma(p, t, -0.16603094339370728);
            p = L.Fma(p, t, -0.09276391565799713);
            p = L.Fma(p, t, 1.2769783735275269);
        }

        F square = L.Mul(a, a);
        F squareLow = L.Fma(a, a, L.Neg(square));
        F clamped = L.Clamp(L.Neg(square), ExpLow, L.C(0));
        F e = ExpTwoWords(clamped, L.Neg(squareLow));
        return L.Mul(e, L.Div(p, L.Fma(a, L.C(2), One)));
    }
}
