namespace Autograd.Gpu.Operations;

/// <summary>The node of a function that cuts a tensor into parts along a dimension: its gradient is that of the parts, put together again; missing ones are zero.</summary>
internal sealed class SplitNode(string name, Edge input, Tensor[] parts, int dim, bool stacks) : Node(name + "Backward0", [input])
{
    private readonly Shape[] _shapes = Array.ConvertAll(parts, p => p.Shape);
    private readonly DType _dtype = parts[0].DType;
    private readonly Device _device = parts[0].Device;

    internal override int OutputCount => _shapes.Length;

    internal override bool ForgetsGradients => true;

    internal override (Shape Shape, DType DType) OutputOf(int outputNumber) => (_shapes[outputNumber], _dtype);

    internal override void Backward(ReadOnlySpan<Tensor?> outputGradients, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        var gradients = new Tensor[_shapes.Length];
        for (int i = 0; i < gradients.Length; i++)
        {
            gradients[i] = outputGradients[i] ?? Tensor.Zeros(_shapes[i], _dtype, _device);
        }

        inputGradients[0] = stacks ? Tensor.Stack(gradients, dim) : Tensor.Cat(gradients, dim);
    }
}
