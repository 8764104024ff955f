namespace Autograd.Gpu;

public static partial class Autodiff
{
    private static (Edge[] Edges, Tensor[] Gradients) Roots(
        string operation, IReadOnlyList<Tensor> tensors, IReadOnlyList<Tensor?>? gradients, bool isBatched = false)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        CheckGradientCount(operation, tensors.Count, gradients);
        var edges = new Edge[tensors.Count];
        var seeds = new Tensor[tensors.Count];
        for (int i = 0; i < edges.Length; i++)
        {
            var root = Target.Of(tensors[i]);
            edges[i] = root.Edge.Function is null ? throw NoHistory(operation, i) : root.Edge;
            seeds[i] = !isBatched
                ? Seed(operation, i, root, gradients?[i])
                : gradients?[i] ?? throw new GradientException(
                    $"{operation}: isGradsBatched needs a gradient with a batch for each output, and that of output {i} is missing.");
        }

        return (edges, seeds);
    }

    private static (Edge[] Edges, Tensor[] Gradients) Roots(string operation, IReadOnlyList<Edge> edges, IReadOnlyList<Tensor?>? gradients)
    {
        ArgumentNullException.ThrowIfNull(edges);
        CheckGradientCount(operation, edges.Count, gradients);
        var seeds = new Tensor[edges.Count];
        for (int i = 0; i < seeds.Length; i++)
        {
            var root = edges[i].Function is null ? throw NoHistory(operation, i) : Target.Of(edges[i]);
            seeds[i] = Seed(operation, i, root, gradients?[i]);
        }

        return ([.. edges], seeds);
    }

    private static Target[] InputsOf(string operation, IReadOnlyList<Tensor> tensors)
    {
        CheckInputCount(operation, tensors);
        var inputs = new Target[tensors.Count];
        for (int i = 0; i < inputs.Length; i++)
        {
            inputs[i] = Target.Of(tensors[i]);
            if (inputs[i].Edge.Function is null)
            {
                throw NotDifferentiable(operation, $"input {i} of shape {inputs[i].Shape}");
            }
        }

        return inputs;
    }

    private static Target[] InputsOf(string operation, IReadOnlyList<Edge> edges)
    {
        CheckInputCount(operation, edges);
        var inputs = new Target[edges.Count];
        for (int i = 0; i < inputs.Length; i++)
        {
            inputs[i] = edges[i].Function is null ? throw NotDifferentiable(operation, $"the edge of input {i} leads nowhere") : Target.Of(edges[i]);
        }

        return inputs;
    }

    private static void CheckInputCount<T>(string operation, IReadOnlyList<T> inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        if (inputs.Count == 0)
        {
            throw new GradientException($"{operation}: grad requires non-empty inputs. Give the tensors whose gradients are wanted.");
        }
    }

    private static GradientException NoHistory(string operation, int index) => new(
        $"{operation}: element {index} of tensors does not require grad and does not have a grad_fn. "
        + "Call RequiresGrad_() on the leaves before the computation, and make sure that it did not run under NoGrad(), nor in a hook of a pass without createGraph, where recording is off (EnableGrad() turns it on).");

    private static GradientException NotDifferentiable(string operation, string input) => new(
        $"{operation}: One of the differentiated Tensors does not require grad: {input}. Call RequiresGrad_() on it before it is used.");

    private static Edge[] EdgesOf(Target[] targets) => Array.ConvertAll(targets, t => t.Edge);

    private static void CheckGradientCount(string operation, int roots, IReadOnlyList<Tensor?>? gradients)
    {
        if (gradients is not null && gradients.Count != roots)
        {
            throw new GradientException(
                $"{operation}: got {roots} tensors and {gradients.Count} gradients. Give one gradient for each tensor, null where it is 1.");
        }
    }

    /// <summary>The gradient that a pass starts with at a root.</summary>
    private static Tensor Seed(string operation, int index, in Target root, Tensor? gradient)
    {
        if (gradient is null)
        {
            return root.Shape.NumElements == 1
                ? Tensor.Ones(root.Shape, root.DType, root.Device)
                : throw new GradientException(
                    $"{operation}: grad can be implicitly created only for scalar outputs, but tensor {index} has shape {root.Shape}. "
                    + "Reduce it to one element (Sum(), Mean()) or give the gradient with respect to it.");
        }

        if (gradient.Shape != root.Shape)
        {
            throw new ShapeException(
                $"{operation}: Mismatch in shape: grad_output[{index}] has a shape of {gradient.Shape} and output[{index}] has a shape of {root.Shape}. "
                + "Give a gradient of the output's shape.");
        }

        if (gradient.Device != root.Device)
        {
            throw new DeviceMismatchException(
                $"{operation}: the gradient of output {index} is on {gradient.Device} and the output on {root.Device}. Move it with To({root.Device}).");
        }

        return gradient;
    }

    /// <summary>A root or an input of a pass, given as a tensor or as its edge.</summary>
    private readonly record struct Target(Edge Edge, Shape Shape, DType DType, Device Device, bool IsTensor)
    {
        public static Target Of(Tensor tensor)
        {
            ArgumentNullException.ThrowIfNull(tensor);
            return new Target(tensor.GradientEdge(), tensor.Shape, tensor.DType, tensor.Device, IsTensor: true);
        }

        public static Target Of(Edge edge)
        {
            var (function, output) = edge;
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)output, (uint)function!.OutputCount, nameof(edge));
            var (shape, dtype) = function.OutputOf(output);
            return new Target(edge, shape, dtype, function.Device!, IsTensor: false);
        }

        /// <summary>The gradient of an input that nothing depends on.</summary>
        public Tensor Zeros(bool requiresGrad) => IsTensor
            ? Tensor.Zeros(Shape, DType, Device, requiresGrad)
            : throw new GradientException(
                "Grad: materialize_grads cannot be used when the given input is a GradientEdge and the outputs do not depend on it. Give the tensor, or set allowUnused: true and take null for zero.");
    }
}
