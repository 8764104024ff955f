namespace Autograd.Gpu.Kernels;

/// <summary>The side S of a square thread group, part of a kernel's type so that it is a constant in the kernel.</summary>
public interface IGroupSide
{
    /// <summary>S, at most <see cref="MatMulKernels.MaxGroupSide"/>.</summary>
    static abstract int Value { get; }
}

/// <summary>256 threads, for GPUs.</summary>
public readonly struct Side16 : IGroupSide
{
    /// <inheritdoc/>
    public static int Value => 16;
}

/// <summary>16 threads, as many as ILGPU's CPU accelerator has in a group.</summary>
public readonly struct Side4 : IGroupSide
{
    /// <inheritdoc/>
    public static int Value => 4;
}
