using System.Numerics;
using System.Runtime.InteropServices;
using Autograd.Gpu.Devices.Host;
using Autograd.Gpu.Tests.Support;

namespace Autograd.Gpu.Tests.Kernels;

/// <summary>The host's matrix product, at every vector width that this processor has.</summary>
[NonParallelizable]
public sealed class MatMulTests
{
    private static readonly int[] OddExtents = [1, 2, 3, 5, 7, 8, 11, 12, 13, 16, 17, 24, 31, 33, 48, 49, 65, 67];

    private int _threads;

    private static IEnumerable<string> Widths => Enum.GetValues<HostVectorWidth>().Where(x => x <= HostMatMul.Widest).Select(x => x.ToString());

    [SetUp]
    public void Remember() => _threads = HostParallel.ThreadCount;

    [TearDown]
    public void Restore()
    {
        HostParallel.ThreadCount = _threads;
        HostMatMul.Width = HostMatMul.Widest;
        HostMatMul.CacheWays = HostCache.Ways;
    }

    [Test]
    public void SmallExtentsInEveryLayout(
        [ValueSource(nameof(Widths))] string width, [Values] MatrixLayout left, [Values] MatrixLayout right, [Values] bool accumulate)
    {
        Use(width);
        foreach (int m in OddExtents)
        {
            foreach (int n in OddExtents)
            {
                int k = OddExtents[(m * 7 + n * 3) % OddExtents.Length];
                Check<float>(1, m, n, k, left, right, alpha: 1, accumulate);
                Check<double>(1, m, n, k, left, right, alpha: 0.75, accumulate);
            }
        }
    }

    [Test]
    public unsafe void SmallProductsHaveTheBitsOfTiles([Values] MatrixLayout left, [Values] MatrixLayout right, [Values] bool accumulate, [Values] bool biased)
    {
        foreach (var (m, n, k) in new (int, int, int)[] { (4, 16, 2), (16, 2, 4), (4, 1, 16), (1, 16, 16), (3, 5, 7), (2, 9, 14), (8, 8, 4), (256, 1, 1), (1, 1, 1), (7, 3, 12), (5, 13, 3) })
        {
            Assert.That(SmallProduct.Fits(m, n, k), Is.True);
            var x = MatMulCase<float>.Create(1, m, n, k, left, right);
            var bias = Array.ConvertAll(x.A, v => 3 * v).Concat(x.B).Concat(x.B).Concat(new float[n]).Take(n).ToArray();
            float[] small = [.. x.C], tiles = [.. x.C];
            bool adds = accumulate && !biased;
            fixed (float* a = x.A, b = x.B, c = small, d = tiles, start = bias)
            {
                float* own = biased ? start : null;
                HostMatMul.Multiply(1, m, n, k, a + x.AStart, x.ABatch, x.ARow, x.ACol, b + x.BStart, x.BBatch, x.BRow, x.BCol, c, x.CBatch, x.CRow, 1.5f, adds, own);
                HostMatMul.MultiplyAny(1, m, n, k, a + x.AStart, x.ABatch, x.ARow, x.ACol, b + x.BStart, x.BBatch, x.BRow, x.BCol, d, x.CBatch, x.CRow, 1.5f, adds, own);
            }

            // A row or a column that meets a vector has a sum for each lane, if it fills them.
            int lanes = 4 << (int)HostMatMul.Width;
            Assert.That(small, (m == 1 || n == 1) && k > lanes ? Is.EqualTo(tiles).Within(2e-6f) : Is.EqualTo(tiles), $"{m}x{n}x{k}");
            Assert.That(small, Is.Not.EqualTo(x.C));
        }
    }

