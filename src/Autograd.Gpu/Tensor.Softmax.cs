using Autograd.Gpu.Operations;

namespace Autograd.Gpu;

public sealed partial class Tensor
{
    /// <summary>exp(x) / sum(exp(x)) over a dimension; float tensors only. Rows of -inf alone and rows with inf give nan, as in PyTorch.</summary>
    public Tensor Softmax(int dim) => NumElements == 0 ? this * 1.0 : Structural.Apply(new Softmax(Shape.WrapDim(dim, "Softmax")), Floating("Softmax"));

    /// <summary>x - log(sum(exp(x))) over a dimension, without the overflow of the formula.</summary>
    public Tensor LogSoftmax(int dim) =>
        NumElements == 0 ? this * 1.0 : Structural.Apply(new LogSoftmax(Shape.WrapDim(dim, "LogSoftmax")), Floating("LogSoftmax"));

    private Tensor Floating(string operation)
    {
        if (!DType.IsFloatingPoint())
        {
            throw new DTypeException($"{operation}: not implemented for {DType.Name()}. Convert with To(DType.Float32).");
        }

        return Rank == 0 ? Reshape(1L).Squeeze(0) : this;
    }
}
