namespace Autograd.Gpu;

/// <summary>What a device's memory pool holds and has done. Sizes are in bytes, after rounding up to the pool's size classes.</summary>
/// <param name="ActiveBytes">Bytes that tensors hold, dropped ones included until the garbage collector finds them.</param>
/// <param name="CachedBytes">Bytes that the pool keeps for reuse.</param>
/// <param name="PeakBytes">The highest <paramref name="ActiveBytes"/> since the start or <see cref="Device.ResetPeakMemory"/>.</param>
/// <param name="Allocations">Blocks handed out.</param>
/// <param name="Reuses">How many of them were served with memory that another block had given back.</param>
/// <param name="Finalized">Blocks that were dropped and came back through the garbage collector.</param>
/// <param name="Collections">Garbage collections that the pool has asked for.</param>
/// <param name="CollectionTime">The time that those took.</param>
/// <param name="Flushes">How often the whole cache was given back to the system.</param>
public readonly record struct MemoryStatistics(
    long ActiveBytes,
    long CachedBytes,
    long PeakBytes,
    long Allocations,
    long Reuses,
    long Finalized,
    long Collections,
    TimeSpan CollectionTime,
    long Flushes)
{
    /// <summary>Bytes taken from the system: active and cached ones.</summary>
    public long ReservedBytes => ActiveBytes + CachedBytes;
}
