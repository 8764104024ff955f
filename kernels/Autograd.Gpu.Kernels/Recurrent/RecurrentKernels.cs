using ILGPU;

namespace Autograd.Gpu.Kernels.Recurrent;

/// <summary>One step of a recurrent layer, forward or back: rows of the hidden size, of which the step has some.</summary>
/// <typeparam name="T">The elements.</typeparam>
public struct RecurrentArguments<T> where T : unmanaged
{
    /// <summary>The input's side of the gates, all rows; back, its gradient.</summary>
    public ArrayView<T> Inputs;

    /// <summary>The hidden state's side of the gates, the rows of the step; back, its gradient, all rows.</summary>
    public ArrayView<T> Products;

    /// <summary>All rows of hidden states, then the state: hidden, then cell; back, the gradient of all that.</summary>
    public ArrayView<T> Outputs;

    /// <summary>The state that the layer starts from; behind its hidden states stands the bias. Back, the running gradients of the hidden and cell state.</summary>
    public ArrayView<T> State;

    /// <summary>What the derivative reads, all rows of values; behind them, of cells with a state, all rows of that before the step. Back, it may be <see cref="Inputs"/>.</summary>
    public ArrayView<T> Kept;

    /// <summary>The hidden state before each step, all rows.</summary>
    public ArrayView<T> Previous;

    /// <summary>The hidden size.</summary>
    public long Width;

    /// <summary>The step's first row.</summary>
    public long Start;

    /// <summary>Where in <see cref="Outputs"/> the state stands, in elements: behind all rows.</summary>
    public long StateAt;

    /// <summary>Rows of the state.</summary>
    public long Batch;

    /// <summary>1 if <see cref="Kept"/> and <see cref="Previous"/> are written.</summary>
    public int Keeps;
}

/// <summary>The pointwise part of recurrent layers, one thread for each element of a hidden state.</summary>
public static class RecurrentKernels
{
    /// <summary>A step.</summary>
    public static void Step<T, TCell>(Index1D thread, RecurrentArguments<T> x)
        where T : unmanaged
        where TCell : struct, IRecurrentCell<T>
    {
        long e = thread.X;
        long row = e / x.Width, j = e - row * x.Width, place = x.Start + row;
        var left = Load(x.Inputs, place * TCell.Gates * x.Width + j, x.Width, TCell.Gates);
        var right = Load(x.Products, row * TCell.Gates * x.Width + j, x.Width, TCell.Gates);
        long hiddenAt = x.StateAt + row * x.Width + j, cellAt = hiddenAt + x.Batch * x.Width;
        T cell = default, bias = default;
        if (TCell.HasCell)
        {
            cell = x.Outputs[cellAt];
        }

        if (TCell.HasBias)
        {
            bias = x.State[x.Batch * x.Width + j];
        }

        var hidden = x.Outputs[hiddenAt];
        var step = TCell.Step(left, right, hidden, cell, bias);
        x.Outputs[place * x.Width + j] = step.Hidden;
        x.Outputs[hiddenAt] = step.Hidden;
        if (TCell.HasCell)
        {
            x.Outputs[cellAt] = step.Cell;
        }

        if (x.Keeps != 0)
        {
            Store(x.Kept, place * TCell.Kept * x.Width + j, x.Width, step.Kept, TCell.Kept);
            if (TCell.HasCell)
            {
                x.Kept[TCell.Kept * x.StateAt + place * x.Width + j] = cell;
            }

            x.Previous[place * x.Width + j] = hidden;
        }
    }

    /// <summary>The gradients of a step.</summary>
    public static void Back<T, TCell>(Index1D thread, RecurrentArguments<T> x)
        where T : unmanaged
        where TCell : struct, IRecurrentCell<T>
    {
        long e = thread.X;
        long row = e / x.Width, j = e - row * x.Width, place = x.Start + row;
        long hiddenAt = row * x.Width + j, secondAt = hiddenAt + x.Batch * x.Width;
        var kept = Load(x.Kept, place * TCell.Kept * x.Width + j, x.Width, TCell.Kept);
        T cell = default, cellGradient = default;
        var gradient = Sum<T, TCell>(x, place * x.Width + j, hiddenAt, secondAt);
        if (TCell.HasCell)
        {
            cell = x.Kept[TCell.Kept * x.StateAt + place * x.Width + j];
            cellGradient = x.State[secondAt];
        }

        var slopes = TCell.Back(kept, x.Previous[place * x.Width + j], cell, gradient, cellGradient);
        Store(x.Inputs, place * TCell.Gates * x.Width + j, x.Width, slopes.Gates, TCell.Gates);
        if (TCell.HasCell)
        {
            x.State[secondAt] = slopes.Cell;
        }

        if (TCell.HasBias)
        {
            slopes.Gates.C = slopes.Recurrent;
            Store(x.Products, place * TCell.Gates * x.Width + j, x.Width, slopes.Gates, TCell.Gates);
            x.State[secondAt] = slopes.Hidden;
        }
    }

    /// <summary>The gradient of a new hidden state: as an output, through the next step's gates, and past them.</summary>
    private static T Sum<T, TCell>(RecurrentArguments<T> x, long outputAt, long hiddenAt, long directAt)
        where T : unmanaged
        where TCell : struct, IRecurrentCell<T> =>
        TCell.HasBias
            ? TCell.Sum(TCell.Sum(x.Outputs[outputAt], x.State[hiddenAt]), x.State[directAt])
            : TCell.Sum(x.Outputs[outputAt], x.State[hiddenAt]);

    private static GateValues<T> Load<T>(ArrayView<T> from, long at, long width, int count) where T : unmanaged
    {
        GateValues<T> values = default;
        values.A = from[at];
        if (count > 1)
        {
            values.B = from[at + width];
            values.C = from[at + 2 * width];
        }

        if (count > 3)
        {
            values.D = from[at + 3 * width];
        }

        return values;
    }

    private static void Store<T>(ArrayView<T> to, long at, long width, GateValues<T> values, int count) where T : unmanaged
    {
        to[at] = values.A;
        if (count > 1)
        {
            to[at + width] = values.B;
            to[at + 2 * width] = values.C;
        }

        if (count > 3)
        {
            to[at + 3 * width] = values.D;
        }
    }
}
