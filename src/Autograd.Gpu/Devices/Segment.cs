using ILGPU.Runtime;
using ILGPU.Runtime.CPU;

namespace Autograd.Gpu.Devices;

/// <summary>Memory that the pool took from the system in one piece: a slab, from which small blocks are carved, or one large block.</summary>
internal abstract class Segment(nint pointer, long bytes, bool isSlab)
{
    /// <summary>The address of the first byte, in the device's address space.</summary>
    public nint Pointer { get; protected set; } = pointer;

    public long Bytes { get; } = bytes;

    /// <summary>The ILGPU buffer over the whole segment.</summary>
    public abstract MemoryBuffer Buffer { get; }

    /// <summary>How many of a slab's bytes have been carved. Guarded by the pool's lock.</summary>
    public long Carved { get; set; }

    /// <summary>How many pieces are in the hands of blocks. Guarded by the pool's lock.</summary>
    public int Outstanding { get; set; }

    public bool IsSlab { get; } = isSlab;

    /// <summary>Gives the memory back to the system.</summary>
    public abstract void Free();
}

/// <summary>Host memory, uninitialised. Its ILGPU buffer is made when somebody asks for it: the SIMD kernels never do.</summary>
internal sealed class HostSegment : Segment
{
    private readonly Device _device;
    private MemoryBuffer? _buffer;

    public HostSegment(Device device, long bytes, bool isSlab)
        : base(HostMemory.Allocate(bytes), bytes, isSlab) => _device = device;

    public override MemoryBuffer Buffer
    {
        get
        {
            if (_buffer is { } made)
                return made;
            var buffer = CPUMemoryBuffer.Create(_device.Accelerator, Pointer, Bytes, 1);
            return Interlocked.CompareExchange(ref _buffer, buffer, null) ?? buffer;
        }
    }

    public override void Free()
    {
        HostMemory.Free(Pointer, Bytes);
        Pointer = 0;
    }
}

/// <summary>Memory of an accelerator with an address space of its own.</summary>
internal sealed class AcceleratorSegment : Segment
{
    public AcceleratorSegment(Accelerator accelerator, long bytes, bool isSlab)
        : this(accelerator.AllocateRaw(bytes, 1), isSlab)
    {
    }

    private AcceleratorSegment(MemoryBuffer buffer, bool isSlab)
        : base(buffer.NativePtr, buffer.LengthInBytes, isSlab) => Buffer = buffer;

    public override MemoryBuffer Buffer { get; }

    public override void Free()
    {
        Buffer.Dispose();
        Pointer = 0;
    }
}

/// <summary>A part of a segment, of the size of a class.</summary>
internal readonly record struct Piece(Segment Segment, long Offset, int SizeClass)
{
    public nint Pointer => Segment.Pointer + (nint)Offset;
}
