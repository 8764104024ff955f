namespace Autograd.Gpu;

public static partial class Autodiff
{
    /// <summary>
    /// Where the gradient of <paramref name="tensor"/> goes: its <see cref="Tensor.GradFn"/> and which of that node's outputs it is, or the accumulator of a leaf.
    /// Edges stand for tensors as roots and inputs of <c>Grad</c> and <c>Backward</c> and do not keep their values in memory.
    /// </summary>
    /// <exception cref="GradientException">The tensor requires no gradient.</exception>
    public static Edge GetGradientEdge(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        var edge = tensor.GradientEdge();
        return edge.Function is not null
            ? edge
            : throw new GradientException(
                "GetGradientEdge: It is not possible to get the gradient edge for a Tensor that does not require gradients. Call RequiresGrad_() on it or on what it is computed from.");
    }

    /// <summary>The same with edges as roots; an edge to a value of one element needs no gradient.</summary>
    /// <inheritdoc cref="Backward(IReadOnlyList{Tensor}, IReadOnlyList{Tensor?}?, bool?, bool, IReadOnlyList{Tensor}?)"/>
    public static void Backward(
        IReadOnlyList<Edge> tensors,
        IReadOnlyList<Tensor?>? gradients = null,
        bool? retainGraph = null,
        bool createGraph = false,
        IReadOnlyList<Tensor>? inputs = null) =>
        Backward(Roots("Backward", tensors, gradients), retainGraph, createGraph, inputs);

    /// <summary>The same with edges as roots and inputs.</summary>
    /// <inheritdoc cref="Grad(IReadOnlyList{Tensor}, IReadOnlyList{Tensor}, IReadOnlyList{Tensor?}?, bool?, bool, bool?, bool, bool)"/>
    public static Tensor?[] Grad(
        IReadOnlyList<Edge> outputs,
        IReadOnlyList<Edge> inputs,
        IReadOnlyList<Tensor?>? gradOutputs = null,
        bool? retainGraph = null,
        bool createGraph = false,
        bool? allowUnused = null,
        bool materializeGrads = false) =>
        Grad(Roots("Grad", outputs, gradOutputs), InputsOf("Grad", inputs), retainGraph, createGraph, allowUnused, materializeGrads);

    /// <summary>The same with edges as inputs.</summary>
    /// <inheritdoc cref="Grad(IReadOnlyList{Tensor}, IReadOnlyList{Tensor}, IReadOnlyList{Tensor?}?, bool?, bool, bool?, bool, bool)"/>
    public static Tensor?[] Grad(
        IReadOnlyList<Tensor> outputs,
        IReadOnlyList<Edge> inputs,
        IReadOnlyList<Tensor?>? gradOutputs = null,
        bool? retainGraph = null,
        bool createGraph = false,
        bool? allowUnused = null,
        bool materializeGrads = false) =>
        Grad(Roots("Grad", outputs, gradOutputs), InputsOf("Grad", inputs), retainGraph, createGraph, allowUnused, materializeGrads);

    /// <summary>The same with edges as roots.</summary>
    /// <inheritdoc cref="Grad(IReadOnlyList{Tensor}, IReadOnlyList{Tensor}, IReadOnlyList{Tensor?}?, bool?, bool, bool?, bool, bool)"/>
    public static Tensor?[] Grad(
        IReadOnlyList<Edge> outputs,
        IReadOnlyList<Tensor> inputs,
        IReadOnlyList<Tensor?>? gradOutputs = null,
        bool? retainGraph = null,
        bool createGraph = false,
        bool? allowUnused = null,
        bool materializeGrads = false) =>
        Grad(Roots("Grad", outputs, gradOutputs), InputsOf("Grad", inputs), retainGraph, createGraph, allowUnused, materializeGrads);
}
