using Autograd.Gpu.Lazy;
using Autograd.Gpu.Tape;
using Autograd.Gpu.Transforms;

namespace Autograd.Gpu;

public sealed partial class Tensor
{
    private bool _requiresGrad;
    private AccumulateGrad? _accumulator;
    private Tensor? _grad;
    private bool _isGradUnseen;
    private Node? _gradFn;
    private ViewInfo? _view;

    /// <summary>
    /// Whether operations on this tensor are recorded. Can be set on leaves of a floating-point dtype; what is computed from a tensor that requires
    /// gradients requires them too.
    /// </summary>
    /// <exception cref="GradientException">The tensor is not a leaf.</exception>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    public bool RequiresGrad
    {
        get => _requiresGrad || _gradFn is not null || (_view is not null && _view.RequiresGrad) || (Wrapper is { } wrapper and not GradWrapper && wrapper.Inner.RequiresGrad);
        set => RequiresGrad_(value);
    }

    /// <summary>
    /// The node of the operation that made this tensor, or null for a leaf. For a view of a tensor that was written in place since, it is the node of the
    /// view of the present value.
    /// </summary>
    /// <exception cref="GradientException">
    /// The tensor is a view that was made under <c>NoGrad</c> or in inference mode, or one of several views that one function returned, and what it is a view
    /// of was written in place since.
    /// </exception>
    public Node? GradFn => (_view is null ? _gradFn : CurrentHistory(_view)) ?? (Wrapper is DualWrapper ? Wrapper.Inner.GradFn : null);

    /// <summary>Whether the tensor was made by the program and not by a recorded operation. Gradients accumulate in leaves that require them.</summary>
    public bool IsLeaf => (_view is { Origin: not ViewOrigin.Recorded } ? _gradFn : GradFn) is null;

    /// <summary>
    /// The gradient accumulated by the backward passes so far, or null. Set it to null before the next pass to start over. Passes add to the tensor
    /// that is there in place, or put the sum in its place if they are recorded (<c>createGraph: true</c>).
    /// </summary>
    /// <exception cref="ShapeException">The gradient's shape is not this tensor's.</exception>
    /// <exception cref="DTypeException">The gradient's dtype is not this tensor's.</exception>
    /// <exception cref="DeviceMismatchException">The gradient is on another device.</exception>
    /// <exception cref="GradientException">The gradient is this tensor itself.</exception>
    public Tensor? Grad
    {
        get
        {
            if (_isGradUnseen)
            {
                _isGradUnseen = false;
                Interlocked.MemoryBarrier(); // before the read, see the setter
            }

            return _grad;
        }

        set
        {
            if (value is not null)
            {
                CheckGrad(value);
            }

            if (_isGradUnseen && _grad?._storage?.Device is { } device)
            {
                // Not while a pass on another thread adds to it.
                using (device.Gate.Enter())
                {
                    ReplaceGrad(value)?.Dispose();
                }

                return;
            }

            ReplaceGrad(value);
        }
    }

    /// <summary>The same memory without history and with versions of its own: writes through it are not noticed by the tape. Prefer <see cref="Detach"/>.</summary>
    public Tensor Data => Wrapper is { } wrapper ? Inside(wrapper, wrapper.Inner.Data) : new(Storage, Layout, new VersionCounter { IsInference = Versions.IsInference });

    internal int OutputNumber
    {
        get => Wrapper is DualWrapper dual ? dual.Value.OutputNumber : field;
        private set;
    }

    /// <summary>Sets <see cref="RequiresGrad"/> and returns this tensor.</summary>
    public Tensor RequiresGrad_(bool requiresGrad = true)
    {
        if (Wrapper is not (null or GradWrapper))
        {
            throw new GradientException(
                $"RequiresGrad_: you are attempting to call RequiresGrad_() on a tensor of shape {Shape} inside {Wrapper.Level.Name}. "
                + "Use a function transform instead, such as Autodiff.Grad(f), Autodiff.Vjp or Autodiff.Jvp.");
        }

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

        if (requiresGrad && IsInference && !GradMode.IsInference)
        {
            throw new GradientException(
                $"RequiresGrad_: Setting requires_grad=True on inference tensor outside InferenceMode is not allowed. (The tensor has shape {Shape}.) Clone() it to get a normal tensor.");
        }

        _requiresGrad = requiresGrad;
        return this;
    }

    /// <summary>The same memory without history: a leaf that requires no gradient. Writes in place are seen through both, and the tape notices them.</summary>
    public Tensor Detach() => Wrapper is { } wrapper ? Inside(wrapper, wrapper.Inner.Detach()) : View(Layout);

    /// <summary>
    /// Computes the gradients of this tensor with respect to the leaves that it was computed from and adds them to their <see cref="Grad"/>.
    /// </summary>
    /// <param name="gradient">The gradient with respect to this tensor, of its shape; may be left out for a tensor of one element, where it is 1.</param>
    /// <param name="retainGraph">Whether the saved values are kept for another backward pass; by default as <paramref name="createGraph"/>.</param>
    /// <param name="createGraph">
    /// Whether the pass is recorded, so that gradients can be differentiated again. <see cref="Grad"/> then holds on to the graph that leads back to this leaf: the
    /// garbage collector takes such a cycle, but memory comes back earlier if <see cref="Grad"/> is set to null after use, or with <c>Autodiff.Grad</c>.
    /// </param>
    /// <param name="inputs">If given, only their gradients are computed and accumulated; they may be intermediate results, which then retain theirs.</param>
    /// <exception cref="GradientException">
    /// The tensor has no history, or is not a scalar and no gradient is given, or the graph's saved values are gone or were modified, or
    /// <paramref name="inputs"/> is empty or has one that requires no gradient.
    /// </exception>
    /// <exception cref="ShapeException">The gradient's shape is not the tensor's.</exception>
    public void Backward(Tensor? gradient = null, bool? retainGraph = null, bool createGraph = false, IReadOnlyList<Tensor>? inputs = null) =>
        Autodiff.Backward([this], gradient is null ? null : [gradient], retainGraph, createGraph, inputs);

