namespace Autograd.Gpu.Tests;

/// <summary>What a random program computes somewhere: the values of its lines, the gradients of its leaves, and those of a function of them.</summary>
internal sealed record ProgramRun(double[]?[] Values, double[]?[] Gradients, double[]?[] SecondGradients, string? Error)
{
    /// <summary>Runs a program from its first line.</summary>
    /// <param name="program">The program.</param>
    /// <param name="device">Where.</param>
    /// <param name="lazy">Whether values may be pending.</param>
    /// <param name="secondOrder">Whether derivatives of the gradients are taken too.</param>
    /// <param name="sinksOnly">Whether only values are read of which nothing else is computed.</param>
    public static ProgramRun Of(RandomProgram program, Device device, bool lazy, bool secondOrder, bool sinksOnly)
    {
        using var mode = Laziness.Set(lazy);
        var steps = program.Steps;
        var values = new Tensor?[steps.Count];
        var leaves = new List<Tensor>();
        var isUsed = new bool[steps.Count];
        for (int i = 0; i < values.Length; i++)
        {
            if (steps[i].Leaf is var (numbers, shape, dtype))
            {
                values[i] = Numbers.Of(numbers, shape, dtype, device).RequiresGrad_();
                leaves.Add(values[i]!);
                continue;
            }

            var result = steps[i].Apply(Array.ConvertAll(steps[i].Inputs, k => values[k]!));
            foreach (int input in steps[i].Inputs.Skip(steps[i].IsWrite ? 1 : 0))
            {
                isUsed[input] = true;
            }

            values[i] = steps[i].IsWrite ? null : result;
        }

        var roots = values.Where((v, i) => v is { RequiresGrad: true, IsLeaf: false } && !isUsed[i]).Select(v => v!).ToArray();
        var (gradients, second, error) = Differentiate(roots, leaves, secondOrder);

        // Read from the last to the first, so that a pending value is often computed for its reader before it is asked for itself.
        var read = new double[]?[values.Length];
        for (int i = values.Length - 1; i >= 0; i--)
        {
            read[i] = values[i] is { } v && (!sinksOnly || !isUsed[i]) ? v.Doubles() : null;
        }

        return new ProgramRun(read, [.. gradients.Select(g => g?.Doubles())], [.. second.Select(g => g?.Doubles())], error);
    }

    /// <summary>The first difference beyond the tolerance, in words; null if there is none.</summary>
    public string? Difference(ProgramRun other, double tolerance) => Error != other.Error
        ? $"the backward pass: expected {Error ?? "no error"}, got {other.Error ?? "no error"}"
        : Difference("value of v", Values, other.Values, tolerance)
            ?? Difference("gradient of leaf ", Gradients, other.Gradients, tolerance)
            ?? Difference("second-order gradient of leaf ", SecondGradients, other.SecondGradients, tolerance);

    private static (Tensor?[] First, Tensor?[] Second, string? Error) Differentiate(Tensor[] roots, List<Tensor> leaves, bool secondOrder)
    {
        if (roots.Length == 0)
        {
            return ([], [], null);
        }

        try
        {
            var first = Autodiff.Grad(roots, leaves, [.. roots.Select(Weights)], createGraph: secondOrder, allowUnused: true);
            Tensor[] slopes = secondOrder ? [.. first.Where(g => g is { RequiresGrad: true, IsLeaf: false }).Select(g => g!)] : [];
            IReadOnlyList<Tensor?> second = slopes.Length == 0 ? [] : Autodiff.Grad(slopes, leaves, [.. slopes.Select(Weights)], allowUnused: true);
            return ([.. first], [.. second], null);
        }
        catch (GradientException e)
        {
            return ([], [], e.Message[..Math.Min(e.Message.Length, 60)]);
        }
    }

    /// <summary>A gradient whose elements all differ.</summary>
    private static Tensor Weights(Tensor of)
    {
        var numbers = new double[of.NumElements];
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] = 0.5 + ((i * 37 + 11) % 64 / 64.0);
        }

        return Numbers.Of(numbers, of.Shape, of.DType, of.Device);
    }

    private static string? Difference(string what, double[]?[] expected, double[]?[] actual, double tolerance)
    {
        for (int i = 0; i < Math.Min(expected.Length, actual.Length); i++)
        {
            if (actual[i] is not { } a)
            {
                continue;
            }

            // What another run did not read has no place here; a gradient is there in both or in none.
            if (expected[i] is not { } e || e.Length != a.Length)
            {
                return $"{what}{i}: expected {(expected[i] is null ? "none" : $"{expected[i]!.Length} elements")}, got {a.Length} elements";
            }

            double scale = tolerance * Math.Max(1, e.Select(Math.Abs).DefaultIfEmpty(0).Max());
            for (int k = 0; k < a.Length; k++)
            {
                if (!(Math.Abs(a[k] - e[k]) <= scale))
                {
                    return $"{what}{i}, element {k}: expected {e[k]:R}, got {a[k]:R}";
                }
            }
        }

        return null;
    }
}
