namespace Autograd.Gpu.Tests;

/// <summary>A write in place is seen by views and by nobody who read before it, whether or not values are pending.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
[Category(Laziness.Both)]
internal sealed class InPlaceTests(Device device, bool lazy)
{
    private Laziness _laziness = null!;

    [SetUp]
    public void Set() => _laziness = Laziness.Set(lazy);

    [TearDown]
    public void Restore() => _laziness.Dispose();

    [Test]
    public void PendingReadersKeepTheValueThatTheyRead()
    {
        var x = Vector(1, 2, 3);
        var before = x * 10;
        x.Add_(1);
        var between = x * 10;
        x.Mul_(2);
        x[0].Fill_(100);
        var after = x * 10;
        Assert.That(Values(after), Is.EqualTo(new[] { 1000f, 60, 80 }));
        Assert.That(Values(between), Is.EqualTo(new[] { 20f, 30, 40 }));
        Assert.That(Values(before), Is.EqualTo(new[] { 10f, 20, 30 }));
        Assert.That(x.Version, Is.EqualTo(3));
    }

    [Test]
    public void ReadersOfAViewKeepTheValueThatTheyRead()
    {
        var x = Vector(1, 2, 3, 4);
        var odd = x[TensorIndex.Slice(1, null, 2)];
        var before = odd + 0.5;
        x.Mul_(10);
        var after = odd + 0.5;
        odd.Zero_();
        Assert.That(Values(before), Is.EqualTo(new[] { 2.5f, 4.5f }));
        Assert.That(Values(after), Is.EqualTo(new[] { 20.5f, 40.5f }));
        Assert.That(Values(x), Is.EqualTo(new[] { 10f, 0, 30, 0 }));
        Assert.That(Values(odd), Is.EqualTo(new[] { 0f, 0 }));
        Assert.That((x.Version, odd.Version), Is.EqualTo((2, 2)));
    }

    [Test]
    public void ViewsSeeWritesOfTheirBaseAndTheReverse()
    {
        var x = Vector(1, 2, 3, 4, 5, 6) + 0;
        var matrix = x.Reshape(2, 3);
        var column = matrix.T[1];
        x.Add_(10);
        Assert.That(Values(column), Is.EqualTo(new[] { 12f, 15 }));
        column.Mul_(-1);
        Assert.That(Values(x), Is.EqualTo(new[] { 11f, -12, 13, 14, -15, 16 }));
        matrix[1] = Vector(7, 8, 9);
        Assert.That(Values(x), Is.EqualTo(new[] { 11f, -12, 13, 7, 8, 9 }));
        Assert.That(Values(column), Is.EqualTo(new[] { -12f, 8 }));
    }

    [Test]
    public void OverlappingReadsSeeTheValuesFromBeforeTheWrite()
    {
        var x = Vector(1, 2, 3, 4, 5);
        x[1..] = x[..^1];
        Assert.That(Values(x), Is.EqualTo(new[] { 1f, 1, 2, 3, 4 }));
        x[..^1] = x[1..];
        Assert.That(Values(x), Is.EqualTo(new[] { 1f, 2, 3, 4, 4 }));
        x[1..4].Add_(x[2..5]);
        Assert.That(Values(x), Is.EqualTo(new[] { 1f, 5, 7, 8, 4 }));
        x.Mul_(x[4]);
        Assert.That(Values(x), Is.EqualTo(new[] { 4f, 20, 28, 32, 16 }), "a number of the tensor itself");
        x.Sub_(x);
        Assert.That(Values(x), Is.EqualTo(new float[5]));

        var square = Vector(1, 2, 3, 4).Reshape(2, 2);
        square.Add_(square.T);
        Assert.That(Values(square), Is.EqualTo(new[] { 2f, 5, 5, 8 }));
    }

    [Test]
    public void OverlapsOfManyElementsAreRight()
    {
        int count = device.IsHost ? 200_000 : 300;
        var expected = Enumerable.Range(0, count).Select(i => (float)i).ToArray();
        var x = Tensor.FromArray(expected, device);
        x[1..] = x[..^1] * 2;
        for (int i = count - 1; i > 0; i--)
        {
            expected[i] = expected[i - 1] * 2;
        }

        Assert.That(Values(x).AsSpan().SequenceEqual(expected));
        x[..^3].Add_(x[3..]);
        for (int i = 0; i < count - 3; i++)
        {
            expected[i] += expected[i + 3];
        }

        Assert.That(Values(x).AsSpan().SequenceEqual(expected));
    }