    /// <summary>Another handle on this value, as the output of <paramref name="node"/>.</summary>
    internal Tensor WithHistory(Node node, int outputNumber = 0)
    {
        var tensor = WithoutHistory();
        tensor.SetHistory(node, outputNumber);
        return tensor;
    }

    /// <summary>Makes this tensor the output of <paramref name="node"/>.</summary>
    internal void SetHistory(Node node, int outputNumber = 0)
    {
        _gradFn = node;
        OutputNumber = outputNumber;
        _requiresGrad = false;
        node.Device ??= Device;
        if (_retained is not null)
        {
            RetainFrom(node, outputNumber);
        }
    }

    /// <summary>Makes this tensor, which is not a view, the output of the node of the operation that wrote over it; see <see cref="RebaseHistory"/>.</summary>
    internal void ReplaceHistory(Node node, int outputNumber = 0) => SetHistory(node, outputNumber);

    /// <summary>Makes this tensor a leaf again, one that requires no gradient.</summary>
    internal void DropHistory()
    {
        _gradFn = null;
        OutputNumber = 0;
        _requiresGrad = false;
        StopRetaining();
    }

    /// <summary>The node that recorded that call of an operation, if it made this tensor.</summary>
    internal OperationNode? NodeOf(IDifferentiable operation) =>
        (Wrapper is DualWrapper dual ? dual.Value._gradFn : _gradFn) is OperationNode node && node.Runs(operation) ? node : null;

    /// <summary>A value that a transform does not record or carry a tangent for; a batch stays a batch.</summary>
    private static Tensor Inside(Wrapper wrapper, Tensor inner) => wrapper is BatchWrapper ? wrapper.Rewrap(inner) : inner;

    /// <summary><see cref="Grad"/> for the library's own use, which keeps no handle on it.</summary>
    internal Tensor? PeekGrad => _grad;

    /// <summary>Whether this is the only handle on memory that it fills and that was never written over, without a history: a gradient that may be a leaf's as it is.</summary>
    internal bool IsUnshared => _storage is { HasOneHandle: true, Version: 0, IsInference: false } storage && Layout.IsWhole(storage.Count)
        && _gradFn is null && _view is null && !_requiresGrad && !IsWrappedNumber;

    /// <summary><see cref="PeekGrad"/> for a step of an optimiser: the value alone, for a parameter has no tangent that one of its gradient could change.</summary>
    internal Tensor? GradToApply => _grad?.Wrapper is DualWrapper dual ? dual.Value : _grad;

    /// <summary>
    /// Sets <see cref="Grad"/> to what the backward pass computed, which fits. If it is <paramref name="own"/>, a handle that nobody else has, its memory goes
    /// back as soon as <see cref="Grad"/> is set to something else, provided that nobody asked for it.
    /// </summary>
    internal void SetGrad(Tensor gradient, bool own = false)
    {
        _isGradUnseen = false;
        _grad = gradient;
        _isGradUnseen = own;
    }

    /// <summary>Puts a gradient in the place of another, which is returned if nobody but this tensor knows it.</summary>
    private Tensor? ReplaceGrad(Tensor? value)
    {
        // Whoever reads the property on another thread meanwhile either finds nothing or has said so before the flag is looked at.
        var old = Interlocked.Exchange(ref _grad, value);
        bool wasUnseen = _isGradUnseen;
        _isGradUnseen = false;
        return wasUnseen ? old : null;
    }

    /// <summary>Where this tensor's gradient goes; no node if it requires none.</summary>
    /// <exception cref="GradientException">The tensor is a view whose history cannot be told: see <see cref="GradFn"/>.</exception>
    internal Edge GradientEdge()
    {
        if ((_view is null ? _gradFn : CurrentHistory(_view)) is { } node)
        {
            return new Edge(node, OutputNumber);
        }

        if (!_requiresGrad)
        {
            if (Wrapper is DualWrapper)
            {
                // A dual's gradient is its value's.
                return Wrapper.Inner.GradientEdge();
            }

            if (Wrapper is not (null or GradWrapper) && RequiresGrad)
            {
                throw new GradientException(
                    $"Grad: a tensor of shape {Shape} inside {Wrapper.Level.Name} has no place on the tape of its own. "
                    + "Differentiate with a function transform inside: Autodiff.Grad(f) or Autodiff.Vjp.");
            }

            return default;
        }

        return new Edge(_accumulator ?? Interlocked.CompareExchange(ref _accumulator, new AccumulateGrad(this), null) ?? _accumulator, 0);
    }

    private void CheckGrad(Tensor grad)
    {
        if (ReferenceEquals(grad, this))
        {
            throw new GradientException("Grad: can't assign Variable as its own grad. Assign a Clone() or a Detach() of it.");
        }

        if (grad.Shape != Shape)
        {
            throw new ShapeException($"Grad: assigned grad has data of a different size: its shape is {grad.Shape} and the tensor's is {Shape}.");
        }

        if (grad.DType != DType)
        {
            throw new DTypeException(
                $"Grad: assigned grad has data of a different type: it is {grad.DType.Name()} and the tensor {DType.Name()}. Convert it with To(DType.{DType}).");
        }

        if (grad.Device != Device)
        {
            throw new DeviceMismatchException(
                $"Grad: assigned grad has data located on a different device: it is on {grad.Device} and the tensor on {Device}. Move it with To({Device}).");
        }
    }
}
