namespace Autograd.Gpu.Kernels.Recurrent;

/// <summary>A value for each gate; a cell of one or three gates leaves the others.</summary>
/// <typeparam name="F">The values.</typeparam>
public struct GateValues<F>
{
    /// <summary>The first gate's.</summary>
    public F A;

    /// <summary>The second gate's.</summary>
    public F B;

    /// <summary>The third gate's.</summary>
    public F C;

    /// <summary>The fourth gate's.</summary>
    public F D;
}

/// <summary>What a step of a cell gives.</summary>
/// <typeparam name="F">The values.</typeparam>
public struct CellStep<F>
{
    /// <summary>The new hidden state.</summary>
    public F Hidden;

    /// <summary>The new cell state, of a cell that has one.</summary>
    public F Cell;

    /// <summary>What the derivative reads.</summary>
    public GateValues<F> Kept;
}

/// <summary>The gradients that a step of a cell passes on.</summary>
/// <typeparam name="F">The values.</typeparam>
public struct CellSlopes<F>
{
    /// <summary>Of the gates before their functions, the input's side.</summary>
    public GateValues<F> Gates;

    /// <summary>Of the last gate, the hidden state's side, where that differs from the input's.</summary>
    public F Recurrent;

    /// <summary>Of the hidden state before the step, apart from what goes through the gates.</summary>
    public F Hidden;

    /// <summary>Of the cell state before the step.</summary>
    public F Cell;
}

/// <summary>The pointwise part of a recurrent cell.</summary>
/// <typeparam name="F">The values.</typeparam>
public interface IRecurrentCell<F>
{
    /// <summary>Columns of the gates, in units of the hidden size: 1, 3 or 4.</summary>
    static abstract int Gates { get; }

    /// <summary>How many values of <see cref="CellStep{F}.Kept"/> are kept for the derivative; with a cell state, that before the step follows them.</summary>
    static abstract int Kept { get; }

    /// <summary>Whether there is a cell state beside the hidden state.</summary>
    static abstract bool HasCell { get; }

    /// <summary>Whether the hidden state's side of the last gate has a bias of its own, and the hidden state a path past the gates.</summary>
    static abstract bool HasBias { get; }

    /// <summary>a + b.</summary>
    static abstract F Sum(F a, F b);

    /// <summary>A step, from the input's and the hidden state's side of the gates.</summary>
    static abstract CellStep<F> Step(GateValues<F> x, GateValues<F> y, F hidden, F cell, F bias);

    /// <summary>Its derivative, for the gradients of the new hidden and cell state.</summary>
    static abstract CellSlopes<F> Back(GateValues<F> kept, F hidden, F cell, F gradient, F cellGradient);
}

/// <summary>h' = tanh(x + y).</summary>
public readonly struct TanhCell<F, TMath> : IRecurrentCell<F>
    where F : unmanaged
    where TMath : struct, ICellMath<F>
{
    /// <inheritdoc/>
    public static int Gates => 1;

    /// <inheritdoc/>
    public static int Kept => 1;

    /// <inheritdoc/>
    public static bool HasCell => false;

    /// <inheritdoc/>
    public static bool HasBias => false;

    /// <inheritdoc/>
    public static F Sum(F a, F b) => TMath.Add(a, b);

    /// <inheritdoc/>
    public static CellStep<F> Step(GateValues<F> x, GateValues<F> y, F hidden, F cell, F bias)
    {
        CellStep<F> step = default;
        step.Hidden = TMath.Tanh(TMath.Add(x.A, y.A));
        step.Kept.A = step.Hidden;
        return step;
    }

    /// <inheritdoc/>
    public static CellSlopes<F> Back(GateValues<F> kept, F hidden, F cell, F gradient, F cellGradient)
    {
        CellSlopes<F> slopes = default;
        slopes.Gates.A = TMath.Mul(gradient, TMath.Sub(TMath.One, TMath.Mul(kept.A, kept.A)));
        return slopes;
    }
}

/// <summary>h' = max(x + y, 0).</summary>
public readonly struct ReluCell<F, TMath> : IRecurrentCell<F>
    where F : unmanaged
    where TMath : struct, ICellMath<F>
{
    /// <inheritdoc/>
    public static int Gates => 1;

    /// <inheritdoc/>
    public static int Kept => 1;

    /// <inheritdoc/>
    public static bool HasCell => false;

    /// <inheritdoc/>
    public static bool HasBias => false;

    /// <inheritdoc/>
    public static F Sum(F a, F b) => TMath.Add(a, b);

    /// <inheritdoc/>
    public static CellStep<F> Step(GateValues<F> x, GateValues<F> y, F hidden, F cell, F bias)
    {
        CellStep<F> step = default;
        step.Hidden = TMath.Relu(TMath.Add(x.A, y.A));
        step.Kept.A = step.Hidden;
        return step;
    }

    /// <inheritdoc/>
    public static CellSlopes<F> Back(GateValues<F> kept, F hidden, F cell, F gradient, F cellGradient)
    {
        CellSlopes<F> slopes = default;
        slopes.Gates.A = TMath.WherePositive(kept.A, gradient);
        return slopes;
    }
}

