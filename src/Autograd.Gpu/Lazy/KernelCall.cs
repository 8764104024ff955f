namespace Autograd.Gpu.Lazy;

/// <summary>One use of a kernel that is written by hand, in both its forms.</summary>
internal interface IKernelCall
{
    /// <summary>What traces and errors call it.</summary>
    string Name { get; }

    /// <summary>The bytes that it must move at least.</summary>
    long Bytes { get; }

    /// <summary>Runs the host's form.</summary>
    void OnHost();

    /// <summary>Enqueues the kernel that ILGPU compiles.</summary>
    void OnDevice(Device device);
}

/// <summary>Distances in elements along [outer, line, inner].</summary>
internal readonly record struct LineStrides(long Outer, long Line, long Inner);

/// <summary>A buffer seen as lines.</summary>
internal readonly record struct LineOperand(BufferExpression Buffer, LineStrides Strides)
{
    /// <summary>The address of element 0.</summary>
    public nint Pointer => Buffer.Block.Pointer + (nint)(Buffer.Layout.Offset * Buffer.DType.Size());

    /// <summary>The memory from element 0 on.</summary>
    public ILGPU.ArrayView<byte> View => Buffer.Block.View.SubView(Buffer.Layout.Offset * Buffer.DType.Size());
}
