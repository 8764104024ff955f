using System.Numerics;

namespace Autograd.Gpu.LinearAlgebra;

/// <summary>
/// The factorisations that want to say which pivot failed, and the solution of triangular systems, for one matrix in row-major order. Inner loops run along rows.
/// Golub, Van Loan, "Matrix Computations", chapters 3 and 4.
/// </summary>
internal static class Dense
{
    /// <summary>
    /// P A = L U in place, with partial pivoting: U on and above the diagonal, L below it. Returns the parity of the row exchanges; a column without a pivot is left as it is.
    /// </summary>
    /// <param name="a">The matrix.</param>
    /// <param name="rows">Its rows.</param>
    /// <param name="columns">Its columns.</param>
    /// <param name="pivots">For each column the row that it was exchanged with.</param>
    public static int Lu(Span<double> a, int rows, int columns, Span<int> pivots)
    {
        int sign = 1;
        for (int k = 0; k < Math.Min(rows, columns); k++)
        {
            int pivot = k;
            for (int i = k + 1; i < rows; i++)
            {
                if (Math.Abs(a[i * columns + k]) > Math.Abs(a[pivot * columns + k]))
                {
                    pivot = i;
                }
            }

            pivots[k] = pivot;
            if (pivot != k)
            {
                Swap(a.Slice(k * columns, columns), a.Slice(pivot * columns, columns));
                sign = -sign;
            }

            double head = a[k * columns + k];
            var row = a.Slice(k * columns + k + 1, columns - k - 1);
            for (int i = k + 1; i < rows && head != 0; i++)
            {
                double factor = a[i * columns + k] /= head;
                AddScaled(a.Slice(i * columns + k + 1, columns - k - 1), -factor, row);
            }
        }

        return sign;
    }

    /// <summary>The first k whose diagonal element of U is zero; -1 if there is none.</summary>
    public static int FirstZero(ReadOnlySpan<double> lu, int n)
    {
        for (int k = 0; k < n; k++)
        {
            if (lu[k * n + k] == 0)
            {
                return k;
            }
        }

        return -1;
    }

    /// <summary>Solves A X = B in place, B having <paramref name="columns"/> columns, for what <see cref="Lu"/> made of A.</summary>
    public static void SolveLu(ReadOnlySpan<double> lu, ReadOnlySpan<int> pivots, int n, Span<double> b, int columns)
    {
        for (int k = 0; k < n; k++)
        {
            if (pivots[k] != k)
            {
                Swap(b.Slice(k * columns, columns), b.Slice(pivots[k] * columns, columns));
            }
        }

        SolveTriangular(lu, n, b, columns, upper: false, unit: true);
        SolveTriangular(lu, n, b, columns, upper: true, unit: false);
    }

    /// <summary>Solves A X = B in place for a triangular A, whose other half is not read.</summary>
    public static void SolveTriangular(ReadOnlySpan<double> a, int n, Span<double> b, int columns, bool upper, bool unit)
    {
        for (int step = 0; step < n; step++)
        {
            int i = upper ? n - 1 - step : step;
            var row = b.Slice(i * columns, columns);
            for (int k = upper ? i + 1 : 0; k < (upper ? n : i); k++)
            {
                AddScaled(row, -a[i * n + k], b.Slice(k * columns, columns));
            }

            if (!unit)
            {
                double diagonal = a[i * n + i];
                foreach (ref double element in row)
                {
                    element /= diagonal;
                }
            }
        }
    }

    /// <summary>A = L L^T from the lower half of A, the upper half of the result being zero. Returns the order of the first leading minor that is not positive, or 0.</summary>
    public static int Cholesky(ReadOnlySpan<double> a, int n, Span<double> l)
    {
        l.Clear();
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                double rest = a[i * n + j] - Dot(l.Slice(i * n, j), l.Slice(j * n, j));
                if (i == j && !(rest > 0))
                {
                    return i + 1;
                }

                l[i * n + j] = i == j ? Math.Sqrt(rest) : rest / l[j * n + j];
            }
        }

        return 0;
    }

    /// <summary>C = A B for square matrices.</summary>
    public static void Multiply(ReadOnlySpan<double> a, ReadOnlySpan<double> b, Span<double> c, int n)
    {
        c.Clear();
        for (int i = 0; i < n; i++)
        {
            for (int k = 0; k < n; k++)
            {
                AddScaled(c.Slice(i * n, n), a[i * n + k], b.Slice(k * n, n));
            }
        }
    }

    public static void AddScaled(Span<double> target, double factor, ReadOnlySpan<double> source)
    {
        int i = 0;
        for (var scale = new Vector<double>(factor); i <= target.Length - Vector<double>.Count; i += Vector<double>.Count)
        {
            (new Vector<double>(target[i..]) + scale * new Vector<double>(source[i..])).CopyTo(target[i..]);
        }

        for (; i < target.Length; i++)
        {
            target[i] += factor * source[i];
        }
    }

    private static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        var sums = Vector<double>.Zero;
        int i = 0;
        for (; i <= a.Length - Vector<double>.Count; i += Vector<double>.Count)
        {
            sums += new Vector<double>(a[i..]) * new Vector<double>(b[i..]);
        }

        double sum = Vector.Sum(sums);
        for (; i < a.Length; i++)
        {
            sum += a[i] * b[i];
        }

        return sum;
    }

    private static void Swap(Span<double> a, Span<double> b)
    {
        for (int i = 0; i < a.Length; i++)
        {
            (a[i], b[i]) = (b[i], a[i]);
        }
    }
}