    [Test]
    public void ClonesAreIndependentWhateverTheyAreClonesOf()
    {
        foreach (var original in new[]
        {
            Vector(1, 2, 3), Vector(0, 1, 2) + 1, Vector(1, 2, 3, 4)[..3], Vector(0, 1, 2, 3)[1..], Vector(3, 2, 1)[0..3] * -1 + 4,
            Vector(1, 9, 2, 9, 3)[TensorIndex.Slice(0, null, 2)], Vector(1, 2, 3).Reshape(1, 3)[0],
        })
        {
            var clone = original.Clone();
            var second = clone.Clone();
            original.Add_(10);
            clone.Mul_(2);
            Assert.That(Values(original), Is.EqualTo(new[] { 11f, 12, 13 }));
            Assert.That(Values(clone), Is.EqualTo(new[] { 2f, 4, 6 }));
            Assert.That(Values(second), Is.EqualTo(new[] { 1f, 2, 3 }));
            Assert.That((clone.Version, second.Version), Is.EqualTo((1, 0)));
        }
    }

    [Test]
    public void ConstantsRangesAndRandomNumbersCanBeWritten()
    {
        var zeros = Tensor.Zeros([3], device: device);
        var same = zeros.Clone();
        zeros[1].Fill_(5);
        Assert.That(Values(zeros), Is.EqualTo(new[] { 0f, 5, 0 }));
        Assert.That(Values(same), Is.EqualTo(new float[3]));

        var range = Tensor.Arange(4, DType.Float32, device);
        var half = range / 2;
        range[^1].Mul_(10);
        Assert.That(Values(range), Is.EqualTo(new[] { 0f, 1, 2, 30 }));
        Assert.That(Values(half), Is.EqualTo(new[] { 0f, 0.5f, 1, 1.5f }));

        var random = Tensor.Rand([4], device: device);
        var (once, twice) = (random + 0.0, random * 1.0);
        random.Add_(1);
        Assert.That(Values(once), Is.EqualTo(Values(twice)), "drawn once");
        Assert.That(Values(random), Is.EqualTo(Array.ConvertAll(Values(once), v => v + 1)));
    }

    [Test]
    public void AWriteOfAnotherDTypeIsCast()
    {
        var x = Tensor.Full([3], 1, DType.Int32, device);
        x[1..] = Vector(2.9f, -3.9f);
        Assert.That(x.ToArray<int>(), Is.EqualTo(new[] { 1, 2, -3 }));
        x.Copy_(Tensor.FromArray([true, false, true], device));
        Assert.That(x.ToArray<int>(), Is.EqualTo(new[] { 1, 0, 1 }));
        var single = Vector(1, 2);
        single.Add_(Tensor.FromArray([0.5, 0.25], device));
        Assert.That((single.DType, Values(single)), Is.EqualTo((DType.Float32, new[] { 1.5f, 2.25f })));
    }

    [Test]
    public void EmptyPartsAreWrittenWithoutHarm()
    {
        var x = Vector(1, 2, 3);
        x[3..] = Tensor.Zeros([0], device: device);
        x[1..1].Fill_(9);
        x[..0].Add_(5);
        Assert.That(Values(x), Is.EqualTo(new[] { 1f, 2, 3 }));
    }

    [Test]
    public void AWriteThroughDetachAndDataIsSeenByAll()
    {
        var x = Vector(1, 2) * 3;
        var (detached, data) = (x.Detach(), x.Data);
        var reader = data + 0;
        detached.Add_(1);
        data.Mul_(2);
        Assert.That(Values(x), Is.EqualTo(new[] { 8f, 14 }));
        Assert.That(Values(reader), Is.EqualTo(new[] { 3f, 6 }));
    }

    private static float[] Values(Tensor x) => x.ToArray<float>();

    private Tensor Vector(params float[] values) => Tensor.FromArray(values, device);
}
