namespace Autograd.Gpu;

public sealed partial class Tensor
{
    /// <summary>
    /// The matrix product. Vectors [k] count as a row on the left and a column on the right, and their dimension is dropped from the result;
    /// two matrices [m, k] and [k, n] give [m, n]; further leading dimensions are stacks of matrices and broadcast.
    /// </summary>
    /// <exception cref="ShapeException">An operand is 0-d, the inner sizes differ, or the leading dimensions do not broadcast.</exception>
    /// <exception cref="DTypeException">The dtypes differ, or are not float32 or float64.</exception>
    public Tensor MatMul(Tensor other)
    {
        CheckMatMul(other);
        var a = Rank == 1 ? Unsqueeze(0) : this;
        var b = other.Rank == 1 ? other.Unsqueeze(1) : other;
        var product = Operations.MatMul.Apply(a, b);
        if (other.Rank == 1)
        {
            product = product.Squeeze(-1);
        }

        return Rank == 1 ? product.Squeeze(other.Rank == 1 ? -1 : -2) : product;
    }

    private void CheckMatMul(Tensor other)
    {
        if (other.Device != Device)
        {
            throw new DeviceMismatchException(
                $"MatMul: Expected all tensors to be on the same device, but found at least two devices, {Device} and {other.Device}. Move one with To(device).");
        }

        if (Rank == 0 || other.Rank == 0)
        {
            throw new ShapeException(
                $"MatMul: both arguments to matmul need to be at least 1D, but they are {Rank}D and {other.Rank}D. Use * to multiply by a number.");
        }

        if (DType != other.DType)
        {
            throw new DTypeException($"MatMul: expected both tensors to have the same dtype, but got {DType.Name()} and {other.DType.Name()}. Convert one with To(dtype).");
        }

        if (DType is not (DType.Float32 or DType.Float64))
        {
            throw new DTypeException($"MatMul: not implemented for {DType.Name()}. Convert the operands with To(DType.Float32).");
        }

        long inner = other.Rank == 1 ? other.Shape[0] : other.Shape[-2];
        if (Shape[-1] != inner)
        {
            throw new ShapeException(
                $"MatMul: mat1 and mat2 shapes cannot be multiplied ({Shape} and {other.Shape}): the last size of the first, {Shape[-1]}, must equal "
                + $"the {(other.Rank == 1 ? "size" : "next-to-last size")} of the second, {inner}. Transpose one of them?");
        }
    }
}
