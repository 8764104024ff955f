using Autograd.Gpu.Lazy;
using Autograd.Gpu.Tape;

namespace Autograd.Gpu;

public sealed partial class Tensor
{
    private bool _requiresGrad;
    private AccumulateGrad? _accumulator;
    private int _history;

    /// <summary>
    /// Whether operations on this tensor are recorded. Can be set on leaves of a floating-point dtype; what is computed from a tensor that requires
    /// gradients requires them too.
    /// </summary>
    /// <exception cref="GradientException">The tensor is not a leaf.</exception>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    public bool RequiresGrad
    {
        get => _requiresGrad || GradFn is not null;
        set => RequiresGrad_(value);
    }

    /// <summary>The node of the operation that made this tensor, or null for a leaf.</summary>
    public Node? GradFn { get; private set; }

    /// <summary>Whether the tensor was made by the program and not by a recorded operation. Gradients accumulate in leaves that require them.</summary>
    public bool IsLeaf => GradFn is null;

    /// <summary>The gradient accumulated by the backward passes so far, or null. Set it to null before the next pass to start over.</summary>
    public Tensor? Grad { get; set; }

    /// <summary>The same memory without history and with versions of its own: writes through it are not noticed by the tape. Prefer <see cref="Detach"/>.</summary>
    public Tensor Data => new(Storage, Layout, new VersionCounter());

    internal int OutputNumber { get; private set; }

    /// <summary>Sets <see cref="RequiresGrad"/> and returns this tensor.</summary>
    public Tensor RequiresGrad_(bool requiresGrad = true)
    {
        if (!IsLeaf && !requiresGrad)
        {
            throw new GradientException(
                $"RequiresGrad_: you can only change requires_grad flags of leaf variables, and this tensor was made by {GradFn!.Name}. "
                + "To use the value without its history call Detach().");
        }

        if (requiresGrad && !DType.IsFloatingPoint())
        {
            throw new DTypeException(
                $"RequiresGrad_: only Tensors of floating point dtype can require gradients, but this one is {DType.Name()}. Convert it with To(DType.Float32).");
        }

        _requiresGrad = requiresGrad;
        return this;
    }

    /// <summary>The same memory without history: a leaf that requires no gradient. Writes in place are seen through both, and the tape notices them.</summary>
    public Tensor Detach() => View(Layout);

    /// <summary>
    /// Computes the gradients of this tensor with respect to the leaves that it was computed from and adds them to their <see cref="Grad"/>.
    /// </summary>
    /// <param name="gradient">The gradient with respect to this tensor, of its shape; may be left out for a tensor of one element, where it is 1.</param>
    /// <param name="retainGraph">Whether the saved values are kept for another backward pass; by default as <paramref name="createGraph"/>.</param>
    /// <param name="createGraph">Whether the pass is recorded, so that gradients can be differentiated again.</param>
    /// <exception cref="GradientException">The tensor has no history, or is not a scalar and no gradient is given, or the graph's saved values are gone or were modified.</exception>
    /// <exception cref="ShapeException">The gradient's shape is not the tensor's.</exception>
    public void Backward(Tensor? gradient = null, bool? retainGraph = null, bool createGraph = false) =>
        Autodiff.Backward([this], gradient is null ? null : [gradient], retainGraph, createGraph);

    /// <summary>Another handle on this value, as the output of <paramref name="node"/>.</summary>
    internal Tensor WithHistory(Node node)
    {
        var tensor = View(Layout);
        tensor.SetHistory(node);
        return tensor;
    }

    /// <summary>Makes this tensor the output of <paramref name="node"/>.</summary>
    internal void SetHistory(Node node, int outputNumber = 0)
    {
        GradFn = node;
        OutputNumber = outputNumber;
        _requiresGrad = false;
        _history = Versions.Histories;
    }

    /// <summary>The same after a write in place.</summary>
    internal void ReplaceHistory(Node node)
    {
        Versions.CountHistory();
        SetHistory(node);
    }

    internal void SetGrad(Tensor gradient) => Grad = gradient;

    /// <summary>Where this tensor's gradient goes; no node if it requires none.</summary>
    /// <exception cref="GradientException">What this is a view of was written in place since, and that was recorded.</exception>
    internal Edge GradientEdge()
    {
        if (GradFn is not null)
        {
            if (_history != Versions.Histories)
            {
                throw new GradientException(
                    $"{GradFn.Name}: this view of shape {Shape} was made before a recorded in-place operation on the tensor that it is a view of, "
                    + "so its history does not tell how its present value was computed. Make the view again after the in-place operation.");
            }

            return new Edge(GradFn, OutputNumber);
        }

        if (!_requiresGrad)
        {
            return default;
        }

        return new Edge(_accumulator ?? Interlocked.CompareExchange(ref _accumulator, new AccumulateGrad(this), null) ?? _accumulator, 0);
    }
}
