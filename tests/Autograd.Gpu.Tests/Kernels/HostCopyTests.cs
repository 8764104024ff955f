using Autograd.Gpu.Devices.Host;

namespace Autograd.Gpu.Tests.Kernels;

/// <summary>The host's copies between layouts against loops, element by element, at the edges of vectors, tiles and chunks.</summary>
[NonParallelizable]
public sealed unsafe class HostCopyTests
{
    private static readonly int[] Extents = [1, 3, 4, 5, 8, 15, 16, 17, 33, 66];

    [TearDown]
    public void Restore() => HostCopy.Width = HostMatMul.Widest;

    private static IEnumerable<HostVectorWidth> Widths => Enum.GetValues<HostVectorWidth>().Where(width => width <= HostMatMul.Widest);

    [TestCaseSource(nameof(Widths))]
    public void TransposedBlocksAreThoseOfALoop(object width)
    {
        foreach (int rows in Extents)
        {
            foreach (int columns in Extents)
            {
                Check<byte>(rows, columns);
                Check<int>(rows, columns);
                Check<long>(rows, columns);
            }
        }

        void Check<T>(int rows, int columns) where T : unmanaged, System.Numerics.INumber<T>
        {
            // Rows and columns lie further apart than they are long; what is between them must stay.
            int row = columns + 3, column = rows + 2;
            var source = Enumerable.Range(0, rows * row).Select(i => T.CreateTruncating(i + 1)).ToArray();
            var target = new T[columns * column];
            var expected = new T[target.Length];
            for (int r = 0; r < rows; r++)
            {
                for (int c = 0; c < columns; c++)
                {
                    expected[c * column + r] = source[r * row + c];
                }
            }

            fixed (T* from = source, to = target)
            {
                HostTranspose.Block(from, row, to, column, rows, columns, (HostVectorWidth)width);
            }

            Assert.That(target, Is.EqualTo(expected), $"{typeof(T)} {rows} x {columns}");
        }
    }

