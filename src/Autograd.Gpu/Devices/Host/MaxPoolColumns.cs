using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Devices.Host;

/// <summary>The windows of a row that are all of one length and lie one or two columns apart: several of them at a time, as vectors of float32.</summary>
internal readonly unsafe struct MaxPoolColumns
{
    private MaxPoolColumns(int first, int count, int column, int stride, int length, int step) =>
        (First, Count, Column, Stride, Length, Step) = (first, count, column, stride, length, step);

    /// <summary>The first such window, and how many follow one another.</summary>
    public int First { get; }

    public int Count { get; }

    /// <summary>Where the first one begins.</summary>
    public int Column { get; }

    public int Stride { get; }

    /// <summary>The positions of a window, and how far they are from one another.</summary>
    public int Length { get; }

    public int Step { get; }

    /// <summary>Elements behind a row that may be read, and are not used.</summary>
    public static int Margin => 2 * Vector<float>.Count;

    /// <summary>The longest such run in a table of first positions and lengths; it is empty where vectors have nothing to do.</summary>
    public static MaxPoolColumns Of<T>(int* windows, int count, int step)
    {
        if (typeof(T) != typeof(float) || !BitConverter.IsLittleEndian)
        {
            return default;
        }

        var best = default(MaxPoolColumns);
        for (int first = 0; first + 1 < count;)
        {
            int stride = windows[2 * first + 2] - windows[2 * first], length = windows[2 * first + 1], end = first + 1;
            while (end < count && windows[2 * end + 1] == length && windows[2 * end] - windows[2 * end - 2] == stride)
            {
                end++;
            }

            if (stride is 1 or 2 && end - first > best.Count)
            {
                best = new MaxPoolColumns(first, end - first, windows[2 * first], stride, length, step);
            }

            first = end == first + 1 ? end : end - 1;
        }

        return best.Count >= Vector<float>.Count ? best : default;
    }

    /// <summary>The largest element of each window.</summary>
    public void Values(float* columns, float* target)
    {
        if (Stride == 1)
            Values<One>(columns + Column, target + First);
        else
            Values<Two>(columns + Column, target + First);
    }

    /// <summary>The largest element of each window and its place; <paramref name="ordinals"/> counts rows, which lie <paramref name="row"/> apart from <paramref name="start"/> on.</summary>
    public void ValuesAndPlaces(float* columns, float* ordinals, long start, int row, float* target, long* places)
    {
        if (Stride == 1)
            ValuesAndPlaces<One>(columns + Column, ordinals + Column, start + Column, row, target == null ? null : target + First, places + First);
        else
            ValuesAndPlaces<Two>(columns + Column, ordinals + Column, start + Column, row, target == null ? null : target + First, places + First);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Values<TStride>(float* columns, float* target)
        where TStride : struct, IConstant
    {
        for (int done = 0; done < Count; done += Vector<float>.Count)
        {
            int window = Math.Min(done, Count - Vector<float>.Count);
            float* from = columns + window * TStride.Value;
            var best = Load<TStride>(from);
            for (int k = 1; k < Length; k++)
            {
                var value = Load<TStride>(from + k * Step);
                best = Vector.ConditionalSelect(Vector.GreaterThan(value, best) | ~Vector.Equals(value, value), value, best);
            }

            Vector.Store(best, target + window);
        }
    }

    // As the plain form: among columns that tie the earlier row wins, among nans the later element.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ValuesAndPlaces<TStride>(float* columns, float* ordinals, long start, int row, float* target, long* places)
        where TStride : struct, IConstant
    {
        var lanes = Vector<int>.Indices * TStride.Value;
        var rows = new Vector<int>(row);
        var origin = new Vector<long>(start);
        for (int done = 0; done < Count; done += Vector<float>.Count)
        {
            int window = Math.Min(done, Count - Vector<float>.Count), at = window * TStride.Value;
            Vector<float> best = Load<TStride>(columns + at), bestRow = Load<TStride>(ordinals + at);
            var bestColumn = Vector<int>.Zero;
            for (int k = 1; k < Length; k++)
            {
                int column = k * Step;
                Vector<float> value = Load<TStride>(columns + at + column), ordinal = Load<TStride>(ordinals + at + column);
                var isBetter = Vector.GreaterThan(value, best) | (Vector.Equals(value, best) & Vector.LessThan(ordinal, bestRow))
                    | (~Vector.Equals(value, value) & (Vector.Equals(best, best) | Vector.GreaterThanOrEqual(ordinal, bestRow)));
                best = Vector.ConditionalSelect(isBetter, value, best);
                bestRow = Vector.ConditionalSelect(isBetter, ordinal, bestRow);
                bestColumn = Vector.ConditionalSelect(isBetter, new Vector<int>(column), bestColumn);
            }

            if (target != null)
            {
                Vector.Store(best, target + window);
            }

            var place = Vector.ConvertToInt32(bestRow) * rows + bestColumn + lanes + new Vector<int>(at);
            Vector.Widen(place, out var low, out var high);
            Vector.Store(low + origin, places + window);
            Vector.Store(high + origin, places + window + Vector<long>.Count);
        }
    }

    /// <summary>Elements that lie one or two apart: of pairs, the lower halves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Load<TStride>(float* from)
        where TStride : struct, IConstant
    {
        if (TStride.Value == 1)
        {
            return Vector.Load(from);
        }

        Vector<ulong> low = Vector.AsVectorUInt64(Vector.Load(from)), high = Vector.AsVectorUInt64(Vector.Load(from + Vector<float>.Count));
        return Vector.AsVectorSingle(Vector.Narrow(low, high));
    }
}
