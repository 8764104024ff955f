using Autograd.Gpu.Devices;
using Autograd.Gpu.Devices.Host;
using Autograd.Gpu.Nn;
using static Autograd.Gpu.Nn.Functional;

namespace Autograd.Gpu.Tests.Devices;

/// <summary>Plans that are found again by sizes: few are held, none is another's, on any number of threads.</summary>
internal sealed class PlanCacheTests
{
    [Test]
    public void AFoundPlanIsTheOneThatWasMade()
    {
        var cache = new PlanCache<int, string>(4);
        var first = cache.Get(7, "made", static (k, s) => $"{s} {k}");
        Assert.That(first, Is.EqualTo("made 7"));
        Assert.That(cache.Get(7, "made again", static (k, s) => $"{s} {k}"), Is.SameAs(first));
    }

    [Test]
    public void OldPlansGoAndThoseInUseStay()
    {
        var cache = new PlanCache<int, object>(4);
        var kept = Get(0);
        var dropped = Get(1);
        for (int i = 2; i < 40; i++)
        {
            Get(i);
            Assert.That(Get(0), Is.SameAs(kept), $"after {i}");
            Assert.That(cache.Count, Is.LessThanOrEqualTo(8));
        }

        Assert.That(Get(1), Is.Not.SameAs(dropped));

        object Get(int key) => cache.Get(key, 0, static (_, _) => new object());
    }

    [Test]
    public void LargePlansAreFew()
    {
        var cache = new PlanCache<int, int[]>(100, mostElements: 10);
        for (int i = 0; i < 20; i++)
        {
            Get(i, 4);
            Assert.That(cache.Count, Is.LessThanOrEqualTo(4), "two of four elements, and the two before");
        }

        Assert.That(Get(30, 11), Is.Not.SameAs(Get(30, 11)), "larger than all that may be kept");
        var last = Get(31, 10);
        Assert.That(Get(31, 10), Is.SameAs(last));

        int[] Get(int key, int size) => cache.Get(key, size, static (_, size) => new int[size], static p => p.Length);
    }

    [Test]
    public void WhatCannotBeMadeIsNotKept()
    {
        var cache = new PlanCache<int, string>(4);
        for (int i = 0; i < 2; i++)
        {
            Assert.That(() => cache.Get(1, i, static (_, i) => throw new ShapeException($"call {i}")), Throws.TypeOf<ShapeException>().With.Message.EqualTo($"call {i}"));
        }

        Assert.That(cache.Count, Is.Zero);
        Assert.That(() => MaxPool1d(Tensor.Ones([1, 3]), 5), Throws.TypeOf<ShapeException>().With.Message.Contains("Output size is too small"));
        Assert.That(() => AvgPool1d(Tensor.Ones([1, 3]), 5), Throws.TypeOf<ShapeException>().With.Message.StartsWith("AvgPool1D"));
        Assert.That(() => AvgPool1d(Tensor.Ones([1, 3]), 5), Throws.TypeOf<ShapeException>().With.Message.StartsWith("AvgPool1D"), "again");
    }

    /// <summary>
    /// Convolutions and poolings that differ in one number each, from several threads in different orders, over and over. Each result is that of the same call with a weight or input of
    /// whole numbers on another path: a convolution is a sum of shifted products, which a wrong plan would not give.
    /// </summary>
    [Test, NonParallelizable]
    public void NoShapeFindsThePlanOfAnother()
    {
        var calls = Calls();
        var expected = Array.ConvertAll(calls, call => call.Reference().Doubles());
        int before = HostParallel.ThreadCount;
        var failures = new System.Collections.Concurrent.ConcurrentQueue<string>();
        try
        {
            var threads = new Thread[4];
            for (int t = 0; t < threads.Length; t++)
            {
                int seed = t;
                threads[t] = new Thread(() =>
                {
                    var random = new Random(seed);
                    for (int i = 0; i < 4 * calls.Length; i++)
                    {
                        int at = random.Next(calls.Length);
                        if (!calls[at].Call().Doubles().AsSpan().SequenceEqual(expected[at]))
                        {
                            failures.Enqueue(calls[at].Name);
                        }
                    }
                });
            }

            foreach (var thread in threads)
            {
                thread.Start();
            }

            // Plans depend on the number of threads, results do not.
            for (int i = 0; i < 50; i++)
            {
                HostParallel.ThreadCount = 1 + i % 3;
                Thread.Sleep(1);
            }

            foreach (var thread in threads)
            {
                thread.Join();
            }
        }
        finally
        {
            HostParallel.ThreadCount = before;
        }

        Assert.That(failures, Is.Empty);
    }

