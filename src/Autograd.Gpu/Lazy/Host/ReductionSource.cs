using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Autograd.Gpu.Devices.Host;

namespace Autograd.Gpu.Lazy.Host;

/// <summary>
/// The elements to reduce, in row-major order: contiguous memory, or what a program computes. Used while the binding's owner waits.
/// </summary>
internal readonly unsafe struct ReductionSource
{
    private readonly void* _binding;
    private readonly int _operand;

    public ReductionSource(DType dtype, byte* memory)
    {
        DType = dtype;
        Memory = memory;
    }

    /// <param name="binding">Lies on the stack of a caller that waits for the reduction.</param>
    public ReductionSource(DType dtype, ref HostBinding binding, int operand)
    {
        DType = dtype;
        _binding = Unsafe.AsPointer(ref binding);
        _operand = operand;
    }

    public DType DType { get; }

    /// <summary>The first element, or null where a program computes them.</summary>
    public byte* Memory { get; }

    /// <summary>The number of the operand that the program writes.</summary>
    public int Operand => _operand;

    /// <summary>The program as a value of the asking thread's own, since it is pointed to scratch memory.</summary>
    public HostBinding CopyBinding() => Unsafe.AsRef<HostBinding>(_binding);
}

/// <summary>Hands out the elements of a <see cref="ReductionSource"/> to one thread, tile by tile, as <typeparamref name="T"/>.</summary>
internal readonly unsafe ref struct TileReader<T>
    where T : unmanaged
{
    private readonly ReductionSource _source;
    private readonly ref HostBinding _binding;
    private readonly HostScratch _scratch;
    private readonly int _size;
    private readonly bool _isWidened;

    public TileReader(in ReductionSource source, ref HostBinding binding, HostScratch scratch)
    {
        _source = source;
        _binding = ref binding;
        _scratch = scratch;
        _size = source.DType.Size();
        _isWidened = source.DType is DType.Float16 or DType.BFloat16;
    }

    /// <summary>Elements of a tile, which with the accumulators stays in the L1 cache.</summary>
    public static int TileElements => HostScratch.TileBytes / Math.Max(4, sizeof(T));

    /// <summary>Whether <see cref="Read"/> gives the memory itself, so that rows lie as far apart as the shape says.</summary>
    public bool IsInPlace => _source.Memory != null && !_isWidened;

    /// <summary>Where <see cref="Read"/> places elements from <paramref name="start"/> on.</summary>
    public void* PlaceOf(long start) => IsInPlace ? _source.Memory + start * _size : _isWidened ? _scratch.Widened : _scratch.Raw;

    /// <summary>
    /// Elements <paramref name="start"/> to <paramref name="start"/> + <paramref name="count"/>; a copy is placed
    /// <paramref name="at"/> elements into the tile and overwrites what was there.
    /// </summary>
    public T* Read(long start, int count, int at = 0)
    {
        byte* elements;
        if (_source.Memory != null)
        {
            elements = _source.Memory + start * _size;
        }
        else
        {
            elements = _scratch.Raw + at * _size;

            // Element e is written to the operand's start + e * size, for the operand is contiguous over the whole shape.
            _binding.SetStart(_source.Operand, (nint)elements - (nint)(start * _size));
            _binding.RunRange(start, count);
        }

        if (!_isWidened)
        {
            return (T*)elements;
        }

        float* wide = (float*)_scratch.Widened + at;
        if (_source.DType == DType.Float16)
        {
            HostHalves.WidenFloat16((ushort*)elements, wide, count);
        }
        else
        {
            HostHalves.WidenBFloat16((ushort*)elements, wide, count);
        }

        return (T*)wide;
    }
}

/// <summary>The memory of one thread that reductions compute in.</summary>
internal sealed unsafe class HostScratch
{
    /// <summary>Bytes of a tile of elements, and of a row of accumulators.</summary>
    public const int TileBytes = 1 << 14;

    private const int Alignment = 64;
    private const long KeptBytes = 1 << 20;

    [ThreadStatic]
    private static HostScratch? t_current;

    private readonly byte* _fixed = (byte*)NativeMemory.AlignedAlloc(8 * TileBytes + ColumnMemory.SlackBytes, Alignment);
    private byte* _results;
    private long _resultBytes;

    private HostScratch()
    {
    }

    ~HostScratch()
    {
        NativeMemory.AlignedFree(_fixed);
        NativeMemory.AlignedFree(_results);
    }

    public static HostScratch Current => t_current ??= new HostScratch();

    /// <summary>What the program writes.</summary>
    public byte* Raw => _fixed;

    /// <summary>The same in the type that the reduction computes in, where that is another.</summary>
    public byte* Widened => _fixed + TileBytes;

    /// <summary>Partial results of a row of accumulators, up to 16 bytes each.</summary>
    public byte* Partials => _fixed + 2 * TileBytes;

    /// <summary>Accumulators for rows that begin there.</summary>
    public byte* Accumulators(void* rows) => ColumnMemory.Place(_fixed + 6 * TileBytes, rows);

    /// <summary>As many numbers or elements beside them.</summary>
    public byte* Indices(void* rows) => Accumulators(rows) + TileBytes;

    /// <summary>Memory for the partial results of a whole reduction, until the next call.</summary>
    public byte* Results(long bytes)
    {
        if (bytes > _resultBytes)
        {
            _resultBytes = 0;
            _results = (byte*)NativeMemory.AlignedRealloc(_results, (nuint)bytes, Alignment);
            _resultBytes = bytes;
        }

        return _results;
    }

    /// <summary>Gives large memory back.</summary>
    public void Trim()
    {
        if (_resultBytes > KeptBytes)
        {
            NativeMemory.AlignedFree(_results);
            _results = null;
            _resultBytes = 0;
        }
    }
}
