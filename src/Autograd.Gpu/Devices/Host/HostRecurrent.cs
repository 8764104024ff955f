using System.Numerics;
using System.Runtime.CompilerServices;
using Autograd.Gpu.Kernels.Recurrent;

namespace Autograd.Gpu.Devices.Host;

/// <summary>One step of a recurrent layer in host memory; the members are those of <see cref="RecurrentArguments{T}"/>. Kept is null where nothing is kept.</summary>
internal unsafe struct HostRecurrentStep<T> where T : unmanaged
{
    public T* Inputs, Products, Outputs, State, Kept, Previous;
    public long Width, Start, StateAt, Batch;
}

/// <summary>The pointwise part of recurrent layers on the host: vectors along the hidden size, rows shared by the cores.</summary>
internal static unsafe class HostRecurrent
{
    /// <summary>Elements whose gates are worth waking a core for.</summary>
    private const long ChunkElements = 1024;

    public static void Run<T, TCell, TVectorCell, TWide, TWideCell>(in HostRecurrentStep<T> step, long rows, bool back)
        where T : unmanaged
        where TCell : struct, IRecurrentCell<T>
        where TVectorCell : struct, IRecurrentCell<Vector<T>>
        where TWide : unmanaged
        where TWideCell : struct, IRecurrentCell<TWide>
    {
        long chunkRows = Math.Max(1, ChunkElements / Math.Max(1, step.Width));
        var work = new Work<T, TCell, TVectorCell, TWide, TWideCell> { Step = step, Count = rows, ChunkRows = chunkRows, Back = back };
        HostParallel.For(checked((int)((rows + chunkRows - 1) / chunkRows)), ref work);
    }

    /// <summary>The cells of rows <paramref name="first"/> to <paramref name="end"/>: vectors of 64 bytes where the processor has them, then the runtime's, then numbers.</summary>
    public static void Rows<T, TCell, TVectorCell, TWide, TWideCell>(in HostRecurrentStep<T> step, long first, long end, bool back)
        where T : unmanaged
        where TCell : struct, IRecurrentCell<T>
        where TVectorCell : struct, IRecurrentCell<Vector<T>>
        where TWide : unmanaged
        where TWideCell : struct, IRecurrentCell<TWide>
    {
        int lanes = sizeof(TWide) / sizeof(T);
        long whole = step.Width - step.Width % Vector<T>.Count;
        long wide = lanes > Vector<T>.Count && HostMatMul.Width == HostVectorWidth.V512 ? step.Width - step.Width % lanes : 0;
        if (!back && WideCellRows.Has<TWideCell>())
        {
            WideCellRows.Step<TWideCell>(Unsafe.As<HostRecurrentStep<T>, HostRecurrentStep<float>>(ref Unsafe.AsRef(in step)), first, end, wide);
        }

        for (long row = first; row < end; row++)
        {
            if (back)
            {
                BackRow<T, TWide, TWideCell>(step, row, 0, wide, lanes);
                BackRow<T, Vector<T>, TVectorCell>(step, row, wide, whole, Vector<T>.Count);
                BackRow<T, T, TCell>(step, row, whole, step.Width, 1);
            }
            else
            {
                if (!WideCellRows.Has<TWideCell>())
                {
                    StepRow<T, TWide, TWideCell>(step, row, 0, wide, lanes);
                }

                StepRow<T, Vector<T>, TVectorCell>(step, row, wide, whole, Vector<T>.Count);
                StepRow<T, T, TCell>(step, row, whole, step.Width, 1);
            }
        }
    }

    private struct Work<T, TCell, TVectorCell, TWide, TWideCell> : IHostWork
        where T : unmanaged
        where TCell : struct, IRecurrentCell<T>
        where TVectorCell : struct, IRecurrentCell<Vector<T>>
        where TWide : unmanaged
        where TWideCell : struct, IRecurrentCell<TWide>
    {
        public HostRecurrentStep<T> Step;
        public long Count;
        public long ChunkRows;
        public bool Back;

        public readonly void Run(int chunk) =>
            Rows<T, TCell, TVectorCell, TWide, TWideCell>(Step, chunk * ChunkRows, Math.Min(Count, (chunk + 1) * ChunkRows), Back);
    }

