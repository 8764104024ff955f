using Autograd.Gpu.Tests.Support;

namespace Autograd.Gpu.Tests.Docs;

/// <summary>docs/operations.md says what the code and its tests say, and every public operation is proven by one.</summary>
internal sealed class OperationsPageTests
{
    private const string WriteVariable = "AUTOGRAD_WRITE_DOCS";

    /// <summary>Operations that no test calls, and why that is right.</summary>
    private static readonly Dictionary<string, string> s_unproven = [];

    /// <summary>Operations without a row in a table, and why; what they compute is proven by tests of their own, which the page names.</summary>
    private static readonly Dictionary<string, string> s_withoutRow = new()
    {
        ["AllClose"] = Answers,
        ["Equal"] = Answers,
        ["ArgWhere"] = Sized,
        ["BinCount"] = Sized,
        ["NonZero"] = Sized,
        ["NonZeroAsTuple"] = Sized,
        ["Unique"] = Sized,
        ["UniqueConsecutive"] = Sized,
        ["Empty"] = "has no values of its own",
        ["EmptyLike"] = "has no values of its own",
        ["GetRngState"] = "is the state of a generator",
        ["Detach_"] = "changes the tape, not the values",
        ["Utils.ClipGradNorm_"] = "changes gradients that are there",
    };

    private const string Answers = "answers with a bool of .NET";
    private const string Sized = "the size of its result is data, which no map over a batch can have";

    [Test]
    public void EveryOperationHasARowOrAReason()
    {
        // Numbers that are drawn are tested by their statistics.
        string[] without = [.. PublicOperations.All.Where(o => OperationsPage.RowsOf(o).Count == 0 && !OperationsPage.Draws(o) && o.Owner != "Init").Select(o => o.Shown)];
        Assert.That(without.Except(s_withoutRow.Keys), Is.Empty, "add a row to a table, or a reason");
        Assert.That(s_withoutRow.Keys.Except(without), Is.Empty, "reasons that are not needed any more");
    }

    [Test]
    public void ThePageIsWhatTheCodeSays()
    {
        string text = OperationsPage.Text();
        if (Environment.GetEnvironmentVariable(WriteVariable) == "1")
        {
            File.WriteAllText(Path.Combine(Repository(), "docs", "operations.md"), text);
            return;
        }

        using var stream = typeof(OperationsPageTests).Assembly.GetManifestResourceStream("operations.md")!;
        using var reader = new StreamReader(stream);
        string committed = reader.ReadToEnd().ReplaceLineEndings("\n");
        var (now, before) = (text.Split('\n'), committed.Split('\n'));
        int line = now.Zip(before).TakeWhile(p => p.First == p.Second).Count();
        Assert.That(
            committed == text,
            $"docs/operations.md is out of date from line {line + 1} on: run with {WriteVariable}=1 to update it.\nthere: {before.ElementAtOrDefault(line)}\nnow:   {now.ElementAtOrDefault(line)}");
    }

    [Test]
    public void EveryOperationIsProven()
    {
        string[] unproven = [.. PublicOperations.All.Where(o => !OperationsPage.IsProven(o) && !s_unproven.ContainsKey(o.Shown)).Select(o => o.Shown)];
        Assert.That(unproven, Is.Empty, "no row of a table and no test calls these: add a row to a table, or a reason to this test");
        string[] stale = [.. s_unproven.Keys.Where(name => PublicOperations.All.All(o => o.Shown != name) || OperationsPage.IsProven(PublicOperations.All.First(o => o.Shown == name)))];
        Assert.That(stale, Is.Empty, "reasons that are not needed any more");
    }

    [Test]
    public void RowsAreReadFromTheirInstructions()
    {
        PublicOperation Find(string name) => PublicOperations.All.Single(o => o.Shown == name);
        Assert.Multiple(() =>
        {
            Assert.That(PublicOperations.All.Count, Is.GreaterThan(250));
            Assert.That(OperationsPage.RowsOf(Find("Tanh")).Select(r => r.Table), Does.Contain("pointwise"));
            Assert.That(OperationsPage.RowsOf(Find("Gelu")).Select(r => r.Table), Does.Contain("compositions"), "through a lambda that another one holds");
            Assert.That(OperationsPage.RowsOf(Find("Gather")).Select(r => r.Table), Does.Contain("structural"));
            Assert.That(OperationsPage.RowsOf(Find("Functional.CrossEntropy")), Is.Not.Empty);
            Assert.That(Find("Gather").Parts.Select(t => t.Name), Does.Contain("Gathered"));
            Assert.That(OperationsPage.RowsOf(Find("Unique")), Is.Empty);
            Assert.That(OperationsPage.TestsOf(Find("Unique")), Is.Not.Empty);
        });
    }

    private static string Repository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Autograd.Gpu.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new AssertionException("the repository is not above the tests");
    }
}
