using System.Numerics;
using System.Runtime.Intrinsics;
using Autograd.Gpu.Lazy;

namespace Autograd.Gpu.Optim;

/// <summary>a + b s: a step of gradient descent, without a value pending where nothing else is.</summary>
internal sealed class AddScaled() : PointwiseFunction("AddScaled", 3)
{
    public static AddScaled Instance { get; } = new();

    internal static T Invoke<T>(T a, T b, T s) where T : unmanaged, INumber<T> => a + b * s;

    internal static Vector<T> Invoke<T>(Vector<T> a, Vector<T> b, Vector<T> s) where T : unmanaged => a + b * s;

    internal static Vector512<T> Invoke<T>(Vector512<T> a, Vector512<T> b, Vector512<T> s) where T : unmanaged => a + b * s;
}

/// <summary>a s, whatever b is: the part of a running value that stays.</summary>
internal sealed class Decayed() : PointwiseFunction("Decayed", 3)
{
    public static Decayed Instance { get; } = new();

    internal static T Invoke<T>(T a, T b, T s) where T : unmanaged, INumber<T> => a * s;

    internal static Vector<T> Invoke<T>(Vector<T> a, Vector<T> b, Vector<T> s) where T : unmanaged => a * s;

    internal static Vector512<T> Invoke<T>(Vector512<T> a, Vector512<T> b, Vector512<T> s) where T : unmanaged => a * s;
}