    private static void StepRow<T, F, TCell>(in HostRecurrentStep<T> x, long row, long from, long to, int count)
        where T : unmanaged
        where F : unmanaged
        where TCell : struct, IRecurrentCell<F>
    {
        long width = x.Width, place = x.Start + row;
        T* left = x.Inputs + place * TCell.Gates * width, right = x.Products + row * TCell.Gates * width;
        T* state = x.Outputs + x.StateAt + row * width, cells = state + x.Batch * width, output = x.Outputs + place * width;
        for (long j = from; j < to; j += count)
        {
            F cell = TCell.HasCell ? Read<T, F>(cells + j) : default, bias = TCell.HasBias ? Read<T, F>(x.State + x.Batch * width + j) : default;
            var hidden = Read<T, F>(state + j);
            var step = TCell.Step(Gates<T, F>(left + j, width, TCell.Gates), Gates<T, F>(right + j, width, TCell.Gates), hidden, cell, bias);
            Write(output + j, step.Hidden);
            Write(state + j, step.Hidden);
            if (TCell.HasCell)
            {
                Write(cells + j, step.Cell);
            }

            if (x.Kept is not null)
            {
                Store(x.Kept + place * TCell.Kept * width + j, width, step.Kept, TCell.Kept);
                if (TCell.HasCell)
                {
                    Write(x.Kept + TCell.Kept * x.StateAt + place * width + j, cell);
                }

                Write(x.Previous + place * width + j, hidden);
            }
        }
    }

    private static void BackRow<T, F, TCell>(in HostRecurrentStep<T> x, long row, long from, long to, int count)
        where T : unmanaged
        where F : unmanaged
        where TCell : struct, IRecurrentCell<F>
    {
        long width = x.Width, place = x.Start + row;
        T* kept = x.Kept + place * TCell.Kept * width, cells = x.Kept + TCell.Kept * x.StateAt + place * width, output = x.Outputs + place * width;
        T* state = x.State + row * width, second = state + x.Batch * width;
        for (long j = from; j < to; j += count)
        {
            F cell = TCell.HasCell ? Read<T, F>(cells + j) : default, other = TCell.HasCell || TCell.HasBias ? Read<T, F>(second + j) : default;
            var gradient = TCell.Sum(Read<T, F>(output + j), Read<T, F>(state + j));
            if (TCell.HasBias)
            {
                gradient = TCell.Sum(gradient, other);
            }

            var slopes = TCell.Back(Gates<T, F>(kept + j, width, TCell.Kept), Read<T, F>(x.Previous + place * width + j), cell, gradient, other);
            Store(x.Inputs + place * TCell.Gates * width + j, width, slopes.Gates, TCell.Gates);
            if (TCell.HasCell)
            {
                Write(second + j, slopes.Cell);
            }

            if (TCell.HasBias)
            {
                slopes.Gates.C = slopes.Recurrent;
                Store(x.Products + place * TCell.Gates * width + j, width, slopes.Gates, TCell.Gates);
                Write(second + j, slopes.Hidden);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F Read<T, F>(T* at) where T : unmanaged where F : unmanaged => Unsafe.ReadUnaligned<F>(at);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write<T, F>(T* at, F value) where T : unmanaged where F : unmanaged => Unsafe.WriteUnaligned(at, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static GateValues<F> Gates<T, F>(T* from, long width, int count) where T : unmanaged where F : unmanaged
    {
        GateValues<F> values = default;
        values.A = Read<T, F>(from);
        if (count > 1)
        {
            values.B = Read<T, F>(from + width);
            values.C = Read<T, F>(from + 2 * width);
        }

        if (count > 3)
        {
            values.D = Read<T, F>(from + 3 * width);
        }

        return values;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<T, F>(T* to, long width, in GateValues<F> values, int count) where T : unmanaged where F : unmanaged
    {
        Write(to, values.A);
        if (count > 1)
        {
            Write(to + width, values.B);
            Write(to + 2 * width, values.C);
        }

        if (count > 3)
        {
            Write(to + 3 * width, values.D);
        }
    }
}
