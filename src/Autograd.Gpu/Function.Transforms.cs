using Autograd.Gpu.Tape;
using Autograd.Gpu.Transforms;

namespace Autograd.Gpu;

// How a function of the program's own goes through function transforms: see Note [Function transforms] in Transforms/Level.cs. Each transform applies it to what
// is inside, and adds its own part: a node on its tape, tangents, a batch.
public abstract partial class Function
{
    private Tensor?[]? _savedInside;

    /// <summary>Whether the next node is to be given what it saves later, with tangents; then the node.</summary>
    private bool _savesLater;
    private FunctionNode? _toSaveTo;

    /// <summary>Applies the function, the innermost transform first. Leaves what was saved, as it is outside of that transform, in <see cref="_savedInside"/>.</summary>
    private Tensor[] RunInside(Level level, ReadOnlySpan<Tensor> inputs, bool isInnermost)
    {
        var inner = new Tensor[inputs.Length];
        for (int i = 0; i < inner.Length; i++)
        {
            inner[i] = level.Unwrap(inputs[i]);
        }

        return level switch
        {
            GradLevel grad => RunInside(grad, inputs, inner),
            DualLevel dual => RunInside(dual, inputs, inner),
            _ => RunInside((BatchLevel)level, inputs, inner, isInnermost),
        };
    }

    private Tensor[] RunFurtherOut(ReadOnlySpan<Tensor> inner, bool isInnermost = false) =>
        Level.Innermost(inner) is { } next ? RunInside(next, inner, isInnermost) : RunOnce(inner);

    /// <summary>Lets go of what was kept while the transforms took their turns.</summary>
    private void ForgetInside()
    {
        _savedInside = null;
        _writtenInside = _constantInside = [];
    }

    private Tensor[] RunInside(GradLevel level, ReadOnlySpan<Tensor> inputs, Tensor[] inner)
    {
        var dirtyInputs = inputs.ToArray();
        bool savesLater = _savesLater;
        _savesLater = false;
        Tensor[] values;
        using (level.OutsideMode())
        {
            values = RunFurtherOut(inner);
        }

        bool records = false;
        var edges = new Edge[inputs.Length];
        for (int i = 0; i < edges.Length; i++)
        {
            edges[i] = level.EdgeOf(inputs[i]);
            records |= edges[i].Function is not null;
        }

        records &= level.IsOpen && GradMode.IsEnabled;
        var outputs = new Tensor[values.Length];
        var outside = Copy();
        var node = records ? new FunctionNode(outside, edges, Array.ConvertAll(dirtyInputs, x => x.Device), values) : null;
        for (int i = 0; i < outputs.Length; i++)
        {
            // An input that was written comes back as itself.
            int written = IndexOf(inner, values[i]);
            if (written >= 0 && IndexOf(_writtenInside, values[i]) >= 0)
            {
                outputs[i] = dirtyInputs[written];
                if (node is not null && level.Wraps(outputs[i]))
                {
                    outputs[i].CheckInPlace(Name, records: true);
                    outputs[i].RebaseHistory(node, i, written);
                }
            }
            else if (node is null || !values[i].DType.IsFloatingPoint() || IndexOf(_constantInside, values[i]) >= 0)
            {
                outputs[i] = values[i];
            }
            else
            {
                outputs[i] = new Tensor(new GradWrapper(level, values[i]));
                outputs[i].SetHistory(node, i);
            }
        }

        var saved = SavedAs(inner, dirtyInputs, values, outputs);
        SaveIn(node, saved, savesLater);
        outside.MaterializesGrads = MaterializesGrads;
        outside._node = node;
        _savedInside = saved;
        return outputs;
    }

