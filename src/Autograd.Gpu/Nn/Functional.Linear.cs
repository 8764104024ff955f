using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Nn;

public static partial class Functional
{
    /// <summary>
    /// x W^T + b, for x [.., in], weights [out, in] and an optional bias [out]: [.., out]. One operation; a bias that only broadcasts to [.., out] is added after it.
    /// A vector of weights [in] gives [..]. Half types are computed in float32.
    /// </summary>
    /// <exception cref="ShapeException">The last size of the input is not that of the weights, or the bias does not fit.</exception>
    /// <exception cref="DTypeException">The dtypes differ or are not floating-point.</exception>
    /// <exception cref="DeviceMismatchException">The tensors live on several devices.</exception>
    public static Tensor Linear(Tensor input, Tensor weight, Tensor? bias = null)
    {
        CheckOperands("Linear", input, weight, bias);
        if (input.Rank == 0 || weight.Rank is not (1 or 2))
        {
            throw new ShapeException(
                $"Linear: both arguments to linear need to be at least 1D and the weights at most 2D, but the input has shape {input.Shape} and the weights {weight.Shape}.");
        }

        if (input.Shape[-1] != weight.Shape[-1])
        {
            throw new ShapeException(
                $"Linear: mat1 and mat2 shapes cannot be multiplied ({input.Shape} and {weight.Shape} transposed): the last size of the input, {input.Shape[-1]}, must "
                + $"equal the last size of the weights, {weight.Shape[-1]}.");
        }

        if (input.DType.ComputeType() is var compute && compute != input.DType)
        {
            return Linear(input.To(compute), weight.To(compute), bias?.To(compute)).To(input.DType);
        }

        if (weight.Rank == 1)
        {
            var dot = input.MatMul(weight);
            return bias is null ? dot : dot + Fitting(bias, dot.Shape);
        }

        if (bias is null || (bias.Rank == 1 && bias.Shape[0] == weight.Shape[0]))
        {
            return Operations.Linear.Apply(input, weight, bias);
        }

        var product = Operations.Linear.Apply(input, weight, null);
        return product + Fitting(bias, product.Shape);
    }

    /// <summary>
    /// x1 A x2 + b for each pair of rows: y[.., o] = sum over i, j of x1[.., i] A[o, i, j] x2[.., j] + b[o], for x1 [.., in1], x2 [.., in2], weights [out, in1, in2]
    /// and an optional bias [out].
    /// </summary>
    /// <exception cref="ShapeException">The sizes do not fit.</exception>
    /// <exception cref="DTypeException">The dtypes differ or are not floating-point.</exception>
    /// <exception cref="DeviceMismatchException">The tensors live on several devices.</exception>
    public static Tensor Bilinear(Tensor input1, Tensor input2, Tensor weight, Tensor? bias = null)
    {
        ArgumentNullException.ThrowIfNull(weight);
        CheckOperands("Bilinear", input1, input2, weight);
        CheckOperands("Bilinear", input1, weight, bias);
        if (input1.Rank == 0 || input1.Rank != input2.Rank || !input1.Shape.AsSpan()[..^1].SequenceEqual(input2.Shape.AsSpan()[..^1]))
        {
            throw new ShapeException(
                $"Bilinear: bilinear(): input batch dimensions do not match: got {input1.Shape} and {input2.Shape}. All sizes but the last must be equal.");
        }

        if (weight.Rank != 3 || weight.Shape[1] != input1.Shape[-1] || weight.Shape[2] != input2.Shape[-1])
        {
            throw new ShapeException(
                $"Bilinear: input sizes do not match weight size: got inputs {input1.Shape} and {input2.Shape}, but weights {weight.Shape}. Expected weights [out, "
                + $"{input1.Shape[-1]}, {input2.Shape[-1]}].");
        }

        if (bias is not null && (bias.Rank != 1 || bias.Shape[0] != weight.Shape[0]))
        {
            throw new ShapeException($"Bilinear: bias size does not match weight size: got a bias {bias.Shape} beside weights {weight.Shape}. Expected [{weight.Shape[0]}].");
        }

        if (input1.DType.ComputeType() is var compute && compute != input1.DType)
        {
            return Bilinear(input1.To(compute), input2.To(compute), weight.To(compute), bias?.To(compute)).To(input1.DType);
        }

        long outputs = weight.Shape[0];
        long rows = 1;
        foreach (long size in input1.Shape.AsSpan()[..^1])
        {
            rows *= size;
        }

        // All products of x1 with the weights, [rows, out, in2], and then a product of a matrix and a vector for each row.
        var half = input1.Reshape(rows, weight.Shape[1]).MatMul(weight.Permute(1, 0, 2).Reshape(weight.Shape[1], outputs * weight.Shape[2]));
        var right = input2.Reshape(rows, weight.Shape[2], 1);
        var sizes = input1.Shape.ToArray();
        sizes[^1] = outputs;
        var result = half.Reshape(rows, outputs, weight.Shape[2]).MatMul(right).Reshape(sizes);
        return bias is null ? result : result + bias;
    }

    private static Tensor Fitting(Tensor bias, Shape shape) => bias.Shape.IsExpandableTo(shape)
        ? bias
        : throw new ShapeException($"Linear: The expanded size of the bias {bias.Shape} must match the result {shape}. Expected a bias [{(shape.Rank == 0 ? "" : shape[-1])}].");

    /// <summary>Refuses operands of several devices or dtypes, and integers.</summary>
    private static void CheckOperands(
        string operation, Tensor first, Tensor second, Tensor? third, [CallerArgumentExpression(nameof(first))] string? nameOfFirst = null,
        [CallerArgumentExpression(nameof(second))] string? nameOfSecond = null)
    {
        ArgumentNullException.ThrowIfNull(first, nameOfFirst);
        ArgumentNullException.ThrowIfNull(second, nameOfSecond);
        if (first.Device != second.Device || (third is not null && third.Device != first.Device))
        {
            throw new DeviceMismatchException(
                $"{operation}: Expected all tensors to be on the same device, but found at least two devices, {first.Device} and "
                + $"{(first.Device != second.Device ? second.Device : third!.Device)}. Move one with To(device).");
        }

        if (first.DType != second.DType || (third is not null && third.DType != first.DType))
        {
            throw new DTypeException(
                $"{operation}: expected all tensors to have the same dtype, but got {first.DType.Name()} and "
                + $"{(first.DType != second.DType ? second.DType : third!.DType).Name()}. Convert one with To(dtype).");
        }

        if (!first.DType.IsFloatingPoint())
        {
            throw new DTypeException($"{operation}: not implemented for {first.DType.Name()}. Convert the tensors with To(DType.Float32).");
        }
    }
}
