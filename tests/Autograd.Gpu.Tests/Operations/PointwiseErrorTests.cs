namespace Autograd.Gpu.Tests;

/// <summary>What pointwise functions refuse, with the phrases that PyTorch's users search for, and what they do at the edges of a dtype.</summary>
internal sealed class PointwiseErrorTests
{
    [Test]
    public void BoolsAreNotSubtractedOrNegated()
    {
        var mask = Tensor.FromArray<bool>([true, false], Device.Cpu);
        Says<DTypeException>(
            () => _ = mask - mask, "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` operator instead.");
        Says<DTypeException>(() => mask.Clone().Sub_(mask), "with two bool tensors is not supported");
        Says<DTypeException>(
            () => _ = -mask, "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the `~` or `logical_not()` operator instead.");
        Assert.That((mask - 1).ToArray<long>(), Is.EqualTo(new long[] { 0, -1 }), "one bool is promoted");
        Assert.That((mask ^ mask).ToArray<bool>(), Is.EqualTo(new[] { false, false }));
        Assert.That((~mask).ToArray<bool>(), Is.EqualTo(new[] { false, true }));
    }

    [Test]
    public void PowersOfBoolsAreIntegers()
    {
        var mask = Tensor.FromArray<bool>([true, false], Device.Cpu);
        for (int exponent = 0; exponent <= 4; exponent++)
        {
            var power = mask.Pow(exponent);
            Assert.That(power.DType, Is.EqualTo(DType.Int64));
            Assert.That(power.ToArray<long>(), Is.EqualTo(new long[] { 1, exponent == 0 ? 1 : 0 }));
        }

        Assert.That((mask.Square().DType, mask.Pow(2.0).DType), Is.EqualTo((DType.Int64, DType.Float32)));
        Assert.That(mask.Pow(true).DType, Is.EqualTo(DType.Int64));
        var whole = Tensor.FromArray<int>([3, -2], Device.Cpu);
        Assert.That((whole.Pow(2).DType, whole.Pow(2.0).DType, whole.Pow(0.5).DType), Is.EqualTo((DType.Int32, DType.Float32, DType.Float32)));
        Says<DTypeException>(() => whole.Pow(-1), "Integers to negative integer powers are not allowed");
        Assert.That(Tensor.Pow(2, whole.To(DType.Float32)).ToArray<float>(), Is.EqualTo(new[] { 8f, 0.25f }));
    }

    [Test]
    public void IntegersOverZeroAreRefusedOrGiveZero()
    {
        foreach (var device in TestDevices.All)
        {
            var x = Tensor.FromArray<int>([7, -7, int.MinValue], device);
            var y = Tensor.FromArray<int>([0, 2, -1], device);
            Assert.That(x.FloorDivide(y).ToArray<int>(), Is.EqualTo(new[] { 0, -4, int.MinValue }));
            Assert.That(x.Div(y, DivisionRounding.Trunc).ToArray<int>(), Is.EqualTo(new[] { 0, -3, int.MinValue }));
            Assert.That((x % y).ToArray<int>(), Is.EqualTo(new[] { 0, 1, 0 }));
            Assert.That(x.Fmod(y).ToArray<int>(), Is.EqualTo(new[] { 0, -1, 0 }));
            Says<DTypeException>(() => x.FloorDivide(0), "ZeroDivisionError");
            Says<DTypeException>(() => _ = x % 0, "ZeroDivisionError");
            Says<DTypeException>(() => x.Div(0, DivisionRounding.Floor), "ZeroDivisionError");
            Assert.That(x.To(DType.Float32).FloorDivide(0).ToArray<float>(), Is.EqualTo(new[] { float.PositiveInfinity, float.NegativeInfinity, float.NegativeInfinity }));
        }
    }

    [Test]
    public void BitsOfFloatsAreRefused()
    {
        var x = Tensor.Ones([2]);
        var whole = Tensor.FromArray<long>([5, 6], Device.Cpu);
        Says<DTypeException>(() => _ = x & whole, "not implemented for float32");
        Says<DTypeException>(() => _ = ~x, "not implemented for float32");
        Says<DTypeException>(() => _ = whole << x, "not implemented for float32");
        Assert.That((whole & 3).ToArray<long>(), Is.EqualTo(new long[] { 1, 2 }));
        Assert.That((whole << 2).ToArray<long>(), Is.EqualTo(new long[] { 20, 24 }));
        Assert.That((whole >> 1).ToArray<long>(), Is.EqualTo(new long[] { 2, 3 }));
        Assert.That((~whole.To(DType.UInt8)).ToArray<byte>(), Is.EqualTo(new byte[] { 250, 249 }));
        Assert.That((whole.To(DType.UInt8) << 6).ToArray<byte>(), Is.EqualTo(new byte[] { 64, 128 }));
    }

