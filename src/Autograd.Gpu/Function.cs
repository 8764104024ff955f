using Autograd.Gpu.Diagnostics;
using Autograd.Gpu.Tape;

namespace Autograd.Gpu;

/// <summary>
/// A differentiable operation of the program's own. Derive from <see cref="UnaryFunction"/>, <see cref="BinaryFunction"/>, <see cref="TernaryFunction"/> or, for
/// any number of inputs and outputs, <see cref="NaryFunction"/>, and give it <c>Forward</c> and <c>Backward</c>. For a function of single elements
/// <see cref="PointwiseFunction{TSelf}"/> is shorter, and it fuses.
/// </summary>
/// <remarks>
/// <para>
/// What is no tensor is a parameter of the constructor, and one application is one object, which is also its own context:
/// <code>
/// sealed class Scale(double factor) : UnaryFunction
/// {
///     protected override Tensor Forward(Tensor x) => x * factor;
///     protected override Tensor? Backward(Tensor gradient) => gradient * factor;
/// }
/// Tensor y = new Scale(3).Apply(x);
/// </code>
/// </para>
/// <para>
/// <c>Forward</c> is not recorded. <c>Backward</c> is when the pass was asked for with <c>createGraph</c>, so that one made of tensor operations has derivatives of
/// every order. Tensors that it needs go through <see cref="SaveForBackward"/>; fields are for everything else. An object that is applied again
/// works on a copy of itself.
/// </para>
/// </remarks>
public abstract partial class Function
{
    private const string NoJvp = "You must implement the jvp function for custom autograd.Function to use it with forward mode AD.";

    [ThreadStatic]
    private static (Function? Function, bool[]? Needs) s_backward;

    private int _isApplied;
    private bool _isInForward;
    private FunctionNode? _node;
    private bool[] _needs = [];
    private Tensor?[]? _toSave;
    private Tensor[] _dirty = [];
    private Tensor[] _nonDifferentiable = [];

    /// <summary>What the last run outside of all transforms wrote, and what has no derivative.</summary>
    private Tensor[] _writtenInside = [], _constantInside = [];

    private protected Function()
    {
    }

    /// <summary>The name in errors; the node's is the same with <c>Backward</c> after it. By default the type's.</summary>
    public virtual string Name => GetType().Name.Split('`')[0];

    /// <summary>Whether <c>Backward</c> computes what the tape cannot differentiate: it is then not recorded, and a second derivative is an error.</summary>
    protected internal virtual bool IsOnceDifferentiable => false;

    /// <summary>
    /// What <see cref="SaveForBackward"/> was given, in its order. In <c>Backward</c> the tensors have their history.
    /// </summary>
    /// <exception cref="GradientException">They were freed by an earlier backward pass, or one was written in place since.</exception>
    protected IReadOnlyList<Tensor?> SavedTensors
    {
        get
        {
            if (_node is not { } node)
            {
                return _toSave ?? [];
            }

            var result = new Tensor?[node.SavedCount];
            for (int i = 0; i < result.Length; i++)
            {
                result[i] = node.Unpack(i);
            }

            return result;
        }
    }

    /// <summary>Whether gradients that do not arrive come as zeros (the default) or as null; see <see cref="SetMaterializeGrads"/>.</summary>
    internal bool MaterializesGrads { get; private set; } = true;

    /// <summary>One of <see cref="SavedTensors"/>.</summary>
    /// <exception cref="GradientException">There is none with that number, or it was freed, or written in place since.</exception>
    protected Tensor Saved(int index)
    {
        int count = _node?.SavedCount ?? _toSave?.Length ?? 0;
        return (uint)index < (uint)count && (_node is { } node ? node.Unpack(index) : _toSave![index]) is { } tensor
            ? tensor
            : throw new GradientException($"{Name}: no tensor was saved under the number {index}; SaveForBackward was given {count}.");
    }

    /// <summary>Keeps tensors for <c>Backward</c>: inputs, outputs or others. To be called once, in <c>Forward</c>.</summary>
    protected void SaveForBackward(params ReadOnlySpan<Tensor?> tensors)
    {
        CheckInForward(nameof(SaveForBackward));
        _toSave = tensors.ToArray();
    }

