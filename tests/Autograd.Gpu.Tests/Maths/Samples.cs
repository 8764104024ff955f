namespace Autograd.Gpu.Tests.Maths;

/// <summary>Arguments for the tests of elementary functions.</summary>
internal static class Samples
{
    public static readonly double[] Special =
    [
        0.0, -0.0, 1, -1, 0.5, -0.5, 2, -2, 3, -3, 1024, -1024, 1e30, -1e30, 1e-30, -1e-30, float.MaxValue, float.MinValue, float.Epsilon, -float.Epsilon,
        1.1754943508222875e-38, -1.1754943508222875e-38, 1.1754942106924411e-38, 16777216, 16777217, 8388607.5, -8388607,
        double.PositiveInfinity, double.NegativeInfinity, double.NaN, double.MaxValue, double.MinValue, double.Epsilon, -double.Epsilon,
        2.2250738585072014e-308, 88.72283, 88.72284, -103.97208, -103.97209, 709.782712893384, 709.7827128933841, -745.1332191019411, -745.1332191019412,
        1e5, 65536, 65537, 1048576, 1048577, 1e22, 6381956970095103e203, 16367173 * 4722366482869645213696.0, 10.0546875, 9.02, 26.5, 27.2, 27.3,
    ];

    /// <summary>About 180,000: every exponent and both signs alike, a line around zero, and <see cref="Special"/>.</summary>
    public static IEnumerable<float> Singles()
    {
        foreach (double value in Special) yield return (float)value;
        for (long bits = 0; bits <= uint.MaxValue; bits += 30011) yield return BitConverter.UInt32BitsToSingle((uint)bits);
        for (int i = -20000; i <= 20000; i++) yield return i * 0.000537f;
    }

    /// <summary>About 1,700, for references that take many digits.</summary>
    public static IEnumerable<double> Doubles()
    {
        foreach (double value in Special) yield return value;
        var random = new Random(20);
        for (int i = 0; i < 700; i++) yield return BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue));
        for (int i = 0; i < 700; i++) yield return (random.NextDouble() - 0.5) * Math.ScaleB(1, random.Next(-12, 5));
        for (int i = 0; i < 200; i++) yield return (random.NextDouble() - 0.5) * Math.ScaleB(1, random.Next(5, 12));
    }
}
