using Autograd.Gpu.Tape;

namespace Autograd.Gpu;

/// <summary>Functions on the tape as a whole: what <c>torch.autograd</c> holds.</summary>
public static partial class Autodiff
{
    /// <summary>Whether operations on this thread are recorded.</summary>
    public static bool IsGradEnabled => GradMode.IsEnabled;

    /// <summary>
    /// Until the result is disposed, operations on this thread are not recorded. Like every mode it belongs to the thread and does not flow through
    /// <c>await</c>: <c>using (Autodiff.NoGrad()) { ... }</c>.
    /// </summary>
    public static IDisposable NoGrad() => SetGradEnabled(false);

    /// <summary>Until the result is disposed, operations on this thread are recorded, also inside <see cref="NoGrad"/>.</summary>
    public static IDisposable EnableGrad() => SetGradEnabled(true);

    /// <summary>Until the result is disposed, recording on this thread is on or off.</summary>
    public static IDisposable SetGradEnabled(bool enabled) => new ModeScope(enabled);

    /// <summary>Computes the gradients of the sum of <paramref name="tensors"/> and adds them to the <see cref="Tensor.Grad"/> of the leaves.</summary>
    /// <param name="tensors">The roots.</param>
    /// <param name="gradients">The gradient with respect to each root, null for a root of one element; null if there are none to give.</param>
    /// <param name="retainGraph">Whether the saved values are kept for another pass; by default as <paramref name="createGraph"/>.</param>
    /// <param name="createGraph">Whether the pass is recorded itself.</param>
    /// <exception cref="GradientException">A root has no history, or is not a scalar and has no gradient.</exception>
    public static void Backward(
        IReadOnlyList<Tensor> tensors, IReadOnlyList<Tensor?>? gradients = null, bool? retainGraph = null, bool createGraph = false)
    {
        var (roots, seeds) = Roots("Backward", tensors, gradients);
        Engine.Run(roots, seeds, null, retainGraph ?? createGraph, createGraph);
    }

    /// <summary>The gradients of the sum of <paramref name="outputs"/> with respect to <paramref name="inputs"/>; no <see cref="Tensor.Grad"/> changes.</summary>
    /// <param name="outputs">The roots.</param>
    /// <param name="inputs">Leaves or intermediate results that the roots were computed from.</param>
    /// <param name="gradOutputs">The gradient with respect to each root, null for a root of one element; null if there are none to give.</param>
    /// <param name="retainGraph">Whether the saved values are kept for another pass; by default as <paramref name="createGraph"/>.</param>
    /// <param name="createGraph">Whether the pass is recorded, so that the results can be differentiated again.</param>
    /// <param name="allowUnused">Whether an input that the roots do not depend on gets null; otherwise that is an error.</param>
    /// <exception cref="GradientException">A root has no history, an input requires no gradient or was not used.</exception>
    public static Tensor?[] Grad(
        IReadOnlyList<Tensor> outputs,
        IReadOnlyList<Tensor> inputs,
        IReadOnlyList<Tensor?>? gradOutputs = null,
        bool? retainGraph = null,
        bool createGraph = false,
        bool allowUnused = false)
    {
        var (roots, seeds) = Roots("Grad", outputs, gradOutputs);
        var captures = new Edge[inputs.Count];
        for (int i = 0; i < captures.Length; i++)
        {
            captures[i] = inputs[i].GradientEdge();
            if (captures[i].Function is null)
            {
                throw new GradientException(
                    $"Grad: One of the differentiated Tensors does not require grad: input {i} of shape {inputs[i].Shape}. Call RequiresGrad_() on it before it is used.");
            }
        }

        var gradients = Engine.Run(roots, seeds, captures, retainGraph ?? createGraph, createGraph);
        for (int i = 0; i < gradients.Length && !allowUnused; i++)
        {
            if (gradients[i] is null)
            {
                throw new GradientException(
                    $"Grad: One of the differentiated Tensors appears to not have been used in the graph: input {i} of shape {inputs[i].Shape}. "
                    + "Set allowUnused: true if this is the desired behavior (allow_unused=True in PyTorch).");
            }
        }

        return gradients;
    }

    /// <summary>The gradient of <paramref name="output"/> with respect to one input; see <see cref="Grad(IReadOnlyList{Tensor}, IReadOnlyList{Tensor}, IReadOnlyList{Tensor?}?, bool?, bool, bool)"/>.</summary>
    public static Tensor Grad(Tensor output, Tensor input, Tensor? gradOutput = null, bool? retainGraph = null, bool createGraph = false) =>
        Grad([output], [input], gradOutput is null ? null : [gradOutput], retainGraph, createGraph)[0]!;

    private static (Edge[] Roots, Tensor[] Gradients) Roots(string operation, IReadOnlyList<Tensor> tensors, IReadOnlyList<Tensor?>? gradients)
    {
        if (gradients is not null && gradients.Count != tensors.Count)
        {
            throw new GradientException($"{operation}: got {tensors.Count} tensors and {gradients.Count} gradients. Give one gradient for each tensor, null where it is 1.");
        }

        var roots = new Edge[tensors.Count];
        var seeds = new Tensor[tensors.Count];
        for (int i = 0; i < roots.Length; i++)
        {
            var tensor = tensors[i];
            roots[i] = tensor.GradientEdge();
            if (roots[i].Function is null)
            {
                throw new GradientException(
                    $"{operation}: element {i} of tensors does not require grad and does not have a grad_fn. "
                    + "Call RequiresGrad_() on the leaves before the computation, and make sure that it did not run under NoGrad().");
            }

            seeds[i] = Seed(operation, i, tensor, gradients?[i]);
        }

        return (roots, seeds);
    }

    private static Tensor Seed(string operation, int index, Tensor tensor, Tensor? gradient)
    {
        if (gradient is null)
        {
            return tensor.NumElements == 1
                ? Tensor.Ones(tensor.Shape, tensor.DType, tensor.Device)
                : throw new GradientException(
                    $"{operation}: grad can be implicitly created only for scalar outputs, but tensor {index} has shape {tensor.Shape}. "
                    + "Reduce it to one element (Sum(), Mean()) or give the gradient with respect to it.");
        }

        if (gradient.Shape != tensor.Shape)
        {
            throw new ShapeException(
                $"{operation}: Mismatch in shape: grad_output[{index}] has a shape of {gradient.Shape} and output[{index}] has a shape of {tensor.Shape}. "
                + "Give a gradient of the output's shape.");
        }

        if (gradient.Device != tensor.Device)
        {
            throw new DeviceMismatchException(
                $"{operation}: the gradient of output {index} is on {gradient.Device} and the output on {tensor.Device}. Move it with To({tensor.Device}).");
        }

        return gradient;
    }

    private sealed class ModeScope(bool enabled) : IDisposable
    {
        private readonly bool _previous = Enter(enabled);
        private bool _isDisposed;

        public void Dispose()
        {
            if (!_isDisposed)
            {
                _isDisposed = true;
                GradMode.IsEnabled = _previous;
            }
        }

        private static bool Enter(bool enabled)
        {
            bool previous = GradMode.IsEnabled;
            GradMode.IsEnabled = enabled;
            return previous;
        }
    }
}
