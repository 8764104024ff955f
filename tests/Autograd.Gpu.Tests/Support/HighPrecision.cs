using System.Numerics;

namespace Autograd.Gpu.Tests.Support;

/// <summary>Functions of doubles in fixed point with as many bits as it takes, rounded once at the end: the oracle for those that System.Math lacks.</summary>
internal static partial class HighPrecision
{
    /// <summary>Below this, the square of x is no part of 1 + x.</summary>
    private const double Small = 1e-20;

    /// <summary>e^x - 1.</summary>
    public static double Expm1(double x)
    {
        if (x == 0 || !double.IsFinite(x) || x > 710) return Math.Exp(x) == 0 ? -1 : x == 0 ? x : Math.Exp(x) - 1;
        if (x < -60) return -1;
        if (Math.Abs(x) < Small) return x;
        int bits = Precision(x);
        return ToDouble(Exp(Fixed(x, bits), bits) - (BigInteger.One << bits), bits);
    }

    /// <summary>ln(1 + x), by a step of Newton's method from the nearest double.</summary>
    public static double Log1p(double x)
    {
        if (x == 0 || !(x > -1) || double.IsPositiveInfinity(x)) return x == 0 ? x : Math.Log(1 + x);
        if (Math.Abs(x) < Small) return x;
        if (x > 1e20) return Math.Log(x);
        double estimate = Math.Abs(x) < 1e-5 ? x - (x * x / 2) : Math.Log(1 + x);
        int bits = 400;
        BigInteger start = Fixed(estimate, bits);
        BigInteger power = Exp(start, bits);
        BigInteger step = ((Fixed(x, bits) + (BigInteger.One << bits) - power) << bits) / power;
        // The next term of the series of ln(1 + step).
        return ToDouble(start + step - ((step * step) >> (bits + 1)), bits);
    }

    /// <summary>tanh x.</summary>
    public static double Tanh(double x)
    {
        if (x == 0 || double.IsNaN(x) || Math.Abs(x) > 30) return x == 0 ? x : Math.Tanh(x);
        if (Math.Abs(x) < Small) return x;
        int bits = Precision(x);
        BigInteger one = BigInteger.One << bits;
        BigInteger power = Exp(2 * Fixed(x, bits), bits);
        return ToDouble(((power - one) << bits) / (power + one), bits);
    }

    /// <summary>1 / (1 + e^-x).</summary>
    public static double Sigmoid(double x)
    {
        if (double.IsNaN(x) || Math.Abs(x) > 750) return double.IsNaN(x) ? x : x > 0 ? 1 : 0;
        int bits = Precision(x) + (int)(2 * Math.Abs(x));
        BigInteger power = Exp(Fixed(x, bits), bits);
        return ToDouble((power << bits) / (power + (BigInteger.One << bits)), bits);
    }

    /// <summary>x / (1 + e^-x); NaN for -infinity.</summary>
    public static double Silu(double x)
    {
        if (double.IsNaN(x) || x == 0 || x > 750) return x;
        if (x < -760) return x * 0.0;
        if (Math.Abs(x) < Small) return x > 0 ? x - x / 2 : x / 2; // as in Gelu
        int bits = Precision(x) + (int)(2 * Math.Abs(x));
        BigInteger power = Exp(Fixed(x, bits), bits);
        return ToDouble(Fixed(x, bits) * power / (power + (BigInteger.One << bits)), bits);
    }

    /// <summary>Its derivative, (e + 1 + x) e / (e + 1)^2 with e = e^x; the limits at the infinities.</summary>
    public static double SiluSlope(double x)
    {
        if (double.IsNaN(x) || Math.Abs(x) > 760) return double.IsNaN(x) ? x : x > 0 ? 1 : -0.0;
        int bits = Precision(x) + (int)(2 * Math.Abs(x));
        BigInteger power = Exp(Fixed(x, bits), bits);
        BigInteger sum = power + (BigInteger.One << bits);
        return ToDouble((sum + Fixed(x, bits)) * power / sum * (BigInteger.One << bits) / sum, bits);
    }

    /// <summary>The error function.</summary>
    public static double Erf(double x)
    {
        if (x == 0 || double.IsNaN(x) || Math.Abs(x) > 7) return x == 0 || double.IsNaN(x) ? x : Math.Sign(x);
        int bits = Precision(x);
        return ToDouble(Erf(x, bits), bits);
    }

    /// <summary>1 - erf(x).</summary>
    public static double Erfc(double x)
    {
        if (double.IsNaN(x) || Math.Abs(x) > 28) return double.IsNaN(x) ? x : x > 0 ? 0 : 2;
        int bits = Precision(x);
        return ToDouble((BigInteger.One << bits) - Erf(x, bits), bits);
    }

    /// <summary>x times the standard normal distribution function; NaN for -infinity.</summary>
    public static double Gelu(double x)
    {
        if (double.IsNaN(x) || x == 0 || x > 40) return x;
        if (x < -40) return x * 0.0;
        if (Math.Abs(x) < Small) return x > 0 ? x - x / 2 : x / 2; // the half of the smallest number is a little more, of its negative a little less
        int bits = Precision(x * 0.7071);
        return ToDouble((Fixed(x, bits) * NormalDistribution(x, bits)) >> bits, bits);
    }

