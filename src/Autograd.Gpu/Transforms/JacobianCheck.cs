using System.Globalization;
using System.Text;

namespace Autograd.Gpu.Transforms;

/// <summary>What a check compares, and how closely.</summary>
/// <param name="Eps">The step of the differences.</param>
/// <param name="Atol">The absolute tolerance.</param>
/// <param name="Rtol">The relative tolerance.</param>
/// <param name="NondetTol">By how much two backward passes may differ.</param>
/// <param name="Undefined">Whether gradients that are left out must count as zeros.</param>
/// <param name="Batched">Whether one pass for many gradients must give what many passes do.</param>
/// <param name="Forward">Whether forward mode is checked.</param>
/// <param name="Backward">Whether reverse mode is checked.</param>
/// <param name="Fast">Whether one random projection of each Jacobian stands for all of its entries.</param>
internal readonly record struct CheckOptions(
    double Eps, double Atol, double Rtol, double NondetTol, bool Undefined, bool Batched, bool Forward, bool Backward, bool Fast);

/// <summary>The comparison behind <c>GradCheck</c>: one Jacobian for each pair of an output and an input that requires gradients.</summary>
internal sealed partial class JacobianCheck(
    Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> function, IReadOnlyList<Tensor> inputs, CheckOptions options)
{
    /// <summary>Entries that a message shows.</summary>
    private const int MaxShown = 8;

    private readonly int[] _checked = [.. Enumerable.Range(0, inputs.Count).Where(i => inputs[i].RequiresGrad)];
    private readonly NumericalJacobian _numerical = new(function, inputs, options.Eps);

    /// <summary>What forward mode is applied to, where that is not the function itself but one that computes the same.</summary>
    public Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>>? ForwardFunction { get; init; }

    public void Run()
    {
        var outputs = function(inputs);
        var recorded = Enumerable.Range(0, outputs.Count).Where(o => outputs[o].RequiresGrad).ToArray();
        if (recorded.Length == 0)
        {
            CheckZero(outputs);
        }
        else if (options.Fast)
        {
            CompareProjections(outputs, recorded);
        }
        else
        {
            CompareEntries(outputs, recorded);
        }

        foreach (int output in options.Backward ? recorded : [])
        {
            CheckTwoPasses(outputs[output], output);
            CheckZeroGradient(outputs[output], output);
            if (options.Undefined)
            {
                CheckUndefined(outputs, recorded, output);
            }

            if (options.Batched)
            {
                CheckBatched(outputs[output], output);
            }
        }
    }

    private void CompareEntries(IReadOnlyList<Tensor> outputs, int[] recorded)
    {
        var numerical = _checked.Select(i => _numerical.Columns(i, outputs)).ToArray();
        if (options.Backward)
        {
            foreach (int output in recorded)
            {
                var analytical = Analytical(outputs[output]);
                for (int k = 0; k < _checked.Length; k++)
                {
                    Compare("Jacobian mismatch", output, k, outputs[output].Shape, analytical[k], numerical[k][output]);
                }
            }
        }

        for (int k = 0; options.Forward && k < _checked.Length; k++)
        {
            var analytical = ForwardColumns(k, outputs);
            foreach (int output in recorded)
            {
                Compare("Jacobian computed with forward mode mismatch", output, k, outputs[output].Shape, analytical[output], numerical[k][output]);
            }
        }
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

    /// <summary>For each output the matrix [output elements, input elements], a forward pass for each column.</summary>
    private double[][,] ForwardColumns(int k, IReadOnlyList<Tensor> outputs)
    {
        long columns = inputs[_checked[k]].NumElements;
        var jacobians = outputs.Select(o => new double[o.NumElements, columns]).ToArray();
        var direction = new double[columns];
        for (int j = 0; j < columns; j++)
        {
            direction[j] = 1;
            var tangents = Tangents(k, direction, outputs);
            direction[j] = 0;
            for (int o = 0; o < tangents.Length; o++)
            {
                for (int i = 0; i < tangents[o].Length; i++)
                {
                    jacobians[o][i, j] = tangents[o][i];
                }
            }
        }

        return jacobians;
    }

    private double[][] Tangents(int k, double[] direction, IReadOnlyList<Tensor> expected)
    {
        var moved = inputs[_checked[k]];
        using var level = new DualLevel();
        var dual = level.Wrap(moved.Detach(), Tensor.FromArray(direction, moved.Shape, moved.Device));
        var outputs = (ForwardFunction ?? function)([.. inputs.Select(x => ReferenceEquals(x, moved) ? dual : x)]);
        NumericalJacobian.CheckSame(expected, outputs, _checked[k]);
        return [.. outputs.Select(o => level.TangentOf(Level.WithoutClosed(o)) is { } tangent ? Values(tangent) : new double[o.NumElements])];
    }

    private double[][] Gradients(Tensor output, double[] seed)
    {
        var gradient = Tensor.FromArray(seed, output.Shape, output.Device).To(output.DType);
        var gradients = Autodiff.Grad([output], [.. _checked.Select(i => inputs[i])], [gradient], retainGraph: true, allowUnused: true);
        return [.. gradients.Select((g, k) => g is null ? new double[inputs[_checked[k]].NumElements] : Values(g))];
    }

    private void Compare(string mismatch, int output, int k, Shape shape, double[,] analytical, double[,] numerical)
    {
        int input = _checked[k];
        StringBuilder? wrong = null;
        int count = 0;
        for (int i = 0; i < analytical.GetLength(0); i++)
        {
            for (int j = 0; j < analytical.GetLength(1); j++)
            {
                if (!AreClose(analytical[i, j], numerical[i, j], options.Atol) && count++ < MaxShown)
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
        if (!numerical.Cast<double>().Any(slope => slope != 0))
        {
            more += "\nNothing changes with the tensors that are handed in for this input. A module's own parameters are not replaced: call it through Autodiff.FunctionalCall.";
        }

        throw new GradCheckException(
            $"GradCheck: {mismatch} for output {output} with respect to input {input}: {count} of {analytical.Length} entries [output element, input element] differ "
            + $"(output shape {shape}, input shape {inputs[input].Shape}, atol {options.Atol}, rtol {options.Rtol}, eps {options.Eps}):{wrong}{more}",
            output,
            input,
            analytical,
            numerical);
    }

    /// <summary>Written so that nan disagrees with everything.</summary>
    private bool AreClose(double analytical, double numerical, double atol) => Math.Abs(analytical - numerical) <= atol + options.Rtol * Math.Abs(numerical);

    private static double[] Values(Tensor tensor) => tensor.Detach().To(DType.Float64).ToArray<double>();
}
