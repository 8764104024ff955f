namespace Autograd.Gpu.Tape;

/// <summary>Adds an operation to the tape.</summary>
internal static class Recorder
{
    /// <summary>Whether an operation on these inputs is to be recorded.</summary>
    public static bool Wants(Tensor input0, Tensor? input1 = null, Tensor? input2 = null) =>
        GradMode.IsEnabled && (input0.RequiresGrad || (input1?.RequiresGrad ?? false) || (input2?.RequiresGrad ?? false));

    /// <summary>Makes <paramref name="output"/> the output of a new node if its inputs require gradients; returns it.</summary>
    public static Tensor Record(IDifferentiable operation, Tensor output, Tensor input0, Tensor? input1 = null, Tensor? input2 = null)
    {
        if (!Wants(input0, input1, input2) || !output.DType.IsFloatingPoint())
        {
            return output;
        }

        var node = new OperationNode(operation, Edges(input0, input1, input2), output.Shape, output.DType);
        node.SaveInputs(input0, input1, input2);
        output.SetHistory(node);
        node.SaveOutput(output);
        return output;
    }

    /// <summary>The same for an operation on any number of inputs none of which it saves.</summary>
    public static Tensor Record(IDifferentiable operation, Tensor output, ReadOnlySpan<Tensor> inputs)
    {
        bool wanted = false;
        var edges = new Edge[inputs.Length];
        for (int i = 0; i < inputs.Length; i++)
        {
            wanted |= inputs[i].RequiresGrad;
            edges[i] = inputs[i].GradientEdge();
        }

        if (wanted && GradMode.IsEnabled && output.DType.IsFloatingPoint())
        {
            output.SetHistory(new OperationNode(operation, edges, output.Shape, output.DType));
        }

        return output;
    }

    public static Edge[] Edges(Tensor input0, Tensor? input1, Tensor? input2) =>
        input2 is not null ? [input0.GradientEdge(), input1!.GradientEdge(), input2.GradientEdge()]
        : input1 is not null ? [input0.GradientEdge(), input1.GradientEdge()]
        : [input0.GradientEdge()];
}
