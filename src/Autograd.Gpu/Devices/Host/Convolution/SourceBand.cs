using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// How a band of the source lies in a thread's scratch memory: [channel, tap in depth, phase in height, phase in width, image, row, column], with zeros where the source
/// has nothing. A tap is then a constant distance, and a run of grid places a run of memory. Either the taps along a row share what they see and rows are longer than the grid's, or each has a
/// copy of its own, shifted, and the rows of a grid follow one another without gaps.
/// </summary>
internal sealed class SourceBand
{
    /// <summary>The zeros at each row's end that are those at the next one's start.</summary>
    private readonly int _shared;

    /// <summary>Of each plane along a row, the source column that its first one is, from the grid's on.</summary>
    private readonly int[] _firstColumns;

    public SourceBand(AxisWalk depth, AxisWalk height, AxisWalk width, int bandRows, int bandColumns, int images, bool isShifted = false)
    {
        (Depth, Height, Width) = (depth, height, width);
        (BandRows, Images) = (bandRows, images);
        Rows = bandRows + height.MaxOffset;
        int extent = bandColumns + (isShifted ? 0 : width.MaxOffset);
        _firstColumns = new int[isShifted ? width.Taps : width.Phases.Length];
        for (int i = 0; i < _firstColumns.Length; i++)
        {
            _firstColumns[i] = (isShifted ? width.SourceStep * width.Offsets[i] + width.Phases[width.PhaseOf[i]] : width.Phases[i]) - width.Origin;
        }

        _shared = !isShifted && bandColumns == width.End - width.Start ? Zeros(width, extent) : 0;
        Pitch = extent - _shared;

        // Whole images share the rows of zeros between them as well.
        int rows = images > 1 ? Zeros(height, Rows) : 0;
        Image = (Rows - rows) * Pitch;
        Plane = images * Image + rows * Pitch;
        Channel = depth.Taps * height.Phases.Length * _firstColumns.Length * Plane;
        TapOffsets = new int[depth.Taps * height.Taps * width.Taps];
        int at = 0;
        for (int d = 0; d < depth.Taps; d++)
        {
            for (int h = 0; h < height.Taps; h++)
            {
                for (int w = 0; w < width.Taps; w++)
                {
                    int plane = (d * height.Phases.Length + height.PhaseOf[h]) * _firstColumns.Length + (isShifted ? w : width.PhaseOf[w]);
                    TapOffsets[at++] = plane * Plane + height.Offsets[h] * Pitch + (isShifted ? 0 : width.Offsets[w]);
                }
            }
        }
    }

    /// <summary>Whole channels with one place of several images side by side, and no padding: for taps that never look beyond it, at steps of 1.</summary>
    public SourceBand(AxisWalk depth, AxisWalk height, AxisWalk width, int images)
    {
        (Depth, Height, Width) = (depth, height, width);
        (BandRows, Images, Rows, Pitch) = (height.Source, images, height.Source, width.Source * images);
        (Image, Plane) = (1, Rows * Pitch);
        Channel = depth.Source * Plane;
        _firstColumns = [];
        TapOffsets =
        [
            .. from d in depth.Offsets from h in height.Offsets from w in width.Offsets
               select (d - depth.Origin) * Plane + (h - height.Origin) * Pitch + (w - width.Origin) * images,
        ];
    }

    public AxisWalk Depth { get; }

    public AxisWalk Height { get; }

    public AxisWalk Width { get; }

    /// <summary>The grid rows of a band, at most.</summary>
    public int BandRows { get; }

    public int Images { get; }

    /// <summary>The rows of one image's band: its own and those that the taps reach.</summary>
    public int Rows { get; }

    /// <summary>From one row to the next.</summary>
    public int Pitch { get; }

    /// <summary>From one image to the next.</summary>
    public int Image { get; }

    public int Plane { get; }

    /// <summary>From one channel to the next.</summary>
    public int Channel { get; }

    /// <summary>Where each tap looks, from its grid place on.</summary>
    public int[] TapOffsets { get; }

    /// <summary>The elements that a band of one image takes for each channel, nearly: what the sizes are chosen by.</summary>
    public static long ChannelElements(AxisWalk depth, AxisWalk height, AxisWalk width, int bandRows, int bandColumns, bool isShifted = false) =>
        (long)depth.Taps * height.Phases.Length * (bandRows + height.MaxOffset) * (isShifted ? (long)width.Taps * bandColumns : (long)width.Phases.Length * (bandColumns + width.MaxOffset));

    /// <summary>The distance between the rows of a band of whole rows that is not shifted.</summary>
    public static int WholePitch(AxisWalk width)
    {
        int extent = width.End - width.Start + width.MaxOffset;
        return extent - Zeros(width, extent);
    }

