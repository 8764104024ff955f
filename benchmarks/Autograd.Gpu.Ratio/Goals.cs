namespace AutogradRatio;

/// <summary>The ratio that each row of the table is to reach, or, where the hardware's bound is nearer, the share of that bound.</summary>
internal static class Goals
{
    /// <summary>The share of its bound with which a row has reached its goal, whatever its ratio.</summary>
    public const double ShareOfBound = 0.85;

    /// <summary>The first entry decides whose group is the row's and whose text the row's name contains. Rows without an entry have no goal.</summary>
    private static readonly (string Group, string Text, double? Ratio)[] Entries =
    [
        ("overhead", "and its leaf", null),
        ("overhead", "tutorial graph", 10),
        ("overhead", "", 5),
        ("pointwise", "in place", null),
        ("pointwise", "Adam", 2),
        ("pointwise", "", 3),
        ("single", "left to the collector", null),
        ("single", "", 1.2),
        ("reductions", "by columns", 3),
        ("reductions", "", 1.1),
        ("rows", "", 1.5),
        ("movement", "", 1.5),
        ("matmul", "linear +", 1.2),
        ("matmul", "", 1),
        ("convolution", "", 1),
        ("training", "conv", 1.1),
        ("training", "TorchSharp's own", null),
        ("training", "784-512-512-10", 1.3),
        ("training", "2-16-1", 10),
        ("autograd", "", 3),
        ("transformers", "", 1.3),
        ("recurrent", "cell", 4),
        ("recurrent", "", 1.5),
    ];

    public static double? Of(Workload row) =>
        Array.Find(Entries, entry => entry.Group == row.Group && row.Name.Contains(entry.Text, StringComparison.Ordinal)).Ratio;

    /// <summary>Whether a row with that ratio and that share of its bound, where it has one, falls short of its goal.</summary>
    public static bool IsShort(double goal, double ratio, double? share) => ratio < goal && !(share >= ShareOfBound);
}
