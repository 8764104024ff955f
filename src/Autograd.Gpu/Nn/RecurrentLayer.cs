using Autograd.Gpu.Diagnostics;
using Autograd.Gpu.Lazy;
using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Nn;

/// <summary>
/// What <see cref="RNN"/>, <see cref="LSTM"/> and <see cref="GRU"/> have in common: layers on top of one another, each in one direction or both. The parameters have PyTorch's names
/// (<c>weight_ih_l0</c>, <c>weight_hh_l0</c>, <c>bias_ih_l0</c>, <c>bias_hh_l0</c>, <c>weight_hr_l0</c>, and <c>.._reverse</c>) and start uniform in ±1/sqrt(hidden).
/// </summary>
/// <remarks>
/// Inputs are [time, batch, inputs], with <see cref="BatchFirst"/> [batch, time, inputs], without batch [time, inputs], or a <see cref="PackedSequence"/>. Outputs
/// have the same form with directions * hidden features; states are [layers * directions, batch, hidden], or without the batch. Derivatives of every order exist.
/// </remarks>
public abstract class RecurrentLayer : Module
{
    private readonly RecurrentKind _kind;
    private readonly RecurrentParameters[] _parameters;

    private protected RecurrentLayer(
        RecurrentKind kind, long inputSize, long hiddenSize, int numLayers, bool bias, bool batchFirst, double dropout, bool bidirectional, long projSize, DType dtype, Device? device)
    {
        string name = GetType().Name;
        if (hiddenSize <= 0 || inputSize < 0)
        {
            throw new ArgumentOutOfRangeException(nameof(hiddenSize), $"{name}: hidden_size must be greater than zero, and inputSize not negative: they are {hiddenSize} and {inputSize}.");
        }

        if (numLayers <= 0)
        {
            throw new ArgumentOutOfRangeException(nameof(numLayers), $"{name}: num_layers must be greater than zero, and it is {numLayers}.");
        }

        if (!(dropout is >= 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(dropout), $"{name}: dropout should be a number in range [0, 1] representing the probability of an element being zeroed, and it is {dropout}.");
        }

        if (projSize < 0 || projSize >= hiddenSize)
        {
            throw new ArgumentOutOfRangeException(nameof(projSize), $"{name}: proj_size has to be smaller than hidden_size ({hiddenSize}) and not negative, and it is {projSize}.");
        }

        if (dropout > 0 && numLayers == 1)
        {
            Warnings.RaiseOnce(
                $"{name}: dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers greater than 1, but got dropout={dropout} and num_layers=1.");
        }

        _kind = kind;
        (InputSize, HiddenSize, NumLayers, BatchFirst, Dropout, Bidirectional, ProjSize) = (inputSize, hiddenSize, numLayers, batchFirst, dropout, bidirectional, projSize);
        _parameters = new RecurrentParameters[numLayers * Directions];
        for (int i = 0; i < _parameters.Length; i++)
        {
            long inputs = i < Directions ? inputSize : Directions * OutputSize;
            string suffix = $"_l{i / Directions}{(i % Directions == 1 ? "_reverse" : "")}";
            _parameters[i] = new RecurrentParameters(Register, suffix, Recurrent.GatesOf(kind), inputs, hiddenSize, projSize, bias, dtype, device);
        }
    }

    /// <summary>Features of the input.</summary>
    public long InputSize { get; }

    /// <summary>Features of the state.</summary>
    public long HiddenSize { get; }

    /// <summary>Layers on top of one another.</summary>
    public int NumLayers { get; }

    /// <summary>Whether inputs and outputs have the batch as their first dimension.</summary>
    public bool BatchFirst { get; }

    /// <summary>The probability with which outputs of all layers but the last are zeroed in training.</summary>
    public double Dropout { get; }

    /// <summary>Whether each layer runs in both directions.</summary>
    public bool Bidirectional { get; }

    /// <summary>Features of an LSTM's hidden state if it is a projection, otherwise 0.</summary>
    public long ProjSize { get; }

    private int Directions => Bidirectional ? 2 : 1;

    private long OutputSize => ProjSize > 0 ? ProjSize : HiddenSize;

    /// <summary>The outputs for an input, from a state of zeros.</summary>
    public override Tensor Forward(Tensor input) => Run(input, null, null, wantsStates: false).Output;

    private protected (Tensor Output, Tensor? Hidden, Tensor? Cell) Run(Tensor input, Tensor? hidden, Tensor? cell, bool wantsStates = true)
    {
        ArgumentNullException.ThrowIfNull(input);
        string name = GetType().Name;
        if (input.Rank is not (2 or 3))
        {
            throw new ShapeException($"{name}: Expected input to be 2D or 3D, got {input.Rank}D instead: its shape is {input.Shape}.");
        }

        bool isBatched = input.Rank == 3;
        ReadOnlySpan<Tensor?> states = [hidden, cell];
        foreach (var state in states)
        {
            if (state is not null && state.Rank != input.Rank)
            {
                throw new ShapeException(
                    $"{name}: For {(isBatched ? "batched 3-D" : "unbatched 2-D")} input, hx should also be {input.Rank}-D but got {state.Rank}-D tensor of shape {state.Shape}.");
            }
        }

        if (!isBatched)
        {
            var (flat, last, memory) = Run(name, input, SequenceSteps.Even(input.Shape[0], 1, reverse: false), 1, hidden?.Unsqueeze(1), cell?.Unsqueeze(1), wantsStates);
            return (flat, last?.Squeeze(1), memory?.Squeeze(1));
        }

        if (BatchFirst)
        {
            input = input.Transpose(0, 1);
        }

        long time = input.Shape[0], batch = input.Shape[1];
        var (rows, final, finalCell) = Run(name, input.Flatten(0, 1), SequenceSteps.Even(time, batch, reverse: false), batch, hidden, cell, wantsStates);
        var output = rows.Reshape(time, batch, rows.Shape[1]);
        return (BatchFirst ? output.Transpose(0, 1) : output, final, finalCell);
    }

