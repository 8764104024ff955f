using Autograd.Gpu.Lazy;
using Autograd.Gpu.Operations;
using Autograd.Gpu.Tape;

namespace Autograd.Gpu;

// How writes in place change histories: see Note [Views and in-place writes] in ViewInfo.cs.
public sealed partial class Tensor
{
    /// <summary>
    /// Whether the tensor was made in <see cref="Autodiff.InferenceMode"/>, or is a view of one that was. Such a tensor takes no part in recorded
    /// computation and does not track versions; <see cref="Clone"/> makes an ordinary one of it.
    /// </summary>
    public bool IsInference => Versions.IsInference && !IsWrappedNumber;

    /// <summary>The version for a node of this name that saves this tensor.</summary>
    /// <exception cref="GradientException">The tensor was made in inference mode.</exception>
    internal int VersionToSave(string node) => !IsInference
        ? Versions.Version
        : throw new GradientException(
            $"{node}: Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in computation tracked by autograd. To work around this, "
            + $"you can make a clone to get a normal tensor and use it in autograd. (The tensor has shape {Shape}.)");

    /// <summary>Makes this tensor, in place, a leaf that requires no gradient. Prefer <see cref="Detach"/>, which leaves this tensor as it is.</summary>
    /// <exception cref="GradientException">The tensor is a view, or inside a function transform.</exception>
    public Tensor Detach_()
    {
        if (_view is not null)
        {
            throw new GradientException(
                $"Detach_: Can't detach views in-place. Use Detach() instead. (This is a view, of shape {Shape}, of a tensor of shape {_view.Base.Shape}, which has the history.)");
        }

        if (Wrapper is { } wrapper)
        {
            throw new GradientException($"Detach_: a tensor of shape {Shape} inside {wrapper.Level.Name} cannot be detached in place. Use Detach() instead.");
        }

        DropHistory();
        return this;
    }

    /// <summary>
    /// Makes this tensor, over which an operation has just written, the output of that operation's node; for a view that is a new history of its base.
    /// </summary>
    /// <param name="node">The node, whose edges were taken before the write.</param>
    /// <param name="outputNumber">Which output of the node this tensor is; for a view the node must have one output.</param>
    /// <param name="written">Which of the node's inputs is the old value of this tensor.</param>
    /// <exception cref="GradientException">The tensor is a view and the node has several outputs.</exception>
    internal void RebaseHistory(Node node, int outputNumber = 0, int written = 0)
    {
        if (_view is not { } view)
        {
            ReplaceHistory(node, outputNumber);
            return;
        }

        if (node.OutputCount != 1)
        {
            throw new GradientException(
                $"{node.Name}: If a Function modifies a view in place, it must return this one tensor alone; it returns {node.OutputCount}. "
                + $"Give it a Clone() instead of the view (shape {Shape}), or write to what it is a view of.");
        }

        // The base itself may have been disposed.
        view.Base.ReplaceHistory(new CopySlices(view, DType, view.Base.GradientEdge(), node, written) { Device = Device });
    }

    /// <summary>Refuses writes that would falsify a gradient or that have no meaning.</summary>
    /// <param name="operation">The operation that wants to write.</param>
    /// <param name="records">Whether the write will be recorded.</param>
    internal void CheckInPlace(string operation, bool records)
    {
        if (IsInference && !GradMode.IsInference)
        {
            throw new GradientException(
                $"{operation}: Inplace update to inference tensor outside InferenceMode is not allowed. You can make a clone to get a normal tensor before doing inplace update. "
                + $"(The tensor has shape {Shape}.)");
        }

        // A write through a view that knows nothing of its base's history is no less a write to the base.
        if (_view is { } view && (records || (GradMode.IsEnabled && view.Base.RequiresGrad)))
        {
            CheckView(operation, view);
        }

        if (_requiresGrad && IsLeaf && GradMode.IsEnabled)
        {
            throw new GradientException(
                $"{operation}: a leaf Variable that requires grad is being used in an in-place operation. "
                + "Update it under using (Autodiff.NoGrad()), or use the out-of-place form.");
        }

        if (!Layout.IsContiguous && RepeatedDim(Layout) is { } dim)
        {
            throw new ShapeException(
                $"{operation}: unsupported operation: more than one element of the written-to tensor refers to a single memory location "
                + $"(dimension {dim} of shape {Shape} is expanded). Please Clone() the tensor before performing the operation.");
        }
    }

