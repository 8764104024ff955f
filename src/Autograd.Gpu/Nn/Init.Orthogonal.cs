using System.Numerics;
using System.Runtime.InteropServices;

namespace Autograd.Gpu.Nn;

public static partial class Init
{
    /// <summary>
    /// A (half-)orthogonal matrix, as likely as any other: rows, or where there are more rows than columns the columns, of the tensor flattened to [first dimension, rest]
    /// are orthonormal times <paramref name="gain"/> (A. M. Saxe and others, 2013). Normal numbers are orthogonalised on the host, in double.
    /// </summary>
    /// <exception cref="ShapeException">The tensor has less than two dimensions.</exception>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    public static Tensor Orthogonal_(Tensor tensor, double gain = 1, Generator? generator = null)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (tensor.Rank < 2)
        {
            throw new ShapeException($"Orthogonal_: Only tensors with 2 or more dimensions are supported, but got shape {tensor.Shape}.");
        }

        if (!tensor.DType.IsFloatingPoint())
        {
            throw new DTypeException($"Orthogonal_: expected a floating-point tensor, but got {tensor.DType.Name()}.");
        }

        if (tensor.NumElements == 0)
        {
            return tensor;
        }

        return Unrecorded(tensor, x =>
        {
            long rows = x.Shape[0], columns = x.NumElements / rows;
            var (count, length) = ((int)Math.Min(rows, columns), (int)Math.Max(rows, columns));
            var vectors = Tensor.Randn([count, length], DType.Float64, x.Device, generator: generator).ToArray<double>();
            Orthonormalise(vectors, count, length);
            var matrix = Tensor.FromArray(vectors, [count, length], x.Device) * gain;
            return x.Copy_((rows > columns ? matrix.T : matrix).Reshape(x.Shape));
        });
    }

    /// <summary>Gram and Schmidt's process, each vector twice, which leaves them orthogonal to the last digits (L. Giraud and others, 2005).</summary>
    private static void Orthonormalise(double[] vectors, int count, int length)
    {
        for (int i = 0; i < count; i++)
        {
            var vector = vectors.AsSpan(i * length, length);
            for (int k = 0; k < 2 * i; k++)
            {
                var other = vectors.AsSpan(k % i * length, length);
                Add(vector, other, -Dot(vector, other));
            }

            double scale = 1 / Math.Sqrt(Dot(vector, vector));
            foreach (ref double value in vector)
            {
                value *= scale;
            }
        }
    }

    private static double Dot(Span<double> a, Span<double> b)
    {
        var va = MemoryMarshal.Cast<double, Vector<double>>(a);
        var vb = MemoryMarshal.Cast<double, Vector<double>>(b);
        var sums = Vector<double>.Zero;
        for (int i = 0; i < va.Length; i++)
        {
            sums += va[i] * vb[i];
        }

        double sum = Vector.Sum(sums);
        for (int i = va.Length * Vector<double>.Count; i < a.Length; i++)
        {
            sum += a[i] * b[i];
        }

        return sum;
    }

    private static void Add(Span<double> a, Span<double> b, double factor)
    {
        var va = MemoryMarshal.Cast<double, Vector<double>>(a);
        var vb = MemoryMarshal.Cast<double, Vector<double>>(b);
        for (int i = 0; i < va.Length; i++)
        {
            va[i] += vb[i] * factor;
        }

        for (int i = va.Length * Vector<double>.Count; i < a.Length; i++)
        {
            a[i] += b[i] * factor;
        }
    }
}
