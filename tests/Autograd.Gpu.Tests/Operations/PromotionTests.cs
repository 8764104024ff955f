namespace Autograd.Gpu.Tests;

/// <summary>Result dtypes, as PyTorch's documentation of type promotion gives them.</summary>
internal sealed class PromotionTests
{
    [TestCase(DType.Float32, DType.Float64, DType.Float64)]
    [TestCase(DType.Int32, DType.Int64, DType.Int64)]
    [TestCase(DType.Int64, DType.Float32, DType.Float32)]
    [TestCase(DType.Bool, DType.Int32, DType.Int32)]
    [TestCase(DType.Bool, DType.Float32, DType.Float32)]
    [TestCase(DType.UInt8, DType.Int32, DType.Int32)]
    [TestCase(DType.Float16, DType.BFloat16, DType.Float32)]
    [TestCase(DType.Float16, DType.Int64, DType.Float16)]
    [TestCase(DType.Bool, DType.Bool, DType.Bool)]
    public void TensorsOfOneRankPromoteToTheWider(DType a, DType b, DType expected)
    {
        Assert.That((One(a) + One(b)).DType, Is.EqualTo(expected));
        Assert.That((One(b) + One(a)).DType, Is.EqualTo(expected));
    }

    [TestCase(DType.Float32, DType.Float64, DType.Float32)]
    [TestCase(DType.Int32, DType.Int64, DType.Int32)]
    [TestCase(DType.Int64, DType.Float64, DType.Float64)]
    [TestCase(DType.Bool, DType.Int32, DType.Int32)]
    public void A0DTensorWidensOnlyToAHigherCategory(DType dimensioned, DType zeroDim, DType expected)
    {
        Assert.That((One(dimensioned) * Tensor.Of(2, zeroDim)).DType, Is.EqualTo(expected));
        Assert.That((Tensor.Of(2, zeroDim) * One(dimensioned)).DType, Is.EqualTo(expected));
    }

    [Test]
    public void ANumberKeepsTheDTypeOfItsCategory()
    {
        Assert.That((One(DType.Float32) + 2.5).DType, Is.EqualTo(DType.Float32));
        Assert.That((One(DType.Float64) + 2.5).DType, Is.EqualTo(DType.Float64));
        Assert.That((One(DType.Float16) * 2.5).DType, Is.EqualTo(DType.Float16));
        Assert.That((One(DType.Int32) + 2).DType, Is.EqualTo(DType.Int32));
        Assert.That((One(DType.Int32) + 2.5).DType, Is.EqualTo(DType.Float32));
        Assert.That((One(DType.Bool) + 2).DType, Is.EqualTo(DType.Int64));
        Assert.That((One(DType.Int32) + true).DType, Is.EqualTo(DType.Int32));
        Assert.That((Tensor.Of(1, DType.Int32) + 2.5).DType, Is.EqualTo(DType.Float32));
        Assert.That((One(DType.Float32) + 0.1).Item<float>(), Is.EqualTo(1 + 0.1f));
        Assert.That((One(DType.Float64) + 0.1).Item<double>(), Is.EqualTo(1.1), "the number is not rounded to float32 on the way");
    }

    [Test]
    public void FunctionsOfRealNumbersTurnWholeNumbersIntoFloats()
    {
        Assert.That((One(DType.Int64).Exp().DType, One(DType.Bool).Sqrt().DType), Is.EqualTo((DType.Float32, DType.Float32)));
        Assert.That((One(DType.Int64) / One(DType.Int64)).DType, Is.EqualTo(DType.Float32));
        Assert.That((One(DType.Int64) / 2).Item<float>(), Is.EqualTo(0.5f));
        Assert.That((One(DType.Int64).Pow(2).DType, One(DType.Int32).Abs().DType), Is.EqualTo((DType.Int64, DType.Int32)));
        Assert.That((One(DType.Int64) > 0.5).DType, Is.EqualTo(DType.Bool));
        Assert.That((One(DType.Int64) > 0.5).Item<bool>(), Is.True, "compared as floats");
        Assert.That(Tensor.Where(One(DType.Bool), One(DType.Int64), 0.5).DType, Is.EqualTo(DType.Float32));
        Assert.That(Tensor.Where(One(DType.Bool), One(DType.Float64), One(DType.Float32)).DType, Is.EqualTo(DType.Float64));
    }

    private static Tensor One(DType dtype) => Tensor.Full([1], 1, dtype);
}
