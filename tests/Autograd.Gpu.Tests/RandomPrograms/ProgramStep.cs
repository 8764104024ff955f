namespace Autograd.Gpu.Tests;

/// <summary>
/// A line of a random program: the operation, and the lines whose results it takes. A line that writes in place gives nothing to later ones; those read
/// what it wrote to.
/// </summary>
internal sealed record ProgramStep(string Text, int[] Inputs, Func<Tensor[], Tensor> Apply)
{
    /// <summary>The numbers of a leaf, which each run makes on its device.</summary>
    public (double[] Numbers, Shape Shape, DType DType)? Leaf { get; init; }

    public bool IsWrite { get; init; }
}

/// <summary>A random program, as text that one can paste and as lines that run anywhere.</summary>
internal sealed record RandomProgram(int Seed, DType DType, IReadOnlyList<ProgramStep> Steps)
{
    /// <summary>How far numbers of two runs may lie apart, for each unit of the largest.</summary>
    public double Tolerance => DType == DType.Float64 ? 1e-10 : 5e-4;

    public int Operations => Steps.Count(s => s.Leaf is null);

    public override string ToString() => string.Join('\n', Steps.Select(s => s.Text));

    /// <summary>The program without a line and all that depend on it.</summary>
    public RandomProgram Without(int line)
    {
        var isGone = new bool[Steps.Count];
        isGone[line] = true;
        for (int i = line + 1; i < isGone.Length; i++)
        {
            isGone[i] = Steps[i].Inputs.Any(k => isGone[k]);
        }

        var place = new int[Steps.Count];
        var left = new List<ProgramStep>();
        for (int i = 0; i < isGone.Length; i++)
        {
            place[i] = left.Count;
            if (!isGone[i])
            {
                left.Add(Steps[i] with { Inputs = Array.ConvertAll(Steps[i].Inputs, k => place[k]) });
            }
        }

        return this with { Steps = left };
    }
}
