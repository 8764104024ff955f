using System.Diagnostics;
using System.Runtime.CompilerServices;
using ILGPU;

namespace Autograd.Gpu.Devices;

/// <summary>
/// A handle on memory of a device's pool, counted by its holders. The count bounds the live holders from above: when it reaches zero
/// nobody uses the memory any more and it goes back to the pool at once; a holder that is dropped without <see cref="Release"/> keeps the
/// count up, and the memory comes back when the garbage collector finds that the handle itself is out of reach.
/// </summary>
/// <remarks>
/// <see cref="Pointer"/> does not keep the handle in reach. Who works on host memory through it holds the handle until the work is done
/// (<c>GC.KeepAlive(block)</c> after the last access); on CUDA it is enough that the work is on the stream, see
/// Note [Stream order and pool reuse].
/// </remarks>
internal sealed class Block
{
    // Far enough below zero that the releases which finalisers of other objects still make never look like a live count.
    private const int Finalised = int.MinValue / 2;

    private readonly Piece _piece;
    private int _references = 1;

    internal Block(Device device, Piece piece, long bytes)
    {
        Device = device;
        _piece = piece;
        Bytes = bytes;
    }

    /// <summary>The backstop for handles that were dropped.</summary>
    ~Block()
    {
        if (Interlocked.Exchange(ref _references, Finalised) > 0)
            Device.Pool.ReturnFromFinaliser(_piece);
    }

    public Device Device { get; }

    /// <summary>The bytes asked for.</summary>
    public long Bytes { get; }

    /// <summary>The bytes that may be used: the size class, at least <see cref="Bytes"/>.</summary>
    public long Capacity => SizeClass.Bytes(_piece.SizeClass);

    /// <summary>The address of the first byte in the device's address space, aligned to 64 bytes.</summary>
    public nint Pointer
    {
        get
        {
            AssertLive();
            return _piece.Pointer;
        }
    }

    /// <summary>The bytes as ILGPU sees them.</summary>
    public ArrayView<byte> View
    {
        get
        {
            AssertLive();
            return _piece.Segment.Buffer.AsRawArrayView(_piece.Offset, Bytes);
        }
    }

    /// <summary>An upper bound of the live holders; zero or less when the memory has gone back.</summary>
    public int References => Volatile.Read(ref _references);

    /// <summary>Adds a holder.</summary>
    /// <exception cref="ObjectDisposedException">The memory has already gone back to the pool.</exception>
    public void Retain()
    {
        if (Interlocked.Increment(ref _references) <= 1)
            ThrowReturned();
    }

    /// <summary>Takes a holder away; the last one gives the memory back.</summary>
    public void Release()
    {
        var left = Interlocked.Decrement(ref _references);
        Debug.Assert(left >= 0 || left < Finalised / 2, "a block was released more often than it was retained");
        if (left != 0)
            return;
        GC.SuppressFinalize(this);
        Device.Pool.Return(_piece);
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
    private void AssertLive() => Debug.Assert(References > 0, "a block was used after its memory had gone back to the pool");

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowReturned()
    {
        Interlocked.Decrement(ref _references);
        throw new ObjectDisposedException(nameof(Block), $"A block of {Bytes} bytes on {Device} was retained after its memory had gone back to the pool.");
    }
}
