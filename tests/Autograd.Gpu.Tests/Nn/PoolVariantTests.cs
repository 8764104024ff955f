using static Autograd.Gpu.Nn.Functional;

namespace Autograd.Gpu.Tests;

/// <summary>The forms of pooling that are another form in more or fewer dimensions: each against the one that a table proves.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.All))]
internal sealed class PoolVariantTests(Device device)
{
    [Test]
    public void PlacesInThreeDimensionsPutTheElementsBack()
    {
        var x = Numbers.Double(1, [1, 2, 4, 2, 4], -2, 2, device);
        var (pooled, places) = MaxPool3dWithIndices(x, (2, 1, 2));
        var back = MaxUnpool3d(pooled, places, (2, 1, 2));
        Assert.That(back.Shape, Is.EqualTo(x.Shape));
        Assert.That(back.Sum().Item<double>(), Is.EqualTo(pooled.Sum().Item<double>()).Within(1e-12));
        Assert.That(Tensor.Where(back == 0, x, back).Doubles(), Is.EqualTo(x.Doubles()), "what came back stands where it was");
        Assert.That((back != 0).Sum().Item<long>(), Is.EqualTo(pooled.NumElements));
    }

    [Test]
    public void AdaptiveFormsAgreeWithThePlainOnesWhereTheWindowsAreEqual()
    {
        var x = Numbers.Double(2, [2, 4, 6, 4], -2, 2, device);
        var (output, places) = AdaptiveMaxPool2dWithIndices(x, (3, 2));
        var (plain, plainPlaces) = MaxPool2dWithIndices(x, 2);
        Assert.That(output.Doubles(), Is.EqualTo(plain.Doubles()));
        Assert.That(places.ToArray<long>(), Is.EqualTo(plainPlaces.ToArray<long>()));

        var (output3, places3) = AdaptiveMaxPool3dWithIndices(x, (2, 3, 2));
        var (plain3, plainPlaces3) = MaxPool3dWithIndices(x, 2);
        Assert.That(output3.Doubles(), Is.EqualTo(plain3.Doubles()));
        Assert.That(places3.ToArray<long>(), Is.EqualTo(plainPlaces3.ToArray<long>()));
        Assert.That(AdaptiveMaxPool3d(x, (2, 3, 2)).Doubles(), Is.EqualTo(plain3.Doubles()));

        var line = x[0];
        Assert.That(AdaptiveMaxPool1d(line[0], 2).Doubles(), Is.EqualTo(MaxPool1d(line[0], 2).Doubles()));
        Assert.That(MaxPool1dWithIndices(line[0], 2).Indices.ToArray<long>(), Is.EqualTo(AdaptiveMaxPool1dWithIndices(line[0], 2).Indices.ToArray<long>()));
    }

    [Test]
    public void TheNormOfEachBlock()
    {
        var x = Numbers.Double(3, [1, 2, 4, 2], -2, 2, device);
        var squares = LpPool3d(x, 2, 2).Square().Doubles();
        Assert.That(squares, Is.EqualTo((AvgPool3d(x * x, 2) * 8).Doubles()).Within(1e-12));
    }

    [Test]
    public void ATransposedConvolutionOfThreeDimensionsIsTheGradientOfTheConvolution()
    {
        var input = Numbers.Double(4, [2, 3, 4, 3, 5], -2, 2, device).RequiresGrad_();
        var weight = Numbers.Double(5, [2, 3, 2, 2, 3], -2, 2, device);
        var output = Conv3d(input, weight, stride: (2, 1, 2), padding: (0, 1, 0));
        var gradient = Numbers.Double(6, output.Shape, -2, 2, device);
        output.Backward(gradient);
        var transposed = ConvTranspose3d(gradient, weight, stride: (2, 1, 2), padding: (0, 1, 0));
        Assert.That(transposed.Shape, Is.EqualTo(input.Shape));
        Assert.That(transposed.Doubles(), Is.EqualTo(input.Grad!.Doubles()).Within(1e-12));
    }
}
