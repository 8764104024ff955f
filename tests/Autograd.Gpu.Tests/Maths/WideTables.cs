using System.Runtime.Intrinsics;
using Autograd.Gpu.Kernels;

namespace Autograd.Gpu.Tests.Maths;

/// <summary>The 512-bit functions by table, given their tables.</summary>
internal static class WideTables
{
    public static Vector512<float> Gelu(Vector512<float> x) => OfRows(FineTables.Gelu, x, WideMath.Gelu);

    public static Vector512<float> GeluSlope(Vector512<float> x) => OfRows(FineTables.GeluSlope, x, WideMath.GeluSlope);

    public static Vector512<float> Silu(Vector512<float> x)
    {
        var t = ActivationTables.Silu;
        return WideMath.Silu(x, Row(t, 0), Row(t, 1), Row(t, 2), Row(t, 3), Row(t, 4), Row(t, 5));
    }

    public static Vector512<float> Sigmoid(Vector512<float> x)
    {
        var t = ActivationTables.Silu;
        return WideMath.Sigmoid(x, Row(t, 0), Row(t, 1), Row(t, 2), Row(t, 3), Row(t, 4), Row(t, 5));
    }

    public static Vector512<float> Tanh(Vector512<float> x)
    {
        var t = ActivationTables.Tanh;
        return WideMath.Tanh(x, Row(t, 0), Row(t, 1), Row(t, 2), Row(t, 3), Row(t, 4), Row(t, 5), Row(t, 6), Row(t, 7));
    }

    public static Vector512<float> SiluSlope(Vector512<float> x) => OfRows(FineTables.SiluSlope, x, WideMath.SiluSlope);

    private delegate Vector512<float> Function(
        Vector512<float> x,
        Vector512<float> c0, Vector512<float> d0, Vector512<float> c1, Vector512<float> d1, Vector512<float> c2, Vector512<float> d2, Vector512<float> c3, Vector512<float> d3, Vector512<float> c4, Vector512<float> d4);

    private static Vector512<float> OfRows(ReadOnlySpan<float> t, Vector512<float> x, Function function) =>
        function(x, Row(t, 0), Row(t, 1), Row(t, 2), Row(t, 3), Row(t, 4), Row(t, 5), Row(t, 6), Row(t, 7), Row(t, 8), Row(t, 9));

    private static Vector512<float> Row(ReadOnlySpan<float> table, int row) => Vector512.Create(table.Slice(16 * row, 16));
}
