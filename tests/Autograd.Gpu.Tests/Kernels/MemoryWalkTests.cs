using Autograd.Gpu.Devices.Host;

namespace Autograd.Gpu.Tests.Kernels;

/// <summary>How host kernels walk through memory: what they fetch changes no copy, and what they add up lies apart from what they read.</summary>
[NonParallelizable]
public unsafe class MemoryWalkTests
{
    private const int PageBytes = 4096;
    private const int LineBytes = 64;

    [Test]
    public void SumsLieHalfAPageFromTheirRows([Values(0, 4, 60, 64, 1024, 2048, 4032, 4092)] int rows, [Values(0, 4, 64, 2048, 4092)] int memory)
    {
        long first = 16 * PageBytes + memory;
        long place = (long)ColumnMemory.Place((float*)first, (void*)(32 * PageBytes + rows));
        Assert.Multiple(() =>
        {
            Assert.That(place, Is.InRange(first, first + ColumnMemory.SlackBytes));
            Assert.That(place % LineBytes, Is.Zero);
            Assert.That((place - rows + PageBytes) % PageBytes, Is.InRange(PageBytes / 2 - LineBytes, PageBytes / 2 + LineBytes));
        });
    }

    [Test]
    public void RunsAreTheSameWithoutLinesFetched(
        [Values(1, 63, 128, 255, 256, 300, 4096, 5000)] int bytes, [Values(0, 3, 64)] int sourceStart, [Values(0, 5)] int targetStart,
        [Values] bool isNarrow)
    {
        byte[] source = new byte[bytes + LineBytes], plain = new byte[bytes + LineBytes], fetched = new byte[bytes + LineBytes];
        new Random(bytes).NextBytes(source);
        var old = HostCopy.Width;
        HostCopy.Width = isNarrow ? HostVectorWidth.V128 : HostMatMul.Widest;
        try
        {
            fixed (byte* from = source, first = plain, second = fetched)
            {
                HostRuns.Copy(from + sourceStart, first + targetStart, bytes, 0);
                HostRuns.Copy(from + sourceStart, second + targetStart, bytes, HostRuns.FetchedBytes);
            }
        }
        finally
        {
            HostCopy.Width = old;
        }

        byte[] expected = new byte[plain.Length];
        source.AsSpan(sourceStart, bytes).CopyTo(expected.AsSpan(targetStart));
        Assert.Multiple(() =>
        {
            Assert.That(plain, Is.EqualTo(expected));
            Assert.That(fetched, Is.EqualTo(expected));
        });
    }
}
