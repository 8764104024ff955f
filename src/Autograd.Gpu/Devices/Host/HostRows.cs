using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// Runs the kernels of <see cref="RowBodies{T, TVector, TOps}"/>: each row is one core's, and stays in its cache for all passes. The rows are cut in the same way
/// whatever the number of threads, and none depends on another.
/// </summary>
internal static unsafe class HostRows
{
    /// <summary>Elements of one chunk.</summary>
    private const long ChunkElements = 1 << 13;

    /// <summary>Below this many elements, waking another thread costs more than it saves.</summary>
    private const long ParallelElements = 1 << 14;

    /// <summary>Which kernel.</summary>
    public enum Kind
    {
        Softmax,
        SoftmaxGradient,
        Norm,
        NormGradient,
        CrossEntropy,
        CrossEntropyGradient,
    }

    /// <summary>Runs a kernel over rows of float or double.</summary>
    public static void Run<T>(Kind kind, in RowProblem<T> x)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (typeof(T) == typeof(float) && HostMatMul.Width == HostVectorWidth.V512)
        {
            Start<float, Vector512<float>, RowVector512>(kind, Unsafe.As<RowProblem<T>, RowProblem<float>>(ref Unsafe.AsRef(in x)));
        }
        else
        {
            Start<T, Vector<T>, RowVector<T>>(kind, x);
        }
    }

    private static void Start<T, TVector, TOps>(Kind kind, in RowProblem<T> x)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TVector : struct
        where TOps : struct, IRowVector<T, TVector>
    {
        var work = new Work<T, TVector, TOps> { Kind = kind, Problem = x, RowsPerChunk = (nint)Math.Max(1, ChunkElements / x.Length) };
        if (x.Rows * x.Length < ParallelElements)
        {
            work.RunRows(0, x.Rows);
        }
        else
        {
            HostParallel.For(checked((int)((x.Rows + work.RowsPerChunk - 1) / work.RowsPerChunk)), ref work);
        }
    }

    private struct Work<T, TVector, TOps> : IHostWork
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TVector : struct
        where TOps : struct, IRowVector<T, TVector>
    {
        public Kind Kind;
        public RowProblem<T> Problem;
        public nint RowsPerChunk;

        public readonly void Run(int chunk)
        {
            nint first = chunk * RowsPerChunk;
            RunRows(first, Math.Min(Problem.Rows, first + RowsPerChunk));
        }

        public readonly void RunRows(nint row, nint end)
        {
            for (; row < end; row++)
            {
                switch (Kind)
                {
                    case Kind.Softmax:
                        RowBodies<T, TVector, TOps>.Softmax(Problem, row);
                        break;
                    case Kind.SoftmaxGradient:
                        RowBodies<T, TVector, TOps>.SoftmaxGradient(Problem, row);
                        break;
                    case Kind.Norm:
                        RowBodies<T, TVector, TOps>.Norm(Problem, row);
                        break;
                    case Kind.NormGradient:
                        RowBodies<T, TVector, TOps>.NormGradient(Problem, row);
                        break;
                    case Kind.CrossEntropy:
                        RowBodies<T, TVector, TOps>.CrossEntropy(Problem, row);
                        break;
                    default:
                        RowBodies<T, TVector, TOps>.CrossEntropyGradient(Problem, row);
                        break;
                }
            }
        }
    }
}

/// <summary>Rows of contiguous elements and what goes with them; each kernel uses a part of it.</summary>
internal unsafe struct RowProblem<T> where T : unmanaged
{
    public nint Rows, Length;

    /// <summary>The elements.</summary>
    public T* Input;

    /// <summary>The gradient of the result: of its shape, or for cross entropy one a row, <see cref="GradientStride"/> apart.</summary>
    public T* Gradient;

    /// <summary>The gradient of all losses of a cross entropy, where <see cref="Gradient"/> is null.</summary>
    public T Factor;

    /// <summary>What the forward pass of a softmax gave.</summary>
    public T* Output;

    /// <summary>Two numbers a row: all the first ones, then all the second ones.</summary>
    public T* Moments;

    /// <summary>For each column, or null.</summary>
    public T* Weight, Bias;

    /// <summary>The class of each row.</summary>
    public long* Target;

    /// <summary>What is written.</summary>
    public T* Result;

    public nint GradientStride;
    public long IgnoreIndex;
    public double Epsilon;

    /// <summary>Of a softmax: its logarithm is meant. Of a normalisation: the mean is subtracted.</summary>
    public bool Flag;
}
