namespace Autograd.Gpu;

/// <summary>Whether the output of an operation in a checkpointed function is kept or computed again. Must and prefer are the same here.</summary>
public enum CheckpointPolicy
{
    /// <summary>Computed again in the backward pass.</summary>
    PreferRecompute,

    /// <summary>Computed again in the backward pass.</summary>
    MustRecompute,

    /// <summary>Kept.</summary>
    PreferSave,

    /// <summary>Kept.</summary>
    MustSave,
}

/// <summary>What is checked when a checkpointed function has run again.</summary>
public enum DeterminismCheck
{
    /// <summary>That it saved as many tensors as the first time, of the same shapes, dtypes and devices.</summary>
    Metadata,

    /// <summary>That it saved as many tensors as the first time.</summary>
    None,
}

/// <summary>How <see cref="Autodiff.Checkpoint{T}(Func{Tensor, T}, Tensor, CheckpointOptions?)"/> goes about it.</summary>
public sealed record CheckpointOptions
{
    /// <summary>The defaults.</summary>
    public static CheckpointOptions Default { get; } = new();

    /// <summary>
    /// Whether the second run draws the same random numbers as the first: from the generators of the inputs' devices, of the default device and of
    /// <see cref="Generators"/>. They go on afterwards where they were.
    /// </summary>
    public bool PreserveRngState { get; init; } = true;

    /// <summary>Generators of the program's own that the function draws from.</summary>
    public IReadOnlyList<Generator> Generators { get; init; } = [];

    /// <summary>
    /// Whether the second run ends as soon as it has computed all that the backward pass needs. It is ended by an exception, which the library catches; a function that
    /// catches it itself just goes on.
    /// </summary>
    public bool EarlyStop { get; init; } = true;

    /// <summary>What is checked after the second run.</summary>
    public DeterminismCheck DeterminismCheck { get; init; }

    /// <summary>
    /// Which operations' outputs are kept, by the name of the operation as errors show it (<c>MatMul</c>, <c>Softmax</c>, <c>Tanh</c>); null for none. It is asked about
    /// recorded matrix products, reductions, softmaxes and pointwise operations; all others (views, copies, writes in place) run again.
    /// </summary>
    public Func<string, CheckpointPolicy>? Policy { get; init; }
}