    private Tensor[] RunInside(DualLevel level, ReadOnlySpan<Tensor> inputs, Tensor[] inner)
    {
        var tangents = new Tensor?[inputs.Length];
        bool any = false;
        for (int i = 0; i < tangents.Length; i++)
        {
            tangents[i] = level.IsOpen ? level.TangentOf(inputs[i]) : null;
            any |= tangents[i] is not null;
        }

        var original = inputs.ToArray();
        bool savesLater = _savesLater;
        _savesLater |= any;
        var outputs = RunFurtherOut(inner);
        _savesLater = false;
        if (!any)
        {
            _savedInside = SavedAs(inner, original, outputs, outputs);
            return outputs;
        }

        var function = Copy();
        function._toSave = _savedInside;
        var results = function.CallJvp(tangents);
        if (results is null || results.Length != outputs.Length)
        {
            throw new GradientException($"{Name}: Jvp returned {results?.Length ?? 0} tangents for {outputs.Length} outputs. Return one for each, null for zero.");
        }

        var duals = new Tensor[outputs.Length];
        for (int i = 0; i < duals.Length; i++)
        {
            if (IndexOf(inner, outputs[i]) is >= 0 and var written && IndexOf(_writtenInside, outputs[i]) >= 0)
            {
                duals[i] = level.Wraps(original[written])
                    ? original[written]
                    : throw new GradientException($"{Name}: inside Jvp an input without a tangent was written in place. Give it one, or do not write it.");
                InPlace.Assign(Name, ((DualWrapper)duals[i].Wrapper!).Tangent, results[i] ?? Tensor.ZerosLike(outputs[i]));
            }
            else
            {
                duals[i] = results[i] is { } tangent && outputs[i].DType.IsFloatingPoint() && IndexOf(_constantInside, outputs[i]) < 0
                    ? ForwardPass.Dual(Name, level, outputs[i], tangent, i)
                    : outputs[i];
            }
        }

        _savedInside = SavedAs(inner, original, outputs, duals);
        var node = _toSaveTo;
        _toSaveTo = null;
        SaveIn(node, _savedInside, savesLater);
        return duals;
    }

    private void SaveIn(FunctionNode? node, Tensor?[] saved, bool later)
    {
        if (later)
        {
            _toSaveTo = node;
        }
        else
        {
            node?.Save(saved);
        }
    }

    private Tensor[] RunInside(BatchLevel level, ReadOnlySpan<Tensor> inputs, Tensor[] inner, bool isInnermost)
    {
        if (!level.IsOpen)
        {
            throw new GradientException($"{Name}: a tensor from inside Vmap is used after Vmap has ended. Return it from the mapped function instead of keeping it.");
        }

        var isBatched = new bool[inputs.Length];
        for (int i = 0; i < isBatched.Length; i++)
        {
            isBatched[i] = level.Wraps(inputs[i]);
        }

        // Transforms further in want to know what was saved, which the function's own rule for batches does not tell.
        if (!isInnermost)
        {
            var batched = new BatchedFunction(this, level.Size, level.Randomness, isBatched);
            var values = batched.RunFurtherOut(inner);
            var results = new Tensor[values.Length];
            for (int i = 0; i < results.Length; i++)
            {
                results[i] = batched.IsOutputBatched(i) ? level.Wrap(values[i]) : values[i];
            }

            var saved = batched._savedInside!;
            for (int i = 0; i < saved.Length; i++)
            {
                int input = IndexOf(inner, saved[i]), output = IndexOf(values, saved[i]);
                saved[i] = input >= 0 ? inputs[input] : output >= 0 ? results[output] : saved[i] is { } tensor && batched.IsSavedBatched(i) ? level.Wrap(tensor) : saved[i];
            }

            _savedInside = saved;
            _constantInside = [.. results.Where((_, i) => IndexOf(batched._constantInside, values[i]) >= 0)];
            _writtenInside = [];
            batched.ForgetInside();
            return results;
        }

        var batches = new Batched[inputs.Length];
        for (int i = 0; i < batches.Length; i++)
        {
            batches[i] = new Batched(inner[i], isBatched[i] ? 0 : null);
        }

        var rule = Vmap(level.Size, batches);
        var outputs = new Tensor[rule.Count];
        for (int i = 0; i < outputs.Length; i++)
        {
            outputs[i] = rule[i].Dim is { } dim ? level.Wrap(rule[i].Value.MoveDim(dim, 0)) : rule[i].Value;
        }

        _savedInside = [];
        return outputs;
    }

