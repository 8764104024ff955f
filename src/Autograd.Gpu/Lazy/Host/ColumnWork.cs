using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Autograd.Gpu.Devices.Host;

namespace Autograd.Gpu.Lazy.Host;

/// <summary>
/// Reduces columns: [Outer, Reduced, Inner] to [Outer, Inner]. The matrices are cut into units of some columns and some rows, whose partial
/// results are combined in the end. Short rows are taken several at a time, as one row of Group * Inner columns, and folded afterwards.
/// </summary>
internal readonly unsafe struct ColumnWork<T, TPartial, TReducer> : IHostWork
    where T : unmanaged
    where TPartial : unmanaged
    where TReducer : struct, IReducer<T, TPartial>
{
    /// <summary>Short rows are grouped to about this many columns, fewer in small matrices.</summary>
    private const int GroupedWidth = 512;

    private const int SmallGroupedWidth = 64;

    /// <summary>Rows of as many elements are taken one by one if the accumulators hold all of them: grouping would cost partial results and folding.</summary>
    private const int AloneWidth = 64;

    /// <summary>
    /// Rows are cut until there are this many units, to occupy threads, or the units get too small. Fixed, as are the results.
    /// </summary>
    private const int WantedUnits = 64;

    private const int ChunkElements = 1 << 14;

    /// <summary>Element operations that are worth the memory traffic of a unit's partial results.</summary>
    private const long UnitWork = 1 << 17;

    private readonly ReductionSource _source;
    private readonly ReductionTarget _target;
    private readonly ReductionShape _shape;
    private readonly int _group;
    private readonly long _rowWidth;
    private readonly long _rows;
    private readonly int _unitWidth;
    private readonly long _columnBlocks;
    private readonly long _unitRows;
    private readonly long _rowBlocks;
    private readonly long _units;
    private readonly long _unitsPerChunk;
    private readonly TPartial* _partials;

    /// <summary>For each pair of partial results to combine, under the number of its second one, how many of the two are there.</summary>
    private readonly int* _arrived;

    private ColumnWork(in ReductionSource source, in ReductionTarget target, ReductionShape shape, int valuesPerElement)
    {
        _source = source;
        _target = target;
        _shape = shape;
        int grouped = shape.Reduced * shape.Inner >= ChunkElements ? GroupedWidth : SmallGroupedWidth;
        bool isAlone = shape.Inner >= AloneWidth && shape.Reduced <= TReducer.MaxRows;
        _group = isAlone ? 1 : (int)Math.Clamp(grouped / shape.Inner, 1, shape.Reduced);
        _rowWidth = _group * shape.Inner;
        _rows = shape.Reduced / _group;
        _columnBlocks = (_rowWidth + TileReader<T>.TileElements - 1) / TileReader<T>.TileElements;
        _unitWidth = (int)Math.Min(_rowWidth, ((_rowWidth + _columnBlocks - 1) / _columnBlocks + 63) & ~63L);
        long columnUnits = shape.Outer * _columnBlocks;
        long smallest = Math.Max(ChunkElements, UnitWork / valuesPerElement);
        long wanted = Math.Min((WantedUnits + columnUnits - 1) / columnUnits, _rows * _unitWidth / smallest);
        _unitRows = (_rows + Math.Max(1, wanted) - 1) / Math.Max(1, wanted);
        _rowBlocks = (_rows + _unitRows - 1) / _unitRows;
        _units = columnUnits * _rowBlocks;
        _unitsPerChunk = Math.Max(1, ChunkElements / (_unitRows * _unitWidth));
        if (_rowBlocks > 1)
        {
            // Whole numbers of 8 bytes, so that the counts are aligned behind partial results of one: Arm has no atomic access across a boundary.
            long partials = (_rowBlocks * shape.Results * sizeof(TPartial) + 7) & ~7L, counts = _units * sizeof(int);
            byte* memory = HostScratch.Current.Results(partials + counts);
            _partials = (TPartial*)memory;
            _arrived = (int*)(memory + partials);
            NativeMemory.Clear(_arrived, (nuint)counts);
        }
    }

    public static void Reduce(
        in ReductionSource source, in ReductionTarget target, ReductionShape shape, int valuesPerElement, bool isParallel)
    {
        var work = new ColumnWork<T, TPartial, TReducer>(source, target, shape, valuesPerElement);
        HostReducer.ForEach(ref work, (work._units + work._unitsPerChunk - 1) / work._unitsPerChunk, isParallel);
    }

    public void Run(int chunk)
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

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void RunProgram(int chunk)
    {
        var binding = _source.CopyBinding();
        Run(chunk, ref binding);
    }

    private void Run(long chunk, ref HostBinding binding)
    {
        var scratch = HostScratch.Current;
        var reader = new TileReader<T>(_source, ref binding, scratch);
        long end = Math.Min((chunk + 1) * _unitsPerChunk, _units);
        for (long unit = chunk * _unitsPerChunk; unit < end; unit++)
        {
            var (columnUnit, rowBlock) = Math.DivRem(unit, _rowBlocks);
            var (outer, columnBlock) = Math.DivRem(columnUnit, _columnBlocks);
            RunUnit(reader, scratch, outer, columnBlock * _unitWidth, rowBlock, unit);
        }
    }

    private void RunUnit(TileReader<T> reader, HostScratch scratch, long outer, long column, long rowBlock, long unit)
    {
        int width = (int)Math.Min(_unitWidth, _rowWidth - column);
        long row = rowBlock * _unitRows;
        long lastRow = Math.Min(row + _unitRows, _rows);
        long start = outer * _shape.Reduced * _shape.Inner + column;
        long at = outer * _shape.Inner + column;
        void* rows = reader.PlaceOf(start);
        T* acc = (T*)scratch.Accumulators(rows), index = (T*)scratch.Indices(rows);
        TReducer.Clear(acc, index, width);
        if (_rowBlocks == 1 && _group == 1 && _rows <= TReducer.MaxRows)
        {
            TakeRows(reader, acc, index, start, row, lastRow, width);
            TReducer.Finish(acc, index, width, _target.Memory, _target.DType, at);
            return;
        }

        // With several row blocks, every column has a place in each; grouped columns are folded first.
        bool isFolded = _group > 1;
        var partial = isFolded || _rowBlocks == 1 ? (TPartial*)scratch.Partials : _partials + rowBlock * _shape.Results + at;
        new Span<TPartial>(partial, width).Fill(TReducer.Identity);
        for (; row < lastRow; row += TReducer.MaxRows)
        {
            TakeRows(reader, acc, index, start, row, Math.Min(row + TReducer.MaxRows, lastRow), width);
            TReducer.Flush(acc, index, partial, width, new ColumnPlace(row, _group, (int)Math.Min(_shape.Inner, int.MaxValue)));
        }

        if (isFolded)
        {
            if (lastRow == _rows)
            {
                TakeRest(reader, acc, index, partial, start);
            }

            Fold(partial);
            width = (int)_shape.Inner;
        }

        if (_rowBlocks == 1)
        {
            TReducer.Store(partial, width, _target.Memory, _target.DType, at);
            return;
        }

        if (isFolded)
        {
            new Span<TPartial>(partial, width).CopyTo(new Span<TPartial>(_partials + rowBlock * _shape.Results + at, width));
        }

        Combine(unit - rowBlock, rowBlock, at, width);
    }

    private void TakeRows(TileReader<T> reader, T* acc, T* index, long start, long row, long end, int width)
    {
        if (reader.IsInPlace)
        {
            T* p = reader.Read(start + row * _rowWidth, width);
            TReducer.Columns(acc, index, p, (nint)_rowWidth, (int)(end - row), width, 0);
            return;
        }

        int rowsPerTile = TileReader<T>.TileElements / width;
        int taken = 0;
        while (row < end)
        {
            int rows = (int)Math.Min(rowsPerTile, end - row);
            T* p;
            if (width == _rowWidth)
            {
                p = reader.Read(start + row * _rowWidth, rows * width);
            }
            else
            {
                p = reader.Read(start + row * _rowWidth, width);
                for (int r = 1; r < rows; r++)
                {
                    reader.Read(start + (row + r) * _rowWidth, width, r * width);
                }
            }

            TReducer.Columns(acc, index, p, width, rows, width, taken);
            row += rows;
            taken += rows;
        }
    }

    /// <summary>Takes the rows that do not fill a group.</summary>
    private void TakeRest(TileReader<T> reader, T* acc, T* index, TPartial* partial, long start)
    {
        int width = (int)(_shape.Reduced * _shape.Inner - _rows * _rowWidth);
        if (width > 0)
        {
            T* p = reader.Read(start + _rows * _rowWidth, width);
            TReducer.Columns(acc, index, p, width, 1, width, 0);
            TReducer.Flush(acc, index, partial, width, new ColumnPlace(_rows, _group, (int)_shape.Inner));
        }
    }

    /// <summary>Combines the columns of a group that stand for the same column.</summary>
    private void Fold(TPartial* partial)
    {
        long inner = _shape.Inner;
        for (int step = 1; step < _group; step *= 2)
        {
            for (int g = 0; g + step < _group; g += 2 * step)
            {
                TReducer.Pairs(partial + g * inner, partial + (g + step) * inner, inner);
            }
        }
    }

    /// <summary>
    /// Combines neighbours among the row blocks, then their results, and so on. Who finishes the second of two goes on with both, so that nobody waits and most of what is
    /// combined is in the cache; which are neighbours is fixed.
    /// </summary>
    /// <param name="firstUnit">The first unit of these columns.</param>
    /// <param name="block">The row block that is done.</param>
    /// <param name="at">The first of its columns among the results.</param>
    /// <param name="width">How many there are.</param>
    private void Combine(long firstUnit, long block, long at, int width)
    {
        long results = _shape.Results;
        for (long step = 1; step < _rowBlocks; step *= 2)
        {
            block -= block % (2 * step);
            long neighbour = block + step;
            if (neighbour >= _rowBlocks)
            {
                continue;
            }

            if (Interlocked.Increment(ref _arrived[firstUnit + neighbour]) == 1)
            {
                return;
            }

            TReducer.Pairs(_partials + block * results + at, _partials + neighbour * results + at, width);
        }

        TReducer.Store(_partials + at, width, _target.Memory, _target.DType, at);
    }
}
