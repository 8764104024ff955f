using System.Globalization;
using System.Text;
using Autograd.Gpu.Lazy;

namespace Autograd.Gpu.Tape;

/// <summary>The comparison behind <c>GradCheck</c>: one Jacobian for each pair of an output and an input that requires gradients.</summary>
internal sealed class JacobianCheck(
    Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> function, IReadOnlyList<Tensor> inputs, double eps, double atol, double rtol, double nondetTol)
{
    /// <summary>Entries that a message shows.</summary>
    private const int MaxShown = 8;

    private readonly int[] _checked = [.. Enumerable.Range(0, inputs.Count).Where(i => inputs[i].RequiresGrad)];

    public void Run()
    {
        var outputs = function(inputs);
        var numerical = Numerical(outputs);
        if (!outputs.Any(o => o.RequiresGrad))
        {
            CheckZero(outputs, numerical);
            return;
        }

        for (int output = 0; output < outputs.Count; output++)
        {
            if (!outputs[output].RequiresGrad)
            {
                continue;
            }

            var analytical = Analytical(outputs[output]);
            for (int k = 0; k < _checked.Length; k++)
            {
                Compare(output, k, outputs[output].Shape, analytical[k], numerical[output, k]);
            }

            CheckTwoPasses(outputs[output], output);
            CheckZeroGradient(outputs[output], output);
        }
    }

    /// <summary>For each output and input the matrix [output elements, input elements] of central differences.</summary>
    private double[,][,] Numerical(IReadOnlyList<Tensor> outputs)
    {
        var jacobians = new double[outputs.Count, _checked.Length][,];
        for (int k = 0; k < _checked.Length; k++)
        {
            var input = inputs[_checked[k]];
            var values = input.Detach().ToArray<double>();
            for (int o = 0; o < outputs.Count; o++)
            {
                jacobians[o, k] = new double[outputs[o].NumElements, values.Length];
            }

            for (int j = 0; j < values.Length; j++)
            {
                double x = values[j];
                var above = Evaluate(k, values, j, x + eps);
                var below = Evaluate(k, values, j, x - eps);
                values[j] = x;
                for (int o = 0; o < outputs.Count; o++)
                {
                    var jacobian = jacobians[o, k];
                    for (int i = 0; i < above[o].Length; i++)
                    {
                        jacobian[i, j] = (above[o][i] - below[o][i]) / (2 * eps);
                    }
                }
            }
        }

        return jacobians;
    }

    private double[][] Evaluate(int k, double[] values, int place, double value)
    {
        values[place] = value;
        var moved = inputs[_checked[k]];
        var replacement = WithValues(moved, values);
        var outputs = function([.. inputs.Select(x => ReferenceEquals(x, moved) ? replacement : x)]);
        return [.. outputs.Select(Values)];
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

    /// <summary>For each input the matrix [output elements, input elements], a backward pass for each row.</summary>
    private double[][,] Analytical(Tensor output)
    {
        var jacobians = _checked.Select(i => new double[output.NumElements, inputs[i].NumElements]).ToArray();
        var seed = new double[output.NumElements];
        for (int row = 0; row < seed.Length; row++)
        {
            seed[row] = 1;
            var gradients = Gradients(output, seed);
            seed[row] = 0;
            for (int k = 0; k < gradients.Length; k++)
            {
                for (int j = 0; j < gradients[k].Length; j++)
                {
                    jacobians[k][row, j] = gradients[k][j];
                }
            }
        }

        return jacobians;
    }

    private double[][] Gradients(Tensor output, double[] seed)
    {
        var gradient = Tensor.FromArray(seed, output.Shape, output.Device).To(output.DType);
        var gradients = Autodiff.Grad([output], [.. _checked.Select(i => inputs[i])], [gradient], retainGraph: true, allowUnused: true);
        return [.. gradients.Select((g, k) => g is null ? new double[inputs[_checked[k]].NumElements] : Values(g))];
    }

    private void Compare(int output, int k, Shape shape, double[,] analytical, double[,] numerical)
    {
        int input = _checked[k];
        StringBuilder? wrong = null;
        int count = 0;
        for (int i = 0; i < analytical.GetLength(0); i++)
        {
            for (int j = 0; j < analytical.GetLength(1); j++)
            {
                // Written so that nan disagrees with everything.
                if (!(Math.Abs(analytical[i, j] - numerical[i, j]) <= atol + rtol * Math.Abs(numerical[i, j])) && count++ < MaxShown)
                {
                    (wrong ??= new StringBuilder()).Append(
                        CultureInfo.InvariantCulture, $"\n  [{i}, {j}]: analytical {analytical[i, j]:R}, numerical {numerical[i, j]:R}");
                }
            }
        }

        if (wrong is null)
        {
            return;
        }

        string more = count > MaxShown ? $"\n  and {count - MaxShown} more" : "";
        throw new GradCheckException(
            $"GradCheck: Jacobian mismatch for output {output} with respect to input {input}: {count} of {analytical.Length} entries [output element, input element] differ "
            + $"(output shape {shape}, input shape {inputs[input].Shape}, atol {atol}, rtol {rtol}, eps {eps}):{wrong}{more}",
            output,
            input,
            analytical,
            numerical);
    }

    private void CheckTwoPasses(Tensor output, int number)
    {
        var seed = new double[output.NumElements];
        Array.Fill(seed, 1);
        var (first, second) = (Gradients(output, seed), Gradients(output, seed));
        for (int k = 0; k < first.Length; k++)
        {
            for (int j = 0; j < first[k].Length; j++)
            {
                if (Math.Abs(first[k][j] - second[k][j]) > nondetTol)
                {
                    throw new GradCheckException(
                        $"GradCheck: Backward is not reentrant, i.e., running backward with same input and grad_output multiple times gives different values: output {number}, "
                        + $"input {_checked[k]}, element {j}: {first[k][j]:R} and {second[k][j]:R}. The tolerance for nondeterminism was {nondetTol}.",
                        number,
                        _checked[k]);
                }
            }
        }
    }

    private void CheckZeroGradient(Tensor output, int number)
    {
        var gradients = Gradients(output, new double[output.NumElements]);
        for (int k = 0; k < gradients.Length; k++)
        {
            int at = Array.FindIndex(gradients[k], g => g != 0);
            if (at >= 0)
            {
                throw new GradCheckException(
                    $"GradCheck: backward not multiplied by grad_output: for a gradient of zeros of output {number}, element {at} of the gradient of input {_checked[k]} is {gradients[k][at]:R}.",
                    number,
                    _checked[k]);
            }
        }
    }

    private void CheckZero(IReadOnlyList<Tensor> outputs, double[,][,] numerical)
    {
        for (int o = 0; o < outputs.Count; o++)
        {
            for (int k = 0; k < _checked.Length; k++)
            {
                foreach (double slope in numerical[o, k])
                {
                    if (slope != 0)
                    {
                        throw new GradCheckException(
                            $"GradCheck: Numerical gradient for function expected to be zero, because no output requires gradients, but output {o} changes by {slope:R} "
                            + $"with an element of input {_checked[k]}. Was it computed under NoGrad(), or from Detach() or Data?",
                            o,
                            _checked[k]);
                    }
                }
            }
        }
    }

    private static double[] Values(Tensor tensor) => tensor.Detach().To(DType.Float64).ToArray<double>();
}
