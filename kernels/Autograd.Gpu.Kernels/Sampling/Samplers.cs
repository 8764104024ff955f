namespace Autograd.Gpu.Kernels.Sampling;

/// <summary>One number from a distribution with up to two parameters. Written for one element: how many random numbers it takes depends on them.</summary>
public interface ISampler
{
    /// <summary>Draws a number, or computes one of the parameters alone.</summary>
    static abstract double Sample(double first, double second, ref PhiloxSequence random);
}

// Sums of products are written with Fma where a GPU's assembler might contract them: whether a candidate is rejected must not depend on the device.

/// <summary>
/// A gamma variate of a shape, scale 1, by G. Marsaglia and W. W. Tsang, A simple method for generating gamma variables, 2000; below 1 by way of the shape
/// that is greater by 1. Not less than the second parameter.
/// </summary>
public readonly struct GammaSampler : ISampler
{
    /// <inheritdoc/>
    public static double Sample(double first, double second, ref PhiloxSequence random)
    {
        if (!(first > 0))
        {
            return first == 0 ? second : double.NaN;
        }

        double shape = first, scale = 1;
        if (shape < 1)
        {
            scale = DeviceMath.Pow(PhiloxSequence.Uniform(ref random), 1 / shape);
            shape += 1;
        }

        double d = shape - 1.0 / 3, c = 1 / DeviceMath.Sqrt(9 * d);
        while (true)
        {
            double x = PhiloxSequence.Normal(ref random);
            double y = DeviceMath.Fma(c, x, 1);
            double u = PhiloxSequence.Uniform(ref random);
            if (!(y > 0))
            {
                continue;
            }

            double v = y * y * y, square = x * x;
            if (u < DeviceMath.Fma(-0.0331 * square, square, 1)
                || DeviceMath.Log(u) < DeviceMath.Fma(0.5, square, d * (1 - v + DeviceMath.Log(v))))
            {
                double result = scale * d * v;
                return result < second ? second : result;
            }
        }
    }
}

/// <summary>
/// The derivative of a gamma variate (the first parameter) with respect to its shape (the second), its place in the distribution kept:
/// -(dF / da) / pdf (M. Figurnov, S. Mohamed and A. Mnih, Implicit reparameterization gradients, 2018).
/// </summary>
public readonly struct GammaDerivative : ISampler
{
    /// <summary>From this shape on an expansion in its square root is more accurate than needed, and the series long.</summary>
    private const double LargeShape = 2000;

    /// <inheritdoc/>
    public static double Sample(double first, double second, ref PhiloxSequence random)
    {
        double x = first, a = second;
        if (!(a > 0) || !(x > 0))
        {
            return x == 0 && a > 0 ? 0 : double.NaN;
        }

        return a >= LargeShape ? Expansion(x, a) : x < a + 1 ? Series(x, a) : Fraction(x, a);
    }

    /// <summary>
    /// By the power series of the lower incomplete gamma function, F = x^a e^-x / Gamma(a + 1) * sum of x^n / ((a + 1) .. (a + n)): the factor in front is
    /// x / a times the density, so that none of it is computed.
    /// </summary>
    private static double Series(double x, double a)
    {
        double term = 1, sum = 1, harmonic = 0, slope = 0;
        for (int n = 1; n < 5000 && term > 1e-18 * sum; n++)
        {
            double inverse = 1 / (a + n);
            term *= x * inverse;
            harmonic += inverse;
            sum += term;
            slope = DeviceMath.Fma(term, harmonic, slope);
        }

        double log = DeviceMath.Log(x) - DeviceMath.Digamma(a + 1);
        return -(x / a) * DeviceMath.Fma(log, sum, -slope);
    }

    /// <summary>By the continued fraction of the upper incomplete gamma function and its derivative, both by W. J. Lentz's method.</summary>
    private static double Fraction(double x, double a)
    {
        double b = x + 1 - a;
        double c = 1e300, cSlope = 0;
        double d = 1 / b, dSlope = d * d;
        double h = d, hSlope = dSlope;
        for (int i = 1; i < 5000; i++)
        {
            double numerator = i * (a - i);
            b += 2;

            // The derivatives of numerator and b with respect to a are i and -1.
            double denominatorSlope = DeviceMath.Fma(i, d, DeviceMath.Fma(numerator, dSlope, -1));
            d = 1 / DeviceMath.Fma(numerator, d, b);
            dSlope = -d * d * denominatorSlope;
            double quotient = numerator / c;
            cSlope = DeviceMath.Fma(-quotient / c, cSlope, i / c - 1);
            c = b + quotient;
            double factor = c * d, factorSlope = DeviceMath.Fma(cSlope, d, c * dSlope);
            hSlope = DeviceMath.Fma(hSlope, factor, h * factorSlope);
            h *= factor;
            double change = factor - 1;
            if (change < 1e-15 && change > -1e-15 && factorSlope < 1e-15 && factorSlope > -1e-15)
            {
                break;
            }
        }

        double log = DeviceMath.Log(x) - DeviceMath.Digamma(a);
        return x * DeviceMath.Fma(h, log, hSlope);
    }

    /// <summary>
    /// By the expansion of the quantile in powers of 1 / sqrt(a) (E. A. Cornish and R. A. Fisher, 1938), x = a + z sqrt(a) + (z^2 - 1) / 3 + .., of which z is the
    /// solution and does not change with a.
    /// </summary>
    private static double Expansion(double x, double a)
    {
        double root = DeviceMath.Sqrt(a), z = (x - a) / root;
        for (int i = 0; i < 4; i++)
        {
            double square = z * z;
            double value = a + z * root + (square - 1) / 3 + z * (square - 7) / (36 * root) - ((3 * square + 7) * square - 16) / (810 * a);
            double slope = root + z * 2 / 3 + (3 * square - 7) / (36 * root) - (12 * square + 14) * z / (810 * a);
            z -= (value - x) / slope;
        }

        double z2 = z * z;
        return 1 + z / (2 * root) - z * (z2 - 7) / (72 * a * root) + ((3 * z2 + 7) * z2 - 16) / (810 * a * a)
            - z * ((9 * z2 + 256) * z2 - 433) / (25920 * a * a * root);
    }
}