    private protected (PackedSequence Output, Tensor Hidden, Tensor? Cell) Run(PackedSequence input, Tensor? hidden, Tensor? cell)
    {
        ArgumentNullException.ThrowIfNull(input);
        string name = GetType().Name;
        if (input.Data.Rank != 2)
        {
            throw new ShapeException($"{name}: Expected a packed sequence of vectors, with data of shape [rows, {InputSize}], but its data have shape {input.Data.Shape}.");
        }

        CheckState(name, input.BatchSizes[0], hidden, OutputSize);
        CheckState(name, input.BatchSizes[0], cell, HiddenSize);
        var (rows, last, memory) = Run(
            name, input.Data, new SequenceSteps([.. input.BatchSizes], reverse: false), input.BatchSizes[0], hidden is null ? null : input.Sorted(hidden, 1), cell is null ? null : input.Sorted(cell, 1));
        return (input.WithData(rows), input.Unsorted(last!, 1), memory is null ? null : input.Unsorted(memory, 1));
    }

    private (Tensor Output, Tensor? Hidden, Tensor? Cell) Run(
        string name, Tensor rows, SequenceSteps steps, long batch, Tensor? hidden, Tensor? cell, bool wantsStates = true)
    {
        var weight = _parameters[0].Input;
        if (rows.Shape[1] != InputSize)
        {
            throw new ShapeException($"{name}: input.size(-1) must be equal to input_size. Expected {InputSize}, got {rows.Shape[1]}.");
        }

        if (steps.Length == 0)
        {
            throw new ShapeException($"{name}: Expected sequence length to be larger than 0 in RNN.");
        }

        CheckKind(name, "input", rows, weight);
        CheckState(name, batch, hidden, OutputSize);
        CheckState(name, batch, cell, HiddenSize);
        var last = wantsStates ? new Tensor[_parameters.Length] : [];
        var memory = wantsStates ? new Tensor[_parameters.Length] : [];
        var back = Bidirectional ? steps.Reversed() : steps;
        for (int layer = 0; layer < NumLayers; layer++)
        {
            if (layer > 0 && Dropout > 0 && Training)
            {
                rows = Dropout == 1
                    ? rows * 0.0
                    : rows * ((Tensor.Rand(rows.Shape, DType.Float32, rows.Device) >= Dropout).To(rows.DType) * (1 / (1 - Dropout)));
            }

            var outputs = new Tensor[Directions];
            for (int direction = 0; direction < outputs.Length; direction++)
            {
                int i = layer * Directions + direction;
                (outputs[direction], var states, var cells) = Recurrent.Apply(
                    _kind, rows, _parameters[i].Values, hidden?.Select(0, i), cell?.Select(0, i), direction == 1 ? back : steps, batch, wantsStates: wantsStates);
                if (wantsStates)
                {
                    (last[i], memory[i]) = (states!, cells!);
                }
            }

            rows = outputs.Length == 1 ? outputs[0] : Tensor.Cat(outputs, 1);
        }

        if (!wantsStates)
        {
            return (rows, null, null);
        }

        return (rows, Stacked(last), _kind == RecurrentKind.Lstm ? Stacked(memory) : null);

        static Tensor Stacked(Tensor[] states) => states.Length == 1 ? states[0].Unsqueeze(0) : Tensor.Stack(states);
    }

    private void CheckState(string name, long batch, Tensor? state, long width)
    {
        if (state is null)
        {
            return;
        }

        Shape expected = [_parameters.Length, batch, width];
        if (state.Shape != expected)
        {
            throw new ShapeException($"{name}: Expected hidden size {expected}, got {state.Shape} (a state without batch counts as a batch of 1).");
        }

        CheckKind(name, "state", state, _parameters[0].Input);
    }

    internal static void CheckKind(string name, string what, Tensor tensor, Tensor weight)
    {
        if (tensor.Device != weight.Device)
        {
            throw new DeviceMismatchException(
                $"{name}: Input and parameter tensors are not at the same device, found {what} tensor at {tensor.Device} and parameter tensor at {weight.Device}. Move one with To(device).");
        }

        if (tensor.DType != weight.DType)
        {
            throw new DTypeException($"{name}: {what} must have the type {weight.DType.Name()}, got type {tensor.DType.Name()}. Convert it with To(DType.{weight.DType}).");
        }
    }
}
