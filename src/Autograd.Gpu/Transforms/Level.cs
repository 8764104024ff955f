namespace Autograd.Gpu.Transforms;

/// <summary>
/// One function transform in progress: a differentiation, a forward-mode pass, a map over a batch.
/// </summary>
/// <remarks>
/// Note [Function transforms].
/// A transform runs the user's function on wrapped tensors. A wrapped tensor has no memory of its own: it stands for another tensor, together
/// with what the transform needs to know of it (its place on a tape, its tangent, its batch dimension). Transforms nest, so what is wrapped
/// may be wrapped itself. An operation looks for the innermost transform among its inputs, the one with the highest number, which
/// takes its own wrapping off, applies the operation to what was inside, where the next transform takes its turn, and wraps the result
/// again. Inputs that this transform did not wrap are constants for it. That is all there is to nesting: no transform knows of another.
///
/// A transform that has ended is closed. Its tensors may live on, in the graph that a vector-Jacobian product replays: a closed
/// differentiation or forward pass takes its wrapping off and puts none back.
/// </remarks>
internal abstract class Level : IDisposable
{
    private static long s_count;

    [ThreadStatic]
    private static Level? s_current;

    private readonly Level? _outer;

    protected Level()
    {
        Number = Interlocked.Increment(ref s_count);
        _outer = Current;
        s_current = this;
    }

    /// <summary>The innermost transform in progress on this thread.</summary>
    public static Level? Current
    {
        get
        {
            while (s_current is { IsOpen: false })
            {
                s_current = s_current._outer;
            }

            return s_current;
        }

        set => s_current = value;
    }

    /// <summary>Transforms further in have higher numbers.</summary>
    public long Number { get; }

    /// <summary>Whether the transform is in progress.</summary>
    public bool IsOpen { get; private set; } = true;

    /// <summary>The transform around this one.</summary>
    public Level? Outer => _outer;

    /// <summary>What errors call it: <c>Vmap</c>.</summary>
    public abstract string Name { get; }

    /// <summary>Ends the transform.</summary>
    public void Dispose() => IsOpen = false;

    /// <summary>Applies an operation some of whose inputs are wrapped.</summary>
    public static Tensor Dispatch(IOperation operation, ReadOnlySpan<Tensor> inputs) => Innermost(inputs)!.Process(operation, inputs);

    /// <summary>The transform that an operation on these inputs has to ask first.</summary>
    public static Level? Innermost(ReadOnlySpan<Tensor> inputs)
    {
        Level? innermost = null;
        foreach (var input in inputs)
        {
            if (input.Wrapper is { } wrapper && (innermost is null || wrapper.Level.Number > innermost.Number))
            {
                innermost = wrapper.Level;
            }
        }

        return innermost;
    }

    /// <summary>The tensor without the wrappings of differentiations and forward passes that have ended: what it stands for now.</summary>
    public static Tensor WithoutClosed(Tensor tensor)
    {
        while (tensor.Wrapper is { Level: { IsOpen: false } and not BatchLevel } wrapper)
        {
            tensor = wrapper.Inner;
        }

        return tensor;
    }

    /// <summary>Whether this transform wrapped the tensor last.</summary>
    public bool Wraps(Tensor tensor) => ReferenceEquals(tensor.Wrapper?.Level, this);

    /// <summary>The tensor without this transform's wrapping.</summary>
    public Tensor Unwrap(Tensor tensor) => Wraps(tensor) ? tensor.Wrapper!.Inner : tensor;

    /// <summary>Whether two tensors show the same memory.</summary>
    protected static bool SharesMemory(Tensor first, Tensor second) => ReferenceEquals(first.Plain.Storage, second.Plain.Storage);

    /// <summary>The inputs without this transform's wrapping.</summary>
    protected Tensor[] Unwrap(ReadOnlySpan<Tensor> tensors)
    {
        var inner = new Tensor[tensors.Length];
        for (int i = 0; i < inner.Length; i++)
        {
            inner[i] = Unwrap(tensors[i]);
        }

        return inner;
    }

    /// <summary>Applies an operation to inputs at least one of which this transform wrapped, and none a transform further in.</summary>
    protected abstract Tensor Process(IOperation operation, ReadOnlySpan<Tensor> inputs);
}
