namespace Autograd.Gpu.Kernels;

/// <summary>
/// The functions of <see cref="DeviceMath"/> for host vectors, with the same bits as the scalar forms in every element. Each is one
/// straight line of arithmetic; only trigonometric arguments above 2^16 (float) or 2^20 (double) take a slower way, element by element.
/// </summary>
/// <remarks>
/// Calls, on purpose, and optimised from the first one: that costs about 0.1 ns an element. Inlined, a function is some 70 inlinees of which
/// the JIT takes 2 ms each, and a kernel with twenty of them reaches its limit, after which single additions become calls.
/// </remarks>
public static partial class VectorMath
{
}
