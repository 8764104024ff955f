using Autograd.Gpu.Lazy;

namespace Autograd.Gpu.Tape;

/// <summary>
/// A recorded write through a view, as an operation on the view's base: all of the base as it was, but for the view's elements, which <c>function</c> computed. See Note
/// [Views and in-place writes].
/// </summary>
/// <remarks>
/// The gradient of the new base is that of the old one outside of the view. Inside, it is what the function makes of the view's part of the gradient.
/// </remarks>
internal sealed class CopySlices : Node
{
    private readonly IReplayable[] _path;
    private readonly Layout _layout;
    private readonly DType _dtype;
    private readonly Node _function;
    private readonly int _written;

    /// <param name="view">The view that was written.</param>
    /// <param name="dtype">The view's dtype, and the base's.</param>
    /// <param name="previous">Where the gradient of the base's old value goes.</param>
    /// <param name="function">The node of the operation that wrote, which made the view's new value.</param>
    /// <param name="written">Which of the operation's inputs is the view's old value.</param>
    public CopySlices(ViewInfo view, DType dtype, Edge previous, Node function, int written)
        : base("CopySlices", WithEdge(function.Edges, written, previous))
    {
        // Not the base itself, whose history this node is.
        _path = view.Path();
        _layout = view.Base.Layout;
        _dtype = dtype;
        _function = function;
        _written = written;
    }

    internal override (Shape Shape, DType DType) OutputOf(int outputNumber) => (_layout.Shape, _dtype);

    internal override void Backward(ReadOnlySpan<Tensor?> outputGradients, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        if (outputGradients[0] is not { } gradient)
        {
            return;
        }

        var part = ViewInfo.Replay(_path, gradient);
        _function.Backward(new ReadOnlySpan<Tensor?>(in part!), inputGradients, needs);
        if (needs[_written])
        {
            ref var old = ref inputGradients[_written];
            old = gradient.WithPart(_path, _layout, old ?? Tensor.ZerosLike(part));
        }
    }

    internal override void ReleaseSaved() => _function.ReleaseSaved();

    private static Edge[] WithEdge(Edge[] edges, int index, Edge edge)
    {
        var copy = edges.ToArray();
        copy[index] = edge;
        return copy;
    }
}
