using Autograd.Gpu.Devices;

namespace Autograd.Gpu.Tests.Devices;

public class SizeClassTests
{
    [Test]
    public void EachClassIsTheSmallestThatHoldsItsBytes()
    {
        for (var sizeClass = 0; sizeClass < SizeClass.Count; sizeClass++)
        {
            var bytes = SizeClass.Bytes(sizeClass);
            Assert.That(SizeClass.Of(bytes), Is.EqualTo(sizeClass), $"{bytes} bytes");
            Assert.That(bytes % 64, Is.Zero, "pieces carved from a slab stay aligned");
            if (sizeClass + 1 < SizeClass.Count)
                Assert.That(SizeClass.Of(bytes + 1), Is.EqualTo(sizeClass + 1), $"{bytes} + 1 bytes");
        }

        Assert.That(SizeClass.Bytes(SizeClass.Count - 1), Is.EqualTo(SizeClass.MaxBytes));
    }

    [TestCase(0, 64)]
    [TestCase(1, 64)]
    [TestCase(64, 64)]
    [TestCase(65, 128)]
    [TestCase(193, 256)]
    [TestCase(256, 256)]
    [TestCase(257, 320)]
    [TestCase(512, 512)]
    [TestCase(513, 640)]
    [TestCase(1_000_000, 1_048_576)]
    [TestCase(1_100_000, 1_310_720)]
    public void RoundsUp(long bytes, long expected) => Assert.That(SizeClass.Bytes(SizeClass.Of(bytes)), Is.EqualTo(expected));

    [Test]
    public void WastesAtMostAQuarter()
    {
        for (long bytes = 257; bytes < 1L << 40; bytes = bytes * 9 / 8 + 1)
            Assert.That(SizeClass.Bytes(SizeClass.Of(bytes)), Is.InRange(bytes, bytes * 5 / 4), $"{bytes} bytes");
    }
}
