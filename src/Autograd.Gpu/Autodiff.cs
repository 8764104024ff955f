using Autograd.Gpu.Tape;
using Autograd.Gpu.Transforms;

namespace Autograd.Gpu;

/// <summary>Functions on the tape as a whole: what <c>torch.autograd</c> holds.</summary>
public static partial class Autodiff
{
    /// <summary>Computes the gradients of the sum of <paramref name="tensors"/> and adds them to the <see cref="Tensor.Grad"/> of the leaves.</summary>
    /// <param name="tensors">The roots.</param>
    /// <param name="gradients">The gradient with respect to each root, null for a root of one element; null if there are none to give.</param>
    /// <param name="retainGraph">Whether the saved values are kept for another pass; by default as <paramref name="createGraph"/>.</param>
    /// <param name="createGraph">
    /// Whether the pass is recorded itself. The gradients then hold on to the graph that leads back to their leaves: the garbage collector takes such
    /// cycles, so nothing leaks, but memory comes back earlier if <see cref="Tensor.Grad"/> is set to null after use, or with <c>Grad</c>.
    /// </param>
    /// <param name="inputs">
    /// If given, only their gradients are computed and accumulated. Among them may be intermediate results: these retain their gradients from then
    /// on, as by <see cref="Tensor.RetainGrad"/>.
    /// </param>
    /// <remarks>
    /// <para>A hook or the backward of a custom function may call this again. From 60 passes inside one another on, or when the stack runs low, the next one runs on
    /// another thread while this one waits: such code must not rely on locks that its thread holds, nor on thread-local state of its own.</para>
    /// <para>Several threads may run passes at the same time, also to the same leaves.</para>
    /// </remarks>
    /// <exception cref="GradientException">
    /// A root has no history, or is not a scalar and has no gradient; saved values are gone or were modified; <paramref name="inputs"/> is empty or
    /// one of them requires no gradient.
    /// </exception>
    /// <exception cref="ShapeException">A gradient's shape is not the root's.</exception>
    public static void Backward(
        IReadOnlyList<Tensor> tensors,
        IReadOnlyList<Tensor?>? gradients = null,
        bool? retainGraph = null,
        bool createGraph = false,
        IReadOnlyList<Tensor>? inputs = null) =>
        Backward(Roots("Backward", tensors, gradients), retainGraph, createGraph, inputs);

    /// <summary>The gradients of the sum of <paramref name="outputs"/> with respect to <paramref name="inputs"/>; no <see cref="Tensor.Grad"/> of a leaf changes.</summary>
    /// <param name="outputs">The roots.</param>
    /// <param name="inputs">Leaves or intermediate results that the roots were computed from. Only what leads to them is computed.</param>
    /// <param name="gradOutputs">The gradient with respect to each root, null for a root of one element; null if there are none to give.</param>
    /// <param name="retainGraph">Whether the saved values are kept for another pass; by default as <paramref name="createGraph"/>.</param>
    /// <param name="createGraph">Whether the pass is recorded, so that the results can be differentiated again.</param>
    /// <param name="allowUnused">
    /// Whether an input that the roots do not depend on gets null; otherwise that is an error. By default as <paramref name="materializeGrads"/>.
    /// </param>
    /// <param name="materializeGrads">Whether an input that the roots do not depend on gets zeros of its shape.</param>
    /// <param name="isGradsBatched">
    /// Whether the first dimension of each of <paramref name="gradOutputs"/> is a batch: one pass, mapped over it as by <c>Vmap</c>, gives a result for each, and the
    /// results have the batch as their first dimension.
    /// </param>
    /// <returns>
    /// One gradient for each input, of its shape, dtype and device: what the hooks of the input made of it. The hooks of tensors and nodes on the way run, and so do those
    /// of the inputs themselves.
    /// </returns>
    /// <exception cref="GradientException">
    /// A root has no history, or is not a scalar and has no gradient; there are no inputs, or one requires no gradient or was not used.
    /// </exception>
    /// <exception cref="ShapeException">A gradient's shape is not the root's.</exception>
    public static Tensor?[] Grad(
        IReadOnlyList<Tensor> outputs,
        IReadOnlyList<Tensor> inputs,
        IReadOnlyList<Tensor?>? gradOutputs = null,
        bool? retainGraph = null,
        bool createGraph = false,
        bool? allowUnused = null,
        bool materializeGrads = false,
        bool isGradsBatched = false) =>
        Grad(Roots("Grad", outputs, gradOutputs, isGradsBatched), InputsOf("Grad", inputs), retainGraph, createGraph, allowUnused, materializeGrads, isGradsBatched);

    /// <summary>
    /// The gradient of <paramref name="output"/> with respect to one input; see
    /// <see cref="Grad(IReadOnlyList{Tensor}, IReadOnlyList{Tensor}, IReadOnlyList{Tensor?}?, bool?, bool, bool?, bool, bool)"/>.
    /// </summary>
    public static Tensor Grad(Tensor output, Tensor input, Tensor? gradOutput = null, bool? retainGraph = null, bool createGraph = false) =>
        Grad([output], [input], gradOutput is null ? null : [gradOutput], retainGraph, createGraph)[0]!;

    private static void Backward(
        (Edge[] Edges, Tensor[] Gradients) roots, bool? retainGraph, bool createGraph, IReadOnlyList<Tensor>? inputs)
    {
        Edge[]? edges = null;
        if (inputs is not null)
        {
            if (inputs.Count == 0)
            {
                throw new GradientException(
                    "Backward: 'inputs' argument to backward() cannot be empty. Leave it out to accumulate the gradients of all leaves.");
            }

            edges = EdgesOf(InputsOf("Backward", inputs));
            foreach (var input in inputs)
            {
                input.RetainGrad();
            }
        }

        Engine.Run(new BackwardRequest(roots.Edges, roots.Gradients, edges, Captures: false, retainGraph ?? createGraph, createGraph));
    }

    private static Tensor?[] Grad(
        (Edge[] Edges, Tensor[] Gradients) roots,
        Target[] inputs,
        bool? retainGraph,
        bool createGraph,
        bool? allowUnused,
        bool materializeGrads,
        bool isGradsBatched = false)
    {
        if (materializeGrads && allowUnused == false)
        {
            throw new GradientException(
                "Grad: Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False. "
                + "Leave allowUnused out: with materializeGrads: true an unused input gets zeros.");
        }

        var gradients = isGradsBatched
            ? BatchedGradients.Run("Grad", roots.Edges, roots.Gradients, EdgesOf(inputs), retainGraph ?? createGraph, createGraph)
            : Engine.Run(new BackwardRequest(roots.Edges, roots.Gradients, EdgesOf(inputs), Captures: true, retainGraph ?? createGraph, createGraph));
        for (int i = 0; i < gradients.Length; i++)
        {
            gradients[i] ??= materializeGrads ? inputs[i].Zeros(createGraph)
                : allowUnused == true ? null
                : throw new GradientException(
                    $"Grad: One of the differentiated Tensors appears to not have been used in the graph: input {i} of shape {inputs[i].Shape}. "
                    + "Set allowUnused: true if this is the desired behavior (allow_unused=True in PyTorch), or materializeGrads: true to get zeros.");
        }

        return gradients;
    }
}
