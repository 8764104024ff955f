namespace Autograd.Gpu.Kernels.Fused;

/// <summary>A fused program that stores what it computes. Generated structs without fields implement it.</summary>
public interface IFusedBody
{
    /// <summary>Computes element <paramref name="index"/>, in row-major order, and stores it to each output.</summary>
    void Store(int index, FusedArgs args);
}

/// <summary>A fused program as a function, the prologue of a reduction. Generated structs without fields implement it.</summary>
/// <typeparam name="T">int (for bool and uint8 too), long, float (for the half types too) or double.</typeparam>
public interface IFusedValue<T>
    where T : unmanaged
{
    /// <summary>Computes element <paramref name="index"/>, in row-major order.</summary>
    T Value(int index, FusedArgs args);
}

/// <summary>The states that the first pass of a reduction left in operand 0: what its second pass reduces.</summary>
public readonly struct PartialStates<TState> : IFusedValue<TState>
    where TState : unmanaged
{
    /// <inheritdoc/>
    public TState Value(int index, FusedArgs args) => args.Operand0.View.Cast<TState>()[index];
}
