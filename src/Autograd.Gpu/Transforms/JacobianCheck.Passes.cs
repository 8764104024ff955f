using System.Globalization;

namespace Autograd.Gpu.Transforms;

// The fast comparison, and what is asked of a backward pass beside the right numbers.
internal sealed partial class JacobianCheck
{
    /// <summary>Gradients that the batched check runs at once.</summary>
    private const int BatchSize = 5;

    /// <summary>
    /// Compares u^T J v for random u and v: one difference, one pass of each mode for each pair. The tolerance is that of the entries, summed with the weights of the sum.
    /// A disagreement is looked at entry by entry.
    /// </summary>
    private void CompareProjections(IReadOnlyList<Tensor> outputs, int[] recorded)
    {
        var weights = outputs.Select((o, i) => Random(1 + i, o.NumElements)).ToArray();
        var gradients = outputs.Select((o, i) => options.Backward && o.RequiresGrad ? Gradients(o, weights[i]) : []).ToArray();
        for (int k = 0; k < _checked.Length; k++)
        {
            var direction = Random(-1 - k, inputs[_checked[k]].NumElements);
            var slopes = _numerical.Along(_checked[k], direction, outputs);
            var tangents = options.Forward ? Tangents(k, direction, outputs) : [];
            foreach (int output in recorded)
            {
                double numerical = Dot(slopes[output], weights[output]);
                double atol = options.Atol * weights[output].Sum(Math.Abs) * direction.Sum(Math.Abs);
                if (options.Backward)
                {
                    CompareProjection("Jacobian mismatch", outputs, recorded, output, k, Dot(gradients[output][k], direction), numerical, atol);
                }

                if (options.Forward)
                {
                    CompareProjection(
                        "Jacobian computed with forward mode mismatch", outputs, recorded, output, k, Dot(tangents[output], weights[output]), numerical, atol);
                }
            }
        }
    }

    private void CompareProjection(
        string mismatch, IReadOnlyList<Tensor> outputs, int[] recorded, int output, int k, double analytical, double numerical, double atol)
    {
        if (AreClose(analytical, numerical, atol))
        {
            return;
        }

        CompareEntries(outputs, recorded);
        throw new GradCheckException(
            string.Create(
                CultureInfo.InvariantCulture,
                $"GradCheck: {mismatch} for output {output} with respect to input {_checked[k]}, computed in fast mode: along random directions the slope is analytically {analytical:R}, ")
            + string.Create(
                CultureInfo.InvariantCulture,
                $"numerically {numerical:R} (tolerance {atol + options.Rtol * Math.Abs(numerical):R}), though entry by entry all agree. Use fastMode: false to accept that."),
            output,
            _checked[k]);
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
                if (Math.Abs(first[k][j] - second[k][j]) > options.NondetTol)
                {
                    throw new GradCheckException(
                        $"GradCheck: Backward is not reentrant, i.e., running backward with same input and grad_output multiple times gives different values: output {number}, "
                        + $"input {_checked[k]}, element {j}: {first[k][j]:R} and {second[k][j]:R}. The tolerance for nondeterminism was {options.NondetTol}.",
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

    /// <summary>With zeros for all other outputs and nothing at all for this one, nothing or zeros must arrive.</summary>
    private void CheckUndefined(IReadOnlyList<Tensor> outputs, int[] recorded, int undefined)
    {
        var others = recorded.Where(o => o != undefined).ToArray();
        if (others.Length == 0)
        {
            return;
        }

        Tensor?[] gradients;
        try
        {
            gradients = Autodiff.Grad(
                [.. others.Select(o => outputs[o])],
                [.. _checked.Select(i => inputs[i])],
                [.. others.Select(o => Tensor.ZerosLike(outputs[o]))],
                retainGraph: true,
                allowUnused: true);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw new GradCheckException(
                $"GradCheck: Expected backward function to handle undefined output grads, but without a gradient for output {undefined} it threw {e.GetType().Name}: {e.Message}",
                undefined,
                _checked[0]);
        }

        for (int k = 0; k < gradients.Length; k++)
        {
            if (gradients[k] is { } gradient && Array.Exists(Values(gradient), g => g != 0))
            {
                throw new GradCheckException(
                    $"GradCheck: Expected all input grads to be undefined or zero when all output grads are undefined or zero, but without a gradient for output {undefined}, and zeros for "
                    + $"the others, the gradient of input {_checked[k]} is not zero.",
                    undefined,
                    _checked[k]);
            }
        }
    }

    private void CheckBatched(Tensor output, int number)
    {
        var leaves = _checked.Select(i => inputs[i]).ToArray();
        var rows = Enumerable.Range(0, BatchSize).Select(b => Random(100 + b, output.NumElements)).ToArray();
        var batch = Tensor.FromArray([.. rows.SelectMany(r => r)], [BatchSize, .. output.Shape.AsSpan()], output.Device).To(output.DType);
        Tensor?[] found;
        try
        {
            found = BatchedGradients.Run(
                "GradCheck", [output.GradientEdge()], [batch], Array.ConvertAll(leaves, x => x.GradientEdge()), keepGraph: true, createGraph: false);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw new GradCheckException(
                $"GradCheck: Gradcheck failed while testing batched gradient computation: for output {number} the batched pass threw {e.GetType().Name}: {e.Message}",
                number,
                _checked[0]);
        }

        var expected = Array.ConvertAll(rows, r => Gradients(output, r));
        for (int k = 0; k < leaves.Length; k++)
        {
            var actual = found[k] is { } gradient ? Values(gradient) : new double[BatchSize * leaves[k].NumElements];
            for (int j = 0; j < actual.Length; j++)
            {
                double single = expected[j / leaves[k].NumElements][k][j % leaves[k].NumElements];
                if (!AreClose(actual[j], single, options.Atol))
                {
                    throw new GradCheckException(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"GradCheck: Gradcheck failed while testing batched gradient computation: output {number}, input {_checked[k]}, gradient {j / leaves[k].NumElements} of the batch: ")
                        + string.Create(CultureInfo.InvariantCulture, $"element {j % leaves[k].NumElements} is {actual[j]:R} in the batch and {single:R} alone."),
                        number,
                        _checked[k]);
                }
            }
        }
    }

    private void CheckZero(IReadOnlyList<Tensor> outputs)
    {
        foreach (int input in _checked)
        {
            var numerical = _numerical.Columns(input, outputs);
            for (int o = 0; o < outputs.Count; o++)
            {
                foreach (double slope in numerical[o])
                {
                    if (slope != 0)
                    {
                        throw new GradCheckException(
                            $"GradCheck: Numerical gradient for function expected to be zero, because no output requires gradients, but output {o} changes by {slope:R} "
                            + $"with an element of input {input}. Was it computed under NoGrad(), or from Detach() or Data?",
                            o,
                            input);
                    }
                }
            }
        }
    }

    /// <summary>Numbers of either sign away from zero; a sequence of their own, so that no generator moves.</summary>
    private static double[] Random(int seed, long count)
    {
        var random = new Random(seed);
        var values = new double[count];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (0.5 + random.NextDouble()) * (random.Next(2) == 0 ? 1 : -1);
        }

        return values;
    }

    private static double Dot(double[] a, double[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
        {
            sum += a[i] * b[i];
        }

        return sum;
    }
}
