namespace Autograd.Gpu;

public sealed partial class Tensor
{
    /// <summary>
    /// The matrix product. Vectors [k] count as a row on the left and a column on the right, and their dimension is dropped from the result;
    /// two matrices [m, k] and [k, n] give [m, n]; further leading dimensions are stacks of matrices and broadcast.
    /// </summary>
    /// <exception cref="ShapeException">An operand is 0-d, the inner sizes differ, or the leading dimensions do not broadcast.</exception>
    /// <remarks>Half types are multiplied and summed in float32, and the result rounded once; whole numbers are summed in their own type.</remarks>
    /// <exception cref="DTypeException">The dtypes differ, or are bool.</exception>
    public Tensor MatMul(Tensor other)
    {
        ArgumentNullException.ThrowIfNull(other);
        CheckMatMul(other);
        if (Operations.Contraction.IsHalf(DType))
        {
            return To(DType.Float32).MatMul(other.To(DType.Float32)).To(DType);
        }

        var a = Rank == 1 ? Unsqueeze(0) : this;
        var b = other.Rank == 1 ? other.Unsqueeze(1) : other;
        var product = DType.IsFloatingPoint() ? Operations.MatMul.Apply(a, b) : (a.Unsqueeze(-1) * b.Unsqueeze(-3)).Sum([-2], dtype: DType);
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

        CheckNumbers("MatMul");

        long inner = other.Rank == 1 ? other.Shape[0] : other.Shape[-2];
        if (Shape[-1] != inner)
        {
            throw new ShapeException(
                $"MatMul: mat1 and mat2 shapes cannot be multiplied ({Shape} and {other.Shape}): the last size of the first, {Shape[-1]}, must equal "
                + $"the {(other.Rank == 1 ? "size" : "next-to-last size")} of the second, {inner}. Transpose one of them?");
        }
    }
}