    [Test]
    public void MasksAndFillValuesAreChecked()
    {
        var x = Tensor.FromArray<int>([1, 2], Device.Cpu);
        var mask = Tensor.FromArray<bool>([true, false], Device.Cpu);
        Says<DTypeException>(() => x.MaskedFill(x, 1), "masked_fill only supports boolean masks");
        Says<DTypeException>(() => x.MaskedFill(mask, double.NaN), "value cannot be converted to type int32 without overflow");
        Says<ShapeException>(() => x.MaskedFill(mask, x), "masked_fill only supports a 0-dimensional value tensor, but got tensor with 1 dimension(s)");
        Assert.That(x.MaskedFill(mask, 7.9).ToArray<int>(), Is.EqualTo(new[] { 7, 2 }), "truncated to the tensor's dtype");
        Shape broadcast = [2, 2];
        Assert.That(x.MaskedFill(mask.Unsqueeze(1), 0).Shape, Is.EqualTo(broadcast));
        Says<ShapeException>(() => x.Clone().MaskedFill_(mask.Unsqueeze(1), 0), "doesn't match the broadcast shape [2, 2]");
    }

    [Test]
    public void ActivationsCheckTheirArguments()
    {
        var x = Tensor.Ones([2, 3]);
        Says<ArgumentOutOfRangeException>(() => x.Celu(0), "alpha cannot be 0 for CELU");
        Says<ArgumentOutOfRangeException>(() => x.Softshrink(-1), "lambda must be greater or equal to 0, but found to be -1");
        Says<ArgumentException>(() => x.Hardtanh(1, -1), "min_val cannot be greater than max_val");
        Says<ShapeException>(() => x.Glu(), "Halving dimension must be even, but dimension 1 is size 3");
        Says<ShapeException>(() => Tensor.Ones([]).Glu(), "glu does not support 0-dimensional tensors");
        Says<DTypeException>(() => x.To(DType.Int64).Gelu(), "not implemented for int64");
        Says<DTypeException>(() => x.To(DType.Int64).Clone().Tan_(), "result type float32 can't be cast to the desired output type int64");
        Says<DTypeException>(() => x.To(DType.Bool).Floor(), "not implemented for bool");
        Says<ArgumentOutOfRangeException>(() => x.Polygamma(-1), "polygamma(n, x) does not support negative n");
        Says<ArgumentException>(() => x.Clamp((Tensor?)null), "At least one of 'min' or 'max' must not be");
        Says<DTypeException>(() => x.Lerp(x, x.To(DType.Float64)), "expected dtype float32");
        Says<DTypeException>(() => x.Heaviside(x.To(DType.Float64)), "heaviside is not yet implemented for tensors with different dtypes");
        var whole = x.To(DType.Int64);
        Says<DTypeException>(() => whole.Addcdiv(whole, whole), "Integer division with addcdiv is no longer supported");
        var s = Tensor.Full([1], 2.0, requiresGrad: true);
        Says<GradientException>(() => s.Zeta(Tensor.Ones([1])).Sum().Backward(), "the derivative for 'self'");
    }

    [Test]
    public void HalvesAreGated()
    {
        var x = Numbers.Double(3, [4, 3], -2, 2, Device.Cpu, requiresGrad: true);
        var values = x.Doubles();
        var expected = Enumerable.Range(0, 6).Select(i => values[i] / (1 + Math.Exp(-values[i + 6]))).ToArray();
        Assert.That(x.Glu(0).Doubles(), Is.EqualTo(expected).Within(1e-15));
        Assert.That(Autodiff.GradCheck(t => t.Glu(0), x));
        Assert.That(Autodiff.GradGradCheck(t => t.Glu(0), x));
    }

    [Test]
    public void ClosenessIsThatOfPyTorch()
    {
        var x = Tensor.FromArray(new[] { 1, double.NaN, double.PositiveInfinity, 0, 1e10 }, Device.Cpu);
        var y = Tensor.FromArray(new[] { 1 + 9e-6, double.NaN, double.PositiveInfinity, 2e-8, 1e10 + 1 }, Device.Cpu);
        Assert.That(x.IsClose(y).ToArray<bool>(), Is.EqualTo(new[] { true, false, true, false, true }));
        Assert.That(x.IsClose(y, equalNan: true).ToArray<bool>(), Is.EqualTo(new[] { true, true, true, false, true }));
        Assert.That(x.IsClose(y, 0, 0).ToArray<bool>(), Is.EqualTo(new[] { false, false, true, false, false }));
        Assert.That(x.IsClose(-y).ToArray<bool>()[2], Is.False, "inf and -inf");
        Assert.That((x.AllClose(x), x.AllClose(x, equalNan: true), x[..1].AllClose(y[..1])), Is.EqualTo((false, true, true)));
        var whole = Tensor.FromArray<long>([100_000, 1], Device.Cpu);
        Assert.That(whole.IsClose(whole + 1).ToArray<bool>(), Is.EqualTo(new[] { true, false }));
        Assert.That(Tensor.Ones([0]).AllClose(Tensor.Ones([0])));
        Says<DTypeException>(() => x.IsClose(x.To(DType.Float32)), "float64 did not match float32");
        Says<ArgumentOutOfRangeException>(() => x.IsClose(y, rtol: -1), "rtol must be greater than or equal to zero, but got -1");
        Assert.That((x.Equal(x), whole.Equal(whole.Clone()), whole.Equal(whole + 1), whole.Equal(whole[..1])), Is.EqualTo((false, true, false, false)));
        Says<DTypeException>(() => x.Equal(whole), "Expected object of data type float64 but got data type int64");
    }

