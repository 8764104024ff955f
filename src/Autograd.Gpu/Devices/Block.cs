using System.Diagnostics;
using System.Runtime.CompilerServices;
using ILGPU;

namespace Autograd.Gpu.Devices;

/// <summary>
/// A handle on memory of a device's pool, counted by its holders. The count bounds the live holders from above: when it reaches zero
/// nobody uses the memory any more and it goes back to the pool at once; a holder that is dropped without <see cref="Release"/> keeps the
/// count up, and the memory comes back when the garbage collector finds that the handle itself is out of reach; see Note [Guards].
/// </summary>
/// <remarks>
/// The count is an ordinary number: blocks that several hold are counted under the device's gate.
/// <see cref="Pointer"/> does not keep the handle in reach. Who works on host memory through it holds the handle until the work is done
/// (<c>GC.KeepAlive(block)</c> after the last access); on CUDA it is enough that the work is on the stream, see
/// Note [Stream order and pool reuse].
/// </remarks>
internal sealed class Block
{
    private readonly BlockGuard _guard;
    private readonly nint _pointer;
    private readonly int _slot;
    private int _references = 1;

    /// <summary>A block over what <paramref name="guard"/> has in <paramref name="slot"/>.</summary>
    internal Block(BlockGuard guard, int slot, long bytes)
    {
        _guard = guard;
        _slot = slot;
        _pointer = guard.Segment(slot).Pointer + (nint)guard.Offset(slot);
        Bytes = bytes;
    }

    public Device Device => _guard.Pool.Device;

    /// <summary>The bytes asked for.</summary>
    public long Bytes { get; }

    /// <summary>The bytes that may be used: the size class, at least <see cref="Bytes"/>.</summary>
    public long Capacity => SizeClass.Bytes(_guard.SizeClass);

    /// <summary>The address of the first byte in the device's address space, aligned to 64 bytes.</summary>
    public nint Pointer
    {
        get
        {
            AssertLive();
            return _pointer;
        }
    }

    /// <summary>The bytes as ILGPU sees them.</summary>
    public ArrayView<byte> View
    {
        get
        {
            AssertLive();
            return _guard.Segment(_slot).Buffer.AsRawArrayView(_guard.Offset(_slot), Bytes);
        }
    }

    /// <summary>An upper bound of the live holders; zero or less when the memory has gone back.</summary>
    public int References => _references;

    /// <summary>Adds a holder.</summary>
    /// <exception cref="ObjectDisposedException">The memory has already gone back to the pool.</exception>
    public void Retain()
    {
        if (++_references <= 1 || _guard.IsGone)
            ThrowReturned();
    }

    /// <summary>Takes a holder away; the last one gives the memory back.</summary>
    public void Release()
    {
        var left = --_references;
        Debug.Assert(left >= 0, "a block was released more often than it was retained");
        if (left == 0)
            _guard.Pool.Return(_guard, _slot);
    }

    /// <summary>Copies host bytes into the block. When it returns, the source may change.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The bytes do not fit behind the offset.</exception>
    public void CopyFrom(ReadOnlySpan<byte> source, long offset = 0)
    {
        CheckRange(offset, source.Length, nameof(offset));
        BlockCopy.FromHost(source, this, offset);
    }

    /// <summary>Copies bytes of the block to the host, after all work on the device that writes them.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The block has fewer bytes behind the offset.</exception>
    public void CopyTo(Span<byte> destination, long offset = 0)
    {
        CheckRange(offset, destination.Length, nameof(offset));
        BlockCopy.ToHost(this, offset, destination);
    }

    /// <summary>Copies bytes of another block, of this device or another one. Within a block the ranges may overlap.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A range goes past the end of its block.</exception>
    public void CopyFrom(Block source, long sourceOffset, long offset, long bytes)
    {
        source.CheckRange(sourceOffset, bytes, nameof(sourceOffset));
        CheckRange(offset, bytes, nameof(offset));
        BlockCopy.BetweenBlocks(source, sourceOffset, this, offset, bytes);
    }

    private void CheckRange(long offset, long bytes, string parameter)
    {
        AssertLive();
        if (offset < 0 || bytes < 0 || offset > Bytes - bytes)
            throw new ArgumentOutOfRangeException(parameter, $"[block copy] {bytes} bytes at offset {offset} are outside a block of {Bytes} bytes on {Device}.");
    }

    [Conditional("DEBUG")]
    private void AssertLive() => Debug.Assert(References > 0 && !_guard.IsGone, "a block was used after its memory had gone back to the pool");

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowReturned()
    {
        _references--;
        throw new ObjectDisposedException(nameof(Block), $"A block of {Bytes} bytes on {Device} was retained after its memory had gone back to the pool.");
    }
}
