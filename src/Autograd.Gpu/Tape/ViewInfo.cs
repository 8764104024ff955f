namespace Autograd.Gpu.Tape;

/// <summary>Under which circumstances a view was made, and so whether a recorded write through it can be told apart from its making.</summary>
internal enum ViewOrigin
{
    /// <summary>With recording on.</summary>
    Recorded,

    /// <summary>By a function that returns several views, of which one node computes the gradient.</summary>
    MultiOutput,

    /// <summary>Under <c>NoGrad</c>.</summary>
    NoGrad,

    /// <summary>In inference mode, of a tensor that is none of its own.</summary>
    Inference,

    /// <summary>By a function of the program's own that returned an input as it is.</summary>
    Function,
}

/// <summary>What a view of a floating-point tensor remembers of it.</summary>
/// <remarks>
/// Note [Views and in-place writes].
/// A view and what it is a view of, its base, show the same memory; so a recorded write through one of them changes how the values of all came about. The
/// history belongs to the base: a write through a view gives the base a new node, <see cref="CopySlices"/>, and every view takes its own history anew
/// from the base when it is next asked for it, by applying the view's operations to the base again. That it has to do so it sees from the count of versions. Thus a
/// write costs no walk over the views, and the base knows none of them: a view holds its base, never the reverse.
/// Views of views hold the first base and the chain of operations that leads to them, not the views between.
/// </remarks>
internal sealed class ViewInfo(Tensor @base, IReplayable operation, ViewInfo? parent, ViewOrigin origin, int version)
{
    private readonly ViewInfo? _parent = parent;

    /// <summary>The tensor, itself no view, whose memory is shown.</summary>
    public Tensor Base { get; } = @base;

    public IReplayable Operation { get; } = operation;

    public ViewOrigin Origin { get; } = origin;

    /// <summary>Whether the view requires gradients because its base does, perhaps only since the view was made.</summary>
    public bool RequiresGrad => Origin <= ViewOrigin.MultiOutput && Base.RequiresGrad;

    /// <summary>The version for which the view's history holds.</summary>
    public int Version { get; set; } = version;

    /// <summary>The operations that lead from the base to the view. Whoever keeps them does not keep the base.</summary>
    public IReplayable[] Path()
    {
        int length = 0;
        for (var view = this; view is not null; view = view._parent)
        {
            length++;
        }

        var path = new IReplayable[length];
        for (var view = this; view is not null; view = view._parent)
        {
            path[--length] = view.Operation;
        }

        return path;
    }

    /// <summary>The view of another tensor of the base's shape.</summary>
    public static Tensor Replay(IReplayable[] path, Tensor tensor)
    {
        foreach (var operation in path)
        {
            tensor = operation.Apply([tensor]);
        }

        return tensor;
    }

    /// <summary>
    /// Why a recorded write through this view is refused, or, if <paramref name="isIndirect"/>, why its history cannot be told after a write to its base.
    /// </summary>
    public GradientException Refusal(string operation, Tensor view, Node? node, bool isIndirect)
    {
        string written = isIndirect ? "its base or another view of its base has been" : "is being";
        string header = (Origin, node) switch
        {
            (ViewOrigin.Function, _) => $"Output {view.OutputNumber} of {node?.Name ?? "a Function"} is a view and {written} modified inplace.",
            (ViewOrigin.MultiOutput, _) =>
                $"Output {(Operation as IMultiOutput)?.OutputNumber ?? view.OutputNumber} of {node?.Name ?? Operation.NodeName} is a view and {written} modified inplace.",
            (_, null) => $"A view was created in {ModeName} mode and {written} modified inplace {Outside}.",
            (_, { } made) => $"Output {view.OutputNumber} of {made.Name} is a view of a view which was created in {ModeName} mode and {written} modified inplace {Outside}.",
        };
        string reason = Origin == ViewOrigin.Function
            ? "This view was created inside a custom Function (or because an input was returned as-is) and the autograd logic to handle view+inplace would override the custom backward "
                + "associated with the custom Function, leading to incorrect gradients. This behavior is forbidden. You can fix this by cloning the output of the custom Function."
            : Origin == ViewOrigin.MultiOutput
            ? "This view is the output of a function that returns multiple views. Such functions do not allow the output views to be modified inplace. "
                + "You should replace the inplace operation by an out-of-place one, or take the part with Narrow or Select."
            : "Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view and the inplace either both inside the "
                + $"{(Origin == ViewOrigin.Inference ? "inference_mode" : "no_grad")} block (if you don't want the inplace to be tracked) or both outside (if you want the inplace to be tracked).";
        return new GradientException($"{operation}: {header} {reason} (The view has shape {view.Shape}, its base {Base.Shape}.)");
    }

    private string ModeName => Origin == ViewOrigin.Inference ? "inference" : "no_grad";

    private string Outside => Origin == ViewOrigin.Inference ? "in normal mode" : "with grad mode enabled";
}

/// <summary>An operation that can be applied again.</summary>
internal interface IReplayable : IDifferentiable
{
    /// <summary>Applies the operation, through whatever transforms its inputs are wrapped in.</summary>
    Tensor Apply(ReadOnlySpan<Tensor> inputs);
}

/// <summary>A view operation that makes one of several outputs of a function.</summary>
internal interface IMultiOutput
{
    int OutputNumber { get; }
}
