using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Autograd.Gpu.Lazy.Host;

/// <summary>Loops over contiguous elements and over rows of columns, for any operation.</summary>
internal static unsafe partial class ReduceLoops<T, TOperation>
    where T : unmanaged, INumber<T>
    where TOperation : struct, IReduceOperation<T>
{
    /// <summary>Combines <paramref name="count"/> elements, in lanes that each take every (4 * lanes)-th one, by fours.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static T Block(T* p, nint count)
    {
        nint lanes = Vector<T>.Count;
        if (count < lanes)
        {
            return Column(p, 1, count);
        }

        if (IsWide && count >= 4 * Vector512<T>.Count)
        {
            return WideBlock(p, count);
        }

        nint i = lanes;
        var a0 = Vector.Load(p);
        if (count >= 4 * lanes)
        {
            var a1 = Vector.Load(p + lanes);
            var a2 = Vector.Load(p + 2 * lanes);
            var a3 = Vector.Load(p + 3 * lanes);
            for (i = 4 * lanes; i <= count - 16 * lanes; i += 16 * lanes)
            {
                a0 = TOperation.Combine(a0, Four(p + i, 4 * lanes));
                a1 = TOperation.Combine(a1, Four(p + i + lanes, 4 * lanes));
                a2 = TOperation.Combine(a2, Four(p + i + 2 * lanes, 4 * lanes));
                a3 = TOperation.Combine(a3, Four(p + i + 3 * lanes, 4 * lanes));
            }

            for (; i <= count - 4 * lanes; i += 4 * lanes)
            {
                a0 = TOperation.Combine(a0, Vector.Load(p + i));
                a1 = TOperation.Combine(a1, Vector.Load(p + i + lanes));
                a2 = TOperation.Combine(a2, Vector.Load(p + i + 2 * lanes));
                a3 = TOperation.Combine(a3, Vector.Load(p + i + 3 * lanes));
            }

            a0 = TOperation.Combine(TOperation.Combine(a0, a1), TOperation.Combine(a2, a3));
        }

        for (; i <= count - lanes; i += lanes)
        {
            a0 = TOperation.Combine(a0, Vector.Load(p + i));
        }

        if (i < count)
        {
            a0 = TOperation.Combine(a0, LoadLast(p + count - lanes, (int)(count - i), new Vector<T>(TOperation.Identity)));
        }

        return Across(a0);
    }

    /// <summary>
    /// Reduces the columns of many small matrices that lie one after the other, element by element, four matrices side by side.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Small(T* p, int matrices, nint rows, nint width, T* result)
    {
        nint size = rows * width;
        for (; matrices >= 4; matrices -= 4, p += 4 * size, result += 4 * width)
        {
            for (nint c = 0; c < width; c++)
            {
                T* q = p + c;
                T a0 = q[0], a1 = q[size], a2 = q[2 * size], a3 = q[3 * size];
                for (nint e = width; e < size; e += width)
                {
                    a0 = TOperation.Combine(a0, q[e]);
                    a1 = TOperation.Combine(a1, q[size + e]);
                    a2 = TOperation.Combine(a2, q[2 * size + e]);
                    a3 = TOperation.Combine(a3, q[3 * size + e]);
                }

                result[c] = a0;
                result[width + c] = a1;
                result[2 * width + c] = a2;
                result[3 * width + c] = a3;
            }
        }

        for (; matrices > 0; matrices--, p += size, result += width)
        {
            for (nint c = 0; c < width; c++)
            {
                result[c] = Column(p + c, width, rows);
            }
        }
    }

    /// <summary>
    /// Combines each of <paramref name="width"/> columns of <paramref name="rows"/> rows into <paramref name="acc"/>. <paramref name="scratch"/> has room for a row.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Columns(T* acc, T* scratch, T* p, nint stride, int rows, nint width)
    {
        nint lanes = Vector<T>.Count;
        if (width < lanes)
        {
            for (nint c = 0; c < width; c++)
            {
                acc[c] = TOperation.Combine(acc[c], Column(p + c, stride, rows));
            }

            return;
        }

        if (IsWide && width >= Vector512<T>.Count)
        {
            WideColumns(acc, scratch, p, stride, rows, width);
            return;
        }

        // The last vector overlaps the one before it; the lanes that have been counted already get the neutral element.
        nint full = width - width % lanes;
        int rest = (int)(width - full);
        var identity = new Vector<T>(TOperation.Identity);
        int row = 0;
        for (; row <= rows - 8; row += 8, p += 8 * stride)
        {
            T* q = p + 4 * stride;
            for (nint c = 0; c < full; c += lanes)
            {
                var sum = TOperation.Combine(Four(p + c, stride), Four(q + c, stride));
                Vector.Store(TOperation.Combine(Vector.Load(acc + c), sum), acc + c);
            }

            if (rest > 0)
            {
                nint c = width - lanes;
                var sum = Keep(TOperation.Combine(Four(p + c, stride), Four(q + c, stride)), rest, identity);
                Vector.Store(TOperation.Combine(Vector.Load(acc + c), sum), acc + c);
            }
        }

        for (; row <= rows - 4; row += 4, p += 4 * stride)
        {
            for (nint c = 0; c < full; c += lanes)
            {
                Vector.Store(TOperation.Combine(Vector.Load(acc + c), Four(p + c, stride)), acc + c);
            }

            if (rest > 0)
            {
                nint c = width - lanes;
                Vector.Store(TOperation.Combine(Vector.Load(acc + c), Keep(Four(p + c, stride), rest, identity)), acc + c);
            }
        }

        for (; row < rows; row++, p += stride)
        {
            for (nint c = 0; c < full; c += lanes)
            {
                Vector.Store(TOperation.Combine(Vector.Load(acc + c), Vector.Load(p + c)), acc + c);
            }

            if (rest > 0)
            {
                nint c = width - lanes;
                Vector.Store(TOperation.Combine(Vector.Load(acc + c), LoadLast(p + c, rest, identity)), acc + c);
            }
        }
    }

    /// <summary>Combines each of <paramref name="count"/> elements of <paramref name="b"/> into that of <paramref name="a"/>.</summary>
    public static void Pairs(T* a, T* b, nint count)
    {
        nint i = 0;
        for (; i <= count - Vector<T>.Count; i += Vector<T>.Count)
        {
            Vector.Store(TOperation.Combine(Vector.Load(a + i), Vector.Load(b + i)), a + i);
        }

        for (; i < count; i++)
        {
            a[i] = TOperation.Combine(a[i], b[i]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Column(T* p, nint stride, nint count)
    {
        T result = p[0];
        for (nint i = 1; i < count; i++)
        {
            result = TOperation.Combine(result, p[i * stride]);
        }

        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<T> Four(T* p, nint stride) => TOperation.Combine(
        TOperation.Combine(Vector.Load(p), Vector.Load(p + stride)),
        TOperation.Combine(Vector.Load(p + 2 * stride), Vector.Load(p + 3 * stride)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<T> LoadLast(T* p, int kept, Vector<T> identity) => Keep(Vector.Load(p), kept, identity);

    /// <summary>The last <paramref name="kept"/> lanes of <paramref name="v"/>, and the neutral element in the others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<T> Keep(Vector<T> v, int kept, Vector<T> identity) => Vector.ConditionalSelect(
        Vector.GreaterThanOrEqual(Vector<T>.Indices, new Vector<T>(T.CreateTruncating(Vector<T>.Count - kept))), v, identity);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Across(Vector<T> v)
    {
        if (AddsInDouble)
        {
            Vector.Widen(Vector.AsVectorSingle(v), out var first, out var second);
            return T.CreateTruncating((float)Vector.Sum(first + second));
        }

        Vector128<T> half;
        if (Vector<byte>.Count == 64)
        {
            var wide = v.AsVector512();
            var (low, high) = (wide.GetLower(), wide.GetUpper());
            half = TOperation.Combine(
                TOperation.Combine(low.GetLower(), high.GetLower()), TOperation.Combine(low.GetUpper(), high.GetUpper()));
        }
        else if (Vector<byte>.Count == 32)
        {
            var wide = v.AsVector256();
            half = TOperation.Combine(wide.GetLower(), wide.GetUpper());
        }
        else
        {
            half = v.AsVector128();
        }

        return Across(half);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Across(Vector128<T> half)
    {
        half = TOperation.Combine(half, Vector128.Shuffle(half.AsInt64(), Vector128.Create(1L, 0)).As<long, T>());
        if (sizeof(T) <= 4)
        {
            half = TOperation.Combine(half, Vector128.Shuffle(half.AsInt32(), Vector128.Create(1, 0, 3, 2)).As<int, T>());
        }

        if (sizeof(T) == 1)
        {
            half = TOperation.Combine(half, Vector128.ShiftRightLogical(half.AsInt32(), 16).As<int, T>());
            half = TOperation.Combine(half, Vector128.ShiftRightLogical(half.AsInt32(), 8).As<int, T>());
        }

        return half.GetElement(0);
    }
}
