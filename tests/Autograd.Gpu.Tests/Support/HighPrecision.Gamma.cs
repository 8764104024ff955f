using System.Numerics;

namespace Autograd.Gpu.Tests.Support;

/// <summary>The gamma function's relatives, by their asymptotic series at x + 60, and the inverse of the error function.</summary>
internal static partial class HighPrecision
{
    private const int Shift = 60;

    private static readonly (BigInteger Numerator, BigInteger Denominator)[] s_bernoulli = BernoulliNumbers(60);

    /// <summary>ln |Gamma(x)|.</summary>
    public static double LogGamma(double x)
    {
        if (double.IsNaN(x)) return x;
        if (double.IsInfinity(x) || (x <= 0 && x == Math.Floor(x))) return double.PositiveInfinity;
        if (x is 1 or 2) return 0;
        double a = Math.Abs(x);
        if (x > 2.6e305) return double.PositiveInfinity;
        int bits = GammaPrecision(a);
        BigInteger positive = LogGammaPositive(Fixed(a, bits), bits);
        if (x > 0) return ToDouble(positive, bits);
        var (sine, _) = SineCosinePi(a, bits);
        BigInteger product = (Fixed(a, bits) * BigInteger.Abs(sine)) >> bits;
        return ToDouble(Log((Pi(bits) << bits) / product, bits) - positive, bits);
    }

    /// <summary>The derivative of ln Gamma.</summary>
    public static double Digamma(double x)
    {
        if (x == 0) return -1 / x;
        if (double.IsNaN(x) || (x < 0 && x == Math.Floor(x))) return double.NaN;
        if (double.IsPositiveInfinity(x)) return x;
        double a = Math.Abs(x);
        int bits = GammaPrecision(a);
        BigInteger value = Fixed(a, bits);
        BigInteger one = BigInteger.One << bits;
        BigInteger result = BigInteger.Zero;
        BigInteger v = value;
        for (int k = 0; k < Shift; k++, v += one) result -= (one << bits) / v;
        result += Log(v, bits) - ((one << (bits - 1)) / v);
        BigInteger power = (one << bits) / v;
        BigInteger inverseSquare = (power * power) >> bits;
        power = inverseSquare;
        for (int k = 1; k <= 30; k++)
        {
            var (numerator, denominator) = s_bernoulli[2 * k];
            result -= power * numerator / (denominator * 2 * k);
            power = (power * inverseSquare) >> bits;
        }

        if (x > 0) return ToDouble(result, bits);
        var (sine, cosine) = SineCosinePi(a, bits);
        return ToDouble(result + ((one << bits) / value) + (Pi(bits) * cosine / sine), bits);
    }

    /// <summary>The inverse of the error function: a step of Newton's method from an estimate, which is to be right to half its digits.</summary>
    public static double Erfinv(double y, double estimate)
    {
        if (y == 0 || double.IsNaN(y) || !(Math.Abs(y) < 1)) return y == 0 ? y : Math.Abs(y) == 1 ? y / 0 : double.NaN;
        if (Math.Abs(y) < Small) return y * 0.886226925452758;
        int bits = Precision(estimate) + 100;
        BigInteger start = Fixed(estimate, bits);
        BigInteger excess = Erf(estimate, bits) - Fixed(y, bits);
        BigInteger slope = Exp(-((start * start) >> bits), bits);
        BigInteger half = SquareRoot(Pi(bits) << bits) >> 1;
        return ToDouble(start - (((excess * half) / slope)), bits);
    }

    /// <summary>ln(1 + e^x).</summary>
    public static double Softplus(double x)
    {
        if (double.IsNaN(x) || Math.Abs(x) > 700) return double.IsNaN(x) ? x : x > 0 ? x : Math.Exp(x);
        int bits = 300 + (int)(2 * Math.Abs(x));
        return ToDouble(Log(Exp(Fixed(x, bits), bits) + (BigInteger.One << bits), bits), bits);
    }

    private static BigInteger LogGammaPositive(BigInteger value, int bits)
    {
        BigInteger one = BigInteger.One << bits;
        BigInteger product = one;
        BigInteger v = value;
        for (int k = 0; k < Shift; k++, v += one) product = (product * v) >> bits;
        BigInteger log = Log(v, bits);
        BigInteger result = (((v - (one >> 1)) * log) >> bits) - v + (Log(2 * Pi(bits), bits) >> 1) - Log(product, bits);
        BigInteger power = (one << bits) / v;
        BigInteger inverseSquare = (power * power) >> bits;
        for (int k = 1; k <= 30; k++)
        {
            var (numerator, denominator) = s_bernoulli[2 * k];
            result += power * numerator / (denominator * 2 * k * ((2 * k) - 1));
            power = (power * inverseSquare) >> bits;
        }

        return result;
    }

    /// <summary>ln of a positive number: steps of Halley's method on the exponential.</summary>
    private static BigInteger Log(BigInteger value, int bits)
    {
        BigInteger result = Fixed(BigInteger.Log(value) - (bits * Math.Log(2)), bits);
        for (int i = 0; i < 3; i++)
        {
            BigInteger power = Exp(result, bits);
            result += ((value - power) << (bits + 1)) / (value + power);
        }

        return result;
    }

    /// <summary>sin and cos of pi a, up to a common sign.</summary>
    private static (BigInteger Sine, BigInteger Cosine) SineCosinePi(double a, int bits)
    {
        BigInteger angle = (Fixed(a - Math.Round(a), bits) * Pi(bits)) >> bits;
        BigInteger sine = BigInteger.Zero, cosine = BigInteger.Zero, term = BigInteger.One << bits;
        for (int k = 0; !term.IsZero && term != BigInteger.MinusOne; k++)
        {
            if (k % 2 == 0) cosine += k % 4 == 0 ? term : -term;
            else sine += k % 4 == 1 ? term : -term;
            term = ((term * angle) >> bits) / (k + 1);
        }

        return (sine, cosine);
    }

    private static int GammaPrecision(double a) => 260 + (2 * Math.Abs(a == 0 ? 0 : Math.ILogB(a)));

    private static (BigInteger Numerator, BigInteger Denominator)[] BernoulliNumbers(int count)
    {
        var numbers = new (BigInteger Numerator, BigInteger Denominator)[count + 1];
        numbers[0] = (1, 1);
        for (int n = 1; n <= count; n++)
        {
            // B(n) = -(sum of C(n + 1, k) B(k) for k below n) / (n + 1)
            BigInteger numerator = 0, denominator = 1, binomial = 1;
            for (int k = 0; k < n; k++)
            {
                numerator = (numerator * numbers[k].Denominator) + (binomial * numbers[k].Numerator * denominator);
                denominator *= numbers[k].Denominator;
                BigInteger divisor = BigInteger.GreatestCommonDivisor(numerator, denominator);
                (numerator, denominator) = (numerator / divisor, denominator / divisor);
                binomial = binomial * (n + 1 - k) / (k + 1);
            }

            numbers[n] = (-numerator, denominator * (n + 1));
        }

        return numbers;
    }
}