    /// <summary>Its derivative, the distribution function plus x times the density; the limits at the infinities.</summary>
    public static double GeluSlope(double x)
    {
        if (double.IsNaN(x) || Math.Abs(x) > 40) return double.IsNaN(x) ? x : x > 0 ? 1 : -0.0;
        int bits = Precision(x * 0.7071);
        BigInteger value = Fixed(x, bits);
        BigInteger density = (Exp(-((value * value) >> (bits + 1)), bits) << bits) / SquareRoot((2 * Pi(bits)) << bits);
        return ToDouble(NormalDistribution(x, bits) + ((value * density) >> bits), bits);
    }

    private static BigInteger NormalDistribution(double x, int bits) =>
        ((BigInteger.One << bits) + Erf((Fixed(x, bits) << bits) / SquareRoot(BigInteger.One << (2 * bits + 1)), bits)) >> 1;

    /// <summary>The square root.</summary>
    public static double Sqrt(double x) => x > 0 && double.IsFinite(x) ? ToDouble(SquareRoot(Fixed(x, 1200) << 1200), 1200) : x == 0 ? x : x > 0 ? x : double.NaN;

    /// <summary>1 / sqrt(x).</summary>
    public static double Rsqrt(double x)
    {
        if (!(x > 0) || !double.IsFinite(x)) return x == 0 ? 1 / x : x > 0 ? 0 : double.NaN;
        return ToDouble((BigInteger.One << 2400) / SquareRoot(Fixed(x, 1200) << 1200), 1200);
    }

    private static BigInteger Erf(double x, int bits) => Erf(Fixed(x, bits), bits);

    private static BigInteger Erf(BigInteger value, int bits)
    {
        // 2 / sqrt(pi) e^(-x^2) (x + 2 x^3 / 3 + 4 x^5 / 15 + ...)
        BigInteger square = (value * value) >> bits;
        BigInteger term = value;
        BigInteger sum = term;
        for (int i = 1; !term.IsZero && term != BigInteger.MinusOne; i++)
        {
            term = ((term * square) >> (bits - 1)) / ((2 * i) + 1);
            sum += term;
        }

        BigInteger scaled = (sum * Exp(-square, bits)) >> (bits - 1);
        return (scaled << bits) / SquareRoot(Pi(bits) << bits);
    }

    /// <summary>Enough for small numbers' leading zeros and for what cancels in the tails.</summary>
    private static int Precision(double x)
    {
        double a = Math.Abs(x);
        return 200 + Math.Max(0, -Math.ILogB(a == 0 ? 1 : a)) * 2 + (int)(a < 30 ? 3 * a * a : 3 * a);
    }

    private static BigInteger Exp(BigInteger x, int bits)
    {
        // The series of x / 2^halvings, squared that often, with guard bits for what each squaring loses.
        int halvings = Math.Max(0, (int)(BigInteger.Abs(x).GetBitLength() - bits)) + 16;
        int guarded = bits + (2 * halvings) + 40;
        BigInteger r = (x << (guarded - bits)) >> halvings;
        BigInteger one = BigInteger.One << guarded;
        BigInteger sum = one;
        BigInteger term = one;
        for (int i = 1; !term.IsZero && term != BigInteger.MinusOne; i++)
        {
            term = ((term * r) >> guarded) / i;
            sum += term;
        }

        for (int i = 0; i < halvings; i++) sum = (sum * sum) >> guarded;
        return sum >> (guarded - bits);
    }

    private static BigInteger Pi(int bits)
    {
        int guarded = bits + 32;
        return ((16 * InverseTangent(5, guarded)) - (4 * InverseTangent(239, guarded))) >> 32;
    }

    private static BigInteger InverseTangent(int inverse, int bits)
    {
        BigInteger power = (BigInteger.One << bits) / inverse;
        BigInteger sum = power;
        for (int i = 1; !power.IsZero; i++)
        {
            power /= inverse * inverse;
            sum += (i % 2 == 0 ? power : -power) / ((2 * i) + 1);
        }

        return sum;
    }

    private static BigInteger SquareRoot(BigInteger value)
    {
        BigInteger root = BigInteger.One << (int)((value.GetBitLength() + 1) / 2);
        while (true)
        {
            BigInteger next = (root + (value / root)) >> 1;
            if (next >= root) return root;
            root = next;
        }
    }

    private static BigInteger Fixed(double x, int bits)
    {
        long raw = BitConverter.DoubleToInt64Bits(x);
        int exponent = (int)((raw >> 52) & 0x7FF);
        long mantissa = raw & 0xFFFFFFFFFFFFF;
        BigInteger value = exponent == 0 ? mantissa : mantissa | 0x10000000000000;
        int shift = bits + Math.Max(exponent, 1) - 1075;
        value = shift >= 0 ? value << shift : value >> -shift;
        return raw < 0 ? -value : value;
    }

    private static double ToDouble(BigInteger value, int bits)
    {
        // 64 bits, the last of which remembers what was cut off, are enough to round from; BigInteger's own conversion to double truncates.
        BigInteger magnitude = BigInteger.Abs(value);
        int excess = Math.Max(0, (int)magnitude.GetBitLength() - 64);
        ulong upper = (ulong)(magnitude >> excess);
        if ((magnitude & ((BigInteger.One << excess) - 1)) != 0) upper |= 1;
        double rounded = Math.ScaleB((double)upper, excess - bits);
        return value.Sign < 0 ? -rounded : rounded;
    }
}
