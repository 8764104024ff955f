using System.Numerics;
using MathNet.Numerics;
using MathNet.Numerics.Providers.LinearAlgebra;

namespace Autograd.Gpu.LinearAlgebra;

/// <summary>
/// QR, singular values and symmetric eigenvalues of one matrix, by Math.NET Numerics: Householder reflections, LINPACK's SVD, EISPACK's tred2 and tql2, or what the native
/// provider has that the program chose. Matrices come and go in row-major order; the library works on columns.
/// </summary>
internal static class Orthogonal
{
    private static ILinearAlgebraProvider Provider => LinearAlgebraControl.Provider;

    /// <summary>A = Q R. Complete: Q is [m, m] and R [m, n]; otherwise, which needs m >= n, Q is [m, n] and R [n, n].</summary>
    public static void Qr(ReadOnlySpan<double> a, int rows, int columns, bool complete, Span<double> q, Span<double> r)
    {
        int width = complete ? rows : columns, height = complete ? rows : columns;
        var work = Transposed(a, rows, columns);
        double[] resultQ, resultR;
        if (rows == 0 || columns == 0)
        {
            (resultQ, resultR) = (Identity(rows), []);
        }
        else if (complete)
        {
            resultQ = new double[rows * rows];
            Provider.QRFactor(work, rows, columns, resultQ, new double[Math.Min(rows, columns)]);
            resultR = work;
        }
        else
        {
            resultR = new double[columns * columns];
            Provider.ThinQRFactor(work, rows, columns, resultR, new double[columns]);
            resultQ = work;
        }

        Transpose(resultQ, width, rows, q);
        Transpose(resultR, columns, height, r);
        for (int i = 1; i < height; i++)
        {
            r.Slice(i * columns, Math.Min(i, columns)).Clear();
        }
    }

    /// <summary>
    /// A = U diag(S) V^T with k = min(m, n) singular values, the largest first. Full: U is [m, m] and V^T [n, n]; otherwise [m, k] and [k, n]. Matrices that are not square
    /// are first reduced by QR to one of k by k, so that a tall one never needs memory for m by m (Chan 1982).
    /// </summary>
    public static void Svd(ReadOnlySpan<double> a, int rows, int columns, bool full, Span<double> u, Span<double> s, Span<double> vt)
    {
        if (rows < columns)
        {
            int wide = full ? columns : rows;
            var (turned, otherU, otherVt) = (new double[a.Length], new double[columns * wide], new double[rows * rows]);
            Transpose(a, rows, columns, turned);
            Svd(turned, columns, rows, full, otherU, s, otherVt);
            Transpose(otherVt, rows, rows, u);
            Transpose(otherU, columns, wide, vt);
            return;
        }

        int n = columns, width = full ? rows : n;
        if (rows == n)
        {
            SquareSvd(a, n, u, s, vt);
            return;
        }

        double[] q = new double[rows * width], r = new double[width * n], inner = new double[n * n];
        Qr(a, rows, n, full, q, r);
        SquareSvd(r.AsSpan(0, n * n), n, inner, s, vt);
        for (int i = 0; i < rows; i++)
        {
            var row = u.Slice(i * width, width);
            row[..n].Clear();
            for (int k = 0; k < n; k++)
            {
                Dense.AddScaled(row[..n], q[i * width + k], inner.AsSpan(k * n, n));
            }

            q.AsSpan(i * width + n, width - n).CopyTo(row[n..]);
        }
    }

    /// <summary>A V = V diag(values), ascending, for a symmetric A of which one half is read.</summary>
    public static void Eigh(ReadOnlySpan<double> a, int n, bool upper, Span<double> values, Span<double> vectors)
    {
        if (n == 0)
        {
            return;
        }

        var symmetric = new double[n * n];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                symmetric[i * n + j] = symmetric[j * n + i] = upper ? a[j * n + i] : a[i * n + j];
            }
        }

        var (columns, eigenvalues) = (new double[n * n], new Complex[n]);
        Converge("linalg.eigh", () => Provider.EigenDecomp(true, n, symmetric, columns, eigenvalues, new double[n * n]));
        for (int k = 0; k < n; k++)
        {
            values[k] = eigenvalues[k].Real;
        }

        Transpose(columns, n, n, vectors);
    }

    /// <summary>Whether all elements are finite, without which iterations do not end.</summary>
    public static bool IsFinite(ReadOnlySpan<double> a)
    {
        foreach (double element in a)
        {
            if (!double.IsFinite(element))
            {
                return false;
            }
        }

        return true;
    }

    private static void SquareSvd(ReadOnlySpan<double> a, int n, Span<double> u, Span<double> s, Span<double> vt)
    {
        if (n == 0)
        {
            return;
        }

        var (columnsU, values, columnsVt) = (new double[n * n], new double[n], new double[n * n]);
        var work = Transposed(a, n, n);
        Converge("linalg.svd", () => Provider.SingularValueDecomposition(true, work, n, n, values, columnsU, columnsVt));
        values.CopyTo(s);
        Transpose(columnsU, n, n, u);
        Transpose(columnsVt, n, n, vt);
    }

    private static void Converge(string operation, Action iteration)
    {
        try
        {
            iteration();
        }
        catch (NonConvergenceException e)
        {
            throw new LinearAlgebraException($"{operation}: The algorithm failed to converge because the input matrix is ill-conditioned or has too many repeated singular values.", e);
        }
    }

    private static double[] Identity(int n)
    {
        var identity = new double[n * n];
        for (int i = 0; i < n; i++)
        {
            identity[i * n + i] = 1;
        }

        return identity;
    }

    private static double[] Transposed(ReadOnlySpan<double> a, int rows, int columns)
    {
        var result = new double[a.Length];
        Transpose(a, rows, columns, result);
        return result;
    }

    private static void Transpose(ReadOnlySpan<double> a, int rows, int columns, Span<double> result)
    {
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                result[j * rows + i] = a[i * columns + j];
            }
        }
    }
}
