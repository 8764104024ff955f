using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;

namespace Autograd.Gpu.Devices;

/// <summary>Copies between host memory and blocks, in the order of the devices' streams. Ranges were checked by the caller.</summary>
internal static unsafe class BlockCopy
{
    private const int StagingBytes = 8 << 20;

    public static void FromHost(ReadOnlySpan<byte> source, Block target, long offset)
    {
        if (source.IsEmpty)
            return;
        fixed (byte* pointer = source)
        {
            if (target.Device.HasHostMemory)
                Buffer.MemoryCopy(pointer, (byte*)target.Pointer + offset, source.Length, source.Length);
            else
                Upload(pointer, source.Length, target, offset);
        }

        GC.KeepAlive(target);
    }

    public static void ToHost(Block source, long offset, Span<byte> target)
    {
        if (target.IsEmpty)
            return;
        fixed (byte* pointer = target)
        {
            if (source.Device.HasHostMemory)
                Buffer.MemoryCopy((byte*)source.Pointer + offset, pointer, target.Length, target.Length);
            else
                Download(source, offset, pointer, target.Length);
        }

        GC.KeepAlive(source);
    }

    public static void BetweenBlocks(Block source, long sourceOffset, Block target, long offset, long bytes)
    {
        if (bytes == 0)
            return;
        switch (source.Device.HasHostMemory, target.Device.HasHostMemory)
        {
            case (true, true):
                Buffer.MemoryCopy((byte*)source.Pointer + sourceOffset, (byte*)target.Pointer + offset, bytes, bytes);
                break;
            case (true, false):
                Upload((byte*)source.Pointer + sourceOffset, bytes, target, offset);
                break;
            case (false, true):
                Download(source, sourceOffset, (byte*)target.Pointer + offset, bytes);
                break;
            case (false, false) when source == target && Math.Abs(sourceOffset - offset) < bytes:
                ThroughTemporary(source, sourceOffset, target, offset, bytes);
                break;
            case (false, false) when source.Device == target.Device:
                source.View.SubView(sourceOffset, bytes).CopyTo(target.Device.Stream, target.View.SubView(offset, bytes));
                break;
            default:
                ThroughHost(source, sourceOffset, target, offset, bytes);
                break;
        }

        GC.KeepAlive(source);
        GC.KeepAlive(target);
    }

    /// <summary>
    /// The driver stages pageable memory before the call returns, so that the source is free again and the queue does not run dry;
    /// for page-locked memory that holds only once the stream has got there.
    /// </summary>
    private static void Upload(byte* source, long bytes, Block target, long offset)
    {
        var stream = target.Device.Stream;
        using var buffer = CPUMemoryBuffer.Create(target.Device.Accelerator, (nint)source, bytes, 1);
        target.View.SubView(offset, bytes).CopyFrom(stream, buffer.AsRawArrayView());
        if (CudaAccelerator.GetCudaMemoryType((nint)source) != CudaMemoryType.None)
            stream.Synchronize();
    }

    private static void Download(Block source, long offset, byte* target, long bytes)
    {
        var stream = source.Device.Stream;
        using var buffer = CPUMemoryBuffer.Create(source.Device.Accelerator, (nint)target, bytes, 1);
        source.View.SubView(offset, bytes).CopyTo(stream, buffer.AsRawArrayView());
        stream.Synchronize();
    }

    /// <summary>The driver's copy does not define the result for overlapping ranges.</summary>
    private static void ThroughTemporary(Block source, long sourceOffset, Block target, long offset, long bytes)
    {
        var temporary = source.Device.Allocate(bytes);
        BetweenBlocks(source, sourceOffset, temporary, 0, bytes);
        BetweenBlocks(temporary, 0, target, offset, bytes);
        temporary.Release();
    }

    /// <summary>Between two GPUs, which may not reach each other's memory; both streams are waited for, so their orders do not matter.</summary>
    private static void ThroughHost(Block source, long sourceOffset, Block target, long offset, long bytes)
    {
        var staging = Device.Cpu.Allocate(Math.Min(bytes, StagingBytes));
        for (long done = 0; done < bytes; done += StagingBytes)
        {
            var step = Math.Min(bytes - done, StagingBytes);
            Download(source, sourceOffset + done, (byte*)staging.Pointer, step);
            Upload((byte*)staging.Pointer, step, target, offset + done);
        }

        staging.Release();
    }
}
