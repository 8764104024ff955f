using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Transforms;

/// <summary>A function evaluated once with its tape kept: the outputs, and what takes gradients of the outputs to gradients of the inputs.</summary>
internal sealed class Pullback
{
    private readonly GradLevel _level;
    private readonly Tensor[] _inputs;
    private readonly Edge[] _inputEdges;
    private readonly Edge[] _outputEdges;

    public Pullback(string operation, Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> function, IReadOnlyList<Tensor> inputs)
    {
        ArgumentNullException.ThrowIfNull(function);
        ArgumentNullException.ThrowIfNull(inputs);
        _inputs = [.. inputs];
        CheckDTypes(operation, _inputs);
        using var level = _level = new GradLevel();
        var wrapped = Array.ConvertAll(_inputs, level.Wrap);
        IReadOnlyList<Tensor> outputs;
        using (GradMode.Record())
        {
            outputs = function(wrapped);
        }

        _inputEdges = Array.ConvertAll(wrapped, level.EdgeOf);
        _outputEdges = new Edge[outputs.Count];
        Outputs = new Tensor[outputs.Count];
        for (int i = 0; i < Outputs.Length; i++)
        {
            var output = Level.WithoutClosed(outputs[i]);
            _outputEdges[i] = level.EdgeOf(output);
            Outputs[i] = level.Unwrap(output);
        }
    }

    /// <summary>The outputs as the caller of the function sees them.</summary>
    public Tensor[] Outputs { get; }

    /// <summary>Whether an output depends on an input at all.</summary>
    public bool IsDifferentiable(int output) => _outputEdges[output].Function is not null;

    /// <summary>The gradients of the inputs for gradients of the outputs; null where an input has no part in the outputs.</summary>
    public Tensor?[] Run(IReadOnlyList<Tensor?> gradients, bool keepGraph)
    {
        if (gradients.Count != Outputs.Length)
        {
            throw new GradientException($"Vjp: the function returned {Outputs.Length} tensors and got {gradients.Count} gradients. Give one for each, null for zero.");
        }

        var roots = new List<Edge>(gradients.Count);
        var seeds = new List<Tensor>(gradients.Count);
        for (int i = 0; i < Outputs.Length; i++)
        {
            if (gradients[i] is not { } gradient)
            {
                continue;
            }

            if (gradient.Shape != Outputs[i].Shape)
            {
                throw new ShapeException(
                    $"Vjp: Mismatch in shape: grad_output[{i}] has a shape of {gradient.Shape} and output[{i}] has a shape of {Outputs[i].Shape}. Give a gradient of the output's shape.");
            }

            if (_outputEdges[i].Function is not null)
            {
                roots.Add(_outputEdges[i]);
                seeds.Add(gradient);
            }
        }

        var results = new Tensor?[_inputs.Length];
        var asked = Enumerable.Range(0, results.Length).Where(i => _inputEdges[i].Function is not null).ToArray();
        if (roots.Count == 0 || asked.Length == 0)
        {
            return results;
        }

        var inputs = Array.ConvertAll(asked, i => _inputEdges[i]);
        var found = Engine.Run(new BackwardRequest(roots, seeds, inputs, Captures: true, keepGraph, CreateGraph: GradMode.IsEnabled));
        for (int i = 0; i < asked.Length; i++)
        {
            // A formula may hand on a saved tensor as it is.
            results[asked[i]] = found[i] is { } gradient ? _level.Unwrap(gradient) : null;
        }

        return results;
    }

    /// <summary>The same with zeros for what is null.</summary>
    public Tensor[] RunToZeros(IReadOnlyList<Tensor?> gradients, bool keepGraph) => OrZeros(Run(gradients, keepGraph), null);

    /// <summary>Zeros for what is null; with the name of a strict operation that is an error.</summary>
    public Tensor[] OrZeros(Tensor?[] found, string? strict, int output = 0)
    {
        var results = new Tensor[found.Length];
        for (int i = 0; i < results.Length; i++)
        {
            results[i] = found[i] ?? (strict is null
                ? Tensor.ZerosLike(_inputs[i])
                : throw new GradientException(
                    $"{strict}: Output {output} of the user-provided function is independent of input {i}. This is not allowed in strict mode."));
        }

        return results;
    }

    private static void CheckDTypes(string operation, Tensor[] inputs)
    {
        for (int i = 0; i < inputs.Length; i++)
        {
            if (!inputs[i].DType.IsFloatingPoint())
            {
                throw new DTypeException(
                    $"{operation}: only Tensors of floating point dtype can require gradients, but input {i} of shape {inputs[i].Shape} is {inputs[i].DType.Name()}. "
                    + "Convert it with To(DType.Float32), or let the function capture it instead of taking it as an input.");
            }
        }
    }
}
