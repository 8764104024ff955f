using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Tests;

/// <summary>What makes tensors of nothing refuses sizes, ranges and dtypes that do not make sense.</summary>
internal sealed class CreationErrorTests
{
    private static IEnumerable<TestCaseData> Cases()
    {
        static TestCaseData Case<T>(string what, Func<object> call, string says) where T : Exception => new TestCaseData(typeof(T), call, says).SetArgDisplayNames(what);
        foreach (var (name, make) in new (string, Func<Shape, DType, bool, Tensor>)[]
        {
            ("Zeros", (shape, dtype, grad) => Tensor.Zeros(shape, dtype, requiresGrad: grad)), ("Ones", (shape, dtype, grad) => Tensor.Ones(shape, dtype, requiresGrad: grad)),
            ("Full", (shape, dtype, grad) => Tensor.Full(shape, 2, dtype, requiresGrad: grad)), ("Empty", (shape, dtype, grad) => Tensor.Empty(shape, dtype, requiresGrad: grad)),
            ("Rand", (shape, dtype, grad) => Tensor.Rand(shape, dtype, requiresGrad: grad)), ("Randn", (shape, dtype, grad) => Tensor.Randn(shape, dtype, requiresGrad: grad)),
        })
        {
            yield return Case<ShapeException>($"{name} of a negative size", () => make([2, -1], DType.Float32, false), "a size cannot be negative, but got [2, -1]");
            yield return Case<ShapeException>($"{name} of more than can be counted", () => make([1L << 40, 1L << 40], DType.Float32, false).Materialize(), "Storage size calculation overflowed");
            yield return Case<ShapeException>($"{name} of bytes that wrap around to none", () => make([1L << 61], DType.Float64, false).Materialize(), "Storage size calculation overflowed");
            bool isDrawn = name.StartsWith("Rand", StringComparison.Ordinal);
            yield return Case<DTypeException>($"{name} of bools with gradients", () => make([2], DType.Bool, true), isDrawn ? "expected a floating-point dtype, but got bool" : "only Tensors of floating point dtype can require gradients");
        }

        yield return Case<ArgumentException>("RandInt of an empty range", () => Tensor.RandInt(3, 3, [2]), "expects 'from' to be less than 'to', but got from=3 >= to=3");
        yield return Case<ArgumentException>("RandInt below zero", () => Tensor.RandInt(-1, [2]), "from=0 >= to=-1");
        yield return Case<ShapeException>("RandInt of a negative size", () => Tensor.RandInt(3, [-2]), "a size cannot be negative");
        yield return Case<ArgumentException>("RandPerm of less than none", () => Tensor.RandPerm(-1), "n must be non-negative, but got -1");
        yield return Case<ShapeException>("RandPerm of too many", () => Tensor.RandPerm(1L << 62), "Storage size calculation overflowed with sizes [4611686018427387904]");
        yield return Case<ArgumentException>("Arange with a step of zero", () => Tensor.Arange(0, 3, 0), "upper bound and larger bound inconsistent with step sign");
        yield return Case<ArgumentException>("Arange away from the end", () => Tensor.Arange(0, 3.5, -1), "inconsistent with step sign: start 0, end 3.5, step -1");
        yield return Case<ArgumentException>("Arange to nan", () => Tensor.Arange(double.NaN), "unsupported range: 0 -> NaN");
        yield return Case<ArgumentException>("Arange to infinity", () => Tensor.Arange(0, double.PositiveInfinity), "unsupported range");
        yield return Case<ArgumentException>("Arange of all whole numbers", () => Tensor.Arange(long.MinValue, long.MaxValue), "invalid size, possible overflow?");
        yield return Case<DTypeException>("Arange of whole numbers with gradients", () => Tensor.Arange(3, requiresGrad: true), "only Tensors of floating point dtype can require gradients");
        foreach (var (name, make) in new (string, Func<long, DType, Tensor>)[]
        {
            ("Linspace", (steps, dtype) => Tensor.Linspace(0, 1, steps, dtype, requiresGrad: true)), ("Logspace", (steps, dtype) => Tensor.Logspace(0, 1, steps, dtype: dtype, requiresGrad: true)),
        })
        {
            yield return Case<ArgumentException>($"{name} of negative steps", () => make(-1, DType.Float32), $"{name}: number of steps must be non-negative, but got -1");
            yield return Case<DTypeException>($"{name} of whole numbers with gradients", () => make(3, DType.Int64), "only Tensors of floating point dtype can require gradients, but this one is int64");
            yield return Case<DTypeException>($"{name} of bools with gradients", () => make(3, DType.Bool), "but this one is bool");
        }

        yield return Case<ShapeException>("Eye of negative rows", () => Tensor.Eye(-1), "n and m must be greater or equal to 0, but got -1 and -1");
        yield return Case<ShapeException>("Eye of negative columns", () => Tensor.Eye(2, -3), "but got 2 and -3");
        yield return Case<DTypeException>("Eye of whole numbers with gradients", () => Tensor.Eye(2, dtype: DType.Int64, requiresGrad: true), "only Tensors of floating point dtype can require gradients");
        foreach (var (name, make) in new (string, Func<long, long, Tensor>)[] { ("TrilIndices", (r, c) => Tensor.TrilIndices(r, c)), ("TriuIndices", (r, c) => Tensor.TriuIndices(r, c)) })
        {
            yield return Case<ShapeException>($"{name} of negative rows", () => make(-1, 2), $"{name}: row and col must be non-negative");
            yield return Case<ShapeException>($"{name} of negative columns", () => make(2, -1), $"{name}: row and col must be non-negative");
            yield return Case<ShapeException>($"{name} of both", () => make(-2, -1), "non-negative");
        }

        yield return Case<ShapeException>("RotaryTables of an odd width", () => Functional.RotaryTables(4, 3), "an even width");
        yield return Case<ShapeException>("RotaryTables of a negative length", () => Functional.RotaryTables(-4, 2), "that are not negative, but got -4 and 2");
        yield return Case<ArgumentException>("RotaryTables to a negative base", () => Functional.RotaryTables(4, 2, -1), "expected a base above 0, but got -1");
        yield return Case<DTypeException>("RotaryTables of whole numbers", () => Functional.RotaryTables(4, 2, dtype: DType.Int64), "floating-point");
    }

    [TestCaseSource(nameof(Cases))]
    public void IsRefused(Type exception, Func<object> call, string says) => Assert.That(Assert.Throws(exception, () => call())!.Message, Does.Contain(says));

    [Test]
    public void SequencesAreCountedExactly()
    {
        // As doubles these bounds are four apart.
        const long Large = 1L << 53;
        Assert.That(Tensor.Arange(Large, Large + 3).ToArray<long>(), Is.EqualTo(new[] { Large, Large + 1, Large + 2 }));
        Assert.That(Tensor.Arange(Large + 3, Large, -2).ToArray<long>(), Is.EqualTo(new[] { Large + 3, Large + 1 }));
        Assert.That(Tensor.Arange(long.MinValue, long.MaxValue, long.MaxValue).ToArray<long>(), Is.EqualTo(new[] { long.MinValue, -1, long.MaxValue - 1 }));
        Assert.That(Tensor.Arange(5, 5).NumElements + Tensor.Arange(1.5, 1.5).NumElements, Is.Zero);
        Assert.That(Tensor.Arange(0, 1, 0.3).Doubles(), Is.EqualTo(new[] { 0, 0.3, 0.6, 0.9 }).Within(1e-7));
    }
}
