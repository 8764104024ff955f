namespace Autograd.Gpu.Tests;

/// <summary>Concatenations of what lies in memory, of what does not yet, and of what lies there otherwise than the result needs it.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
[Category(Laziness.Both)]
internal sealed class CatTests(Device device, bool lazy)
{
    private Laziness _laziness = null!;

    [SetUp]
    public void Set() => _laziness = Laziness.Set(lazy);

    [TearDown]
    public void Restore() => _laziness.Dispose();

    private Tensor Numbers(int start, params long[] shape)
    {
        long count = shape.Aggregate(1L, (a, b) => a * b);
        return Tensor.Arange(start, start + count, dtype: DType.Float32, device: device).Reshape(shape).Materialize();
    }

    private static float[] Expected(int dim, params Tensor[] pieces)
    {
        var arrays = pieces.Select(p => p.To(DType.Float32).ToArray<float>()).ToArray();
        long outer = pieces[0].Shape.AsSpan()[..dim].ToArray().Aggregate(1L, (a, b) => a * b);
        return [.. Enumerable.Range(0, (int)outer).SelectMany(o => arrays.SelectMany(a => a.Skip(o * (a.Length / (int)outer)).Take(a.Length / (int)outer)))];
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(2)]
    public void PiecesOfEveryKind(int dim)
    {
        // Contiguous, pending, a part of something larger, turned, repeated, of another dtype, a number's, and nothing.
        long[] shape = [2, 3, 4];
        long[] none = [.. shape];
        none[dim] = 0;
        Tensor[] pieces =
        [
            Numbers(0, shape), Numbers(100, shape) * 2, Numbers(200, 4, 5, 6)[1..3, 1..4, 2..6], Numbers(300, 4, 3, 2).Permute(2, 1, 0),
            Numbers(400, 3, 1).Expand(2, 3, 4), Numbers(500, shape).To(DType.Float64), Tensor.Full(shape, 7, device: device), Tensor.Zeros(none, device: device),
        ];
        Tensor[] singles = [.. pieces.Where(p => p.DType == DType.Float32)];
        Assert.That(Tensor.Cat(singles, dim).ToArray<float>(), Is.EqualTo(Expected(dim, singles)));
        var all = Tensor.Cat(pieces, dim);
        Assert.That(all.DType, Is.EqualTo(DType.Float64));
        Assert.That(all.To(DType.Float32).ToArray<float>(), Is.EqualTo(Expected(dim, pieces)));
        Assert.That(Tensor.Cat([pieces[0]], dim).ToArray<float>(), Is.EqualTo(pieces[0].ToArray<float>()));
    }

    [Test]
    public void ManyPieces()
    {
        // More than fit on the stack, and rows of them that are too many and too short to be taken one after the other.
        Tensor[] pieces = [.. Enumerable.Range(0, 40).Select(i => Numbers(100 * i, 70, 1 + i % 2))];
        Assert.That(Tensor.Cat(pieces, 1).ToArray<float>(), Is.EqualTo(Expected(1, pieces)));
        Assert.That(Tensor.Stack([.. pieces.Where((_, i) => i % 2 == 0)], 0).ToArray<float>(), Is.EqualTo(Expected(0, [.. pieces.Where((_, i) => i % 2 == 0)])));
    }

    [Test]
    public void TheResultIsItsOwn()
    {
        var x = Numbers(0, 2, 2);
        var y = Tensor.Cat([x, x], 1);
        x.Fill_(9);
        y[0, 0].Fill_(5);
        Assert.That(y.ToArray<float>(), Is.EqualTo(new float[] { 5, 1, 0, 1, 2, 3, 2, 3 }));
        Assert.That(x.ToArray<float>(), Is.All.EqualTo(9));
    }

    [TestCase(3, 5, 2)]
    [TestCase(2, 700, -100)]
    [TestCase(1, 1000, 999)]
    public void RollsMoveEachRow(int rows, int columns, int shift)
    {
        var x = Numbers(0, rows, columns);
        var expected = Enumerable.Range(0, rows * columns).Select(i => (float)(i / columns * columns + ((i % columns - shift) % columns + columns) % columns));
        Assert.That(x.Roll(shift, 1).ToArray<float>(), Is.EqualTo(expected));
    }
}
