namespace Autograd.Gpu.Kernels;

public static partial class DeviceMath
{
    /// <summary>
    /// The Hurwitz zeta function, the sum of (q + k)^-s over k = 0, 1, ...: infinite for s = 1 and where q is 0 or a negative integer, NaN for s below 1, and
    /// for q below 0 unless s is an integer.
    /// </summary>
    public static double Zeta(double s, double q)
    {
        if (s == 1d)
        {
            return double.IsNaN(q) ? q : double.PositiveInfinity;
        }

        if (!(s > 1d))
        {
            return double.NaN;
        }

        if (q > 0d)
        {
            return ZetaPositive(s, q);
        }

        double floor = Floor(q);
        if (q == floor)
        {
            return double.PositiveInfinity;
        }

        if (s != Floor(s))
        {
            return double.NaN;
        }

        // The terms with q + k below 0 are, up to the sign, a difference of two such sums over positive numbers.
        double below = ZetaPositive(s, floor + 1d - q) - ZetaPositive(s, 1d - q);
        double half = s * 0.5d;
        return ZetaPositive(s, q - floor) + (half == Floor(half) ? below : -below);
    }

    /// <inheritdoc cref="Zeta(double, double)"/>
    public static float Zeta(float s, float q) => (float)Zeta((double)s, (double)q);

    private static double ZetaPositive(double s, double q)
    {
        // Ten terms, then the Euler-Maclaurin formula for the others, with B(2j) / (2j)! as coefficients.
        double sum = 0d;
        for (int k = 0; k < 10; k++)
        {
            sum += Pow(q + k, -s);
        }

        double a = q + 10d;
        double power = Pow(a, -s);
        double inverse = 1d / a;
        double z = inverse * inverse;
        double p = 1.3382536530684679e-11;
        p = Fma(p * (s + 11d), (s + 12d) * z, -5.284190138687493e-10);
        p = Fma(p * (s + 9d), (s + 10d) * z, 2.08767569878681e-08);
        p = Fma(p * (s + 7d), (s + 8d) * z, -8.267195767195768e-07);
        p = Fma(p * (s + 5d), (s + 6d) * z, 3.306878306878307e-05);
        p = Fma(p * (s + 3d), (s + 4d) * z, -0.001388888888888889);
        p = Fma(p * (s + 1d), (s + 2d) * z, 0.08333333333333333);
        double sumToInfinity = sum + (Pow(a, 1d - s) / (s - 1d));
        return power == 0d ? sumToInfinity : sumToInfinity + (power * Fma(p, s * inverse, 0.5d));
    }
}
