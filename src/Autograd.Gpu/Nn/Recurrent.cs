using Autograd.Gpu.Lazy;
using Autograd.Gpu.Operations;
using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Nn;

/// <summary>One direction of a recurrent layer, from its parameters and packed rows.</summary>
internal static class Recurrent
{
    /// <summary>Columns of the gates in units of the hidden size.</summary>
    public static int GatesOf(RecurrentKind kind) => kind switch { RecurrentKind.Lstm => 4, RecurrentKind.Gru => 3, _ => 1 };

    /// <summary>
    /// The hidden states of all rows, [rows, out], and the last ones of each sequence, [batch, out]; of an LSTM the last cell states, [batch, hidden], too. Missing
    /// states are zeros; the last ones are made only if they are wanted. Half types are computed in float32. Of a cell's one step the last hidden states are the output itself.
    /// </summary>
    public static (Tensor Output, Tensor? Hidden, Tensor? Cell) Apply(
        RecurrentKind kind, Tensor x, RecurrentWeights weights, Tensor? hidden, Tensor? cell, SequenceSteps steps, long batch,
        bool isCell = false, bool wantsStates = true)
    {
        var dtype = x.DType;
        var compute = dtype.ComputeType();
        if (compute != dtype)
        {
            var (states, last, memory) = Apply(
                kind, x.To(compute), weights.To(compute), hidden?.To(compute), cell?.To(compute), steps, batch, isCell, wantsStates);
            return (states.To(dtype), last?.To(dtype), memory?.To(dtype));
        }

        long width = weights.Hidden.Shape[0] / GatesOf(kind), rows = x.Shape[0];
        Tensor? bias = null;
        if (weights.InputBias is { } inputBias && weights.HiddenBias is { } hiddenBias)
        {
            // The bias of a GRU's last gate stands inside of the reset.
            bias = kind == RecurrentKind.Gru
                ? inputBias + Tensor.Cat([hiddenBias.Narrow(0, 0, 2 * width), Zeros(x, [width])])
                : inputBias + hiddenBias;
        }

        var gates = Functional.Linear(x, weights.Input, bias);
        if (weights.Projection is { } projection)
        {
            return Projected(gates, weights.Hidden, projection, hidden, cell, steps, batch);
        }

        var state = kind switch
        {
            RecurrentKind.Lstm when hidden is null && cell is null => Zeros(x, [2 * batch, width]),
            RecurrentKind.Lstm => Tensor.Cat([hidden ?? Zeros(x, [batch, width]), cell ?? Zeros(x, [batch, width])]),
            RecurrentKind.Gru => Tensor.Cat([hidden ?? Zeros(x, [batch, width]), weights.HiddenBias?.Narrow(0, 2 * width, width).Unsqueeze(0) ?? Zeros(x, [1, width])]),
            _ => hidden ?? Zeros(x, [batch, width]),
        };
        // The gates belong to nobody else, unless a transform or a checkpoint has seen them.
        bool owns = (gates.Wrapper ?? weights.Hidden.Wrapper ?? state.Wrapper) is null && !KeptOutputs.AreInUse;
        var result = Structural.Apply(new RecurrentSequence(kind, steps, batch, wantsStates || isCell, owns), [gates, weights.Hidden, state]);
        if (owns && result.GradFn is null)
        {
            gates.Dispose();
        }

        if (!wantsStates && !isCell)
        {
            return (result, null, null);
        }

        var output = result.Narrow(0, 0, rows);
        return (
            output,
            isCell ? output : wantsStates ? result.Narrow(0, rows, batch) : null,
            kind == RecurrentKind.Lstm && wantsStates ? result.Narrow(0, rows + batch, batch) : null);
    }

    /// <summary>An LSTM whose hidden state is a projection of what the cell gives (Sak et al. 2014): step by step, as tensors.</summary>
    private static (Tensor Output, Tensor Hidden, Tensor? Cell) Projected(
        Tensor gates, Tensor weight, Tensor projection, Tensor? hidden, Tensor? cell, SequenceSteps steps, long batch)
    {
        hidden ??= Zeros(gates, [batch, projection.Shape[0]]);
        cell ??= Zeros(gates, [batch, projection.Shape[1]]);
        var outputs = new Tensor[steps.Length];
        for (int i = 0; i < outputs.Length; i++)
        {
            var (start, count, t) = (steps.Starts[i], steps.Counts[i], steps.Places[i]);
            var parts = (gates.Narrow(0, start, count) + hidden.Narrow(0, 0, count).MatMul(weight.T)).Chunk(4, 1);
            var memory = parts[1].Sigmoid() * cell.Narrow(0, 0, count) + parts[0].Sigmoid() * parts[2].Tanh();
            outputs[t] = (parts[3].Sigmoid() * memory.Tanh()).MatMul(projection.T);
            hidden = Over(hidden, outputs[t]);
            cell = Over(cell, memory);
        }

        return (Tensor.Cat(outputs), hidden, cell);
    }

    /// <summary>The first rows replaced.</summary>
    private static Tensor Over(Tensor state, Tensor step) =>
        step.Shape[0] == state.Shape[0] ? step : Tensor.Cat([step, state.Narrow(0, step.Shape[0], state.Shape[0] - step.Shape[0])]);

    private static Tensor Zeros(Tensor like, Shape shape) => Tensor.Zeros(shape, like.DType, like.Device);
}

/// <summary>The parameters of one direction of one layer.</summary>
internal readonly record struct RecurrentWeights(Tensor Input, Tensor Hidden, Tensor? InputBias, Tensor? HiddenBias, Tensor? Projection)
{
    public RecurrentWeights To(DType dtype) => new(Input.To(dtype), Hidden.To(dtype), InputBias?.To(dtype), HiddenBias?.To(dtype), Projection?.To(dtype));
}

/// <summary>The places of these parameters in a module, with PyTorch's names.</summary>
internal sealed class RecurrentParameters
{
    private readonly Parameter _input;
    private readonly Parameter _hidden;
    private readonly Parameter? _inputBias;
    private readonly Parameter? _hiddenBias;
    private readonly Parameter? _projection;

    /// <summary>Registers them, uniform in ±1/sqrt(hidden).</summary>
    public RecurrentParameters(
        Func<string, Tensor, Parameter> register, string suffix, int gates, long inputs, long hidden, long projection, bool bias, DType dtype, Device? device)
    {
        double bound = 1 / Math.Sqrt(hidden);
        Parameter Uniform(string name, Shape shape) => register(name + suffix, (Tensor.Rand(shape, dtype, device) * (2 * bound) - bound).Materialize());
        _input = Uniform("weight_ih", [gates * hidden, inputs]);
        _hidden = Uniform("weight_hh", [gates * hidden, projection > 0 ? projection : hidden]);
        _inputBias = bias ? Uniform("bias_ih", [gates * hidden]) : null;
        _hiddenBias = bias ? Uniform("bias_hh", [gates * hidden]) : null;
        _projection = projection > 0 ? Uniform("weight_hr", [projection, hidden]) : null;
    }

    /// <summary>The weights of the input, [gates * hidden, inputs].</summary>
    public Tensor Input => _input.Value;

    /// <summary>What the layer computes with now.</summary>
    public RecurrentWeights Values => new(_input.Value, _hidden.Value, _inputBias?.Value, _hiddenBias?.Value, _projection?.Value);
}