    private static (string Name, Func<Tensor> Call, Func<Tensor> Reference)[] Calls()
    {
        var calls = new List<(string, Func<Tensor>, Func<Tensor>)>();
        foreach (var dtype in new[] { DType.Float32, DType.Float64 })
        {
            // The same numbers of elements and channels, cut differently.
            foreach (var (channels, outputs, groups) in new[] { (4, 8, 1), (4, 8, 2), (4, 8, 4), (4, 4, 4), (8, 66, 1), (1, 3, 1) })
            {
                foreach (var (stride, padding, dilation) in new[] { (1, 0, 1), (1, 1, 1), (2, 1, 1), (1, 2, 2), (2, 2, 2) })
                {
                    var x = Whole(dtype, 3, channels, 7, 18);
                    var weight = Whole(dtype, outputs, channels / groups, 3, 3);
                    var turned = Whole(dtype, channels, outputs / groups, 3, 3);
                    string name = $"{dtype} {channels} to {outputs} in {groups}, {stride} {padding} {dilation}";
                    calls.Add((name, () => Gradients(Conv2d, x, weight), () => Gradients(Defined, x, weight)));
                    calls.Add((name + " transposed", () => ConvTranspose2d(x, turned, null, stride, padding, groups: groups, dilation: dilation), () => DefinedTranspose(x, turned)));

                    Tensor Conv2d(Tensor x, Tensor weight) => Functional.Conv2d(x, weight, null, stride, padding, dilation, groups);

                    Tensor Defined(Tensor x, Tensor weight) => ByTaps(x, weight, stride, padding, dilation, groups);

                    Tensor DefinedTranspose(Tensor x, Tensor weight)
                    {
                        // The gradient of the convolution with the same weight.
                        long Size(long size) => (size - 1) * stride - 2 * padding + 2 * dilation + 1;
                        var input = Tensor.Zeros([3, outputs, Size(7), Size(18)], dtype).RequiresGrad_();
                        ByTaps(input, weight, stride, padding, dilation, groups).Backward(x);
                        return input.Grad!;
                    }
                }
            }

            foreach (var (kernel, stride, padding, dilation) in new[] { (2, 2, 0, 1), (2, 1, 0, 1), (2, 2, 1, 1), (2, 2, 0, 2), (3, 2, 1, 1) })
            {
                foreach (int size in new[] { 16, 17, 18 })
                {
                    var x = Whole(dtype, 2, 2, 9, size);
                    string name = $"{dtype} pooling of {size}, {kernel} {stride} {padding} {dilation}";
                    calls.Add((name, () => MaxPool2d(x, kernel, stride, padding, dilation), () => Windows(x, kernel, stride, padding, dilation, double.NegativeInfinity).Amax([-1])));
                    if (dilation == 1 && kernel == 2)
                    {
                        calls.Add((name + " means", () => AvgPool2d(x, kernel, stride, padding), () => Windows(x, kernel, stride, padding, 1, 0).Sum([-1]) / 4));
                    }
                }
            }
        }

        return [.. calls];

        // Output and both gradients in one: whole numbers, whose sums are exact in any order.
        static Tensor Gradients(Func<Tensor, Tensor, Tensor> function, Tensor x, Tensor weight)
        {
            var (input, taps) = (x.Detach().RequiresGrad_(), weight.Detach().RequiresGrad_());
            var output = function(input, taps);
            output.Backward(Whole(x.DType, output.Shape.ToArray()));
            return Tensor.Cat([output.Detach().Flatten(), input.Grad!.Flatten(), taps.Grad!.Flatten()]);
        }
    }

    /// <summary>The convolution as a sum over taps of strided views, each times a matrix.</summary>
    private static Tensor ByTaps(Tensor x, Tensor weight, int stride, int padding, int dilation, int groups)
    {
        var windows = Windows(x, 3, stride, padding, dilation, 0);
        long n = x.Shape[0], rows = windows.Shape[2], columns = windows.Shape[3], outputs = weight.Shape[0];
        var patches = windows.Reshape(n, groups, x.Shape[1] / groups, rows * columns, 9).Permute(0, 1, 3, 2, 4).Reshape(n, groups, rows * columns, -1);
        var matrix = weight.Reshape(1, groups, outputs / groups, -1);
        return patches.MatMul(matrix.Transpose(-2, -1)).Transpose(-2, -1).Reshape(n, outputs, rows, columns);
    }

    /// <summary>[n, c, rows, columns, taps]: what each window sees.</summary>
    private static Tensor Windows(Tensor x, int kernel, int stride, int padding, int dilation, double outside)
    {
        var padded = Pad(x, [padding, padding, padding, padding], value: outside);
        long Count(int dim) => (x.Shape[dim] + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
        var taps = new List<Tensor>();
        for (int i = 0; i < kernel; i++)
        {
            for (int j = 0; j < kernel; j++)
            {
                taps.Add(padded.Sliced(2, i * dilation, stride, Count(2)).Sliced(3, j * dilation, stride, Count(3)));
            }
        }

        return Tensor.Stack(taps, -1);
    }

    private static Tensor Whole(DType dtype, params long[] shape)
    {
        long count = shape.Aggregate((a, b) => a * b);
        return Tensor.FromArray([.. Enumerable.Range(0, (int)count).Select(i => (float)(i * 7 % 11 - 5))], shape).To(dtype).Materialize();
    }
}