    /// <summary>The outputs for samples inside a map, what was saved, and which outputs have no derivative.</summary>
    internal (Tensor[] Outputs, Tensor?[] Saved, Tensor[] Constant) CallForwardOnSamples(Tensor[] samples)
    {
        var function = Copy();
        function._needs = new bool[samples.Length];
        Array.Fill(function._needs, true);
        function._isInForward = true;
        var outputs = function.CallForward(samples);
        function._isInForward = false;
        MaterializesGrads = function.MaterializesGrads;
        return function._dirty.Length == 0
            ? (outputs, function._toSave ?? [], function._nonDifferentiable)
            : throw new GradientException($"{Name}: inside Vmap a function that writes its inputs in place needs a rule of its own. Override Vmap.");
    }

    /// <summary>The gradients of the inputs for samples inside a map.</summary>
    internal Tensor?[] CallBackwardOnSamples(Tensor?[] gradients, Tensor?[] saved, bool[] needs)
    {
        var function = Copy();
        function._toSave = saved;
        return function.CallBackward(gradients, needs);
    }

    /// <summary>The tangents of the outputs for samples inside a map.</summary>
    internal Tensor?[] CallJvpOnSamples(Tensor?[] tangents, Tensor?[] saved)
    {
        var function = Copy();
        function._toSave = saved;
        return function.CallJvp(tangents);
    }

    /// <summary>The outputs for a batch, by running <c>Forward</c> on it as if it were one sample.</summary>
    private Batched[] RunOnBatch(long batchSize, ReadOnlySpan<Batched> inputs)
    {
        var batches = new Tensor[inputs.Length];
        var isBatched = new bool[inputs.Length];
        for (int i = 0; i < batches.Length; i++)
        {
            isBatched[i] = inputs[i].Dim is not null;
            batches[i] = inputs[i].Dim is { } dim ? inputs[i].Value.MoveDim(dim, 0) : inputs[i].Value;
        }

        var function = new BatchedFunction(this, batchSize, VmapRandomness.Error, isBatched);
        var outputs = function.RunFurtherOut(batches);
        function.ForgetInside();
        return [.. outputs.Select((x, i) => new Batched(x, function.IsOutputBatched(i) ? 0 : null))];
    }

    /// <summary>What was saved as a transform sees it: as its input or output, or as a value that it knows nothing of.</summary>
    private Tensor?[] SavedAs(ReadOnlySpan<Tensor> inner, Tensor[] inputs, ReadOnlySpan<Tensor> values, Tensor[] outputs)
    {
        var saved = new Tensor?[_savedInside!.Length];
        for (int i = 0; i < saved.Length; i++)
        {
            int input = IndexOf(inner, _savedInside[i]), output = IndexOf(values, _savedInside[i]);
            saved[i] = input >= 0 ? inputs[input] : output >= 0 ? outputs[output] : _savedInside[i];
        }

        return saved;
    }

    /// <summary>The function on one sample after the other.</summary>
    private Batched[] ForEach(long batchSize, ReadOnlySpan<Batched> inputs)
    {
        Diagnostics.Warnings.RaiseOnce(
            $"Vmap: there is a performance drop because {Name} runs once for each sample. Please give it another rule where this matters.");
        var results = new List<Tensor>[0];
        var sample = new Tensor[inputs.Length];
        for (long i = 0; i < batchSize; i++)
        {
            for (int k = 0; k < sample.Length; k++)
            {
                sample[k] = inputs[k].Dim is { } dim ? inputs[k].Value.Select(dim, i) : inputs[k].Value;
            }

            var function = Copy();
            var outputs = function.RunFurtherOut(sample);
            if (function._writtenInside.Length > 0)
            {
                throw new GradientException($"{Name}: inside Vmap a function that writes its inputs in place needs a rule of its own. Override Vmap.");
            }

            function.ForgetInside();
            if (i == 0)
            {
                results = Array.ConvertAll(outputs, _ => new List<Tensor>());
            }

            for (int k = 0; k < outputs.Length; k++)
            {
                results[k].Add(outputs[k]);
            }
        }

        return batchSize == 0
            ? throw new GradientException($"{Name}: You tried to vmap over {Name} with an empty batch, for which running it on each sample gives nothing. Please give Vmap another rule.")
            : Array.ConvertAll(results, r => new Batched(Tensor.Stack(r), 0));
    }
}
