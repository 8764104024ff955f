using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// Products of a few hundred multiply-adds, element by element: cutting, packing and passing them through scratch tiles would take longer than the arithmetic. Each
/// element sums its products in order of k, as in <see cref="MatMulTile"/>, so the bits are the same. A row or a column that meets a vector of more elements than the
/// processor's vectors have lanes is the exception: there the other way has a sum for each lane.
/// </summary>
internal static unsafe class SmallProduct
{
    private const long MostMultiplyAdds = 256;

    /// <summary>The lanes of the widest vectors of floats.</summary>
    private const long Deepest = 16;

    public static bool Fits(long m, long n, long k) => k <= Deepest && m <= MostMultiplyAdds && n <= MostMultiplyAdds && m * n * k <= MostMultiplyAdds;

    /// <summary>c = alpha * a b, with a bias before the products or added to what is there.</summary>
    public static void Multiply<T>(
        nint m, nint n, nint k, T* a, nint aRow, nint aCol, T* b, nint bRow, nint bCol, T* c, nint cRow, T alpha, bool accumulate, T* bias)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        for (nint i = 0; i < m; i++, a += aRow, c += cRow)
        {
            nint j = 0;
            T* column = b;
            for (; j + 4 <= n; j += 4, column += 4 * bCol)
            {
                T s0 = T.Zero, s1 = T.Zero, s2 = T.Zero, s3 = T.Zero;
                T* x = a, y = column;
                for (nint p = k; p > 0; p--, x += aCol, y += bRow)
                {
                    T left = *x;
                    s0 = T.MultiplyAddEstimate(left, y[0], s0);
                    s1 = T.MultiplyAddEstimate(left, y[bCol], s1);
                    s2 = T.MultiplyAddEstimate(left, y[2 * bCol], s2);
                    s3 = T.MultiplyAddEstimate(left, y[3 * bCol], s3);
                }

                Store(c, j, alpha * s0, accumulate, bias);
                Store(c, j + 1, alpha * s1, accumulate, bias);
                Store(c, j + 2, alpha * s2, accumulate, bias);
                Store(c, j + 3, alpha * s3, accumulate, bias);
            }

            for (; j < n; j++, column += bCol)
            {
                T sum = T.Zero;
                T* x = a, y = column;
                for (nint p = k; p > 0; p--, x += aCol, y += bRow) sum = T.MultiplyAddEstimate(*x, *y, sum);
                Store(c, j, alpha * sum, accumulate, bias);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<T>(T* c, nint at, T product, bool accumulate, T* bias)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        c[at] = bias != null ? bias[at] + product : accumulate ? c[at] + product : product;
}