/// <summary>
/// The gates are i, f, g, o (Hochreiter and Schmidhuber 1997, Gers et al. 2000): c' = sigmoid(f) c + sigmoid(i) tanh(g), h' = sigmoid(o) tanh(c').
/// </summary>
public readonly struct LstmCell<F, TMath> : IRecurrentCell<F>
    where F : unmanaged
    where TMath : struct, ICellMath<F>
{
    /// <inheritdoc/>
    public static int Gates => 4;

    /// <inheritdoc/>
    public static int Kept => 4;

    /// <inheritdoc/>
    public static bool HasCell => true;

    /// <inheritdoc/>
    public static bool HasBias => false;

    /// <inheritdoc/>
    public static F Sum(F a, F b) => TMath.Add(a, b);

    /// <inheritdoc/>
    public static CellStep<F> Step(GateValues<F> x, GateValues<F> y, F hidden, F cell, F bias)
    {
        CellStep<F> step = default;
        step.Kept.A = TMath.Sigmoid(TMath.Add(x.A, y.A));
        step.Kept.B = TMath.Sigmoid(TMath.Add(x.B, y.B));
        step.Kept.C = TMath.Tanh(TMath.Add(x.C, y.C));
        step.Kept.D = TMath.Sigmoid(TMath.Add(x.D, y.D));
        step.Cell = TMath.Add(TMath.Mul(step.Kept.B, cell), TMath.Mul(step.Kept.A, step.Kept.C));
        step.Hidden = TMath.Mul(step.Kept.D, TMath.Tanh(step.Cell));
        return step;
    }

    /// <inheritdoc/>
    public static CellSlopes<F> Back(GateValues<F> kept, F hidden, F cell, F gradient, F cellGradient)
    {
        F i = kept.A, f = kept.B, g = kept.C, o = kept.D;
        F tanh = TMath.Tanh(TMath.Add(TMath.Mul(f, cell), TMath.Mul(i, g)));
        F slope = TMath.Add(cellGradient, TMath.Mul(TMath.Mul(gradient, o), TMath.Sub(TMath.One, TMath.Mul(tanh, tanh))));
        CellSlopes<F> slopes = default;
        slopes.Gates.A = TMath.Mul(TMath.Mul(slope, g), TMath.Mul(i, TMath.Sub(TMath.One, i)));
        slopes.Gates.B = TMath.Mul(TMath.Mul(slope, cell), TMath.Mul(f, TMath.Sub(TMath.One, f)));
        slopes.Gates.C = TMath.Mul(TMath.Mul(slope, i), TMath.Sub(TMath.One, TMath.Mul(g, g)));
        slopes.Gates.D = TMath.Mul(TMath.Mul(gradient, tanh), TMath.Mul(o, TMath.Sub(TMath.One, o)));
        slopes.Cell = TMath.Mul(slope, f);
        return slopes;
    }
}

/// <summary>
/// The gates are r, z, n (Cho et al. 2014) with the reset applied to the product: n = tanh(x + sigmoid(r) (y + bias)), h' = (1 - sigmoid(z)) n + sigmoid(z) h.
/// </summary>
public readonly struct GruCell<F, TMath> : IRecurrentCell<F>
    where F : unmanaged
    where TMath : struct, ICellMath<F>
{
    /// <inheritdoc/>
    public static int Gates => 3;

    /// <inheritdoc/>
    public static int Kept => 4;

    /// <inheritdoc/>
    public static bool HasCell => false;

    /// <inheritdoc/>
    public static bool HasBias => true;

    /// <inheritdoc/>
    public static F Sum(F a, F b) => TMath.Add(a, b);

    /// <inheritdoc/>
    public static CellStep<F> Step(GateValues<F> x, GateValues<F> y, F hidden, F cell, F bias)
    {
        CellStep<F> step = default;
        step.Kept.A = TMath.Sigmoid(TMath.Add(x.A, y.A));
        step.Kept.B = TMath.Sigmoid(TMath.Add(x.B, y.B));
        step.Kept.D = TMath.Add(y.C, bias);
        step.Kept.C = TMath.Tanh(TMath.Add(x.C, TMath.Mul(step.Kept.A, step.Kept.D)));
        step.Hidden = TMath.Add(TMath.Mul(TMath.Sub(TMath.One, step.Kept.B), step.Kept.C), TMath.Mul(step.Kept.B, hidden));
        return step;
    }

    /// <inheritdoc/>
    public static CellSlopes<F> Back(GateValues<F> kept, F hidden, F cell, F gradient, F cellGradient)
    {
        F r = kept.A, z = kept.B, n = kept.C;
        CellSlopes<F> slopes = default;
        slopes.Gates.C = TMath.Mul(TMath.Mul(gradient, TMath.Sub(TMath.One, z)), TMath.Sub(TMath.One, TMath.Mul(n, n)));
        slopes.Gates.B = TMath.Mul(TMath.Mul(gradient, TMath.Sub(hidden, n)), TMath.Mul(z, TMath.Sub(TMath.One, z)));
        slopes.Gates.A = TMath.Mul(TMath.Mul(slopes.Gates.C, kept.D), TMath.Mul(r, TMath.Sub(TMath.One, r)));
        slopes.Recurrent = TMath.Mul(slopes.Gates.C, r);
        slopes.Hidden = TMath.Mul(gradient, z);
        return slopes;
    }
}
