namespace Autograd.Gpu.Tests;

/// <summary>PyTorch's table of promoted types, in full, and what conversions do with numbers that do not fit.</summary>
internal sealed class PromotionTableTests
{
    private static readonly DType[] Types = Enum.GetValues<DType>();

    /// <summary>Rows and columns in the order of <see cref="DType"/>; printed in PyTorch's documentation of tensor attributes.</summary>
    private static readonly string[] Table =
    [
        "b1 u1 i4 i8 f2 bf f4 f8",
        "u1 u1 i4 i8 f2 bf f4 f8",
        "i4 i4 i4 i8 f2 bf f4 f8",
        "i8 i8 i8 i8 f2 bf f4 f8",
        "f2 f2 f2 f2 f2 f4 f4 f8",
        "bf bf bf bf f4 bf f4 f8",
        "f4 f4 f4 f4 f4 f4 f4 f8",
        "f8 f8 f8 f8 f8 f8 f8 f8",
    ];

    private static DType Promoted(DType a, DType b) =>
        Types[Array.IndexOf(["b1", "u1", "i4", "i8", "f2", "bf", "f4", "f8"], Table[(int)a].Split(' ')[(int)b])];

    private static int Category(DType dtype) => dtype == DType.Bool ? 0 : dtype.IsFloatingPoint() ? 2 : 1;

    [Test]
    public void EveryPairOfTypes()
    {
        foreach (var a in Types)
        {
            foreach (var b in Types)
            {
                var expected = Promoted(a, b);
                string pair = $"{a} with {b}";
                var (x, y, number) = (Tensor.Ones([1], a), Tensor.Ones([1], b), Tensor.Of(1, b));
                Assert.That(Tensor.PromoteTypes(a, b), Is.EqualTo(expected), pair);
                Assert.That(Tensor.ResultType(x, y), Is.EqualTo(expected), pair);
                Assert.That((x + y).DType, Is.EqualTo(expected), pair);
                Assert.That(Tensor.ResultType(Tensor.Of(1, a), number), Is.EqualTo(expected), $"0-d {pair}");

                var widened = Category(b) > Category(a) ? expected : a;
                Assert.That(Tensor.ResultType(x, number), Is.EqualTo(widened), $"{a} with 0-d {b}");
                Assert.That(Tensor.ResultType(number, x), Is.EqualTo(widened), $"0-d {b} with {a}");
                Assert.That((number + x).DType, Is.EqualTo(widened), $"0-d {b} with {a}");
                Assert.That(Tensor.ResultType(x, number, 1.5), Is.EqualTo(Category(widened) < 2 ? DType.Float32 : widened), $"{a} with 0-d {b} and a number");
                Assert.That(Tensor.CanCast(a, b), Is.EqualTo(Category(a) <= Category(b)), $"{a} to {b}");
            }

            foreach (var (number, type) in new (Scalar, DType)[] { (true, DType.Bool), (2, DType.Int64), (2.5, DType.Float32) })
            {
                var expected = Category(type) > Category(a) ? Promoted(a, type) : a;
                Assert.That((Tensor.ResultType(Tensor.Ones([1], a), number), Tensor.ResultType(number, Tensor.Of(1, a))), Is.EqualTo((expected, expected)), $"{a} and {number}");
            }
        }
    }

    [Test]
    public void InPlaceOperationsCastWhereTypesAllowIt()
    {
        foreach (var (a, b) in from a in Types from b in Types select (a, b))
        {
            var x = Tensor.Ones([1], a);
            if (Tensor.CanCast(Tensor.PromoteTypes(a, b), a))
            {
                Assert.That(x.Mul_(Tensor.Ones([1], b)).DType, Is.EqualTo(a), $"{a} and {b}");
            }
            else
            {
                Assert.That(Assert.Throws<DTypeException>(() => x.Mul_(Tensor.Ones([1], b)), $"{a} and {b}")!.Message, Does.Contain("can't be cast to the desired output type"));
            }
        }
    }

    [TestCaseSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
    [Category(Laziness.Both)]
    public void NumbersThatDoNotFit(Device device, bool lazy)
    {
        using var mode = Laziness.Set(lazy);
        double[] values = [double.NaN, double.PositiveInfinity, double.NegativeInfinity, 300.7, -1.5, 3e9, -3e9, 1e30, -0.0];
        foreach (var dtype in new[] { DType.Float32, DType.Float64 })
        {
            var x = Tensor.FromArray(values, device).To(dtype);
            Assert.That(x.Int().ToArray<int>(), Is.EqualTo(new[] { 0, int.MaxValue, int.MinValue, 300, -1, int.MaxValue, int.MinValue, int.MaxValue, 0 }));
            Assert.That(x.Long().ToArray<long>(), Is.EqualTo(new[] { 0, long.MaxValue, long.MinValue, 300, -1, 3_000_000_000, -3_000_000_000, long.MaxValue, 0 }));
            Assert.That(x.Byte().ToArray<byte>(), Is.EqualTo(new byte[] { 0, 255, 0, 44, 255, 0, 0, 255, 0 }));
            Assert.That(x.Bool().ToArray<bool>(), Is.EqualTo(new[] { true, true, true, true, true, true, true, true, false }));
            Assert.That(x.Half().ToArray<Half>()[..6], Is.EqualTo(new[] { Half.NaN, Half.PositiveInfinity, Half.NegativeInfinity, (Half)300.7, (Half)(-1.5), Half.PositiveInfinity }));
            Assert.That(x.BFloat16().Double().ToArray<double>()[..5], Is.EqualTo(new[] { double.NaN, double.PositiveInfinity, double.NegativeInfinity, 300, -1.5 }));
        }

        Assert.That(Tensor.FromArray([300L, -1, 1L << 40], device).Byte().ToArray<byte>(), Is.EqualTo(new byte[] { 44, 255, 0 }));
        foreach (double number in values[..7])
        {
            var (one, many) = (Tensor.Full([1], number, DType.Float64, device), Tensor.FromArray([number], device));
            Assert.That((one.Int().Item<int>(), one.Long().Item<long>(), one.Byte().Item<byte>()), Is.EqualTo((many.Int().Item<int>(), many.Long().Item<long>(), many.Byte().Item<byte>())), $"constant {number}");
        }
    }

    [Test]
    public void GradientsReturnToTheInputsDTypeAndDevice()
    {
        foreach (var dtype in new[] { DType.Float16, DType.BFloat16, DType.Float32, DType.Float64 })
        {
            var x = Tensor.FromArray([1.5, -2]).To(dtype).RequiresGrad_();
            var like = Tensor.Zeros([], DType.Float64, Device.CpuKernels);
            var y = x.To(like);
            Assert.That((y.DType, y.Device, y.RequiresGrad), Is.EqualTo((DType.Float64, Device.CpuKernels, true)));
            (y * y).Sum().Backward();
            Assert.That((x.Grad!.DType, x.Grad.Device), Is.EqualTo((dtype, Device.Cpu)));
            Assert.That(x.Grad.Doubles(), Is.EqualTo(new double[] { 3, -4 }));
            Assert.That(x.To(Device.Cpu, dtype), Is.SameAs(x));
            Assert.That(x.Long().RequiresGrad, Is.False);
        }

        var z = Tensor.FromArray([1.5, -2], requiresGrad: true);
        Assert.That(Autodiff.GradCheck(a => a[0].Float().Double().TypeAs(a[0]) * 3, [z], eps: 1e-2));
        Assert.That((z.Float().DType, z.Half().DType, z.Cpu().Device), Is.EqualTo((DType.Float32, DType.Float16, Device.Cpu)));
    }
}
