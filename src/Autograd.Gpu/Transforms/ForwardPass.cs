namespace Autograd.Gpu.Transforms;

/// <summary>A function evaluated with tangents.</summary>
internal static class ForwardPass
{
    /// <summary>The outputs and their tangents, zeros where an output does not depend on the inputs.</summary>
    public static (Tensor[] Outputs, Tensor[] Tangents) Run(
        Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> function, IReadOnlyList<Tensor> inputs, IReadOnlyList<Tensor> tangents, bool strict = false)
    {
        ArgumentNullException.ThrowIfNull(function);
        if (inputs.Count != tangents.Count)
        {
            throw new GradientException($"Jvp: expected a tangent for each input, but got {inputs.Count} inputs and {tangents.Count} tangents.");
        }

        using var level = new DualLevel();
        var duals = new Tensor[inputs.Count];
        for (int i = 0; i < duals.Length; i++)
        {
            // A write over the input inside the function is not to reach the caller's tangent, which may belong to another input as well.
            duals[i] = Dual("Jvp", level, inputs[i], tangents[i].Clone(), i);
        }

        var results = function(duals);
        var outputs = new Tensor[results.Count];
        var outputTangents = new Tensor[results.Count];
        for (int i = 0; i < outputs.Length; i++)
        {
            var result = Level.WithoutClosed(results[i]);
            outputs[i] = level.Unwrap(result);
            outputTangents[i] = level.TangentOf(result)
                ?? (!strict ? Tensor.ZerosLike(outputs[i]) : throw new GradientException(
                    $"Jvp: Output {i} of the user-provided function is independent of the inputs. This is not allowed in strict mode."));
        }

        return (outputs, outputTangents);
    }

    /// <summary>A value with its tangent, checked.</summary>
    public static Tensor Dual(string operation, DualLevel level, Tensor primal, Tensor tangent, int index = 0)
    {
        if (!primal.DType.IsFloatingPoint())
        {
            throw new DTypeException(
                $"{operation}: expected primal {index} to be floating point, but got {primal.DType.Name()}. Convert it with To(DType.Float32), or do not make it an input.");
        }

        if (primal.Shape != tangent.Shape)
        {
            throw new ShapeException(
                $"{operation}: Expected tangent to have the same shape as primal {index}: the primal has shape {primal.Shape} and the tangent {tangent.Shape}.");
        }

        if (primal.DType != tangent.DType)
        {
            throw new DTypeException(
                $"{operation}: Expected tangent to have the same dtype as primal {index}: the primal is {primal.DType.Name()} and the tangent {tangent.DType.Name()}. Convert it with To.");
        }

        return primal.Device == tangent.Device
            ? level.Wrap(primal, tangent)
            : throw new DeviceMismatchException(
                $"{operation}: primal {index} is on {primal.Device} and its tangent on {tangent.Device}. Move one with To(device).");
    }
}