    [TestCase(new long[] { 5, 70 }, new long[] { 100, 1 }, new long[] { 70, 1 }, true, TestName = "Rows")]
    [TestCase(new long[] { 3, 17_000 }, new long[] { 17_001, 1 }, new long[] { 17_000, 1 }, true, TestName = "RowsLongerThanAChunk")]
    [TestCase(new long[] { 9, 7 }, new long[] { 7, -1 }, new long[] { 7, 1 }, true, TestName = "RowsBackwards")]
    [TestCase(new long[] { 2, 16_411 }, new long[] { -16_411, -1 }, new long[] { 16_411, 1 }, true, TestName = "LongRowsBackwards")]
    [TestCase(new long[] { 4, 33 }, new long[] { 0, 1 }, new long[] { 33, 1 }, true, TestName = "RepeatedRows")]
    [TestCase(new long[] { 130, 300 }, new long[] { 1, 130 }, new long[] { 300, 1 }, true, TestName = "Transposed")]
    [TestCase(new long[] { 130, 300 }, new long[] { 300, 1 }, new long[] { 1, 131 }, true, TestName = "IntoATransposedView")]
    [TestCase(new long[] { 2, 9, 3, 20 }, new long[] { 540, 1, 180, 9 }, new long[] { 540, 60, 20, 1 }, true, TestName = "TransposedInnerDimensions")]
    [TestCase(new long[] { 9, 2, 20 }, new long[] { 1, 180, -9 }, new long[] { 40, 20, 1 }, true, TestName = "TransposedAndBackwards")]
    [TestCase(new long[] { 3, 20 }, new long[] { 1, 3 }, new long[] { 20, 1 }, false, TestName = "ColumnsTooShortForTiles")]
    [TestCase(new long[] { 20, 20 }, new long[] { 40, 2 }, new long[] { 20, 1 }, false, TestName = "EverySecond")]
    [TestCase(new long[] { 3, 17_000 }, new long[] { 0, 1 }, new long[] { 17_000, 1 }, true, TestName = "LongRunsRepeated")]
    [TestCase(new long[] { 2, 3, 2, 16_400 }, new long[] { 0, 16_401, 0, 1 }, new long[] { 98_400, 32_800, 16_400, 1 }, true, TestName = "LongRunsRepeatedAroundOthers")]
    [TestCase(new long[] { 3, 1090 }, new long[] { 1091, 1 }, new long[] { 1093, 1 }, true, TestName = "RunsBesideLines")]
    [TestCase(new long[] { 4, 8 }, new long[] { 8, 1 }, new long[] { 0, 1 }, false, TestName = "OntoOneAnother")]
    [TestCase(new long[] { 3, 40, 7, 64 }, new long[] { 17_920, 64, 2560, 1 }, new long[] { 17_920, 448, 64, 1 }, true, TestName = "ShortRunsOfWholeLines")]
    [TestCase(new long[] { 2, 300, 129 }, new long[] { 38_700, 129, -1 }, new long[] { 39_000, 130, 1 }, true, TestName = "ManyRowsBackwards")]
    [TestCase(new long[] { 140_003 }, new long[] { -1 }, new long[] { 1 }, true, TestName = "OneLongRunBackwards")]
    public void CopiesAreThoseOfALoop(long[] sizes, long[] from, long[] to, bool isTaken)
    {
        foreach (var width in Widths)
        {
            HostCopy.Width = width;
            foreach (int size in new[] { 1, 2, 4, 8 })
            {
                Check(size, isTaken);
            }
        }

        void Check(int size, bool expected)
        {
            long Reach(long[] strides, int sign) => sizes.Select((n, d) => Math.Max(0, sign * strides[d]) * (n - 1)).Sum();
            long before = Reach(from, -1), sourceCount = before + Reach(from, 1) + 1, targetCount = Reach(to, 1) + 1;
            var source = new byte[sourceCount * size];
            new Random(7).NextBytes(source);
            var target = new byte[targetCount * size];
            var copied = new byte[target.Length];
            var index = new long[sizes.Length];
            for (long e = 0; e < sizes.Aggregate(1L, (a, b) => a * b); e++)
            {
                long rest = e, at = before, place = 0;
                for (int d = sizes.Length - 1; d >= 0; d--)
                {
                    (rest, index[d]) = Math.DivRem(rest, sizes[d]);
                    at += index[d] * from[d];
                    place += index[d] * to[d];
                }

                source.AsSpan((int)(at * size), size).CopyTo(copied.AsSpan((int)(place * size), size));
            }

            bool taken;
            fixed (byte* x = source, y = target)
            {
                taken = HostCopy.TryCopy(x + before * size, y, size, sizes, from, to);
            }

            Assert.That(taken, Is.EqualTo(expected), $"{size} bytes");
            Assert.That(target, Is.EqualTo(taken ? copied : new byte[target.Length]), $"{size} bytes, {HostCopy.Width}");
        }
    }

