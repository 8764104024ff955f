using System.Buffers.Binary;
using System.IO.Compression;

namespace Autograd.Gpu.Samples.Digits;

/// <summary>
/// An array of bytes in IDX format (http://yann.lecun.com/exdb/mnist/): two zero bytes, the element type (0x08: unsigned byte), the number
/// of dimensions, each dimension as a big-endian 32-bit integer, the elements in row-major order.
/// </summary>
internal sealed record Idx(int[] Shape, byte[] Data)
{
    private const uint UnsignedByte = 0x0800;

    /// <summary>Reads a file, compressed with gzip or not (told by its first bytes, not by its name).</summary>
    /// <param name="path">The file.</param>
    /// <param name="rank">The number of dimensions to expect: 3 for images, 1 for labels.</param>
    /// <exception cref="DataException">
    /// The file cannot be read, is not IDX of bytes with that rank, or its length contradicts its header.
    /// </exception>
    public static Idx Read(string path, int rank)
    {
        try
        {
            using var file = File.OpenRead(path);
            Span<byte> mark = stackalloc byte[2];
            var compressed = file.ReadAtLeast(mark, 2, throwOnEndOfStream: false) == 2 && mark is [0x1f, 0x8b];
            file.Position = 0;
            using Stream stream = compressed ? new GZipStream(file, CompressionMode.Decompress) : new BufferedStream(file);
            return Read(stream, path, rank);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path} cannot be read: {error.Message}", error);
        }
        catch (InvalidDataException error)
        {
            throw new DataException($"{path} is not valid gzip: {error.Message}", error);
        }
    }

    private static Idx Read(Stream stream, string path, int rank)
    {
        var header = new byte[4 * (rank + 1)];
        var found = stream.ReadAtLeast(header, header.Length, throwOnEndOfStream: false);
        if (found < header.Length)
            throw new DataException($"{path} is too short for IDX: expected a header of {header.Length} bytes, found {found} bytes.");

        var magic = BinaryPrimitives.ReadUInt32BigEndian(header);
        var expected = UnsignedByte | (uint)rank;
        if (magic != expected)
        {
            throw new DataException(
                $"{path} is not IDX of unsigned bytes in {rank} dimension(s): "
                + $"expected the magic number 0x{expected:x8}, found 0x{magic:x8}.");
        }

        var shape = new int[rank];
        long count = 1;
        for (var dim = 0; dim < rank; dim++)
        {
            shape[dim] = BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(4 * (dim + 1)));
            if (shape[dim] < 0) throw TooLarge(path, shape[..(dim + 1)]);
            count *= shape[dim];
            if (count > Array.MaxLength) throw TooLarge(path, shape[..(dim + 1)]);
        }

        // Grown as the bytes come, so that a header that lies cannot ask for memory that the file does not fill.
        var data = new byte[Math.Min(count, 1 << 20)];
        var length = 0;
        while (true)
        {
            length += stream.ReadAtLeast(data.AsSpan(length), data.Length - length, throwOnEndOfStream: false);
            if (length < data.Length || length == count) break;
            Array.Resize(ref data, (int)Math.Min(count, 2L * data.Length));
        }

        if (length < count)
            throw new DataException($"{path} ends early: expected {Text(shape)} = {count} bytes after the header, found {length}.");
        if (stream.ReadByte() >= 0)
            throw new DataException($"{path} is too long: expected {Text(shape)} = {count} bytes after the header, found more.");
        return new Idx(shape, data);
    }

    private static DataException TooLarge(string path, int[] shape) =>
        new($"{path} has impossible sizes: expected at most {Array.MaxLength} bytes in all and no negative size, found {Text(shape)}.");

    private static string Text(int[] shape) => string.Join(" x ", shape);
}