    // Whole numbers, so that each sum is exact. Over the edges of tiles, of the slices (512 deep) and blocks of rows (192) and columns (1024), and without any product.
    [TestCase(1, 70, 40)]
    [TestCase(70, 1, 40)]
    [TestCase(13, 1100, 5)]
    [TestCase(205, 50, 600)]
    [TestCase(30, 97, 1031)]
    [TestCase(3, 17, 0)]
    public unsafe void ABiasIsAddedToEachRowOnce(int m, int n, int k)
    {
        float[] a = Whole(m * k, 7), b = Whole(k * n, 5), bias = Whole(n, 11), expected = new float[m * n];
        for (int i = 0; i < expected.Length; i++)
        {
            expected[i] = bias[i % n];
            for (int p = 0; p < k; p++) expected[i] += 2 * a[i / n * k + p] * b[i % n * k + p];
        }

        foreach (string width in Widths)
        {
            Use(width);
            float[] c = new float[m * n];
            Array.Fill(c, float.NaN);
            fixed (float* x = a, y = b, z = c, start = bias)
                HostMatMul.Multiply(1, m, n, k, x, 0, k, 1, y, 0, 1, k, z, 0, n, 2f, false, start);
            Assert.That(c, Is.EqualTo(expected), width);
        }
    }

    private static float[] Whole(int count, int modulus) => [.. Enumerable.Range(0, count).Select(i => (float)(i * 5 % modulus - modulus / 2))];

    [Test]
    public void SmallProductsAreBounded()
    {
        Assert.That(SmallProduct.Fits(16, 16, 1), Is.True);
        Assert.That(SmallProduct.Fits(16, 17, 1), Is.False);
        Assert.That(SmallProduct.Fits(1, 1, 17), Is.False, "deeper sums have several lanes");
        Assert.That(SmallProduct.Fits(long.MaxValue, 2, 2), Is.False);
        Assert.That(SmallProduct.Fits(2, long.MaxValue, 2), Is.False);
    }

    // Beyond the sizes up to which operands are read in place, over the edges of slices (512 and 256 deep), row and column blocks.
    [TestCase(150, 1100, 600, MatrixLayout.Rows, MatrixLayout.Rows)]
    [TestCase(150, 1100, 600, MatrixLayout.Columns, MatrixLayout.Columns)]
    [TestCase(301, 257, 1031, MatrixLayout.Rows, MatrixLayout.Columns)]
    [TestCase(301, 257, 1031, MatrixLayout.Columns, MatrixLayout.Rows)]
    [TestCase(97, 130, 1500, MatrixLayout.Sparse, MatrixLayout.Sparse)]
    [TestCase(5, 2050, 700, MatrixLayout.Rows, MatrixLayout.Rows)]
    [TestCase(2050, 3, 700, MatrixLayout.Rows, MatrixLayout.Columns)]
    public void LargeExtents(int m, int n, int k, MatrixLayout left, MatrixLayout right)
    {
        foreach (string width in Widths)
        {
            Use(width);
            Check<float>(1, m, n, k, left, right, alpha: 1, accumulate: false);
            Check<double>(1, m, n, k, left, right, alpha: -2, accumulate: true);
        }
    }

