using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Tests;

/// <summary>One use of an operation, as the tests of function transforms need it: what to apply, and inputs where it is smooth.</summary>
internal sealed record TransformRow(string Name, Shape[] Shapes, Func<IReadOnlyList<Tensor>, Tensor> Apply, (double Low, double High) Domain)
{
    public bool IsDifferentiable { get; init; } = true;

    /// <summary>Whether the first input is a bool, which has no derivative.</summary>
    public bool TakesCondition { get; init; }

    /// <summary>Whether the operation is one of the pointwise table, of any shapes.</summary>
    public PointwiseOperation? Pointwise { get; init; }

    public int Count => Shapes.Length;

    /// <summary>The first of the inputs that have derivatives.</summary>
    public int First { get; init; }

    public override string ToString() => Name;

    /// <summary>Different numbers for each seed; each input's shape is preceded by <paramref name="lead"/>.</summary>
    public Tensor[] Inputs(Device device, int seed = 3, long[]? lead = null) => [.. Enumerable.Range(0, Count).Select(i => Input(i, device, seed, lead))];

    public Tensor Input(int i, Device device, int seed = 3, long[]? lead = null)
    {
        Shape shape = [.. lead ?? [], .. Shapes[i]];
        return i == 0 && TakesCondition
            ? Numbers.Of(Array.ConvertAll(Numbers.Uniform(seed + i, shape.NumElements, -1, 1), v => v > 0 ? 1.0 : 0), shape, DType.Bool, device)
            : Numbers.Double(seed + 31 * i, shape, Domain.Low, Domain.High, device);
    }

    /// <summary>Directions for the inputs that have derivatives.</summary>
    public Tensor[] Directions(Device device, int seed, long[]? lead = null) =>
        [.. Enumerable.Range(First, Count - First).Select(i => Numbers.Double(seed + 17 * i, [.. lead ?? [], .. Shapes[i]], -1, 1, device))];

    /// <summary>The operation as a function of the inputs that have derivatives, the others being those of <paramref name="inputs"/>.</summary>
    public Func<IReadOnlyList<Tensor>, Tensor> Of(IReadOnlyList<Tensor> inputs) => x => Apply([.. inputs.Take(First), .. x]);

    /// <summary>The inputs that have derivatives.</summary>
    public Tensor[] Smooth(IReadOnlyList<Tensor> inputs) => [.. inputs.Skip(First)];
}

/// <summary>Every operation: the pointwise ones by reflection, with inputs that broadcast and with 0-d ones, and the rows of the structural table.</summary>
internal static class TransformTable
{
    public static IReadOnlyList<TransformRow> Rows { get; } = [.. Pointwise(), .. Structural()];

    public static IEnumerable<TestCaseData> Differentiable => Cases(r => r.IsDifferentiable, TestDevices.All);

    public static IEnumerable<TestCaseData> DifferentiableOnHost => Cases(r => r.IsDifferentiable, [Device.Cpu]);

    public static IEnumerable<TestCaseData> All => Cases(_ => true, TestDevices.All);

    public static IEnumerable<TestCaseData> AllOnHost => Cases(_ => true, [Device.Cpu]);

    private static IEnumerable<TestCaseData> Cases(Func<TransformRow, bool> filter, IEnumerable<Device> devices) =>
        from row in Rows where filter(row) from device in devices select new TestCaseData(row, device).SetArgDisplayNames(row.Name, device.ToString());

    private static IEnumerable<TransformRow> Pointwise()
    {
        foreach (var operation in PointwiseTable.Operations.Where(o => o.Supports(DType.Float64)))
        {
            yield return Of(operation, "", operation.Arity == 1 ? [[3]] : [.. new Shape[] { [2, 1], [2], [1, 2] }.Take(operation.Arity)], operation.Domain);
            if (PointwiseTable.OracleOf(operation).OtherDomain is { } other)
            {
                yield return Of(operation, " below", [.. Enumerable.Repeat<Shape>([2], operation.Arity)], other);
            }

            if (operation.Arity > 1)
            {
                yield return Of(operation, " of 0-d", [.. new Shape[] { [], [2], [] }.Take(operation.Arity)], operation.Domain);
            }
        }
    }

    private static TransformRow Of(PointwiseOperation operation, string what, Shape[] shapes, (double, double) domain) =>
        new(operation.Name + what, shapes, x => PointwiseTable.Apply(operation, x), domain)
        {
            IsDifferentiable = operation.IsDifferentiable,
            TakesCondition = operation.TakesCondition,
            First = operation.TakesCondition || PointwiseTable.OracleOf(operation).Undifferentiated == 0 ? 1 : 0,
            Pointwise = operation,
        };

    private static IEnumerable<TransformRow> Structural() =>
        StructuralTable.Samples.Select(s => new TransformRow(s.Name, s.Shapes, s.Apply, s.Domain) { IsDifferentiable = s.IsDifferentiable });
}

/// <summary>What the tests compare.</summary>
internal static class Close
{
    /// <summary>Shapes are equal, and elements within a tolerance relative to 1 + their magnitude.</summary>
    public static void AreEqual(Tensor actual, Tensor expected, string what, double tolerance = 1e-12)
    {
        Assert.That((actual.Shape, actual.DType), Is.EqualTo((expected.Shape, expected.DType)), what);
        var (a, e) = (actual.Doubles(), expected.Doubles());
        for (int i = 0; i < a.Length; i++)
        {
            Assert.That(a[i], Is.EqualTo(e[i]).Within(double.IsFinite(e[i]) ? tolerance * (1 + Math.Abs(e[i])) : 0), $"{what}, element {i} of shape {expected.Shape}");
        }
    }

    /// <summary>The sum of the products of elements.</summary>
    public static double Dot(IReadOnlyList<Tensor> a, IReadOnlyList<Tensor> b) =>
        a.Zip(b).Sum(p => p.First.Doubles().Zip(p.Second.Doubles()).Sum(q => q.First * q.Second));

    public static double Dot(Tensor a, Tensor b) => Dot([a], [b]);
}
