using System.Runtime.CompilerServices;
using Autograd.Gpu.Devices.Host;

namespace Autograd.Gpu.Lazy.Host;

/// <summary>Reduces rows: [Outer, Reduced] to [Outer]. A chunk is a number of whole rows, or a part of a long one.</summary>
internal unsafe struct RowWork<T, TPartial, TReducer> : IHostWork
    where T : unmanaged
    where TPartial : unmanaged
    where TReducer : struct, IReducer<T, TPartial>
{
    /// <summary>Fixed, so that results do not depend on the number of threads.</summary>
    private const int ChunkElements = 1 << 14;

    private readonly ReductionSource _source;
    private readonly ReductionTarget _target;
    private readonly long _outer;
    private readonly long _reduced;
    private readonly long _rowsPerChunk;
    private readonly long _chunksPerRow;
    private readonly TPartial* _partials;

    private RowWork(in ReductionSource source, in ReductionTarget target, ReductionShape shape)
    {
        _source = source;
        _target = target;
        _outer = shape.Outer;
        _reduced = shape.Reduced;
        _rowsPerChunk = Math.Max(1, ChunkElements / _reduced);
        _chunksPerRow = (_reduced + ChunkElements - 1) / ChunkElements;
        Chunks = _chunksPerRow > 1 ? _outer * _chunksPerRow : (_outer + _rowsPerChunk - 1) / _rowsPerChunk;
        _partials = _chunksPerRow > 1 ? (TPartial*)HostScratch.Current.Results(Chunks * sizeof(TPartial)) : null;
    }

    private long Chunks { get; }

    public static void Reduce(in ReductionSource source, in ReductionTarget target, ReductionShape shape, bool isParallel)
    {
        var work = new RowWork<T, TPartial, TReducer>(source, target, shape);
        HostReducer.ForEach(ref work, work.Chunks, isParallel);
        if (work._chunksPerRow > 1)
        {
            work.CombineParts();
        }
    }

    public readonly void Run(int chunk)
    {
        if (_source.Memory != null)
        {
            Run(chunk, ref Unsafe.NullRef<HostBinding>());
        }
        else
        {
            RunProgram(chunk);
        }
    }

    // Apart, so that reductions of memory do not pay for the binding's room on the stack.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private readonly void RunProgram(int chunk)
    {
        var binding = _source.CopyBinding();
        Run(chunk, ref binding);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Run(long chunk, ref HostBinding binding)
    {
        var reader = new TileReader<T>(_source, ref binding, HostScratch.Current);
        if (_chunksPerRow > 1)
        {
            var (row, part) = Math.DivRem(chunk, _chunksPerRow);
            long first = part * ChunkElements;
            _partials[chunk] = Part(reader, row, first, Math.Min(ChunkElements, _reduced - first));
            return;
        }

        long start = chunk * _rowsPerChunk;
        long end = Math.Min(start + _rowsPerChunk, _outer);
        if (_reduced > TileReader<T>.TileElements)
        {
            for (long row = start; row < end; row++)
            {
                TReducer.Store(Part(reader, row, 0, _reduced), _target.Memory, _target.DType, row);
            }

            return;
        }

        int length = (int)_reduced;
        int rowsPerTile = TileReader<T>.TileElements / length;
        for (long row = start; row < end; row += rowsPerTile)
        {
            int rows = (int)Math.Min(rowsPerTile, end - row);
            T* p = reader.Read(row * length, rows * length);
            if (length < TReducer.ShortRow)
            {
                TReducer.Small(p, rows, length, 1, (T*)HostScratch.Current.Accumulators(p), _target.Memory, _target.DType, row);
                continue;
            }

            for (int r = 0; r < rows; r++, p += length)
            {
                TReducer.Store(TReducer.Block(TReducer.Identity, p, length, 0), _target.Memory, _target.DType, row + r);
            }
        }
    }

    private readonly TPartial Part(TileReader<T> reader, long row, long first, long count)
    {
        var result = TReducer.Identity;
        for (long end = first + count; first < end; first += TileReader<T>.TileElements)
        {
            int run = (int)Math.Min(TileReader<T>.TileElements, end - first);
            result = TReducer.Block(result, reader.Read(row * _reduced + first, run), run, first);
        }

        return result;
    }

    private readonly void CombineParts()
    {
        for (long row = 0; row < _outer; row++)
        {
            var parts = _partials + row * _chunksPerRow;
            for (long step = 1; step < _chunksPerRow; step *= 2)
            {
                for (long i = 0; i + step < _chunksPerRow; i += 2 * step)
                {
                    parts[i] = TReducer.Combine(parts[i], parts[i + step]);
                }
            }

            TReducer.Store(parts[0], _target.Memory, _target.DType, row);
        }
    }
}