    [Test]
    public void IntegersKeepTheirDTypeWhereTheyCan()
    {
        var x = Tensor.FromArray<long>([(1L << 53) + 1, -3], Device.Cpu);
        Assert.That(x.Floor().ToArray<long>(), Is.EqualTo(x.ToArray<long>()));
        Assert.That(x.Round(2).ToArray<long>(), Is.EqualTo(x.ToArray<long>()));
        Assert.That(x.NanToNum(), Is.SameAs(x));
        Assert.That((x.IsNan().DType, x.IsFinite().ToArray<bool>()[0], x.IsInf().ToArray<bool>()[0]), Is.EqualTo((DType.Bool, true, false)));
        Assert.That((x.Hardtanh().DType, x.Relu6().DType, x.Threshold(0, 1).DType), Is.EqualTo((DType.Int64, DType.Int64, DType.Int64)));
        Assert.That((x.Expm1().DType, x.Reciprocal().DType, x.Atan2(x).DType), Is.EqualTo((DType.Float32, DType.Float32, DType.Float32)));
        Assert.That(x.LogicalAnd(x - x).ToArray<bool>(), Is.EqualTo(new[] { false, false }));
        Assert.That(x.Clamp(x * 0, null).ToArray<long>(), Is.EqualTo(new[] { (1L << 53) + 1, 0 }));
    }

    [Test]
    public void DecimalsAreRoundedToEven()
    {
        var x = Tensor.FromArray(new[] { 0.125, 2.5, 3.5, -0.5, 1234.5, 1250 }, Device.Cpu);
        Assert.That(x.Round(2).ToArray<double>(), Is.EqualTo(new[] { 0.12, 2.5, 3.5, -0.5, 1234.5, 1250 }));
        Assert.That(x.Round().ToArray<double>(), Is.EqualTo(new[] { 0, 2, 4, -0.0, 1234, 1250 }));
        Assert.That(x.Round(-2).ToArray<double>(), Is.EqualTo(new[] { 0, 0, 0, -0.0, 1200, 1200 }));
    }

    [Test]
    public void ARowWithAnInfiniteElementHasNoSoftmax()
    {
        foreach (var device in TestDevices.All)
        {
            var x = Tensor.FromArray(new[] { 1, double.PositiveInfinity, 2, 1, double.NegativeInfinity, 1 }, [2, 3], device);
            var softmax = x.Softmax(1).ToArray<double>();
            Assert.That(softmax, Is.EqualTo(new[] { double.NaN, double.NaN, double.NaN, 0.5, 0, 0.5 }));
            Assert.That(x.LogSoftmax(1).ToArray<double>()[..3], Is.EqualTo(new[] { double.NaN, double.NaN, double.NaN }));
        }
    }

    [Test]
    public void PolygammaIsTheDerivativeOfTheOneBefore()
    {
        var x = Tensor.FromArray(new[] { 0.7, 2.3, -1.4 }, Device.Cpu, requiresGrad: true);
        for (int n = 0; n < 4; n++)
        {
            var (gradient, _) = (Autodiff.Grad([x.Polygamma(n).Sum()], [x])[0], 0);
            Assert.That(gradient!.Doubles(), Is.EqualTo(x.Polygamma(n + 1).Doubles()).Within(1e-12).Percent);
        }

        Assert.That(Tensor.Ones([1], DType.Float64).Polygamma(1).Item<double>(), Is.EqualTo(Math.PI * Math.PI / 6).Within(1e-15));
        Assert.That(Tensor.Ones([1], DType.Float64).Polygamma(2).Item<double>(), Is.EqualTo(-2.4041138063191885).Within(1e-14));
    }

    private static void Says<T>(Action action, string phrase) where T : Exception =>
        Assert.That(Assert.Throws<T>(action)!.Message, Does.Contain(phrase));
}
