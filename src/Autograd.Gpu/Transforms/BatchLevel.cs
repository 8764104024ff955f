namespace Autograd.Gpu.Transforms;

/// <summary>A map over the samples of a batch: each operation runs once for all of them.</summary>
internal sealed class BatchLevel(long size, VmapRandomness randomness) : Level
{
    public override string Name => "Vmap";

    /// <summary>Number of samples.</summary>
    public long Size { get; } = size;

    /// <summary>What random numbers drawn inside mean.</summary>
    public VmapRandomness Randomness { get; } = randomness;

    /// <summary>What drawing random numbers throws where they are an error.</summary>
    public static GradientException RandomnessError(string operation) => new(
        $"{operation}: vmap: called random operation while in randomness error mode. Please either use VmapRandomness.Same or VmapRandomness.Different on Vmap, "
        + "or draw the numbers outside.");

    /// <summary>The tensor, whose first dimension is the batch, as the program inside sees it.</summary>
    public Tensor Wrap(Tensor batch) => new(new BatchWrapper(this, batch));

    /// <summary>What stands for a tensor outside: all samples along the first dimension, repeated (as a view) if they share it.</summary>
    public Tensor Batch(Tensor tensor) =>
        Wraps(tensor) ? Unwrap(tensor) : tensor.Unsqueeze(0).Expand(Shape.Own([Size, .. tensor.Shape.AsSpan()]));

    protected override Tensor Process(IOperation operation, ReadOnlySpan<Tensor> inputs)
    {
        if (!IsOpen)
        {
            throw new GradientException(
                $"{operation.Name}: a tensor of shape {inputs[0].Shape} from inside Vmap is used after Vmap has ended. Return it from the mapped function instead of keeping it.");
        }

        return Wrap(operation.Batch(new BatchInputs(this, inputs)));
    }
}

/// <summary>The inputs of an operation inside a map over a batch.</summary>
internal readonly ref struct BatchInputs(BatchLevel level, ReadOnlySpan<Tensor> samples)
{
    /// <summary>The inputs as the program sees them, without the batch.</summary>
    public ReadOnlySpan<Tensor> Samples { get; } = samples;

    /// <summary>Number of samples.</summary>
    public long Size => level.Size;

    public int Count => Samples.Length;

    /// <summary>What random numbers mean.</summary>
    public VmapRandomness Randomness => level.Randomness;

    /// <summary>The input with the batch as its first dimension if it has one, otherwise as it is.</summary>
    public Tensor this[int index] => level.Unwrap(Samples[index]);

    public bool IsBatched(int index) => level.Wraps(Samples[index]);

    /// <summary>The input with the batch as its first dimension, repeated (as a view) if all samples share it.</summary>
    public Tensor Repeated(int index) => level.Batch(Samples[index]);

    /// <summary>
    /// The input with as many dimensions of size 1 between the batch and its own that these are the last of <paramref name="rank"/>; an input without
    /// batch broadcasts as it is.
    /// </summary>
    public Tensor Aligned(int index, int rank)
    {
        var input = this[index];
        int missing = rank - Samples[index].Rank;
        if (!IsBatched(index) || missing == 0)
        {
            return input;
        }

        var sizes = new long[rank + 1];
        Array.Fill(sizes, 1);
        sizes[0] = Size;
        input.Shape.AsSpan()[1..].CopyTo(sizes.AsSpan(missing + 1));
        return input.Reshape(sizes);
    }
}
