namespace Autograd.Gpu.Tests;

/// <summary>How well numbers fit a distribution. Thresholds are passed by a wrong sample of a right generator once in about 100,000 times; seeds are fixed.</summary>
internal static class Fit
{
    /// <summary>Kolmogorov's and Smirnov's distance to a distribution function.</summary>
    public static void Continuous(double[] values, Func<double, double> distribution)
    {
        var sorted = values.Order().ToArray();
        double most = 0, n = sorted.Length;
        for (int i = 0; i < sorted.Length; i++)
        {
            double expected = distribution(sorted[i]);
            most = Math.Max(most, Math.Max(expected - i / n, (i + 1) / n - expected));
        }

        Assert.That(most, Is.LessThan(2.5 / Math.Sqrt(n)));
    }

    /// <summary>Pearson's chi-square over the values, those with few expected put together.</summary>
    public static void Discrete(double[] values, Func<long, double> probability, long from, long to)
    {
        Assert.That(values, Has.All.InRange(from, to).And.All.Matches<double>(v => v == Math.Floor(v)));
        var counts = values.GroupBy(v => (long)v).ToDictionary(g => g.Key, g => g.Count());
        double chiSquare = 0, expected = 0, total = 0, found = 0;
        int bins = 0;
        for (long k = from; k <= to; k++)
        {
            double p = probability(k) * values.Length;
            total += p;
            expected += p;
            found += counts.GetValueOrDefault(k);

            // The last bin takes what is left.
            bool hasRest = values.Length - total >= 10;
            if ((expected >= 10 && hasRest) || k == to)
            {
                expected += k == to ? values.Length - total : 0;
                chiSquare += (found - expected) * (found - expected) / Math.Max(expected, 1e-9);
                bins++;
                (expected, found) = (0, 0);
            }
        }

        Assert.That(bins, Is.GreaterThan(1));
        double degrees = bins - 1, root = Math.Sqrt(2 / (9 * degrees));
        Assert.That(chiSquare, Is.LessThan(degrees * Math.Pow(1 - root * root + 4.3 * root, 3)), $"{bins} bins");
    }

    public static double Normal(double x) => (1 + Autograd.Gpu.Kernels.DeviceMath.Erf(x / Math.Sqrt(2))) / 2;

    public static double LogGamma(double x) => Autograd.Gpu.Kernels.DeviceMath.Lgamma(x);

    /// <summary>The regularised lower incomplete gamma function by its power series.</summary>
    public static double Gamma(double a, double x)
    {
        double term = 1, sum = 1;
        for (int n = 1; n < 10_000 && term > 1e-17 * sum; n++)
        {
            term *= x / (a + n);
            sum += term;
        }

        return Math.Exp(a * Math.Log(x) - x - LogGamma(a + 1) + Math.Log(sum));
    }

    public static double Poisson(double rate, long k) => Math.Exp(k * Math.Log(rate) - rate - LogGamma(k + 1));

    public static double Binomial(long n, double p, long k) =>
        Math.Exp(LogGamma(n + 1) - LogGamma(k + 1) - LogGamma(n - k + 1) + k * Math.Log(p) + (n - k) * Math.Log(1 - p));

    /// <summary>
    /// How a gamma variate changes with its shape, its place kept: -(dF / da) / pdf, with dF / da = E[(ln t - psi(a)) 1(t &lt; x)] by Simpson's rule over ln t, from the
    /// nearer side.
    /// </summary>
    public static double GammaSlope(double x, double a)
    {
        double psi = Autograd.Gpu.Kernels.DeviceMath.Digamma(a);
        bool isUpper = x > a;
        double Integrand(double s) => isUpper
            ? x * Math.Exp(s * a - x * Math.Exp(s) + x) * (Math.Log(x) + s - psi)
            : x * Math.Exp(-s * a - x * double.ExpM1(-s)) * (Math.Log(x) - s - psi);
        double Exponent(double s) => isUpper ? s * a - x * double.ExpM1(s) : -s * a - x * double.ExpM1(-s);
        double end = 1e-6;
        while (Exponent(end) > -50)
        {
            end *= 1.2;
        }

        // The scale on which the integrand varies may be far shorter than its reach.
        double middle = Math.Min(end, 20), sum = Simpson(Integrand, 0, middle) + (end > middle ? Simpson(Integrand, middle, end) : 0);
        return isUpper ? sum : -sum;
    }

    private static double Simpson(Func<double, double> f, double from, double to)
    {
        const int steps = 20_000;
        double h = (to - from) / steps, sum = f(from) + f(to);
        for (int i = 1; i < steps; i++)
        {
            sum += f(from + i * h) * (i % 2 == 1 ? 4 : 2);
        }

        return sum * h / 3;
    }
}