    // Lines of A a multiple of 4096 bytes apart, which are copied where the first-level cache has fewer ways than a tile has rows: over the edges of slices and blocks,
    // with the same bits as in place.
    [TestCase(205, 70, 1024, MatrixLayout.Rows)]
    [TestCase(14, 1100, 2048, MatrixLayout.Rows)]
    [TestCase(1024, 66, 300, MatrixLayout.Columns)]
    [TestCase(2048, 64, 531, MatrixLayout.Columns)]
    public void LinesThatShareThePlacesOfACache(int m, int n, int k, MatrixLayout left)
    {
        foreach (string width in Widths)
        {
            Use(width);
            Compare<float>(accumulate: true);
            Compare<double>(accumulate: false);
        }

        void Compare<T>(bool accumulate) where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            T[][] results = new T[2][];
            for (int ways = 0; ways < 2; ways++)
            {
                HostMatMul.CacheWays = ways;
                var x = MatMulCase<T>.Create(1, m, n, k, left, MatrixLayout.Columns);
                x.Accumulate = accumulate;
                x.Check(Run);
                results[ways] = x.C;
            }

            Assert.That(MemoryMarshal.AsBytes<T>(results[1]).SequenceEqual(MemoryMarshal.AsBytes<T>(results[0])), $"{typeof(T).Name}, {HostMatMul.Width}");
        }
    }

    // Over the edges of the strips of y (1024) and of the slices of x (4096).
    [Test]
    public void MatrixTimesVector(
        [ValueSource(nameof(Widths))] string width,
        [Values("1x1x9000", "1x2500x301", "2500x1x301", "5x1x9000", "1x5x9000", "1030x1x1", "1x1030x1")] string extents,
        [Values] MatrixLayout left,
        [Values] MatrixLayout right)
    {
        Use(width);
        int[] e = [.. extents.Split('x').Select(int.Parse)];
        Check<float>(1, e[0], e[1], e[2], left, right, alpha: 1, accumulate: true);
        Check<double>(2, e[0], e[1], e[2], left, right, alpha: 3, accumulate: false);
    }

    [Test]
    public void Batches(
        [ValueSource(nameof(Widths))] string width,
        [Values("3x17x19x23", "70x33x32x31", "70x1x65x40", "70x64x1x40", "2x130x260x300")] string extents,
        [Values] bool broadcastLeft,
        [Values] bool broadcastRight,
        [Values] bool accumulate)
    {
        Use(width);
        int[] e = [.. extents.Split('x').Select(int.Parse)];
        Check<float>(e[0], e[1], e[2], e[3], MatrixLayout.Rows, MatrixLayout.Columns, 1, accumulate, broadcastLeft, broadcastRight);
    }

    [Test]
    public void BatchesThatShareBAreOneTallMatrix()
    {
        const int batch = 9, m = 21, n = 33, k = 40;
        float[] a = Values(batch * m * k), b = Values(k * n), whole = new float[batch * m * n], each = new float[batch * m * n];
        Multiply(batch, m, n, k, a, b, whole, bBatch: 0);
        for (int t = 0; t < batch; t++)
        {
            float[] c = new float[m * n];
            Multiply(1, m, n, k, a[(t * m * k)..((t + 1) * m * k)], b, c, bBatch: 0);
            c.CopyTo(each, t * m * n);
        }

        Assert.That(whole, Is.EqualTo(each));
    }

    [Test]
    public void ZeroDepthMakesZerosOrAddsNothing([Values] bool accumulate, [Values(1, 7)] int m, [Values(1, 9)] int n)
    {
        Check<float>(3, m, n, 0, MatrixLayout.Rows, MatrixLayout.Rows, 1, accumulate);
        Check<double>(3, m, n, 0, MatrixLayout.Columns, MatrixLayout.Sparse, 1, accumulate);
    }

    [TestCase(0, 3, 4, 5)]
    [TestCase(2, 0, 4, 5)]
    [TestCase(2, 3, 0, 5)]
    [TestCase(0, 0, 0, 0)]
    public unsafe void EmptyResultsTouchNothing(int batch, int m, int n, int k) =>
        Assert.DoesNotThrow(() => HostMatMul.Multiply<float>(batch, m, n, k, null, 1, 1, 1, null, 1, 1, 1, null, 1, 1, 1, false));

    [Test]
    public unsafe void NegativeExtentsAreRefused()
    {
        var error = Assert.Throws<ArgumentOutOfRangeException>(
            () => HostMatMul.Multiply<float>(1, 2, -3, 4, null, 1, 1, 1, null, 1, 1, 1, null, 1, 1, 1, false));
        Assert.That(error!.Message, Does.Contain("[HostMatMul]").And.Contain("n = -3"));
    }

    [Test]
    public unsafe void OtherTypesAreRefused()
    {
        var error = Assert.Throws<NotSupportedException>(
            () => HostMatMul.Multiply<Half>(1, 2, 3, 4, null, 1, 1, 1, null, 1, 1, 1, null, 1, 1, Half.One, false));
        Assert.That(error!.Message, Does.Contain("System.Half").And.Contain("float or double"));
    }

    [Test]
    public void AWidthThatTheProcessorLacksIsRefused()
    {
        var error = Assert.Throws<PlatformNotSupportedException>(() => HostMatMul.Width = HostMatMul.Widest + 1);
        Assert.That(error!.Message, Does.Contain(HostMatMul.Widest.ToString()));
        Assert.That(HostMatMul.Width, Is.EqualTo(HostMatMul.Widest));
    }

    [Test]
    public void NaNAndInfinityPassThrough([ValueSource(nameof(Widths))] string width)
    {
        Use(width);
        float[] a = [float.NaN, 1, 1, 2], b = [0, 0, float.PositiveInfinity, 1], c = new float[4];
        Multiply(1, 2, 2, 2, a, b, c, 4);
        Assert.That(c, Is.EqualTo(new[] { float.NaN, float.NaN, float.PositiveInfinity, 2 }));
    }

    // The same bits whatever the number of threads and the cut, so a run on another machine with the same vector width repeats exactly.
    [TestCase(1, 300, 320, 700)]
    [TestCase(1, 1000, 40, 600)]
    [TestCase(1, 40, 1000, 600)]
    [TestCase(1, 100, 101, 128)]
    [TestCase(20, 64, 65, 66)]
    [TestCase(1, 1, 3000, 500)]
    [TestCase(1, 3001, 1, 500)]
    public void ThreadsDoNotChangeTheBits(int batch, int m, int n, int k)
    {
        foreach (string width in Widths)
        {
            Use(width);
            float[] a = Values(batch * m * k), b = Values(batch * k * n), first = new float[batch * m * n];
            HostParallel.ThreadCount = 1;
            Multiply(batch, m, n, k, a, b, first, k * n);
            foreach (int threads in new[] { 2, 3, 8 })
            {
                HostParallel.ThreadCount = threads;
                float[] c = new float[batch * m * n];
                Multiply(batch, m, n, k, a, b, c, k * n);
                Assert.That(MemoryMarshal.AsBytes<float>(c).SequenceEqual(MemoryMarshal.AsBytes<float>(first)), $"{threads} threads, {width}");
            }
        }
    }

    [Test]
    public void SeveralCallersAtOnce()
    {
        HostParallel.ThreadCount = 4;
        Parallel.For(0, 16, i => Check<float>(1, 150 + i, 160, 170, MatrixLayout.Rows, MatrixLayout.Columns, 1, false));
    }

    [Test]
    public void AllocatesNothingOnceWarm()
    {
        HostParallel.ThreadCount = 2;
        float[] a = Values(300 * 300), b = Values(300 * 300), c = new float[300 * 300];
        for (int i = 0; i < 3; i++) Multiply(1, 300, 300, 300, a, b, c, 0);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 20; i++) Multiply(1, 300, 300, 300, a, b, c, 0);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }

    private static void Use(string width) => HostMatMul.Width = Enum.Parse<HostVectorWidth>(width);

    private static void Check<T>(
        long batch, long m, long n, long k, MatrixLayout left, MatrixLayout right, double alpha, bool accumulate,
        bool broadcastLeft = false, bool broadcastRight = false)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var x = MatMulCase<T>.Create(batch, m, n, k, left, right, broadcastLeft, broadcastRight);
        x.Alpha = T.CreateTruncating(alpha);
        x.Accumulate = accumulate;
        x.Check(Run);
    }

    private static unsafe void Run<T>(MatMulCase<T> x) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        fixed (T* a = x.A, b = x.B, c = x.C)
        {
            HostMatMul.Multiply(
                x.Batch, x.M, x.N, x.K, a + x.AStart, x.ABatch, x.ARow, x.ACol, b + x.BStart, x.BBatch, x.BRow, x.BCol,
                c, x.CBatch, x.CRow, x.Alpha, x.Accumulate);
        }
    }

    private static unsafe void Multiply(int batch, int m, int n, int k, float[] left, float[] right, float[] result, long bBatch)
    {
        fixed (float* a = left, b = right, c = result)
            HostMatMul.Multiply(batch, m, n, k, a, (long)m * k, k, 1, b, bBatch, n, 1, c, (long)m * n, n, 1f, false);
    }

    private static float[] Values(int count)
    {
        var random = new Random(count);
        return [.. Enumerable.Range(0, count).Select(_ => 2 * random.NextSingle() - 1)];
    }
}
