using Autograd.Gpu.Lazy;

namespace Autograd.Gpu.Transforms;

/// <summary>Differences of a function along one input, (f(x + h v) - f(x - h v)) / 2h, for all of its outputs.</summary>
internal sealed class NumericalJacobian(Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> function, IReadOnlyList<Tensor> inputs, double eps)
{
    /// <summary>For each output the matrix [output elements, input elements]: one column for each element of the input.</summary>
    /// <exception cref="GradCheckException">Beside the point the function gives outputs of other shapes than <paramref name="outputs"/>, those at the point.</exception>
    public double[][,] Columns(int input, IReadOnlyList<Tensor> outputs)
    {
        var values = inputs[input].Detach().ToArray<double>();
        var jacobians = outputs.Select(o => new double[o.NumElements, values.Length]).ToArray();
        var direction = new double[values.Length];
        for (int j = 0; j < values.Length; j++)
        {
            direction[j] = 1;
            var slopes = Along(input, values, direction, outputs);
            direction[j] = 0;
            for (int o = 0; o < slopes.Length; o++)
            {
                for (int i = 0; i < slopes[o].Length; i++)
                {
                    jacobians[o][i, j] = slopes[o][i];
                }
            }
        }

        return jacobians;
    }

    /// <summary>For each output its slope along <paramref name="direction"/>.</summary>
    /// <exception cref="GradCheckException">Beside the point the function gives outputs of other shapes than <paramref name="outputs"/>, those at the point.</exception>
    public double[][] Along(int input, double[] direction, IReadOnlyList<Tensor> outputs) => Along(input, inputs[input].Detach().ToArray<double>(), direction, outputs);

    /// <summary>Refuses outputs that are not in number and shape those at the point: no difference of the two is a slope.</summary>
    public static void CheckSame(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> others, int input)
    {
        const string Remedy = "Return the same outputs for each call, without random choices and state of former calls, "
            + "computed from the tensors that are handed in (a module's parameters through Autodiff.FunctionalCall).";
        if (others.Count != outputs.Count)
        {
            throw new GradCheckException(
                $"GradCheck: the function returned {outputs.Count} outputs at the point and {others.Count} when it was called again for input {input}. {Remedy}", 0, input);
        }

        for (int o = 0; o < outputs.Count; o++)
        {
            if (!others[o].Shape.Equals(outputs[o].Shape))
            {
                throw new GradCheckException(
                    $"GradCheck: output {o} of the function has shape {outputs[o].Shape} at the point and {others[o].Shape} when it was called again for input {input}. {Remedy}", o, input);
            }
        }
    }

    private double[][] Along(int input, double[] values, double[] direction, IReadOnlyList<Tensor> outputs)
    {
        var above = Evaluate(input, values, direction, eps, outputs);
        var below = Evaluate(input, values, direction, -eps, outputs);
        for (int o = 0; o < above.Length; o++)
        {
            for (int i = 0; i < above[o].Length; i++)
            {
                above[o][i] = (above[o][i] - below[o][i]) / (2 * eps);
            }
        }

        return above;
    }

    private double[][] Evaluate(int input, double[] values, double[] direction, double step, IReadOnlyList<Tensor> expected)
    {
        var moved = inputs[input];
        var shifted = new double[values.Length];
        for (int j = 0; j < shifted.Length; j++)
        {
            // What does not move keeps its value, also where that is infinite.
            shifted[j] = direction[j] == 0 ? values[j] : values[j] + step * direction[j];
        }

        var replacement = WithValues(moved, shifted);
        var outputs = function([.. inputs.Select(x => ReferenceEquals(x, moved) ? replacement : x)]);
        CheckSame(expected, outputs, input);
        return [.. outputs.Select(o => o.Detach().To(DType.Float64).ToArray<double>())];
    }

    /// <summary>A leaf of other values with the shape and strides of <paramref name="like"/>.</summary>
    private static Tensor WithValues(Tensor like, double[] values)
    {
        if (like.IsContiguous)
        {
            return Tensor.FromArray(values, like.Shape, like.Device, requiresGrad: true);
        }

        var shape = like.Shape;
        long last = 0;
        for (int d = 0; d < like.Rank; d++)
        {
            last += (shape[d] - 1) * like.Strides[d];
        }

        var memory = new double[last + 1];
        var index = new long[like.Rank];
        foreach (double value in values)
        {
            long at = 0;
            for (int d = 0; d < index.Length; d++)
            {
                at += index[d] * like.Strides[d];
            }

            memory[at] = value;
            for (int d = index.Length - 1; d >= 0 && ++index[d] == shape[d]; d--)
            {
                index[d] = 0;
            }
        }

        var layout = Layout.Strided(shape, like.Strides.ToArray(), 0);
        return Tensor.FromArray(memory, like.Device).View(layout).RequiresGrad_();
    }
}