    /// <summary>Says that <c>Forward</c> wrote these inputs in place. Each must be returned as an output.</summary>
    protected void MarkDirty(params ReadOnlySpan<Tensor> inputs)
    {
        CheckInForward(nameof(MarkDirty));
        _dirty = inputs.ToArray();
    }

    /// <summary>Says that these outputs have no derivative, as indices or masks have none.</summary>
    protected void MarkNonDifferentiable(params ReadOnlySpan<Tensor> outputs)
    {
        CheckInForward(nameof(MarkNonDifferentiable));
        _nonDifferentiable = outputs.ToArray();
    }

    /// <summary>Whether <c>Backward</c> gets zeros (the default) or null for outputs that no gradient came for.</summary>
    protected void SetMaterializeGrads(bool value) => MaterializesGrads = value;

    /// <summary>
    /// In <c>Forward</c> whether an input requires a gradient, in <c>Backward</c> whether this pass asks for it; what is computed although it is not asked for is dropped.
    /// </summary>
    protected bool NeedsInputGrad(int input)
    {
        var needs = s_backward.Function == this ? s_backward.Needs! : _needs;
        return (uint)input < (uint)needs.Length
            ? needs[input]
            : throw new ArgumentOutOfRangeException(nameof(input), input, $"{Name}: NeedsInputGrad: the function has {needs.Length} inputs.");
    }

    /// <summary>
    /// The outputs for a batch of inputs, in one go: input k has its batch in the dimension <see cref="Batched.Dim"/>, or is the same for all where that is null.
    /// </summary>
    /// <param name="batchSize">How many there are.</param>
    /// <param name="inputs">The inputs of <c>Forward</c>, in order.</param>
    /// <returns>The outputs of <c>Forward</c>, in order, each with the dimension of its batch.</returns>
    /// <remarks>
    /// Where this is not overridden <c>Forward</c> and <c>Backward</c> run on the batch as if it were one sample, which is right if they are made of tensor operations. So they do in any
    /// case for a map outside of a differentiation, <c>Vmap(Grad(f))</c>. For one that reads elements see <see cref="VmapForEach"/>.
    /// </remarks>
    protected internal virtual IReadOnlyList<Batched> Vmap(long batchSize, ReadOnlySpan<Batched> inputs) => RunOnBatch(batchSize, inputs);

    /// <summary>A rule for <see cref="Vmap"/> where <c>Forward</c> reads elements: the function runs for one sample after the other, and <see cref="Diagnostics.Warnings"/> says so.</summary>
    protected IReadOnlyList<Batched> VmapForEach(long batchSize, ReadOnlySpan<Batched> inputs) => ForEach(batchSize, inputs);

    internal abstract Tensor[] CallForward(ReadOnlySpan<Tensor> inputs);

    internal abstract Tensor?[] CallBackward(ReadOnlySpan<Tensor?> gradients);

    /// <summary>The tangents of the outputs for those of the inputs, null standing for zero.</summary>
    internal abstract Tensor?[] CallJvp(ReadOnlySpan<Tensor?> tangents);

    /// <summary>The gradients of the inputs, during which <see cref="NeedsInputGrad"/> tells what is asked for.</summary>
    internal Tensor?[] CallBackward(ReadOnlySpan<Tensor?> gradients, ReadOnlySpan<bool> needs)
    {
        var outer = s_backward;
        s_backward = (this, needs.ToArray());
        try
        {
            return CallBackward(gradients);
        }
        finally
        {
            s_backward = outer;
        }
    }

    private protected GradientException JvpMissing() => new($"{Name}: {NoJvp} Override Jvp.");

    private protected Tensor[] Run(ReadOnlySpan<Tensor> inputs)
    {
        for (int i = 0; i < inputs.Length; i++)
        {
            ArgumentNullException.ThrowIfNull(inputs[i], $"{Name}: input {i}");
        }

        var function = Interlocked.Exchange(ref _isApplied, 1) == 0 ? this : Copy();
        var outputs = function.RunFurtherOut(inputs, isInnermost: true);
        function.ForgetInside();
        return outputs;
    }

    private Function Copy()
    {
        var copy = (Function)MemberwiseClone();
        copy._node = null;
        copy._toSave = null;
        copy._dirty = copy._nonDifferentiable = [];
        copy.ForgetInside();
        copy.MaterializesGrads = true;
        return copy;
    }

