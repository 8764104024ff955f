namespace Autograd.Gpu.Tape;

/// <summary>Adds an operation to the tape.</summary>
internal static class Recorder
{
    /// <summary>Whether an operation on these inputs is to be recorded.</summary>
    public static bool Wants(Tensor input0, Tensor? input1 = null, Tensor? input2 = null) =>
        (input0.RequiresGrad || (input1?.RequiresGrad ?? false) || (input2?.RequiresGrad ?? false)) && GradMode.IsEnabled;

    /// <summary>
    /// What this operation returned when the checkpointed function that is running again ran first, if that was kept; asked for before it is computed.
    /// </summary>
    public static Tensor? Kept(string operation, Tensor input0, Tensor? input1 = null, Tensor? input2 = null) =>
        KeptOutputs.AreInUse && Wants(input0, input1, input2) ? KeptOutputs.Find(operation) : null;

    /// <summary>Makes <paramref name="output"/> the output of a new node if its inputs require gradients; returns it.</summary>
    public static Tensor Record(IDifferentiable operation, Tensor output, Tensor input0, Tensor? input1 = null, Tensor? input2 = null)
    {
        if (!Wants(input0, input1, input2) || !output.DType.IsFloatingPoint())
        {
            return output;
        }

        if (KeptOutputs.AreInUse)
        {
            KeptOutputs.Keep(operation.Name, output);
        }

        var node = new OperationNode(operation, Edges(input0, input1, input2), output.Shape, output.DType);
        node.SaveInputs(input0, input1, input2);
        output.SetHistory(node);
        node.SaveOutput(output);
        return output;
    }

    /// <summary>The same for an operation on any number of inputs; it may save the first three.</summary>
    public static Tensor Record(IDifferentiable operation, Tensor output, ReadOnlySpan<Tensor> inputs)
    {
        if (inputs.Length <= 3)
        {
            return Record(operation, output, inputs[0], inputs.Length > 1 ? inputs[1] : null, inputs.Length > 2 ? inputs[2] : null);
        }

        bool wanted = false;
        foreach (var input in inputs)
        {
            wanted |= input.RequiresGrad;
        }

        if (!wanted || !GradMode.IsEnabled || !output.DType.IsFloatingPoint())
        {
            return output;
        }

        var edges = new Edge[inputs.Length];
        for (int i = 0; i < edges.Length; i++)
        {
            edges[i] = inputs[i].GradientEdge();
        }

        var node = new OperationNode(operation, edges, output.Shape, output.DType);
        node.SaveInputs(inputs[0], inputs[1], inputs[2]);
        output.SetHistory(node);
        node.SaveOutput(output);
        return output;
    }

    public static Edge[] Edges(Tensor input0, Tensor? input1, Tensor? input2) =>
        input2 is not null ? [input0.GradientEdge(), input1!.GradientEdge(), input2.GradientEdge()]
        : input1 is not null ? [input0.GradientEdge(), input1.GradientEdge()]
        : [input0.GradientEdge()];
}
