using System.Numerics;
using System.Runtime.CompilerServices;
using Autograd.Gpu.Devices.Host;

namespace Autograd.Gpu.Lazy.Host;

/// <summary>
/// Reduces columns of many small matrices: [Outer, Reduced, Inner] to [Outer, Inner] where a tile holds Reduced * Inner elements.
/// </summary>
internal readonly unsafe struct SlabWork<T, TPartial, TReducer> : IHostWork
    where T : unmanaged
    where TPartial : unmanaged
    where TReducer : struct, IReducer<T, TPartial>
{
    private const int ChunkElements = 1 << 14;

    private readonly ReductionSource _source;
    private readonly ReductionTarget _target;
    private readonly long _outer;
    private readonly int _rows;
    private readonly int _width;
    private readonly long _slabsPerChunk;

    private SlabWork(in ReductionSource source, in ReductionTarget target, ReductionShape shape)
    {
        _source = source;
        _target = target;
        _outer = shape.Outer;
        _rows = (int)shape.Reduced;
        _width = (int)shape.Inner;
        _slabsPerChunk = Math.Max(1, ChunkElements / (_rows * _width));
    }

    /// <summary>Whether a matrix fits a tile, and its columns are either many enough for vectors or too few elements to bother.</summary>
    public static bool Fits(ReductionShape shape) =>
        shape.Inner <= TileReader<T>.TileElements / shape.Reduced
        && shape.Reduced <= TReducer.MaxRows
        && (shape.Inner >= Vector<T>.Count || IsTiny(shape.Reduced * shape.Inner));

    public static void Reduce(in ReductionSource source, in ReductionTarget target, ReductionShape shape, bool isParallel)
    {
        var work = new SlabWork<T, TPartial, TReducer>(source, target, shape);
        HostReducer.ForEach(ref work, (work._outer + work._slabsPerChunk - 1) / work._slabsPerChunk, isParallel);
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

    private static bool IsTiny(long elements) => elements <= 64;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Run(long chunk, ref HostBinding binding)
    {
        var scratch = HostScratch.Current;
        var reader = new TileReader<T>(_source, ref binding, scratch);
        int size = _rows * _width;
        int slabsPerTile = TileReader<T>.TileElements / size;
        long end = Math.Min((chunk + 1) * _slabsPerChunk, _outer);
        for (long slab = chunk * _slabsPerChunk; slab < end; slab += slabsPerTile)
        {
            int slabs = (int)Math.Min(slabsPerTile, end - slab);
            T* p = reader.Read(slab * size, slabs * size), acc = (T*)scratch.Accumulators(p), index = (T*)scratch.Indices(p);
            if (_width < Vector<T>.Count)
            {
                TReducer.Small(p, slabs, _rows, _width, acc, _target.Memory, _target.DType, slab * _width);
                continue;
            }

            for (int s = 0; s < slabs; s++, p += size)
            {
                TReducer.Clear(acc, index, _width);
                TReducer.Columns(acc, index, p, _width, _rows, _width, 0);
                TReducer.Finish(acc, index, _width, _target.Memory, _target.DType, (slab + s) * _width);
            }
        }
    }
}
