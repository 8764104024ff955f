namespace AutogradRatio;

/// <summary>One iteration of a workload. With a probe, it hands over its results to be compared with the other side's.</summary>
internal delegate void Step(Probe? probe);

/// <summary>A row of the table: the same computation on the same data, once by each side.</summary>
internal sealed record Workload(string Group, string Name)
{
    /// <summary>Allocates libtorch's inputs and returns its iteration.</summary>
    public required Func<Step> Peer { get; init; }

    /// <summary>Allocates our inputs and returns our iteration; null as long as there is none.</summary>
    public Func<Step>? Ours { get; set; }

    /// <summary>The least number of bytes that a forward pass and a backward pass, each fully fused, read and write.</summary>
    public double Bytes { get; init; }

    /// <summary>Floating-point operations, of matrix products alone.</summary>
    public double Flops { get; init; }

    /// <summary>The arithmetic of elementary functions that no form of ours can spare, of all elements, forward and backward.</summary>
    public Arithmetic Arithmetic { get; init; }

    /// <summary>Whether this is a whole training step, whose peak resident size --memory compares.</summary>
    public bool IsTrainingStep { get; init; } = Group == "training";

    /// <summary>The steps run before results are compared: more than one where a step changes its parameters.</summary>
    public int CheckSteps { get; init; } = 1;

    /// <summary>The largest difference between the sides that passes, relative to the peer's largest magnitude.</summary>
    public double Tolerance { get; init; } = 1e-4;

    public override string ToString() => $"{Group}/{Name}";
}

/// <summary>The workloads in the order in which they were added.</summary>
internal sealed class Table
{
    private readonly List<Workload> rows = [];

    public IReadOnlyList<Workload> Rows => rows;

    public void Add(Workload row)
    {
        if (rows.Exists(other => other.Name == row.Name))
            throw new ArgumentException($"A workload named '{row.Name}' is in the table already.", nameof(row));
        rows.Add(row);
    }

    /// <summary>Gives the workload of that name its other side.</summary>
    public void Ours(string name, Func<Step> setUp)
    {
        var row = rows.Find(row => row.Name == name)
            ?? throw new ArgumentException($"No workload is named '{name}'; --list names them.", nameof(name));
        row.Ours = setUp;
    }
}
