using System.Reflection;
using System.Text.RegularExpressions;

namespace Autograd.Gpu.Tests.Docs;

/// <summary>What docs/autograd.md names exists.</summary>
public sealed partial class AutogradPageTests
{
    private static readonly Type[] s_types = [.. typeof(Tensor).Assembly.GetExportedTypes()];

    /// <summary>Members by which the page's lower-case receivers are meant.</summary>
    private static readonly Dictionary<string, Type> s_receivers = new()
    {
        ["x"] = typeof(Tensor),
        ["node"] = typeof(Node),
        ["profiler"] = typeof(global::Autograd.Gpu.Diagnostics.Profiler),
    };

    private static IEnumerable<string> Names()
    {
        using var stream = typeof(AutogradPageTests).Assembly.GetManifestResourceStream("autograd.md")!;
        using var reader = new StreamReader(stream);
        var text = reader.ReadToEnd();
        return from line in text.Split('\n')
               let cells = line.Split('|')
               where cells.Length == 5 && !cells[1].Contains("---")
               from Match code in Code().Matches(cells[2])
               from Match name in Name().Matches(code.Groups[1].Value)
               select name.Value;
    }

    [Test]
    public void TheTableIsRead() => Assert.That(Names().Count(), Is.GreaterThan(60));

    [TestCaseSource(nameof(Names))]
    public void ANameOfTheTableExists(string name)
    {
        var parts = name.Split('.');
        bool found = parts.Length == 1
            ? s_types.Any(t => t.Name.Split('`')[0] == parts[0]) || s_types.Any(t => t.IsAssignableTo(typeof(Function)) && HasMember(t, parts[0]))
            : (s_receivers.TryGetValue(parts[0], out var type) || (type = s_types.FirstOrDefault(t => t.Name == parts[0])) is not null) && HasMember(type, parts[1]);
        Assert.That(found, $"{name} is not there");
    }

    private static bool HasMember(Type type, string member) =>
        type.GetMember(member, BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.FlattenHierarchy).Length > 0;

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Code();

    /// <summary>A type, a member of one, or a member of what a receiver stands for.</summary>
    [GeneratedRegex(@"\b(?:(?:x|node|profiler|[A-Z]\w*)\.)?[A-Z]\w*")]
    private static partial Regex Name();
}
