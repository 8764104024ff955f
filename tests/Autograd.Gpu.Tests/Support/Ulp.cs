namespace Autograd.Gpu.Tests.Support;

/// <summary>Errors in units in the last place of the exact result.</summary>
internal static class Ulp
{
    /// <summary>The error of a float against a value in double; infinite where one is NaN or infinite and the other is not.</summary>
    public static double Error(float actual, double expected)
    {
        if (double.IsNaN(expected)) return float.IsNaN(actual) ? 0 : double.PositiveInfinity;
        float rounded = (float)expected;
        if (float.IsInfinity(rounded) || float.IsInfinity(actual) || float.IsNaN(actual))
        {
            if (rounded.Equals(actual)) return 0;
            // Next to the largest number either neighbour of the exact value is one unit off.
            return !float.IsNaN(actual) && Math.Sign(actual) == Math.Sign(expected) && Math.Abs(Math.Abs(expected) - 3.4028235677973366e38) < 4e31
                ? 1
                : double.PositiveInfinity;
        }

        int exponent = expected == 0 ? -126 : Math.Max(Math.ILogB(expected), -126);
        return Math.Abs(actual - expected) / Math.ScaleB(1, exponent - 23);
    }

    /// <summary>The error of a double against a rounded reference, so that half a unit of it may be the reference's.</summary>
    public static double Error(double actual, double expected)
    {
        if (actual.Equals(expected)) return 0;
        if (!double.IsFinite(actual) || !double.IsFinite(expected)) return double.PositiveInfinity;
        int exponent = expected == 0 ? -1022 : Math.Max(Math.ILogB(expected), -1022);
        return Math.Abs(actual - expected) / Math.ScaleB(1, exponent) * 4503599627370496.0;
    }
}
