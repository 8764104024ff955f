using Autograd.Gpu.Lazy;
using Autograd.Gpu.Tape;
using Autograd.Gpu.Transforms;

namespace Autograd.Gpu.Operations;

/// <summary>Runs samplers.</summary>
internal static class Sampling
{
    /// <summary>A number for each element of the parameters, computed in double; not recorded.</summary>
    public static Tensor Run(SampleKind kind, Tensor first, Tensor? second, double constant, SampleSequences sequences)
    {
        var device = first.Device;
        using (device.Gate.Enter())
        {
            var left = first.CastIfNeeded(DType.Float64).ContiguousBuffer();
            var right = second?.CastIfNeeded(DType.Float64).ContiguousBuffer();
            var result = new BufferExpression(device.Allocate(first.NumElements * sizeof(double)), DType.Float64, Layout.Contiguous(first.Shape));
            if (first.NumElements > 0)
            {
                Executor.Of(device).Run(new SampleCall(kind, left, right, constant, result, sequences), first.Shape);
            }

            return Tensor.FromNewBuffer(device, result).CastIfNeeded(first.DType);
        }
    }

    /// <summary>The least positive number of full precision, below which no gamma variate falls.</summary>
    public static double Tiny(DType dtype) => dtype switch
    {
        DType.Float16 => 6.103515625e-05,
        DType.Float64 => 2.2250738585072014e-308,
        _ => 1.1754943508222875e-38,
    };
}

/// <summary>
/// Samples of distributions with a parameter or two, each element from a random sequence of its own. Gamma variates have a derivative, their place in
/// the distribution kept; the others are whole numbers, whose derivative is zero.
/// </summary>
internal sealed class Sampled(string name, SampleKind kind, Generator generator, SampleSequences sequences) : StructuralOperation(name)
{
    public override Saves Saves => kind == SampleKind.Gamma ? Saves.Input0 | Saves.Output : Saves.None;

    /// <summary>Draws from parameters of one shape.</summary>
    public static Tensor Draw(string name, SampleKind kind, Generator? generator, params ReadOnlySpan<Tensor> parameters)
    {
        // Parameters that no sample has for itself must become a batch all the same where samples differ.
        var inputs = parameters.ToArray();
        if (Level.Current is { } level && !inputs.Any(x => x.Wrapper is not null))
        {
            inputs[0] = Inside(level, name, inputs[0]);
        }

        generator ??= inputs[0].Device.Generator;
        return Structural.Apply(new Sampled(name, kind, generator, Reserve(generator, inputs[0].NumElements)), inputs);
    }

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs) => Sampling.Run(
        kind, inputs[0], inputs.Length > 1 ? inputs[1] : null, kind == SampleKind.Gamma ? Sampling.Tiny(inputs[0].DType) : 0, sequences);

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        if (kind == SampleKind.Gamma)
        {
            inputGradients[0] = gradient * Structural.Apply(GammaSlope.Instance, saved.Output, saved.Input0);
            return;
        }

        for (int i = 0; i < needs.Length; i++)
        {
            inputGradients[i] = needs[i] ? Tensor.Zeros(gradient.Shape, gradient.DType, gradient.Device) : null;
        }
    }

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) =>
        kind == SampleKind.Gamma && tangents[0] is { } tangent ? tangent * Structural.Apply(GammaSlope.Instance, output, inputs[0]) : null;

    public override Tensor Batch(BatchInputs inputs)
    {
        var batch = new Tensor[inputs.Count];
        for (int i = 0; i < batch.Length; i++)
        {
            batch[i] = inputs.Repeated(i);
        }

        long total = inputs.Samples[0].NumElements;
        return Structural.Apply(new Sampled(Name, kind, generator, Shared(inputs.Randomness, total, inputs.Size)), batch);
    }

    /// <summary>The sequences of a batch of draws of so many elements each.</summary>
    private SampleSequences Shared(VmapRandomness randomness, long total, long size)
    {
        var (block, period) = (sequences.Block, sequences.Period);
        switch (randomness)
        {
            case VmapRandomness.Same when total <= block:
                return sequences with { Block = Math.Max(1, total * size) };
            case VmapRandomness.Same:
                throw new GradientException(
                    $"{Name}: vmap: samples that share their random numbers inside of samples that do not, inside of others that do, are not supported. Use one randomness for all.");
            case VmapRandomness.Different when block == period:
                return Reserve(generator, total * size);
            case VmapRandomness.Different:
                return Reserve(generator, total / block * period * size) with { Block = block, Period = period };
            default:
                throw BatchLevel.RandomnessError(Name);
        }
    }

    private static SampleSequences Reserve(Generator generator, long count)
    {
        ulong offset = generator.Reserve((ulong)count, out ulong seed);
        return new SampleSequences(seed, offset, Math.Max(count, 1), Math.Max(count, 1));
    }

    private static Tensor Inside(Level? level, string name, Tensor parameter)
    {
        while (level is not (null or BatchLevel { Randomness: not VmapRandomness.Same }))
        {
            level = level.Outer;
        }

        return level switch
        {
            null => parameter,
            BatchLevel { Randomness: VmapRandomness.Different } batch =>
                batch.Wrap(Inside(level.Outer, name, parameter.Unsqueeze(0).Expand(Shape.Own([batch.Size, .. parameter.Shape.AsSpan()])))),
            _ => throw BatchLevel.RandomnessError(name),
        };
    }
}

/// <summary>How a gamma variate, the first input, changes with its shape, the second.</summary>
internal sealed class GammaSlope() : StructuralOperation("StandardGammaGrad")
{
    public static GammaSlope Instance { get; } = new();

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs) => Sampling.Run(SampleKind.GammaDerivative, inputs[0], inputs[1], 0, new SampleSequences(0, 0, 1, 1));

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) => throw NotImplemented();

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) => throw NotImplemented();

    public override Tensor Batch(BatchInputs inputs) => Structural.Apply(this, inputs.Repeated(0), inputs.Repeated(1));

    private static GradientException NotImplemented() => new(
        "StandardGamma: the derivative for '_standard_gamma_grad' is not implemented: a gamma variate has first derivatives only. Detach the first one, or compute it without createGraph.");
}

/// <summary>Random numbers (the first input) that were drawn by other inputs: their derivative with respect to these is zero, as PyTorch's is.</summary>
internal sealed class DrawnBy(string name) : StructuralOperation(name)
{
    public override Tensor Forward(ReadOnlySpan<Tensor> inputs) => inputs[0].ShareValue();

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        for (int i = 1; i < needs.Length; i++)
        {
            inputGradients[i] = needs[i] ? Tensor.Zeros(gradient.Shape, gradient.DType, gradient.Device) : null;
        }
    }

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) => null;

    public override Tensor Batch(BatchInputs inputs)
    {
        var batch = new Tensor[inputs.Count];
        for (int i = 0; i < batch.Length; i++)
        {
            batch[i] = inputs.Repeated(i);
        }

        return Structural.Apply(this, batch);
    }
}

/// <summary>Random numbers written over a tensor: nothing of the old value is left.</summary>
internal sealed class Redrawn(string name) : IDifferentiable
{
    public string Name => name + "_";

    public string NodeName => name + "Backward0";

    public Saves Saves => Saves.None;

    public void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
    }
}
