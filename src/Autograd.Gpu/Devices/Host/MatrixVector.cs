using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Devices.Host;

/// <summary>A matrix times a vector, bound by how fast the matrix streams through: y = alpha * A x (+ y).</summary>
internal static unsafe class MatrixVector<T, TVector, TOps>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where TVector : struct
    where TOps : struct, IHostVector<T, TVector>
{
    // How much of x is in use at a time, and how many rows of y are: small enough for the first-level cache.
    private const int SliceLength = 4096;
    private const int StripLength = 1024;

    /// <summary>The vector x is the column <c>B</c>; <paramref name="yStride"/> separates the elements of y, which starts at <c>C</c>.</summary>
    public static void Multiply(in MatMulProblem<T> x, nint yStride)
    {
        if (x.ACol == 1 && (x.ARow != 1 || x.K >= x.M)) Rows(x, yStride);
        else Columns(x, yStride);
    }

    // Adjacent elements within a row: a dot product a row, four rows at a time.
    private static void Rows(in MatMulProblem<T> x, nint yStride)
    {
        T* copy = x.BRow == 1 ? null : PackBuffer.Right<T>(Math.Min(SliceLength, x.K));
        for (nint p = 0; p < x.K; p += SliceLength)
        {
            nint k = Math.Min(SliceLength, x.K - p);
            T* v = x.B + p * x.BRow;
            if (copy != null)
            {
                for (nint q = 0; q < k; q++) copy[q] = v[q * x.BRow];
                v = copy;
            }

            bool accumulate = x.Accumulate || p > 0;
            T* a = x.A + p;
            T* y = x.C;
            nint i = 0;
            for (; i + 4 <= x.M; i += 4, a += 4 * x.ARow, y += 4 * yStride)
            {
                Dot4(a, x.ARow, v, k, out T s0, out T s1, out T s2, out T s3);
                Emit(y, x.Alpha * s0, accumulate);
                Emit(y + yStride, x.Alpha * s1, accumulate);
                Emit(y + 2 * yStride, x.Alpha * s2, accumulate);
                Emit(y + 3 * yStride, x.Alpha * s3, accumulate);
            }

            for (; i < x.M; i++, a += x.ARow, y += yStride) Emit(y, x.Alpha * Dot(a, v, k), accumulate);
        }
    }

    private static void Emit(T* y, T value, bool accumulate) => *y = accumulate ? *y + value : value;

    // Sums as Dot does, so that a row's result does not depend on its neighbours.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Dot4(T* a, nint aRow, T* v, nint k, out T r0, out T r1, out T r2, out T r3)
    {
        int lanes = TOps.Lanes;
        T* a0 = a, a1 = a0 + aRow, a2 = a1 + aRow, a3 = a2 + aRow;
        TVector even0 = default, even1 = default, even2 = default, even3 = default;
        TVector odd0 = default, odd1 = default, odd2 = default, odd3 = default;
        nint p = 0;
        for (; p + 2 * lanes <= k; p += 2 * lanes)
        {
            TVector even = TOps.Load(v + p), odd = TOps.Load(v + p + lanes);
            even0 = TOps.MultiplyAdd(TOps.Load(a0 + p), even, even0);
            even1 = TOps.MultiplyAdd(TOps.Load(a1 + p), even, even1);
            even2 = TOps.MultiplyAdd(TOps.Load(a2 + p), even, even2);
            even3 = TOps.MultiplyAdd(TOps.Load(a3 + p), even, even3);
            odd0 = TOps.MultiplyAdd(TOps.Load(a0 + p + lanes), odd, odd0);
            odd1 = TOps.MultiplyAdd(TOps.Load(a1 + p + lanes), odd, odd1);
            odd2 = TOps.MultiplyAdd(TOps.Load(a2 + p + lanes), odd, odd2);
            odd3 = TOps.MultiplyAdd(TOps.Load(a3 + p + lanes), odd, odd3);
        }

        T s0 = TOps.Sum(TOps.Add(even0, odd0)), s1 = TOps.Sum(TOps.Add(even1, odd1));
        T s2 = TOps.Sum(TOps.Add(even2, odd2)), s3 = TOps.Sum(TOps.Add(even3, odd3));
        for (; p < k; p++)
        {
            s0 = T.MultiplyAddEstimate(a0[p], v[p], s0);
            s1 = T.MultiplyAddEstimate(a1[p], v[p], s1);
            s2 = T.MultiplyAddEstimate(a2[p], v[p], s2);
            s3 = T.MultiplyAddEstimate(a3[p], v[p], s3);
        }

        r0 = s0;
        r1 = s1;
        r2 = s2;
        r3 = s3;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static T Dot(T* a, T* v, nint k)
    {
        int lanes = TOps.Lanes;
        TVector even = default, odd = default;
        nint p = 0;
        for (; p + 2 * lanes <= k; p += 2 * lanes)
        {
            even = TOps.MultiplyAdd(TOps.Load(a + p), TOps.Load(v + p), even);
            odd = TOps.MultiplyAdd(TOps.Load(a + p + lanes), TOps.Load(v + p + lanes), odd);
        }

        T sum = TOps.Sum(TOps.Add(even, odd));
        for (; p < k; p++) sum = T.MultiplyAddEstimate(a[p], v[p], sum);
        return sum;
    }

    // Adjacent elements within a column, or none at all: columns are added up, four at a time, over a strip of rows.
    private static void Columns(in MatMulProblem<T> x, nint yStride)
    {
        T* sums = PackBuffer.Left<T>(5 * StripLength);
        T* copies = sums + StripLength;
        for (nint i = 0; i < x.M; i += StripLength)
        {
            nint m = Math.Min(StripLength, x.M - i);
            new Span<T>(sums, (int)m).Clear();
            for (nint p = 0; p < x.K; p += 4)
            {
                nint count = Math.Min(4, x.K - p);
                T* a = x.A + i * x.ARow + p * x.ACol;
                nint aCol = x.ACol;
                if (x.ARow != 1)
                {
                    for (nint q = 0; q < count; q++)
                        for (nint r = 0; r < m; r++) copies[q * StripLength + r] = a[q * aCol + r * x.ARow];
                    a = copies;
                    aCol = StripLength;
                }

                T* v = x.B + p * x.BRow;
                if (count == 4) Add4(sums, m, a, aCol, v[0], v[x.BRow], v[2 * x.BRow], v[3 * x.BRow]);
                else for (nint q = 0; q < count; q++) Add(sums, m, a + q * aCol, v[q * x.BRow]);
            }

            T* y = x.C + i * yStride;
            for (nint r = 0; r < m; r++, y += yStride) Emit(y, x.Alpha * sums[r], x.Accumulate);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add4(T* sums, nint m, T* a, nint aCol, T v0, T v1, T v2, T v3)
    {
        T* a0 = a, a1 = a0 + aCol, a2 = a1 + aCol, a3 = a2 + aCol;
        TVector w0 = TOps.Broadcast(v0), w1 = TOps.Broadcast(v1), w2 = TOps.Broadcast(v2), w3 = TOps.Broadcast(v3);
        nint i = 0;
        for (; i + TOps.Lanes <= m; i += TOps.Lanes)
        {
            TVector sum = TOps.MultiplyAdd(TOps.Load(a0 + i), w0, TOps.Load(sums + i));
            sum = TOps.MultiplyAdd(TOps.Load(a1 + i), w1, sum);
            sum = TOps.MultiplyAdd(TOps.Load(a2 + i), w2, sum);
            TOps.Store(TOps.MultiplyAdd(TOps.Load(a3 + i), w3, sum), sums + i);
        }

        for (; i < m; i++)
        {
            T sum = T.MultiplyAddEstimate(a0[i], v0, sums[i]);
            sum = T.MultiplyAddEstimate(a1[i], v1, sum);
            sum = T.MultiplyAddEstimate(a2[i], v2, sum);
            sums[i] = T.MultiplyAddEstimate(a3[i], v3, sum);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add(T* sums, nint m, T* a, T v)
    {
        TVector w = TOps.Broadcast(v);
        nint i = 0;
        for (; i + TOps.Lanes <= m; i += TOps.Lanes)
            TOps.Store(TOps.MultiplyAdd(TOps.Load(a + i), w, TOps.Load(sums + i)), sums + i);
        for (; i < m; i++) sums[i] = T.MultiplyAddEstimate(a[i], v, sums[i]);
    }
}
