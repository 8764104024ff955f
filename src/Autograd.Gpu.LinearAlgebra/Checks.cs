using System.Runtime.CompilerServices;

namespace Autograd.Gpu.LinearAlgebra;

/// <summary>What all functions ask of their inputs, in the words that PyTorch has for it.</summary>
internal static class Checks
{
    public static void Matrix(string operation, Tensor a, string argument = "A", [CallerArgumentExpression(nameof(a))] string? name = null)
    {
        ArgumentNullException.ThrowIfNull(a, name);
        if (a.Rank < 2)
        {
            throw new ShapeException($"{operation}: The input tensor {argument} must have at least 2 dimensions (shape {a.Shape}).");
        }

        Real(operation, a);
    }

    public static void Square(string operation, Tensor a, string argument = "A", [CallerArgumentExpression(nameof(a))] string? name = null)
    {
        Matrix(operation, a, argument, name);
        if (a.Shape[-1] != a.Shape[-2])
        {
            throw new ShapeException(
                $"{operation}: {argument} must be batches of square matrices, but they are {a.Shape[-2]} by {a.Shape[-1]} matrices (shape {a.Shape}).");
        }
    }

    /// <summary>The right side of an equation, with the dtype and the device of the matrix.</summary>
    public static void Same(string operation, Tensor a, Tensor b, [CallerArgumentExpression(nameof(b))] string? name = null)
    {
        ArgumentNullException.ThrowIfNull(b, name);
        if (a.Device != b.Device)
        {
            throw new DeviceMismatchException(
                $"{operation}: Expected all tensors to be on the same device, but found at least two devices, {a.Device} and {b.Device}. Move one with To(device).");
        }

        if (a.DType != b.DType)
        {
            throw new DTypeException($"{operation}: Expected A and B to have the same dtype, but got {a.DType.Name()} and {b.DType.Name()}. Convert one with To(dtype).");
        }
    }

    private static void Real(string operation, Tensor a)
    {
        if (!a.DType.IsFloatingPoint())
        {
            throw new DTypeException($"{operation}: Expected a floating point tensor as input. Got {a.DType.Name()}. Convert with To(DType.Float32).");
        }

        if (a.DType is not (DType.Float32 or DType.Float64))
        {
            throw new DTypeException($"{operation}: Low precision dtypes not supported. Got {a.DType.Name()}. Convert with To(DType.Float32), and the result back.");
        }
    }
}
