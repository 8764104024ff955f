namespace Autograd.Gpu.Kernels;

public static partial class DeviceMath
{
    /// <summary>
    /// x - n y with n = trunc(x / y), exactly and for any quotient; it has the sign of x. NaN for an infinite x and for y = 0, x itself for an infinite y.
    /// </summary>
    public static float Fmod(float x, float y)
    {
        float a = Copysign(x, 1f);
        float b = Copysign(y, 1f);
        if (!((a < float.PositiveInfinity) & (b > 0f)))
        {
            return float.NaN;
        }

        float quotient = a / b;
        float rest;
        if (quotient < 8388608f)
        {
            // A quotient that was rounded up to an integer is one too large.
            rest = quotient < 1f ? a : Fma(-Floor(quotient), b, a);
            rest = rest < 0f ? rest + b : rest;
        }
        else
        {
            // Long division of the significands, 39 bits of the quotient a step.
            int bitsA = BitConverter.SingleToInt32Bits(a);
            int bitsB = BitConverter.SingleToInt32Bits(b);
            int exponentA = bitsA >> 23;
            int exponentB = bitsB >> 23;
            long remainder = exponentA == 0 ? bitsA : (bitsA & 0x7FFFFF) | 0x800000;
            long divisor = exponentB == 0 ? bitsB : (bitsB & 0x7FFFFF) | 0x800000;
            exponentB = exponentB == 0 ? 1 : exponentB;
            int left = (exponentA == 0 ? 1 : exponentA) - exponentB;
            remainder %= divisor;
            while (left > 0)
            {
                int step = left < 39 ? left : 39;
                remainder = (remainder << step) % divisor;
                left -= step;
            }

            rest = (float)(remainder * BitConverter.Int64BitsToDouble((exponentB - 150 + 1023L) << 52));
        }

        return Copysign(rest, x);
    }

    /// <inheritdoc cref="Fmod(float, float)"/>
    public static double Fmod(double x, double y)
    {
        double a = Copysign(x, 1d);
        double b = Copysign(y, 1d);
        if (!((a < double.PositiveInfinity) & (b > 0d)))
        {
            return double.NaN;
        }

        double quotient = a / b;
        double rest;
        if (quotient < 4503599627370496d)
        {
            rest = quotient < 1d ? a : Fma(-Floor(quotient), b, a);
            rest = rest < 0d ? rest + b : rest;
        }
        else
        {
            // Ten bits of the quotient a step.
            long bitsA = BitConverter.DoubleToInt64Bits(a);
            long bitsB = BitConverter.DoubleToInt64Bits(b);
            int exponentA = (int)(bitsA >> 52);
            int exponentB = (int)(bitsB >> 52);
            long remainder = exponentA == 0 ? bitsA : (bitsA & 0xFFFFFFFFFFFFFL) | 0x10000000000000L;
            long divisor = exponentB == 0 ? bitsB : (bitsB & 0xFFFFFFFFFFFFFL) | 0x10000000000000L;
            exponentB = exponentB == 0 ? 1 : exponentB;
            int left = (exponentA == 0 ? 1 : exponentA) - exponentB;
            remainder %= divisor;
            while (left > 0)
            {
                int step = left < 10 ? left : 10;
                remainder = (remainder << step) % divisor;
                left -= step;
            }

            // As a subnormal number it is exact, and so are two scalings upwards; one factor alone could be too large.
            int half = (exponentB - 1) / 2;
            double smallest = BitConverter.Int64BitsToDouble(1L);
            rest = remainder * smallest
                * BitConverter.Int64BitsToDouble((half + 1023L) << 52)
                * BitConverter.Int64BitsToDouble((exponentB - 1 - half + 1023L) << 52);
        }

        return Copysign(rest, x);
    }
}
