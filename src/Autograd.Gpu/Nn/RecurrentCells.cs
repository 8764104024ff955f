using Autograd.Gpu.Lazy;
using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Nn;

/// <summary>
/// What the cells have in common: one step for inputs [batch, inputs] and states [batch, hidden], or without the batch. The parameters are <c>weight_ih</c>, <c>weight_hh</c>,
/// <c>bias_ih</c> and <c>bias_hh</c>, uniform in ±1/sqrt(hidden).
/// </summary>
public abstract class RecurrentCell : Module
{
    private readonly RecurrentKind _kind;
    private readonly RecurrentParameters _parameters;

    private protected RecurrentCell(RecurrentKind kind, long inputSize, long hiddenSize, bool bias, DType dtype, Device? device)
    {
        if (hiddenSize <= 0 || inputSize < 0)
        {
            throw new ArgumentOutOfRangeException(
                nameof(hiddenSize), $"{GetType().Name}: hidden_size must be greater than zero, and inputSize not negative: they are {hiddenSize} and {inputSize}.");
        }

        _kind = kind;
        (InputSize, HiddenSize) = (inputSize, hiddenSize);
        _parameters = new RecurrentParameters(Register, "", Recurrent.GatesOf(kind), inputSize, hiddenSize, 0, bias, dtype, device);
    }

    /// <summary>Features of the input.</summary>
    public long InputSize { get; }

    /// <summary>Features of the state.</summary>
    public long HiddenSize { get; }

    /// <summary>The hidden state after a step from a state of zeros.</summary>
    public override Tensor Forward(Tensor input) => Step(input, null, null).Hidden;

    private protected (Tensor Hidden, Tensor? Cell) Step(Tensor input, Tensor? hidden, Tensor? cell)
    {
        ArgumentNullException.ThrowIfNull(input);
        string name = GetType().Name;
        if (input.Rank is not (1 or 2))
        {
            throw new ShapeException($"{name}: Expected input to be 1D or 2D, got {input.Rank}D instead: its shape is {input.Shape}.");
        }

        if (input.Shape[-1] != InputSize)
        {
            throw new ShapeException($"{name}: input has inconsistent input_size: got {input.Shape[-1]}, expected {InputSize}.");
        }

        RecurrentLayer.CheckKind(name, "input", input, _parameters.Input);
        Shape expected = input.Rank == 1 ? [HiddenSize] : [input.Shape[0], HiddenSize];
        foreach (var state in new[] { hidden, cell })
        {
            if (state is not null && state.Shape != expected)
            {
                throw new ShapeException($"{name}: hidden has inconsistent hidden_size: for an input of shape {input.Shape} expected a state of shape {expected}, got {state.Shape}.");
            }

            if (state is not null)
            {
                RecurrentLayer.CheckKind(name, "state", state, _parameters.Input);
            }
        }

        if (input.Rank == 1)
        {
            var (first, second) = Step(input.Unsqueeze(0), hidden?.Unsqueeze(0), cell?.Unsqueeze(0));
            return (first.Squeeze(0), second?.Squeeze(0));
        }

        long batch = input.Shape[0];
        var (output, _, memory) = Recurrent.Apply(_kind, input, _parameters.Values, hidden, cell, SequenceSteps.Even(1, batch, reverse: false), batch, isCell: true);
        return (output, memory);
    }
}

/// <summary>A step of an <see cref="RNN"/>.</summary>
public sealed class RNNCell : RecurrentCell
{
    /// <summary>Makes the cell.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A size is out of its range.</exception>
    public RNNCell(
        long inputSize, long hiddenSize, bool bias = true, RnnNonlinearity nonlinearity = RnnNonlinearity.Tanh, DType dtype = DType.Float32, Device? device = null)
        : base(nonlinearity == RnnNonlinearity.Tanh ? RecurrentKind.Tanh : RecurrentKind.Relu, inputSize, hiddenSize, bias, dtype, device)
    {
    }

    /// <summary>The hidden state after a step from <paramref name="hidden"/>, or from zeros.</summary>
    /// <exception cref="ShapeException">A shape does not fit the cell.</exception>
    /// <exception cref="DTypeException">The dtype is not the parameters'.</exception>
    public Tensor Forward(Tensor input, Tensor? hidden) => Step(input, hidden, null).Hidden;
}

/// <summary>A step of an <see cref="LSTM"/>.</summary>
public sealed class LSTMCell : RecurrentCell
{
    /// <summary>Makes the cell.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A size is out of its range.</exception>
    public LSTMCell(long inputSize, long hiddenSize, bool bias = true, DType dtype = DType.Float32, Device? device = null)
        : base(RecurrentKind.Lstm, inputSize, hiddenSize, bias, dtype, device)
    {
    }

    /// <summary>The hidden and the cell state after a step from <paramref name="state"/>, or from zeros.</summary>
    /// <exception cref="ShapeException">A shape does not fit the cell.</exception>
    /// <exception cref="DTypeException">The dtype is not the parameters'.</exception>
    public (Tensor Hidden, Tensor Cell) Forward(Tensor input, (Tensor Hidden, Tensor Cell)? state)
    {
        var (hidden, cell) = Step(input, state?.Hidden, state?.Cell);
        return (hidden, cell!);
    }
}

/// <summary>A step of a <see cref="GRU"/>.</summary>
public sealed class GRUCell : RecurrentCell
{
    /// <summary>Makes the cell.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A size is out of its range.</exception>
    public GRUCell(long inputSize, long hiddenSize, bool bias = true, DType dtype = DType.Float32, Device? device = null)
        : base(RecurrentKind.Gru, inputSize, hiddenSize, bias, dtype, device)
    {
    }

    /// <summary>The hidden state after a step from <paramref name="hidden"/>, or from zeros.</summary>
    /// <exception cref="ShapeException">A shape does not fit the cell.</exception>
    /// <exception cref="DTypeException">The dtype is not the parameters'.</exception>
    public Tensor Forward(Tensor input, Tensor? hidden) => Step(input, hidden, null).Hidden;
}
