using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Nn;

public static partial class Functional
{
    /// <summary>
    /// (x - mean) / sqrt(variance + eps) * weight + bias, where mean and variance (divided by the number of elements) are those of the last dimensions, which have
    /// the shape <paramref name="normalizedShape"/>. Weight and bias have that shape too. Half types are computed in float32.
    /// </summary>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    /// <exception cref="DTypeException">The dtypes differ or are not floating-point.</exception>
    /// <exception cref="DeviceMismatchException">The tensors live on several devices.</exception>
    public static Tensor LayerNorm(Tensor input, Shape normalizedShape, Tensor? weight = null, Tensor? bias = null, double eps = 1e-5)
    {
        CheckNorm("LayerNorm", input, normalizedShape, weight, bias);
        var result = RowNorm.Apply(input, weight, weight is null ? null : bias, normalizedShape.Rank, eps, centres: true);
        return weight is null && bias is not null ? result + bias : result;
    }

    /// <summary>
    /// x / sqrt(mean(x^2) + eps) * weight, over the last dimensions, which have the shape <paramref name="normalizedShape"/>, as has the weight. Half types are
    /// computed in float32.
    /// </summary>
    /// <param name="input">The elements.</param>
    /// <param name="normalizedShape">The last sizes of the input.</param>
    /// <param name="weight">A factor for each element of a row, or null.</param>
    /// <param name="eps">Added to the mean; by default the distance from 1 to the next number of the input's dtype.</param>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    /// <exception cref="DTypeException">The dtypes differ or are not floating-point.</exception>
    /// <exception cref="DeviceMismatchException">The tensors live on several devices.</exception>
    public static Tensor RmsNorm(Tensor input, Shape normalizedShape, Tensor? weight = null, double? eps = null)
    {
        CheckNorm("RmsNorm", input, normalizedShape, weight, null);
        return RowNorm.Apply(input, weight, null, normalizedShape.Rank, eps ?? Epsilon(input.DType), centres: false);
    }

    private static double Epsilon(DType dtype) => dtype switch
    {
        DType.Float64 => Math.Pow(2, -52),
        DType.Float32 => Math.Pow(2, -23),
        DType.Float16 => Math.Pow(2, -10),
        _ => Math.Pow(2, -7),
    };

    private static void CheckNorm(string operation, Tensor input, Shape normalizedShape, Tensor? weight, Tensor? bias)
    {
        ArgumentNullException.ThrowIfNull(input);
        CheckOperands(operation, input, weight ?? input, bias);
        if (normalizedShape.Rank == 0)
        {
            throw new ShapeException(
                $"{operation}: Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got normalized_shape = {normalizedShape}.");
        }

        if (input.Rank < normalizedShape.Rank || !input.Shape.AsSpan()[^normalizedShape.Rank..].SequenceEqual(normalizedShape.AsSpan()))
        {
            string sizes = string.Join(", ", normalizedShape.ToArray());
            throw new ShapeException(
                $"{operation}: Given normalized_shape={normalizedShape}, expected input with shape [*, {sizes}], but got input of size{input.Shape}.");
        }

        Check("weight", weight);
        Check("bias", bias);

        void Check(string name, Tensor? tensor)
        {
            if (tensor is not null && tensor.Shape != normalizedShape)
            {
                throw new ShapeException(
                    $"{operation}: Expected {name} to be of same shape as normalized_shape, but got {name} of shape {tensor.Shape} and normalized_shape = {normalizedShape}.");
            }
        }
    }
}
