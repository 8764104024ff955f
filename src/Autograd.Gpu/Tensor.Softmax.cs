namespace Autograd.Gpu;

public sealed partial class Tensor
{
    /// <summary>exp(x) / sum(exp(x)) over a dimension; float tensors only. Rows of -inf alone give nan, as in PyTorch.</summary>
    public Tensor Softmax(int dim) => NumElements == 0 ? this * 1.0 : Operations.Softmax.Apply(Floating("Softmax"), Shape.WrapDim(dim, "Softmax"));

    /// <summary>x - log(sum(exp(x))) over a dimension, without the overflow of the formula.</summary>
    public Tensor LogSoftmax(int dim) =>
        NumElements == 0 ? this * 1.0 : Operations.LogSoftmax.Apply(Floating("LogSoftmax"), Shape.WrapDim(dim, "LogSoftmax"));

    private Tensor Floating(string operation)
    {
        if (!DType.IsFloatingPoint())
        {
            throw new DTypeException($"{operation}: not implemented for {DType.Name()}. Convert with To(DType.Float32).");
        }

        return Rank == 0 ? Reshape(1L).Squeeze(0) : this;
    }
}
