using Autograd.Gpu.Transforms;

namespace Autograd.Gpu;

/// <summary>
/// A function of the program's own on a whole batch: its <c>Forward</c>, <c>Backward</c> and <c>Jvp</c>, each mapped over the samples. What lies outside of the map
/// sees one function of tensors that hold batches.
/// </summary>
internal sealed class BatchedFunction(Function function, long size, VmapRandomness randomness, bool[] isBatched) : NaryFunction
{
    // Inside another map a copy runs forward, and this learns from it what has the batch.
    private readonly Found _found = new();

    public override string Name => function.Name;

    protected internal override bool IsOnceDifferentiable => function.IsOnceDifferentiable;

    /// <summary>Whether output <paramref name="index"/> has the batch as its first dimension, or is the same for all samples.</summary>
    public bool IsOutputBatched(int index) => _found.IsOutputBatched[index];

    /// <summary>The same of what was saved.</summary>
    public bool IsSavedBatched(int index) => _found.IsSavedBatched[index];

    protected override Tensor[] Forward(ReadOnlySpan<Tensor> inputs)
    {
        using var level = new BatchLevel(size, randomness);
        var samples = Array.ConvertAll(Wrap(level, inputs, isBatched), x => x!);
        _found.Shapes = Array.ConvertAll(samples, x => x.Shape);
        var (outputs, saved, constant) = function.CallForwardOnSamples(samples);
        _found.IsOutputBatched = Array.ConvertAll(outputs, level.Wraps);
        _found.IsSavedBatched = Array.ConvertAll(saved, x => x is not null && level.Wraps(x));
        SaveForBackward(Array.ConvertAll(saved, x => x is null ? null : level.Unwrap(x)));
        SetMaterializeGrads(function.MaterializesGrads);
        var results = Array.ConvertAll(outputs, level.Unwrap);
        MarkNonDifferentiable([.. results.Where((_, i) => Array.IndexOf(constant, outputs[i]) >= 0)]);
        return results;
    }

    protected override Tensor?[] Backward(ReadOnlySpan<Tensor?> gradients)
    {
        using var level = new BatchLevel(size, randomness);
        var needs = new bool[isBatched.Length];
        for (int i = 0; i < needs.Length; i++)
        {
            needs[i] = NeedsInputGrad(i);
        }

        var results = function.CallBackwardOnSamples(Wrap(level, gradients, _found.IsOutputBatched), WrapSaved(level), needs);
        bool anyBatched = Array.Exists(_found.IsOutputBatched, b => b);
        for (int i = 0; i < results.Length && i < needs.Length; i++)
        {
            if (results[i]?.SumToSize(_found.Shapes[i]) is not { } sample)
            {
                continue;
            }

            // What all samples share gets the sum of their gradients.
            var gradient = level.Unwrap(sample);
            results[i] = level.Wraps(sample) ? (isBatched[i] ? gradient : gradient.Sum(0))
                : isBatched[i] ? gradient.Unsqueeze(0).Expand(Shape.Own([size, .. gradient.Shape.AsSpan()]))
                : anyBatched ? gradient * size
                : gradient;
        }

        return results;
    }

    protected override Tensor?[] Jvp(ReadOnlySpan<Tensor?> tangents)
    {
        using var level = new BatchLevel(size, randomness);
        var results = function.CallJvpOnSamples(Wrap(level, tangents, isBatched), WrapSaved(level));
        for (int i = 0; i < results.Length; i++)
        {
            if (results[i] is { } sample)
            {
                var tangent = level.Unwrap(sample);
                results[i] = level.Wraps(sample) || !_found.IsOutputBatched[i] ? tangent : tangent.Unsqueeze(0).Expand(Shape.Own([size, .. tangent.Shape.AsSpan()]));
            }
        }

        return results;
    }

    private static Tensor?[] Wrap(BatchLevel level, ReadOnlySpan<Tensor?> tensors, bool[] isBatched)
    {
        var samples = new Tensor?[tensors.Length];
        for (int i = 0; i < samples.Length; i++)
        {
            samples[i] = tensors[i] is { } tensor && isBatched[i] ? level.Wrap(tensor) : tensors[i];
        }

        return samples;
    }

    private Tensor?[] WrapSaved(BatchLevel level) => Wrap(level, [.. SavedTensors], _found.IsSavedBatched);

    /// <summary>What the forward pass tells: the samples' shapes, and which outputs and saved values have the batch.</summary>
    private sealed class Found
    {
        public Shape[] Shapes = [];
        public bool[] IsOutputBatched = [];
        public bool[] IsSavedBatched = [];
    }
}