    /// <summary>Remembers what this result of an operation is a view of, if it is one.</summary>
    internal Tensor NoteView(IReplayable operation, Tensor input)
    {
        if (ReferenceEquals(this, input))
        {
            return this;
        }

        // What an operation puts together from views of temporaries is no view.
        bool isView = DType.IsFloatingPoint() && !IsInference && ReferenceEquals(Plain._storage, input.Plain._storage);
        _view = isView ? new ViewInfo(input._view?.Base ?? input, operation, input._view, OriginOf(operation, input._view), Versions.Version) : null;
        return this;
    }

    /// <summary>The tensor with the elements of one of its views replaced; <paramref name="layout"/> is that of the tensor that the view was made of.</summary>
    internal Tensor WithPart(IReplayable[] path, Layout layout, Tensor part) => Structural.Apply(ViewScatter.Of(path, layout), this, part);

    private static ViewOrigin OriginOf(IReplayable operation, ViewInfo? parent) =>
        GradMode.IsEnabled ? operation is IMultiOutput ? ViewOrigin.MultiOutput : parent?.Origin ?? ViewOrigin.Recorded
        : GradMode.IsInference ? ViewOrigin.Inference
        : ViewOrigin.NoGrad;

    private static int? RepeatedDim(Layout layout)
    {
        for (int d = 0; d < layout.Rank; d++)
        {
            if (layout.Strides[d] == 0 && layout.Shape[d] > 1)
            {
                return d;
            }
        }

        return null;
    }

    private void CheckView(string operation, ViewInfo view)
    {
        if (view.Origin != ViewOrigin.Recorded)
        {
            throw view.Refusal(operation, this, _gradFn, isIndirect: false);
        }

        if (RequiresGrad && view.Base.IsLeaf)
        {
            throw new GradientException(
                $"{operation}: a view of a leaf Variable that requires grad is being used in an in-place operation. "
                + $"(The view has shape {Shape}, the leaf {view.Base.Shape}.) Write under using (Autodiff.NoGrad()), or to a Clone() of the leaf.");
        }

        if (RepeatedDim(view.Base.Layout) is { } dim)
        {
            throw new GradientException(
                $"{operation}: a recorded write to a view (shape {Shape}) of a detached tensor whose dimension {dim} is expanded (shape {view.Base.Shape}) is not supported, "
                + "since it changes several elements of that tensor at once. Clone() the detached tensor first.");
        }
    }

    /// <summary>The history of a view, taken anew from its base if the memory was written since.</summary>
    private Node? CurrentHistory(ViewInfo view)
    {
        if (view.Version == Versions.Version || (_gradFn is null && !view.Base.RequiresGrad) || view.Base.Wrapper is { Level.IsOpen: false })
        {
            return _gradFn;
        }

        lock (view)
        {
            int version = Versions.Version;
            if (view.Version != version)
            {
                if (view.Origin != ViewOrigin.Recorded)
                {
                    throw view.Refusal("GradFn", this, _gradFn, isIndirect: true);
                }

                using var mode = GradMode.Record();
                var again = ViewInfo.Replay(view.Path(), OnMyStorage(view.Base));
                _gradFn = again._gradFn;
                OutputNumber = again.OutputNumber;
                view.Version = version;
                if (_retained is not null && _gradFn is not null)
                {
                    RetainFrom(_gradFn, OutputNumber);
                }
            }

            return _gradFn;
        }
    }

    /// <summary>The base of this view, or, if that was disposed, another handle on its memory with its history.</summary>
    private Tensor OnMyStorage(Tensor tensor)
    {
        if (tensor._storage is not null || tensor.Wrapper is not null)
        {
            return tensor;
        }

        var edge = tensor.GradientEdge();
        return new Tensor(Storage, tensor.Layout, Versions)
        {
            _gradFn = tensor._gradFn,
            OutputNumber = edge.OutputNumber,
            _requiresGrad = tensor._requiresGrad,
            _accumulator = tensor._accumulator,
        };
    }
}
