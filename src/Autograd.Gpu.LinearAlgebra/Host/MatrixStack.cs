namespace Autograd.Gpu.LinearAlgebra;

/// <summary>Matrices [count, rows, columns] in host memory, as doubles, each in row-major order.</summary>
internal sealed class MatrixStack(long[] lead, int rows, int columns, double[] values)
{
    /// <summary>So much arithmetic is worth a second thread.</summary>
    private const double ParallelWork = 200_000;

    public MatrixStack(long[] lead, int rows, int columns)
        : this(lead, rows, columns, new double[lead.Aggregate(1L, (a, b) => a * b) * rows * columns])
    {
    }

    public long[] Lead => lead;

    public int Rows => rows;

    public int Columns => columns;

    public int Count { get; } = (int)lead.Aggregate(1L, (a, b) => a * b);

    /// <summary>One matrix.</summary>
    public Span<double> this[int index] => values.AsSpan(index * rows * columns, rows * columns);

    /// <summary>
    /// The elements of a tensor, whatever its strides, dtype and device; a pending value is computed. This waits for the device.
    /// </summary>
    public static MatrixStack Read(Tensor tensor)
    {
        var wide = tensor.Detach().To(DType.Float64);
        return new MatrixStack(tensor.Shape.ToArray()[..^2], (int)tensor.Shape[-2], (int)tensor.Shape[-1], wide.ToArray<double>());
    }

    /// <summary>These matrices as a tensor of the dtype and on the device of another.</summary>
    public Tensor ToTensor(Tensor like) => Write(like, Shape.Create([.. lead, rows, columns]));

    /// <summary>These matrices, whose second size is 1, as vectors.</summary>
    public Tensor ToVectors(Tensor like) => Write(like, Shape.Create([.. lead, rows]));

    /// <summary>These matrices of one element as numbers.</summary>
    public Tensor ToNumbers(Tensor like) => Write(like, Shape.Create(lead));

    /// <summary>Runs an action for each matrix, on several cores if it is worth it. What the first matrix that fails throws is thrown.</summary>
    /// <param name="work">About how many operations one matrix takes.</param>
    /// <param name="action">What to do with the matrix of that number.</param>
    public void ForEach(double work, Action<int> action)
    {
        if (Count < 2 || work * Count < ParallelWork)
        {
            for (int i = 0; i < Count; i++)
            {
                action(i);
            }

            return;
        }

        var errors = new LinearAlgebraException?[Count];
        Parallel.For(0, Count, i =>
        {
            try
            {
                action(i);
            }
            catch (LinearAlgebraException e)
            {
                errors[i] = e;
            }
        });
        if (Array.Find(errors, e => e is not null) is { } first)
        {
            throw new LinearAlgebraException(first.Message, first);
        }
    }

    /// <summary>Where in a batch the matrix is, for an error; nothing if there is no batch.</summary>
    public string Where(int index) => lead.Length == 0 ? "" : $"(Batch element {index}): ";

    private Tensor Write(Tensor like, Shape shape) =>
        like.DType == DType.Float64
            ? Tensor.FromArray(values, shape, like.Device)
            : Tensor.FromArray(Array.ConvertAll(values, v => (float)v), shape, like.Device);
}
