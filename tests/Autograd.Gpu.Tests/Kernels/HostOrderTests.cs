using System.Numerics;
using Autograd.Gpu.Devices.Host;

namespace Autograd.Gpu.Tests.Kernels;

/// <summary>The host's sorts, selections, scans and searches against plain loops, at the edges of their parts and for several numbers of threads.</summary>
[NonParallelizable]
public sealed class HostOrderTests
{
    private static readonly int[] Threads = [1, 2, 3];
    private readonly int _threads = HostParallel.ThreadCount;

    [TearDown]
    public void Restore() => HostParallel.ThreadCount = _threads;

    /// <summary>Few distinct numbers, nan, both zeros and infinities among them.</summary>
    private static float[] Ties(int seed, int count)
    {
        var random = new Random(seed);
        float[] odd = [float.NaN, 0f, -0f, float.PositiveInfinity, float.NegativeInfinity];
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(20) is var n && n < odd.Length ? odd[n] : random.Next(40) / 4f - 5)];
    }

    private static long[] Order<T>(T[] values, bool descending) where T : INumber<T>
    {
        // Stable, nan largest.
        var places = Enumerable.Range(0, values.Length).Select(i => (long)i);
        var comparer = Comparer<T>.Create((a, b) => T.IsNaN(a) ? (T.IsNaN(b) ? 0 : 1) : T.IsNaN(b) ? -1 : a.CompareTo(b));
        return [.. descending ? places.OrderByDescending(i => values[i], comparer) : places.OrderBy(i => values[i], comparer)];
    }

    [TestCase(1, 48)]
    [TestCase(1, 49)]
    [TestCase(7, 300)]
    [TestCase(40, 257)]
    [TestCase(2, 32_768)]
    [TestCase(1, 32_767)]
    [TestCase(1, 40_001)]
    public void SortsAreStableOnAnyNumberOfThreads(int lines, int length)
    {
        var values = Ties(1, lines * length);
        var wide = Array.ConvertAll(values, v => (double)v);
        var whole = Enumerable.Range(0, lines * length).Select(i => (i * 7919L % 1009 - 500) << 33).ToArray();
        foreach (bool descending in new[] { false, true })
        {
            Check(values, descending);
            Check(wide, descending);
            Check(whole, descending);
            Check(Array.ConvertAll(whole, v => (int)(v >> 33)), descending);
        }

        void Check<T>(T[] x, bool descending) where T : unmanaged, INumber<T>
        {
            long[] expected = [.. x.Chunk(length).SelectMany(line => Order(line, descending))];
            foreach (int threads in Threads)
            {
                HostParallel.ThreadCount = threads;
                Assert.That(Tensor.FromArray(x, [lines, length], Device.Cpu).ArgSort(1, descending).ToArray<long>(), Is.EqualTo(expected), $"{typeof(T)}, {threads} threads");
            }
        }
    }

    [TestCase(3, 40)]
    [TestCase(2, 500)]
    [TestCase(1, 16_384)]
    [TestCase(2, 16_385)]
    [TestCase(1, 50_000)]
    public void SelectionsAreTheFirstOfTheSorted(int lines, int length)
    {
        var values = Ties(2, lines * length);
        Check(Tensor.FromArray(values, [lines, length], Device.Cpu));
        Check(Tensor.FromArray(Array.ConvertAll(values, v => (double)v), [lines, length], Device.Cpu));
        Check(Tensor.FromArray([.. Enumerable.Range(0, lines * length).Select(i => i * 7919 % 1009 - 500)], [lines, length], Device.Cpu));
        HostParallel.ThreadCount = 3;
        Check(Tensor.FromArray(new float[lines * length], [lines, length], Device.Cpu));
        Check(Tensor.FromArray(Enumerable.Repeat(float.NaN, lines * length).ToArray(), [lines, length], Device.Cpu));

        void Check(Tensor x)
        {
            foreach (bool largest in new[] { true, false })
            {
                var sorted = x.ArgSort(1, largest);
                foreach (int k in new[] { 0, 1, 10, 16, 17, length / 3, length }.Where(k => k <= length))
                {
                    Assert.That(x.TopK(k, 1, largest).Indices.ToArray<long>(), Is.EqualTo(sorted.Narrow(1, 0, k).ToArray<long>()), $"{x.DType}, {k} of {length}, largest: {largest}");
                }
            }

            var places = x.ArgSort(1);
            foreach (int k in new[] { 1, 2, length / 2, length })
            {
                Assert.That(x.KthValue(k, 1, keepDim: true).Indices.ToArray<long>(), Is.EqualTo(places.Narrow(1, k - 1, 1).ToArray<long>()), $"{x.DType}, number {k}");
            }
        }
    }

    [Test]
    public void MediansOfLinesWithNanAreTheirFirstNan()
    {
        var x = Tensor.FromArray([3f, float.NaN, 1, float.NaN, 5, 1, 4, 1], [2, 4], Device.Cpu);
        var (values, indices) = x.Median(1);
        Assert.That(values.ToArray<float>(), Is.EqualTo(new[] { float.NaN, 1 }));
        Assert.That(indices.ToArray<long>(), Is.EqualTo(new long[] { 1, 3 }));
    }

    [TestCase(1, 16_384, 1)]
    [TestCase(1, 16_385, 1)]
    [TestCase(2, 30_001, 1)]
    [TestCase(1, 90_000, 1)]
    [TestCase(9, 70, 1)]
    [TestCase(2, 50, 21)]
    [TestCase(1, 40, 130)]
    public void ScansAreThoseOfALoop(int outer, int length, int inner)
    {
        // Small whole numbers, whose sums are exact in any order.
        var values = Enumerable.Range(0, outer * length * inner).Select(i => (float)(i * 7919 % 13 - 6)).ToArray();
        foreach (int threads in Threads)
        {
            HostParallel.ThreadCount = threads;
            var x = Tensor.FromArray(values, [outer, length, inner], Device.Cpu, requiresGrad: true);
            var sums = x.CumSum(1);
            Assert.That(sums.ToArray<float>(), Is.EqualTo(Running(values, (a, b) => a + b)), $"{threads} threads");
            Assert.That(x.To(DType.Float64).CumSum(1).ToArray<double>(), Is.EqualTo(Running(values, (a, b) => a + b).Select(v => (double)v)));
            Assert.That(x.To(DType.Int64).CumSum(1).ToArray<long>(), Is.EqualTo(Running(values, (a, b) => a + b).Select(v => (long)v)));
            Assert.That(x.CumMax(1).Values.ToArray<float>(), Is.EqualTo(Running(values, Math.Max)));
            sums.Sum().Backward();
            Assert.That(x.Grad!.ToArray<float>(), Is.EqualTo(Enumerable.Range(0, values.Length).Select(i => (float)(length - i / inner % length))), "runs back");
        }

        float[] Running(float[] x, Func<float, float, float> next)
        {
            var result = (float[])x.Clone();
            for (int i = 0; i < x.Length; i++)
            {
                result[i] = i / inner % length == 0 ? x[i] : next(result[i - inner], x[i]);
            }

            return result;
        }
    }

    [Test]
    public void ProductsKeepTheirZeroWhereThoseOfAPartOverflow()
    {
        var values = Enumerable.Repeat(1e30f, 40_000).ToArray();
        values[0] = 0;
        Assert.That(Tensor.FromArray(values, Device.Cpu).CumProd(0).ToArray<float>(), Is.All.Zero);
    }

    [TestCase(new long[] { 31 })]
    [TestCase(new long[] { 40_000 })]
    [TestCase(new long[] { 5, 7 })]
    [TestCase(new long[] { 300, 129 })]
    [TestCase(new long[] { 3, 1, 33, 20 })]
    public void PlacesOfWhatIsNotZeroAreInRowMajorOrder(long[] sizes)
    {
        int count = (int)sizes.Aggregate(1L, (a, b) => a * b);
        foreach (int every in new[] { 1, 3, 50, count + 1 })
        {
            var values = Enumerable.Range(0, count).Select(i => i % every == every - 1).ToArray();
            var expected = new List<long>();
            for (int i = 0; i < count; i++)
            {
                long rest = i;
                var row = new long[sizes.Length];
                for (int d = sizes.Length - 1; d >= 0; d--)
                {
                    (rest, row[d]) = Math.DivRem(rest, sizes[d]);
                }

                expected.AddRange(values[i] ? row : []);
            }

            Assert.That(Tensor.FromArray(values, sizes, Device.Cpu).NonZero().ToArray<long>(), Is.EqualTo(expected), $"every {every}");
        }
    }

    [Test]
    public void NoIndexOutOfRangeIsOverlooked()
    {
        var table = Tensor.Arange(90, DType.Float32, Device.Cpu).Reshape(30, 3);
        foreach (int bad in new[] { 0, 4, 40, 20_000, 39_999 })
        {
            foreach (long value in new[] { -1, 30, long.MaxValue, long.MinValue })
            {
                var index = new long[40_000];
                index[bad] = value;
                var places = Tensor.FromArray(index, Device.Cpu);
                Assert.That(() => table.IndexSelect(0, places), Throws.TypeOf<ShapeException>().With.Message.Contains($"index {value} "));
                Assert.That(() => table.Flatten()[..30].Gather(0, places), Throws.TypeOf<ShapeException>().With.Message.Contains($"index {value} "));
                Assert.That(() => table[..30].Flatten()[..30].ScatterAdd(0, places, Tensor.Ones([40_000])), Throws.TypeOf<ShapeException>().With.Message.Contains($"index {value} "));
                Assert.That(() => table.Transpose(0, 1).Gather(1, places.Reshape(20_000, 2).Transpose(0, 1)), Throws.TypeOf<ShapeException>().With.Message.Contains($"index {value} "));
            }
        }
    }

    [TestCase(5)]
    [TestCase(12)]
    [TestCase(200)]
    public void RowsAreSharedOutByWhatNamesThem(int places)
    {
        // All on one place, most on a few, and evenly: numbers of many magnitudes, for which another order would show.
        const int Rows = 200, Width = 72, Count = 700;
        var random = new Random(places);
        var values = Enumerable.Range(0, Count * Width).Select(_ => (float)((random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-3, 8)))).ToArray();
        foreach (int spread in new[] { 1, places })
        {
            var index = Enumerable.Range(0, Count).Select(_ => (long)(Rows - 1 - random.Next(spread))).ToArray();
            var (sums, last) = (new float[Rows * Width], new float[Rows * Width]);
            for (int i = 0; i < values.Length; i++)
            {
                sums[index[i / Width] * Width + i % Width] += values[i];
                last[index[i / Width] * Width + i % Width] = values[i];
            }

            Tensor at = Tensor.FromArray(index, Device.Cpu), source = Tensor.FromArray(values, [Count, Width], Device.Cpu);
            foreach (int threads in new[] { 1, 2, 3, 9 })
            {
                HostParallel.ThreadCount = threads;
                Tensor zeros = Tensor.Zeros([Rows, Width], device: Device.Cpu), table = Tensor.Zeros([Rows, Width], device: Device.Cpu).Materialize();
                Assert.That(zeros.IndexAdd(0, at, source).ToArray<float>(), Is.EqualTo(sums), $"{spread} places, {threads} threads");
                Assert.That(table.IndexAdd(0, at, source).ToArray<float>(), Is.EqualTo(sums), $"{spread} places, {threads} threads");
                Assert.That(table.IndexCopy(0, at, source).ToArray<float>(), Is.EqualTo(last), $"{spread} places, {threads} threads");
            }
        }
    }

    [Test]
    public void LookUpsAndSumsAreThoseOfALoop()
    {
        const int Rows = 13;
        foreach (int width in new[] { 1, 2, 7, 8, 31, 32, 33, 64, 70 })
        {
            foreach (int count in width == 1 ? new[] { 1, 7, 8, 9, 15, 16, 20_001 } : width == 7 ? [5, 2500] : [5, 900])
            {
                var index = Enumerable.Range(0, count).Select(i => i * 7919L % Rows).ToArray();
                var values = Enumerable.Range(0, count * width).Select(i => (float)(i % 17 - 8)).ToArray();
                var table = Enumerable.Range(0, Rows * width).Select(i => (float)i).ToArray();
                var sums = (float[])table.Clone();
                var alone = new float[table.Length];
                var picked = new float[values.Length];
                for (int i = 0; i < values.Length; i++)
                {
                    long place = index[i / width] * width + i % width;
                    sums[place] += values[i];
                    alone[place] += values[i];
                    picked[i] = table[place];
                }

                foreach (int threads in Threads)
                {
                    HostParallel.ThreadCount = threads;
                    Tensor x = Tensor.FromArray(table, [Rows, width], Device.Cpu), places = Tensor.FromArray(index, Device.Cpu);
                    var source = Tensor.FromArray(values, [count, width], Device.Cpu);
                    Assert.That(x.IndexSelect(0, places).ToArray<float>(), Is.EqualTo(picked), $"{count} of {width}");
                    Assert.That(x.IndexAdd(0, places, source).ToArray<float>(), Is.EqualTo(sums), $"{count} of {width}, {threads} threads");

                    // Sums over zeros that nobody has written, in memory that is none.
                    Tensor.Full([Rows, width], 7f, device: Device.Cpu).Materialize().Dispose();
                    Assert.That(Tensor.Zeros([Rows, width], device: Device.Cpu).IndexAdd(0, places, source).ToArray<float>(), Is.EqualTo(alone), $"{count} of {width}, {threads} threads");
                    var lines = Tensor.Zeros([width, Rows], device: Device.Cpu).ScatterAdd(1, places.Expand(width, count), source.T);
                    Assert.That(lines.T.ToArray<float>(), Is.EqualTo(alone), $"{count} of {width}, {threads} threads");

                    // The same with the elements of a line apart from one another.
                    var apart = Tensor.Stack([x, x + 1], 2).Select(2, 0);
                    Assert.That(apart.IndexSelect(0, places).ToArray<float>(), Is.EqualTo(picked), $"{count} of {width}");
                    Assert.That(apart.IndexAdd(0, places, Tensor.Stack([source, source], 2).Select(2, 1)).ToArray<float>(), Is.EqualTo(sums), $"{count} of {width}, {threads} threads");
                }
            }
        }
    }
}