    [Test]
    public void RunsOfAnyLengthGoFromAndToAnyPlace()
    {
        foreach (var width in Widths)
        {
            HostCopy.Width = width;
            foreach (int bytes in new[] { 0, 1, 15, 16, 17, 31, 32, 47, 63, 64, 65, 127, 128, 129, 191, 192, 255, 256, 257, 320, 511, 512, 600, 1023, 2048, 2100 })
            {
                for (int offset = 0; offset <= 17; offset++)
                {
                    Check(bytes, offset, 0, 64);
                    Check(bytes, 64, offset, 3);
                }

                Check(bytes, 5, 9, 0);
            }
        }

        void Check(int bytes, int fromOffset, int toOffset, int gap)
        {
            // Three runs, and what is between them must stay. Both start at a line's beginning and an offset from there.
            const int Runs = 3;
            var source = new byte[64 + fromOffset + Runs * (bytes + 1)];
            new Random(bytes).NextBytes(source);
            var target = new byte[64 + toOffset + Runs * (bytes + gap) + 64];
            var expected = new byte[target.Length];
            fixed (byte* x = source, y = target)
            {
                int from = (int)(-(nint)x & 63) + fromOffset, to = (int)(-(nint)y & 63) + toOffset;
                from = from + Runs * (bytes + 1) > source.Length ? fromOffset : from;
                for (int run = 0; run < Runs; run++)
                {
                    source.AsSpan(from + run * (bytes + 1), bytes).CopyTo(expected.AsSpan(to + run * (bytes + gap)));
                }

                HostRuns.Copy(x + from, y + to, bytes, Runs, bytes + 1, bytes + gap, 4096);
            }

            Assert.That(target.AsSpan().SequenceEqual(expected), $"{bytes} bytes from {fromOffset} to {toOffset}, {gap} between, {HostCopy.Width}");
        }
    }

    [Test]
    public void RunsBackwardsOfAnyLengthGoFromAndToAnyPlace()
    {
        foreach (var width in Widths)
        {
            HostCopy.Width = width;
            for (int count = 0; count < 140; count += count < 70 ? 1 : 23)
            {
                for (int offset = 0; offset <= 17; offset++)
                {
                    Check<byte>(count, offset);
                    Check<short>(count, offset);
                    Check<float>(count, offset);
                    Check<double>(count, offset);
                }
            }
        }

        void Check<T>(int count, int offset) where T : unmanaged, System.Numerics.INumber<T>
        {
            var source = Enumerable.Range(0, count + 18).Select(i => T.CreateTruncating(i + 1)).ToArray();
            var target = new T[count + 36];
            var expected = new T[target.Length];
            for (int i = 0; i < count; i++)
            {
                expected[offset + i] = source[17 - offset + count - 1 - i];
            }

            fixed (T* from = source, to = target)
            {
                HostRuns.Reverse(from + 17 - offset, to + offset, count, 512);
            }

            Assert.That(target.AsSpan().SequenceEqual(expected), $"{count} of {typeof(T)} to {offset}, {HostCopy.Width}");
        }
    }

    [TestCase(1, new[] { 70_000, 1, 131_000, 5000 }, TestName = "JoinedInOneRow")]
    [TestCase(3, new[] { 50_000, 30_001 }, TestName = "JoinedInLongRows")]
    [TestCase(700, new[] { 100, 3, 64, 200, 17 }, TestName = "JoinedInManyRows")]
    [TestCase(5, new[] { 2, 7 }, TestName = "JoinedInFew")]
    public void JoinedRowsHoldTheirPieces(int rows, int[] lengths)
    {
        // Places that no piece covers lie before the first, between the second and the third, and after the last; sources have rows of other lengths.
        int rowBytes = lengths.Sum() + 9;
        var source = new byte[rows * (lengths.Max() + 3)];
        new Random(3).NextBytes(source);
        var target = new byte[rows * rowBytes];
        Array.Fill(target, (byte)9);
        var expected = target.ToArray();
        var pieces = new HostPiece[lengths.Length];
        fixed (byte* from = source, to = target)
        {
            int start = 1;
            for (int k = 0; k < lengths.Length; k++)
            {
                start += k == 2 ? 4 : 0;
                int row = lengths[k] + k % 4;
                pieces[k] = new HostPiece { Source = from, SourceRow = row, Start = start, Bytes = lengths[k] };
                for (int r = 0; r < rows; r++)
                {
                    source.AsSpan(r * row, lengths[k]).CopyTo(expected.AsSpan(r * rowBytes + start));
                }

                start += lengths[k];
            }

            HostJoin.Run(pieces, to, rows, rowBytes);
        }

        Assert.That(target.AsSpan().SequenceEqual(expected));
    }

