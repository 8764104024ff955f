using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Kernels.Indexing;

/// <summary>What a scatter makes of the element that is there and the one that comes.</summary>
public interface ICombination<T> where T : unmanaged
{
    /// <summary>The new element.</summary>
    static abstract T Combine(T old, T value);
}

/// <summary>The last one stays.</summary>
public readonly struct Replace<T> : ICombination<T> where T : unmanaged
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Combine(T old, T value) => value;
}

/// <summary>The sum.</summary>
public readonly struct Accumulate<T> : ICombination<T> where T : unmanaged, INumber<T>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Combine(T old, T value) => old + value;
}

/// <summary>The product.</summary>
public readonly struct Multiply<T> : ICombination<T> where T : unmanaged, INumber<T>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Combine(T old, T value) => old * value;
}

/// <summary>The larger one; nan if one is.</summary>
public readonly struct KeepLarger<T> : ICombination<T> where T : unmanaged, INumber<T>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Combine(T old, T value) => old > value || T.IsNaN(old) ? old : value;
}

/// <summary>The smaller one; nan if one is.</summary>
public readonly struct KeepSmaller<T> : ICombination<T> where T : unmanaged, INumber<T>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Combine(T old, T value) => old < value || T.IsNaN(old) ? old : value;
}
