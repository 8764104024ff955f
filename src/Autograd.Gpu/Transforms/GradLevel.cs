using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Transforms;

/// <summary>A differentiation: its tensors are recorded on a tape of their own, over values that other transforms may record or map in turn.</summary>
internal sealed class GradLevel : Level
{
    private readonly bool _recordsOutside = GradMode.IsEnabled;

    public override string Name => "Grad";

    /// <summary>The tensor as an input of this differentiation: a leaf that requires gradients.</summary>
    public Tensor Wrap(Tensor input) => new Tensor(new GradWrapper(this, input)).RequiresGrad_();

    /// <summary>Where the gradient of this output goes on this tape; no node if it does not depend on the inputs.</summary>
    public Edge EdgeOf(Tensor output) => Wraps(output) ? output.GradientEdge() : default;

    /// <summary>Recording outside of this differentiation, until the result is disposed: as it was where it began, unless it is off here.</summary>
    public GradMode.Scope OutsideMode() => GradMode.Set(GradMode.IsEnabled && (_recordsOutside || !IsOpen));

    protected override Tensor Process(IOperation operation, ReadOnlySpan<Tensor> inputs)
    {
        Tensor value;
        using (OutsideMode())
        {
            value = operation.Apply(Unwrap(inputs));
        }

        if (!IsOpen || !operation.IsDifferentiable || !value.DType.IsFloatingPoint())
        {
            return value;
        }

        if (!GradMode.IsEnabled || !Wants(inputs))
        {
            // A view of this differentiation's tensor is one too, for what is written through it becomes that tensor's history.
            return inputs.Length == 1 && SharesMemory(value, inputs[0])
                ? new Tensor(new GradWrapper(this, value)).NoteView(operation, inputs[0])
                : value;
        }

        var edges = new Edge[inputs.Length];
        for (int i = 0; i < edges.Length; i++)
        {
            edges[i] = EdgeOf(inputs[i]);
        }

        var output = new Tensor(new GradWrapper(this, value));
        var node = new OperationNode(operation, edges, output.Shape, output.DType);
        node.SaveInputs(inputs[0], inputs.Length > 1 ? inputs[1] : null, inputs.Length > 2 ? inputs[2] : null);
        output.SetHistory(node);
        node.SaveOutput(output);
        return inputs.Length == 1 ? output.NoteView(operation, inputs[0]) : output;
    }

    private bool Wants(ReadOnlySpan<Tensor> inputs)
    {
        foreach (var input in inputs)
        {
            if (Wraps(input) && input.RequiresGrad)
            {
                return true;
            }
        }

        return false;
    }
}