    [Test]
    public void ClearsSetWhatTheyAreGivenAndNoMore()
    {
        foreach (var width in Widths)
        {
            HostCopy.Width = width;
            foreach (int count in new[] { 0, 1, 63, 64, 127, 128, 129, 191, 192, 255, 256, 257, 400, 1000 })
            {
                foreach (int start in new[] { 0, 1, 31, 63, 64 })
                {
                    var memory = new byte[count + 128];
                    Array.Fill(memory, (byte)7);
                    fixed (byte* p = memory)
                    {
                        HostCopy.Clear(p + start, count);
                    }

                    Assert.That(memory.Take(start), Is.All.EqualTo(7), $"{count} from {start}, {width}");
                    Assert.That(memory.Skip(start).Take(count), Is.All.Zero, $"{count} from {start}, {width}");
                    Assert.That(memory.Skip(start + count), Is.All.EqualTo(7), $"{count} from {start}, {width}");
                }
            }
        }
    }

    [Test]
    public void FillsWriteTheirPatternAndNoMore()
    {
        foreach (int size in new[] { 1, 2, 4, 8 })
        {
            // Around vectors and chunks, and enough that the caches are passed by.
            foreach (long count in new long[] { 0, 1, 7, 8, 63, 64, 65, 65_536, 65_537, size == 4 ? (17 << 20) / 4 + 3 : 9 })
            {
                var memory = new byte[count * size + 96];
                fixed (byte* start = memory)
                {
                    byte* aligned = (byte*)(((nint)start + 31) / 32 * 32);
                    HostCopy.Fill(aligned, size, count, 0x1122334455667788);
                    int offset = (int)(aligned - start);
                    byte[] pattern = [0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11];
                    bool isRight = true;
                    for (int i = 0; i < memory.Length; i++)
                    {
                        int at = i - offset;
                        isRight &= memory[i] == (at >= 0 && at < count * size ? pattern[at % size] : 0);
                    }

                    Assert.That(isRight, $"{count} of {size} bytes");
                }
            }
        }
    }

    [Test]
    public void TensorsTakeTheseCopies()
    {
        var device = Device.Cpu;
        var x = Tensor.Arange(70 * 90, DType.Float32, device).Reshape(70, 90);
        var array = x.ToArray<float>();
        var expected = Enumerable.Range(0, 90).SelectMany(c => Enumerable.Range(0, 70).Select(r => array[r * 90 + c])).ToArray();
        Assert.That(x.Transpose(0, 1).Contiguous().ToArray<float>(), Is.EqualTo(expected));
        Assert.That(x.Flip(1).Flip(0).ToArray<float>(), Is.EqualTo(array.Reverse().ToArray()));
        var written = Tensor.Zeros([90, 70], device: device);
        written.Transpose(0, 1).Copy_(x);
        Assert.That(written.ToArray<float>(), Is.EqualTo(expected));
        Assert.That(x.To(DType.Float64).Flip(1).ToArray<double>(), Is.EqualTo(x.Flip(1).ToArray<float>()));
        Assert.That(x.To(DType.Float16).Flip(1).To(DType.Float32).ToArray<float>(), Is.EqualTo(x.To(DType.Float16).To(DType.Float32).Flip(1).ToArray<float>()));
        var shifted = Tensor.Arange(100, DType.Float32, device);
        shifted[1..].Copy_(shifted[..^1]);
        Assert.That(shifted.ToArray<float>(), Is.EqualTo(Enumerable.Range(0, 100).Select(i => (float)Math.Max(0, i - 1))), "source and target overlap");
        Assert.That(Tensor.Full([3], 0.3, DType.Float16, device).Materialize().To(DType.Float32).ToArray<float>(), Is.All.EqualTo((float)(Half)0.3f));
        Assert.That(Tensor.Full([3], true, DType.Bool, device).ToArray<bool>(), Is.All.True);
        Assert.That(Tensor.Full([70], -7, DType.Int64, device).ToArray<long>(), Is.All.EqualTo(-7));
    }
}