    /// <summary>Copies a band of some channels: of each, [depth, height, width] places that lie one after the other.</summary>
    /// <param name="source">The first channel of the first image.</param>
    /// <param name="channels">How many channels.</param>
    /// <param name="images">How many images, at most <see cref="Images"/>.</param>
    /// <param name="imageStride">From one image of the source to the next.</param>
    /// <param name="depth">The place in the grid's depth.</param>
    /// <param name="row">The band's first grid row.</param>
    /// <param name="bandRows">The band's grid rows, at most <see cref="BandRows"/>.</param>
    /// <param name="column">The band's first grid column; of the last band, the columns that are missing are copied as far as there is a source.</param>
    /// <param name="target">The scratch memory.</param>
    /// <param name="clears">Whether zeros are written as well; without, the places that the source has nothing for must hold them already.</param>
    public unsafe void Copy<T>(T* source, int channels, int images, nint imageStride, int depth, int row, int bandRows, int column, T* target, bool clears = true)
        where T : unmanaged
    {
        nint plane = (nint)Height.Source * Width.Source, channel = plane * Depth.Source;
        int rows = bandRows + Height.MaxOffset;
        for (int c = 0; c < channels; c++)
        {
            var planeTarget = target + (nint)c * Channel;
            for (int d = 0; d < Depth.Taps; d++)
            {
                int sourceDepth = Depth.SourceStep * (depth + Depth.Offsets[d]) + Depth.Phases[Depth.PhaseOf[d]] - Depth.Origin;
                bool isInside = (uint)sourceDepth < (uint)Depth.Source;
                var from = source + c * channel + (isInside ? sourceDepth : 0) * plane;
                foreach (int phaseRow in Height.Phases)
                {
                    int firstRow = Height.SourceStep * row + phaseRow - Height.Origin;
                    foreach (int start in _firstColumns)
                    {
                        int firstColumn = Width.SourceStep * column + start;
                        for (int i = 0; i < images; i++)
                        {
                            CopyImage(from + i * imageStride, isInside, firstRow, firstColumn, rows, planeTarget + (nint)i * Image, clears);
                        }

                        planeTarget += Plane;
                    }
                }
            }
        }
    }

    private unsafe void CopyImage<T>(T* from, bool isInside, int firstRow, int firstColumn, int rows, T* target, bool clears)
        where T : unmanaged
    {
        int step = Width.SourceStep, size = Width.Source, pitch = Pitch;
        int low = firstColumn >= 0 ? 0 : Math.Min(pitch, (-firstColumn + step - 1) / step);
        int high = Math.Clamp((size - firstColumn + step - 1) / step, low, pitch);
        if (step == 1 && pitch == size && Height.SourceStep == 1 && isInside && _shared == 0)
        {
            CopyRows(from, firstRow, firstColumn, rows, low, high, target, clears);
            return;
        }

        for (int r = 0; r < rows; r++, target += pitch, firstRow += Height.SourceStep)
        {
            if (!isInside || (uint)firstRow >= (uint)Height.Source)
            {
                if (clears)
                {
                    Clear(target, pitch);
                }

                continue;
            }

            var line = from + (nint)firstRow * size + firstColumn;
            if (clears)
            {
                Clear(target, low);
                Clear(target + high, pitch - high);
            }

            if (step == 1)
            {
                Copy(line + low, target + low, high - low);
            }
            else
            {
                CopyStepped(line + (nint)low * step, step, target + low, high - low);
            }
        }

        if (clears)
        {
            Clear(target, _shared);
        }
    }

    /// <summary>Rows as long as the source's: all of them at once, shifted, and then zeros at the end where each of them has its neighbour's elements.</summary>
    private unsafe void CopyRows<T>(T* from, int firstRow, int firstColumn, int rows, int low, int high, T* target, bool clears)
        where T : unmanaged
    {
        int pitch = Pitch, first = Math.Clamp(-firstRow, 0, rows), end = Math.Clamp(Height.Source - firstRow, first, rows);
        if (clears)
        {
            Clear(target, first * pitch);
            Clear(target + (nint)end * pitch, (rows - end) * pitch);
        }

        // What lies before the source's first element or behind its last one is in the columns that are cleared.
        nint start = (nint)(firstRow + first) * pitch + firstColumn;
        int least = (int)Math.Max(0, -start), most = (int)Math.Min((end - first) * pitch, (nint)Height.Source * pitch - start);
        target += (nint)first * pitch;
        if (most > least && high > low)
        {
            Copy(from + start + least, target + least, most - least);
        }

        ClearColumns(target, 0, low, end - first, pitch);
        ClearColumns(target, high, pitch, end - first, pitch);
    }

