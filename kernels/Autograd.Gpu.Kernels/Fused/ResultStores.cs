using ILGPU;

namespace Autograd.Gpu.Kernels.Fused;

/// <summary>How a reduction's final state becomes an element of the result.</summary>
public interface IResultStore<TState>
    where TState : unmanaged
{
    /// <summary>Stores the state as element <paramref name="index"/>.</summary>
    void Store(ArrayView<byte> view, int index, TState state);
}

/// <summary>Stores states as they are, for the second pass.</summary>
public readonly struct PartialResult<TState> : IResultStore<TState>
    where TState : unmanaged
{
    /// <inheritdoc/>
    public void Store(ArrayView<byte> view, int index, TState state) => view.Cast<TState>()[index] = state;
}

/// <summary>Stores the position of what was found as int64.</summary>
public readonly struct PositionResult<T> : IResultStore<Positioned<T>>
    where T : unmanaged
{
    /// <inheritdoc/>
    public void Store(ArrayView<byte> view, int index, Positioned<T> state) => view.Cast<long>()[index] = state.Position;
}

/// <summary>Stores results as Bool elements.</summary>
public readonly struct BoolResult : IResultStore<int>
{
    /// <inheritdoc/>
    public void Store(ArrayView<byte> view, int index, int state) => FusedMemory.StoreUInt8(view, index, state);
}

/// <summary>Stores results as UInt8 elements.</summary>
public readonly struct UInt8Result : IResultStore<int>
{
    /// <inheritdoc/>
    public void Store(ArrayView<byte> view, int index, int state) => FusedMemory.StoreUInt8(view, index, state);
}

/// <summary>Stores results as Int32 elements.</summary>
public readonly struct Int32Result : IResultStore<int>
{
    /// <inheritdoc/>
    public void Store(ArrayView<byte> view, int index, int state) => FusedMemory.StoreInt32(view, index, state);
}

/// <summary>Stores results as Int64 elements.</summary>
public readonly struct Int64Result : IResultStore<long>
{
    /// <inheritdoc/>
    public void Store(ArrayView<byte> view, int index, long state) => FusedMemory.StoreInt64(view, index, state);
}

/// <summary>Stores results as Float16 elements.</summary>
public readonly struct Float16Result : IResultStore<float>
{
    /// <inheritdoc/>
    public void Store(ArrayView<byte> view, int index, float state) => FusedMemory.StoreFloat16(view, index, state);
}

/// <summary>Stores results as BFloat16 elements.</summary>
public readonly struct BFloat16Result : IResultStore<float>
{
    /// <inheritdoc/>
    public void Store(ArrayView<byte> view, int index, float state) => FusedMemory.StoreBFloat16(view, index, state);
}

/// <summary>Stores results as Float32 elements.</summary>
public readonly struct Float32Result : IResultStore<float>
{
    /// <inheritdoc/>
    public void Store(ArrayView<byte> view, int index, float state) => FusedMemory.StoreFloat32(view, index, state);
}

/// <summary>Stores results as Float64 elements.</summary>
public readonly struct Float64Result : IResultStore<double>
{
    /// <inheritdoc/>
    public void Store(ArrayView<byte> view, int index, double state) => FusedMemory.StoreFloat64(view, index, state);
}
