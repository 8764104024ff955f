using System.Runtime.Intrinsics;
using Autograd.Gpu.Kernels;

namespace Autograd.Gpu.Tests.Maths;

/// <summary>The 512-bit functions by table, given their tables.</summary>
internal static class WideTables
{
    public static Vector512<float> Gelu(Vector512<float> x) => Of7(ActivationTables.Gelu, x, WideMath.Gelu);

    public static Vector512<float> GeluSlope(Vector512<float> x) => Of7(ActivationTables.GeluSlope, x, WideMath.GeluSlope);

    public static Vector512<float> Silu(Vector512<float> x)
    {
        var t = ActivationTables.Silu;
        return WideMath.Silu(x, Row(t, 0), Row(t, 1), Row(t, 2), Row(t, 3), Row(t, 4), Row(t, 5));
    }

    public static Vector512<float> SiluSlope(Vector512<float> x) => Of7(ActivationTables.SiluSlope, x, WideMath.SiluSlope);

    private delegate Vector512<float> Function(
        Vector512<float> x, Vector512<float> c0, Vector512<float> c1, Vector512<float> c2, Vector512<float> c3, Vector512<float> c4, Vector512<float> c5, Vector512<float> c6);

    private static Vector512<float> Of7(ReadOnlySpan<float> t, Vector512<float> x, Function function) =>
        function(x, Row(t, 0), Row(t, 1), Row(t, 2), Row(t, 3), Row(t, 4), Row(t, 5), Row(t, 6));

    private static Vector512<float> Row(ReadOnlySpan<float> table, int row) => Vector512.Create(table.Slice(16 * row, 16));
}