    private static unsafe void ClearColumns<T>(T* target, int first, int end, int rows, int pitch)
        where T : unmanaged
    {
        for (int column = first; column < end; column++)
        {
            var at = target + column;
            for (int r = 0; r < rows; r++, at += pitch)
            {
                *at = default;
            }
        }
    }

    /// <summary>The zeros that every phase has at both ends of an extent, of those that only taps beyond the grid see.</summary>
    private static int Zeros(AxisWalk walk, int extent)
    {
        int least = walk.MaxOffset;
        foreach (int phase in walk.Phases)
        {
            int first = walk.SourceStep * walk.Start + phase - walk.Origin;
            int low = first >= 0 ? 0 : Math.Min(extent, (-first + walk.SourceStep - 1) / walk.SourceStep);
            int high = Math.Clamp((walk.Source - first + walk.SourceStep - 1) / walk.SourceStep, low, extent);
            least = Math.Min(least, Math.Min(low, extent - high));
        }

        return least;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Clear<T>(T* target, int count)
        where T : unmanaged
    {
        if (count > 32)
        {
            NativeMemory.Clear(target, (nuint)count * (nuint)sizeof(T));
            return;
        }

        for (int i = 0; i < count; i++)
        {
            target[i] = default;
        }
    }

    /// <summary>Copies each <paramref name="step"/>-th element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void CopyStepped<T>(T* from, int step, T* to, int count)
        where T : unmanaged
    {
        if (step == 2 && sizeof(T) == sizeof(float) && BitConverter.IsLittleEndian)
        {
            CopyPairs((float*)from, (float*)to, count);
            return;
        }

        for (int i = 0; i < count; i++)
        {
            to[i] = from[(nint)i * step];
        }
    }

    /// <summary>
    /// Copies the lower one of each pair. The last pair may lack its upper one, which must not be read: the last vector overlaps the one before it and takes the upper ones of pairs that begin
    /// an element earlier.
    /// </summary>
    private static unsafe void CopyPairs(float* from, float* to, int count)
    {
        int i = 0, lanes = Vector512<float>.Count;
        if (Avx512F.IsSupported && count > lanes)
        {
            var lower = Vector512.Create(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            for (; i + lanes < count; i += lanes)
            {
                Avx512F.PermuteVar16x32x2(Vector512.Load(from + 2 * i), lower, Vector512.Load(from + 2 * i + lanes)).Store(to + i);
            }

            i = count - lanes;
            from += 2 * i - 1;
            Avx512F.PermuteVar16x32x2(Vector512.Load(from), lower + Vector512<int>.One, Vector512.Load(from + lanes)).Store(to + i);
            return;
        }

        lanes = Vector<float>.Count;
        if (count > lanes)
        {
            for (; i + lanes < count; i += lanes)
            {
                var first = Unsafe.ReadUnaligned<Vector<ulong>>(from + 2 * i);
                var second = Unsafe.ReadUnaligned<Vector<ulong>>(from + 2 * i + lanes);
                Unsafe.WriteUnaligned(to + i, Vector.Narrow(first, second));
            }

            i = count - lanes;
            from += 2 * i - 1;
            var left = Unsafe.ReadUnaligned<Vector<ulong>>(from) >> 32;
            var right = Unsafe.ReadUnaligned<Vector<ulong>>(from + lanes) >> 32;
            Unsafe.WriteUnaligned(to + i, Vector.Narrow(left, right));
            return;
        }

        for (; i < count; i++)
        {
            to[i] = from[2 * i];
        }
    }

    /// <summary>Copies what may be few elements; the last vector overlaps the one before it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Copy<T>(T* from, T* to, int count)
        where T : unmanaged
    {
        int lanes = Vector<T>.Count;
        if (count >= lanes)
        {
            int last = count - lanes;
            for (int i = 0; i < last; i += lanes)
            {
                Unsafe.ReadUnaligned<Vector<T>>(from + i).Store(to + i);
            }

            Unsafe.ReadUnaligned<Vector<T>>(from + last).Store(to + last);
            return;
        }

        nint bytes = (nint)count * sizeof(T);
        if (bytes >= 16)
        {
            Vector128.Load((byte*)from).Store((byte*)to);
            for (nint at = 16; at < bytes; at += 16)
            {
                nint start = Math.Min(at, bytes - 16);
                Vector128.Load((byte*)from + start).Store((byte*)to + start);
            }

            return;
        }

        for (int i = 0; i < count; i++)
        {
            to[i] = from[i];
        }
    }
}
