using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Autograd.Gpu.Devices.Host;

/// <summary>Runs <see cref="RowNormGradients{T, TVector, TOps}"/> over blocks of rows and adds the blocks' sums up.</summary>
internal static unsafe class HostRowSums
{
    private const long BlockElements = 1 << 15;
    private const long MostBlocks = 64;
    private const int ChunkColumns = 512;

    /// <summary>How many blocks the rows are cut into: by the shape alone, so that the sums do not depend on the number of threads.</summary>
    public static long BlocksOf(long rows, long length) => Math.Clamp(rows * length / BlockElements, 1, Math.Min(MostBlocks, (rows + 3) / 4));

    /// <summary>The bytes that <see cref="NormGradients"/> computes in.</summary>
    public static long ScratchBytes<T>(long rows, long length) where T : unmanaged => BlocksOf(rows, length) * 2 * length * (sizeof(double) + sizeof(T));

    /// <summary>
    /// The gradients of normalised rows: of the input, if there is a place for it, and of weight and bias into <paramref name="weight"/> and
    /// <paramref name="bias"/>, which may be null.
    /// </summary>
    public static void NormGradients<T>(in RowProblem<T> x, T* weight, T* bias, byte* scratch)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (typeof(T) == typeof(float) && HostMatMul.Width == HostVectorWidth.V512)
        {
            var single = Unsafe.As<RowProblem<T>, RowProblem<float>>(ref Unsafe.AsRef(in x));
            Start<float, Vector512<float>, RowVector512>(single, (float*)weight, (float*)bias, scratch);
        }
        else
        {
            Start<T, Vector<T>, RowVector<T>>(x, weight, bias, scratch);
        }
    }

    private static void Start<T, TVector, TOps>(in RowProblem<T> x, T* weight, T* bias, byte* scratch)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TVector : struct
        where TOps : struct, IRowVector<T, TVector>
    {
        nint blocks = (nint)BlocksOf(x.Rows, x.Length);
        var totals = (double*)scratch;
        var rows = new Rows<T, TVector, TOps> { Problem = x, Blocks = blocks, Totals = totals, Sums = (T*)(totals + blocks * 2 * x.Length) };
        HostParallel.For((int)blocks, ref rows);
        var columns = new Columns<T> { Length = x.Length, Blocks = blocks, Totals = totals, Weight = weight, Bias = bias };
        int chunks = checked((int)((x.Length + ChunkColumns - 1) / ChunkColumns));
        HostParallel.For(chunks, ref columns);
    }

    private struct Rows<T, TVector, TOps> : IHostWork
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TVector : struct
        where TOps : struct, IRowVector<T, TVector>
    {
        public RowProblem<T> Problem;
        public nint Blocks;
        public double* Totals;
        public T* Sums;

        public readonly void Run(int chunk)
        {
            nint first = Problem.Rows * chunk / Blocks, end = Problem.Rows * (chunk + 1) / Blocks, width = 2 * Problem.Length;
            RowNormGradients<T, TVector, TOps>.Run(Problem, first, end, Sums + chunk * width, Totals + chunk * width);
        }
    }

    /// <summary>Adds up the blocks, column by column.</summary>
    private struct Columns<T> : IHostWork
        where T : unmanaged, INumber<T>
    {
        public nint Length, Blocks;
        public double* Totals;
        public T* Weight, Bias;

        public readonly void Run(int chunk)
        {
            nint first = (nint)chunk * ChunkColumns, end = Math.Min(Length, first + ChunkColumns);
            Add(first, end, Totals, Weight);
            Add(first, end, Totals + Length, Bias);
        }

        private readonly void Add(nint column, nint end, double* totals, T* result)
        {
            if (result is null)
            {
                return;
            }

            var sums = stackalloc double[Vector<double>.Count];
            for (; column < end; column += Vector<double>.Count)
            {
                int count = (int)Math.Min(Vector<double>.Count, end - column);
                if (count == Vector<double>.Count)
                {
                    var sum = Vector<double>.Zero;
                    for (nint b = 0; b < Blocks; b++)
                    {
                        sum += Vector.Load(totals + b * 2 * Length + column);
                    }

                    Vector.Store(sum, sums);
                }
                else
                {
                    for (int c = 0; c < count; c++)
                    {
                        sums[c] = 0;
                        for (nint b = 0; b < Blocks; b++)
                        {
                            sums[c] += totals[b * 2 * Length + column + c];
                        }
                    }
                }

                for (int c = 0; c < count; c++)
                {
                    result[column + c] = T.CreateTruncating(sums[c]);
                }
            }
        }
    }
}