    private Tensor[] RunOnce(ReadOnlySpan<Tensor> inputs)
    {
        bool records = false;
        _needs = new bool[inputs.Length];
        for (int i = 0; i < inputs.Length; i++)
        {
            records |= _needs[i] = inputs[i].RequiresGrad;
        }

        using var profiled = Profiler.IsOn ? Profiler.Operation(Name, inputs) : default;
        records &= GradMode.IsEnabled;
        var edges = new Edge[records ? inputs.Length : 0];
        for (int i = 0; i < edges.Length; i++)
        {
            edges[i] = inputs[i].GradientEdge();
        }

        Tensor[] outputs;
        _isInForward = true;
        try
        {
            using var mode = GradMode.Set(false);
            outputs = CallForward(inputs);
        }
        finally
        {
            _isInForward = false;
        }

        CheckOutputs(inputs, outputs);
        var node = records ? new FunctionNode(this, edges, Array.ConvertAll(inputs.ToArray(), x => x.Device), outputs) : null;
        var results = new Tensor[outputs.Length];
        for (int i = 0; i < results.Length; i++)
        {
            results[i] = Result(inputs, outputs, i, node);
        }

        SaveIn(node, _toSave ?? [], _savesLater);
        _node = node;
        _savedInside = _toSave ?? [];
        (_writtenInside, _constantInside) = (_dirty, _nonDifferentiable);
        _toSave = null;
        _dirty = _nonDifferentiable = [];
        return results;
    }

    private void CheckOutputs(ReadOnlySpan<Tensor> inputs, Tensor[] outputs)
    {
        if (outputs is null || outputs.Length == 0 || IndexOf(outputs, null) >= 0)
        {
            throw new GradientException($"{Name}: Forward must return one or more tensors, but returned {(outputs is null or { Length: > 0 } ? "null" : "none")}.");
        }

        foreach (var dirty in _dirty)
        {
            if (IndexOf(inputs, dirty) >= 0 && IndexOf(outputs, dirty) < 0)
            {
                throw new GradientException(
                    $"{Name}: Some elements marked as dirty during the forward method were not returned as output. The inputs that are modified inplace must all "
                    + $"be outputs of the Function (tensor of shape {dirty.Shape}).");
            }
        }
    }

    /// <summary>Output <paramref name="index"/> with its history; another handle on it where the tensor itself must keep the one that it has.</summary>
    private Tensor Result(ReadOnlySpan<Tensor> inputs, Tensor[] outputs, int index, FunctionNode? node)
    {
        var output = outputs[index];
        bool isInput = IndexOf(inputs, output) >= 0;
        bool isDirty = isInput && IndexOf(_dirty, output) >= 0;
        if (node is null && isDirty)
        {
            return output;
        }

        if (node is null || !output.DType.IsFloatingPoint() || IndexOf(_nonDifferentiable, output) >= 0)
        {
            return output.RequiresGrad ? output.Alias() : output;
        }

        bool isRepeated = IndexOf(outputs, output) < index;
        if (isDirty && !isRepeated)
        {
            output.CheckInPlace(Name, records: true);
            output.RebaseHistory(node, index, IndexOf(inputs, output));
            return output;
        }

        if (isInput || isRepeated || output.RequiresGrad)
        {
            output = output.Alias();
        }

        output.SetHistory(node, index);
        return output;
    }

    /// <summary>Which of the tensors is this one, by reference.</summary>
    private static int IndexOf(ReadOnlySpan<Tensor> tensors, Tensor? tensor)
    {
        for (int i = 0; i < tensors.Length; i++)
        {
            if (ReferenceEquals(tensors[i], tensor))
            {
                return i;
            }
        }

        return -1;
    }

    private void CheckInForward(string method)
    {
        if (!_isInForward)
        {
            throw new GradientException($"{Name}: {method} is to be called in Forward.");
        }
    }
}

/// <summary>A tensor that holds a batch along one dimension.</summary>
/// <param name="Value">The tensor.</param>
/// <param name="Dim">The dimension of the batch; null for a tensor that is the same for all of it.</param>
public readonly record struct Batched(Tensor Value, int? Dim);
