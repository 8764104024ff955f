using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// How a band of the source lies in a thread's scratch memory: [channel, tap in depth, phase in height, phase in width, image, row, column], with zeros where the source
/// has nothing. A tap is then a constant distance, and a run of grid places a run of memory.
/// </summary>
internal sealed class SourceBand
{
    /// <summary>The zeros at each row's end that are those at the next one's start.</summary>
    private readonly int _shared;

    public SourceBand(AxisWalk depth, AxisWalk height, AxisWalk width, int bandRows, int bandColumns, int images)
    {
        (Depth, Height, Width) = (depth, height, width);
        (BandRows, Images) = (bandRows, images);
        Rows = bandRows + height.MaxOffset;
        int extent = bandColumns + width.MaxOffset;
        _shared = bandColumns == width.End - width.Start ? Zeros(width, extent) : 0;
        Pitch = extent - _shared;

        // Whole images share the rows of zeros between them as well.
        int rows = images > 1 ? Zeros(height, Rows) : 0;
        Image = (Rows - rows) * Pitch;
        Plane = images * Image + rows * Pitch;
        Channel = depth.Taps * height.Phases.Length * width.Phases.Length * Plane;
        TapOffsets = new int[depth.Taps * height.Taps * width.Taps];
        int at = 0;
        for (int d = 0; d < depth.Taps; d++)
        {
            for (int h = 0; h < height.Taps; h++)
            {
                for (int w = 0; w < width.Taps; w++)
                {
                    int plane = (d * height.Phases.Length + height.PhaseOf[h]) * width.Phases.Length + width.PhaseOf[w];
                    TapOffsets[at++] = plane * Plane + height.Offsets[h] * Pitch + width.Offsets[w];
                }
            }
        }
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
    public static long ChannelElements(AxisWalk depth, AxisWalk height, AxisWalk width, int bandRows, int bandColumns) =>
        (long)depth.Taps * height.Phases.Length * width.Phases.Length * (bandRows + height.MaxOffset) * (bandColumns + width.MaxOffset);

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
                    foreach (int phaseColumn in Width.Phases)
                    {
                        int firstRow = Height.SourceStep * row + phaseRow - Height.Origin;
                        int firstColumn = Width.SourceStep * column + phaseColumn - Width.Origin;
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
    private static unsafe void CopyStepped<T>(T* from, int step, T* to, int count)
        where T : unmanaged
    {
        int i = 0, lanes = Vector<T>.Count;
        if (step == 2 && sizeof(T) == sizeof(float) && BitConverter.IsLittleEndian)
        {
            // The lower halves of pairs; the last vector would read one element too many.
            for (; i + lanes < count; i += lanes)
            {
                var first = Unsafe.ReadUnaligned<Vector<ulong>>(from + 2 * i);
                var second = Unsafe.ReadUnaligned<Vector<ulong>>(from + 2 * i + lanes);
                Unsafe.WriteUnaligned(to + i, Vector.Narrow(first, second));
            }
        }

        for (; i < count; i++)
        {
            to[i] = from[(nint)i * step];
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
