using Autograd.Gpu.Transforms;

namespace Autograd.Gpu.Tape;

/// <summary>The node of a program's own operation.</summary>
internal sealed class FunctionNode(Function function, Edge[] edges, Device[] inputDevices, Tensor[] outputs) : Node(function.Name + "Backward", edges)
{
    private const string DifferentiatedTwice = "trying to differentiate twice a function that was marked with @once_differentiable";

    private readonly (Shape Shape, DType DType, Device Device)[] _outputs = Array.ConvertAll(outputs, x => (x.Shape, x.DType, x.Device));
    private SavedTensor[]? _saved = [];

    /// <summary>For each saved tensor which output it is, or <see cref="SavedTensor.IsInput"/>.</summary>
    private int[] _savedOutputs = [];

    public int SavedCount => _savedOutputs.Length;

    public override IReadOnlyList<NodeSavedTensor> SavedTensors =>
        [.. Enumerable.Range(0, SavedCount).Select(i => new NodeSavedTensor(this, i, $"saved{i}"))];

    internal override int OutputCount => _outputs.Length;

    public void Save(ReadOnlySpan<Tensor?> tensors)
    {
        _saved = new SavedTensor[tensors.Length];
        _savedOutputs = new int[tensors.Length];
        for (int i = 0; i < tensors.Length; i++)
        {
            var recorded = tensors[i]?.Wrapper is DualWrapper dual ? dual.Value : tensors[i];
            bool isOutput = recorded?.GradFn == this;
            _savedOutputs[i] = isOutput ? recorded!.OutputNumber : SavedTensor.IsInput;
            if (tensors[i] is { } tensor)
            {
                _saved[i] = isOutput ? SavedTensor.Output(tensor, Name) : SavedTensor.Input(tensor, Name);
            }
        }
    }

    public Tensor? Unpack(int index)
    {
        var saved = (_saved ?? throw SavedTensor.Freed(Name))[index];
        return saved.IsEmpty ? null : saved.Unpack(this, _savedOutputs[index]);
    }

    internal override Tensor? InspectSaved(int slot)
    {
        var value = Unpack(slot);
        _saved![slot].Packed?.Forget();
        return value;
    }

    internal override (Shape Shape, DType DType)? DescribeSaved(int slot) => _saved is { } saved ? saved[slot].Describe() : null;

    internal override void HookSaved(int slot, SavedTensorHook hook)
    {
        if (_saved is { } alive && alive[slot].IsEmpty)
        {
            throw new GradientException($"{Name}: Calling RegisterHooks on a saved tensor with value null is forbidden.");
        }

        var saved = _saved is null ? default : _saved[slot];
        saved = saved.WithHook(this, _savedOutputs[slot], hook);
        _saved![slot] = saved;
    }

    internal override (Shape Shape, DType DType) OutputOf(int outputNumber) => (_outputs[outputNumber].Shape, _outputs[outputNumber].DType);

    internal override void Backward(ReadOnlySpan<Tensor?> outputGradients, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        var gradients = outputGradients.ToArray();
        for (int i = 0; i < gradients.Length && function.MaterializesGrads; i++)
        {
            var (shape, dtype, device) = _outputs[i];
            gradients[i] ??= Tensor.Zeros(shape, dtype, device);
        }

        Tensor?[] results;
        using (GradMode.Set(GradMode.IsEnabled && !function.IsOnceDifferentiable))
        {
            results = function.CallBackward(gradients, needs);
        }

        CheckCount(results);
        for (int i = 0; i < inputGradients.Length; i++)
        {
            if (needs[i] && results[i] is { } result)
            {
                Check(i, result);
                inputGradients[i] = result;
            }
        }

        if (function.IsOnceDifferentiable && GradMode.IsEnabled)
        {
            RefuseSecondOrder(gradients, inputGradients);
        }

        ForEachPacked(static packed => packed.Forget());
    }

    internal override void ReleaseSaved()
    {
        // What saved nothing can run again.
        if (SavedCount > 0)
        {
            ForEachPacked(static packed => packed.Release());
            _saved = null;
        }
    }

    private void ForEachPacked(Action<PackedTensor> action)
    {
        foreach (var saved in SavedTensorHooks.WereUsed ? _saved ?? [] : [])
        {
            if (saved.Packed is { } packed)
            {
                action(packed);
            }
        }
    }

    private void CheckCount(Tensor?[] results)
    {
        // More than there are inputs do no harm if they are null.
        if (results is null || results.Length < Edges.Length || Array.Exists(results[Edges.Length..], r => r is not null))
        {
            throw new GradientException(
                $"{Name}: function {Name} returned an incorrect number of gradients (expected {Edges.Length}, got {results?.Length ?? 0}). "
                + "Return one for each input of Forward, null where there is none.");
        }
    }

    private void Check(int index, Tensor gradient)
    {
        var shape = Edges[index].Function!.OutputOf(Edges[index].OutputNumber).Shape;
        if (gradient.Shape != shape && !Expands(shape, gradient.Shape))
        {
            throw new ShapeException(
                $"Function {Name} returned an invalid gradient at index {index} - got {gradient.Shape} but expected shape compatible with {shape}. "
                + "Return a gradient of the input's shape, or of one that it broadcasts to.");
        }

        if (gradient.Device != inputDevices[index])
        {
            throw new DeviceMismatchException(
                $"Function {Name} returned an invalid gradient at index {index} - expected device {inputDevices[index]} but got {gradient.Device}. Move it with To(device).");
        }
    }

    /// <summary>Whether a value of the first shape broadcasts to the second, so that a gradient of the second is summed to the first.</summary>
    private static bool Expands(Shape from, Shape to)
    {
        int lead = to.Rank - from.Rank;
        for (int d = 0; d < from.Rank && lead >= 0; d++)
        {
            if (from[d] != 1 && from[d] != to[lead + d])
            {
                return false;
            }
        }

        return lead >= 0;
    }

    /// <summary>
    /// Gives the gradients a history that fails when it is differentiated. It leads to all that they may depend on, not only to the gradients that came in: the
    /// derivative may have read saved tensors.
    /// </summary>
    private void RefuseSecondOrder(Tensor?[] gradients, Span<Tensor?> inputGradients)
    {
        var edges = new List<Edge>(Edges);
        edges.AddRange(gradients.Where(g => g is not null).Select(g => g!.GradientEdge()));
        var made = inputGradients.ToArray();
        var error = new ErrorNode($"{Name}: {DifferentiatedTwice}, IsOnceDifferentiable here. "
            + "Make its Backward of tensor operations and do not mark it, or leave out createGraph.", [.. edges], made);
        for (int i = 0; i < made.Length; i++)
        {
            if (made[i] is { } gradient)
            {
                inputGradients[i] = gradient = gradient.Alias();
                gradient.SetHistory(error, i);
            }
        }
    }

    /// <summary>A node that cannot be run.</summary>
    private sealed class ErrorNode(string message, Edge[] edges, Tensor?[] outputs) : Node("Error", edges)
    {
        private readonly (Shape Shape, DType DType)[] _outputs = Array.ConvertAll(outputs, x => x is null ? default : (x.Shape, x.DType));

        internal override int OutputCount => _outputs.Length;

        internal override (Shape Shape, DType DType) OutputOf(int outputNumber) => _outputs[outputNumber];

        internal override void Backward(ReadOnlySpan<Tensor?> outputGradients, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
            throw new GradientException(message);
    }
}
