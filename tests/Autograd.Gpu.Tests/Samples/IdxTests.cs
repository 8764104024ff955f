using System.Buffers.Binary;
using System.IO.Compression;
using Autograd.Gpu.Samples.Digits;

namespace Autograd.Gpu.Tests.Samples;

public sealed class IdxTests
{
    /// <summary>The bytes of an IDX file.</summary>
    internal static byte[] Bytes(int[] shape, byte[] data, uint type = 0x08)
    {
        var bytes = new byte[(4 * (shape.Length + 1)) + data.Length];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, (type << 8) | (uint)shape.Length);
        for (var dim = 0; dim < shape.Length; dim++) BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(4 * (dim + 1)), shape[dim]);
        data.CopyTo(bytes, bytes.Length - data.Length);
        return bytes;
    }

    internal static byte[] Gzip(byte[] bytes)
    {
        using var target = new MemoryStream();
        using (var gzip = new GZipStream(target, CompressionLevel.Fastest)) gzip.Write(bytes);
        return target.ToArray();
    }

    [Test]
    public void ReadsPlainAndCompressedFilesAlike()
    {
        using var folder = new TemporaryFolder();
        var bytes = Bytes([2, 1, 3], [1, 2, 3, 4, 5, 255]);
        foreach (var path in new[] { folder.Write("plain.gz", bytes), folder.Write("packed", Gzip(bytes)) })
        {
            var idx = Idx.Read(path, 3);
            Assert.That(idx.Shape, Is.EqualTo(new[] { 2, 1, 3 }), path);
            Assert.That(idx.Data, Is.EqualTo(new byte[] { 1, 2, 3, 4, 5, 255 }), path);
        }
    }

    [Test]
    public void ReadsMoreThanItsFirstBlock()
    {
        using var folder = new TemporaryFolder();
        var data = new byte[3_500_000];
        new Random(1).NextBytes(data);
        Assert.That(Idx.Read(folder.Write("x", Bytes([3500, 1000], data)), 2).Data, Is.EqualTo(data));
    }

    private static object[][] Damaged() =>
    [
        [Array.Empty<byte>(), "expected a header of 8 bytes, found 0 bytes"],
        [new byte[] { 0, 0, 8 }, "expected a header of 8 bytes, found 3 bytes"],
        [Bytes([1, 2], [1, 2]), "expected the magic number 0x00000801, found 0x00000802"],
        [Bytes([2], [1, 2], type: 0x0d), "expected the magic number 0x00000801, found 0x00000d01"],
        [Bytes([3], [1, 2]), "expected 3 = 3 bytes after the header, found 2"],
        [Bytes([int.MaxValue - 100], [1, 2]), "bytes after the header, found 2"],
        [Bytes([1], [1, 2]), "expected 1 = 1 bytes after the header, found more"],
        [Bytes([-1], []), "found -1"],
        [Gzip(Bytes([3], [1, 2])), "expected 3 = 3 bytes after the header, found 2"],
        [Gzip(Bytes([2], [1, 2]))[..^12], "damaged.idx"],
        [new byte[] { 0x1f, 0x8b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, "is not valid gzip"],
    ];

    [TestCaseSource(nameof(Damaged))]
    public void ADamagedFileIsNamedWithWhatWasExpectedAndFound(byte[] bytes, string expected)
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("damaged.idx", bytes);
        Assert.That(() => Idx.Read(path, 1), Throws.TypeOf<DataException>().With.Message.StartsWith(path).And.Message.Contains(expected));
    }

    [Test]
    public void SizesWhoseProductOverflowsAreRefused()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("big", Bytes([1 << 30, 1 << 30, 1 << 30], []));
        Assert.That(() => Idx.Read(path, 3), Throws.TypeOf<DataException>().With.Message.Contains("1073741824 x 1073741824"));
    }

    [Test]
    public void AFileThatIsNotThereIsNamed() =>
        Assert.That(() => Idx.Read("/no/such/file", 1), Throws.TypeOf<DataException>().With.Message.Contains("/no/such/file"));
}
