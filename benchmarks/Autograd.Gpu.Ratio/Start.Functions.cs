using System.Globalization;

namespace AutogradRatio;

// The first use in a process of elementary functions, which the JIT compiles apart from the kernels that call them.
internal static partial class Start
{
    private const string FunctionsSide = "functions:";

    /// <summary>Functions that are measured with other operands too: short and long ones, with and without tables, computed in double.</summary>
    private static readonly string[] Sample = ["tanh", "gelu", "pow", "lgamma"];

    /// <summary>
    /// For each elementary function, and for pairs that share nothing, the first kernel with it in a process that has run kernels of each kind before: a fresh process for each round.
    /// </summary>
    private static void RunFunctions(Options options)
    {
        var single = Elementary.Select(entry => entry.Name).ToArray();
        var names = single.Concat(single.Select((name, i) => $"{name}+{single[(i + single.Length / 2) % single.Length]}")).ToArray();
        names = [.. names, .. Forms.SelectMany(form => Sample.Select(name => $"{name}, {form.Name}"))];
        var times = names.ToDictionary(name => name, _ => new List<double>());
        for (var round = 0; round < options.Rounds; round++)
        {
            foreach (var name in names)
                times[name].Add(First(Launch(FunctionsSide + name, options)[^1])[1]);
        }

        Console.WriteLine();
        Console.WriteLine($"The first kernel of an elementary function in {options.Rounds} fresh processes each, milliseconds:");
        Console.WriteLine();
        Console.WriteLine("| first use of | functions | median | largest median | largest |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: |");
        foreach (var group in times.GroupBy(entry => Kind(entry.Key)))
        {
            var medians = group.Select(entry => Samples.Quantile([.. entry.Value], 0.5)).ToArray();
            var slowest = group.MaxBy(entry => Samples.Quantile([.. entry.Value], 0.5));
            var worst = group.MaxBy(entry => entry.Value.Max());
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {group.Key} | {medians.Length} | {Samples.Quantile(medians, 0.5):F2} | {medians.Max():F2} ({slowest.Key}) | {worst.Value.Max():F2} ({worst.Key}) |"));
        }

        Console.WriteLine();
        Console.WriteLine(string.Join("; ", times.Select(entry => string.Create(CultureInfo.InvariantCulture, $"{entry.Key} {Samples.Quantile([.. entry.Value], 0.5):F2}"))));
    }

    private static string Kind(string name) => name.Split(", ") switch
    {
        [_, var form] => "one function, " + form,
        _ => name.Contains('+', StringComparison.Ordinal) ? "two functions" : "one function",
    };
}