/// <summary>
/// A Poisson variate of a rate: below 10 by products of uniform numbers (D. E. Knuth), else by W. Hoermann's transformed rejection PTRS, The transformed
/// rejection method for generating Poisson random variables, 1993.
/// </summary>
public readonly struct PoissonSampler : ISampler
{
    /// <inheritdoc/>
    public static double Sample(double first, double second, ref PhiloxSequence random)
    {
        double rate = first;
        if (!(rate > 0) || rate == double.PositiveInfinity)
        {
            return rate == 0 ? 0 : double.NaN;
        }

        if (rate < 10)
        {
            double limit = DeviceMath.Exp(-rate), product = PhiloxSequence.Uniform(ref random);
            int count = 0;
            while (product > limit)
            {
                product *= PhiloxSequence.Uniform(ref random);
                count++;
            }

            return count;
        }

        double log = DeviceMath.Log(rate);
        double b = DeviceMath.Fma(2.53, DeviceMath.Sqrt(rate), 0.931);
        double a = DeviceMath.Fma(0.02483, b, -0.059);
        double inverse = 1.1239 + 1.1328 / (b - 3.4);
        double accepted = 0.9277 - 3.6224 / (b - 2);
        while (true)
        {
            double u = PhiloxSequence.Uniform(ref random) - 0.5, v = PhiloxSequence.Uniform(ref random);
            double us = 0.5 - (u < 0 ? -u : u);
            double k = DeviceMath.Floor(DeviceMath.Fma(2 * a / us + b, u, rate + 0.43));
            if (us >= 0.07 && v <= accepted)
            {
                return k;
            }

            if (k < 0 || (us < 0.013 && v > us))
            {
                continue;
            }

            double left = DeviceMath.Log(v * inverse / (a / (us * us) + b));
            if (left <= DeviceMath.Fma(k, log, -rate) - DeviceMath.Lgamma(k + 1))
            {
                return k;
            }
        }
    }
}

/// <summary>
/// How often something of a probability (the second parameter) happens in a number of trials (the first): by waiting times where that is rare (L. Devroye,
/// Non-uniform random variate generation, 1986, X.4.3), else by W. Hoermann's transformed rejection BTRS, The generation of binomial random variates, 1993.
/// </summary>
public readonly struct BinomialSampler : ISampler
{
    /// <inheritdoc/>
    public static double Sample(double first, double second, ref PhiloxSequence random)
    {
        double n = DeviceMath.Floor(first);
        if (!(n > 0) || !(second > 0))
        {
            return n <= 0 || second <= 0 ? 0 : double.NaN;
        }

        if (second >= 1)
        {
            return n;
        }

        bool isMirrored = second > 0.5;
        double p = isMirrored ? 1 - second : second;
        double count = n * p < 10 ? Waited(n, p, ref random) : Rejected(n, p, ref random);
        return isMirrored ? n - count : count;
    }

    private static double Waited(double n, double p, ref PhiloxSequence random)
    {
        double log = DeviceMath.Log1p(-p), trials = 0;
        int count = -1;
        while (trials <= n)
        {
            trials += DeviceMath.Ceil(DeviceMath.Log(PhiloxSequence.Uniform(ref random)) / log);
            count++;
        }

        return count;
    }

    private static double Rejected(double n, double p, ref PhiloxSequence random)
    {
        double deviation = DeviceMath.Sqrt(n * p * (1 - p));
        double b = DeviceMath.Fma(2.53, deviation, 1.15);
        double a = DeviceMath.Fma(0.01, p, DeviceMath.Fma(0.0248, b, -0.0873));
        double c = DeviceMath.Fma(n, p, 0.5);
        double accepted = 0.92 - 4.2 / b, alpha = (2.83 + 5.1 / b) * deviation;
        double odds = DeviceMath.Log(p / (1 - p));
        double mode = DeviceMath.Floor((n + 1) * p);
        double atMode = DeviceMath.Lgamma(mode + 1) + DeviceMath.Lgamma(n - mode + 1);
        while (true)
        {
            double u = PhiloxSequence.Uniform(ref random) - 0.5, v = PhiloxSequence.Uniform(ref random);
            double us = 0.5 - (u < 0 ? -u : u);
            double k = DeviceMath.Floor(DeviceMath.Fma(2 * a / us + b, u, c));
            if (k < 0 || k > n)
            {
                continue;
            }

            if (us >= 0.07 && v <= accepted)
            {
                return k;
            }

            double left = DeviceMath.Log(v * alpha / (a / (us * us) + b));
            if (left <= DeviceMath.Fma(k - mode, odds, atMode - DeviceMath.Lgamma(k + 1) - DeviceMath.Lgamma(n - k + 1)))
            {
                return k;
            }
        }
    }
}
