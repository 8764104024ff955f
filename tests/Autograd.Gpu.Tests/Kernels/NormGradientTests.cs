using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Autograd.Gpu.Devices.Host;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Tests.Kernels;

/// <summary>The host's kernels for all gradients of a normalisation against the formulas of tensors, which a pass with createGraph takes.</summary>
[NonParallelizable]
public sealed class NormGradientTests
{
    private static readonly Device Cpu = Device.Cpu;

    private static IEnumerable<TestCaseData> Widths() =>
        from width in new[] { HostVectorWidth.V128, HostMatMul.Widest }.Distinct()
        select new TestCaseData((int)width).SetArgDisplayNames(width.ToString());

    // Around a vector, around the four rows taken together, around the 64 between two flushes, several blocks of rows.
    [TestCaseSource(nameof(Widths))]
    public void RowNorms(int width)
    {
        foreach (var (rows, length) in new (int, int)[] { (1, 5), (3, 15), (4, 16), (5, 17), (9, 33), (64, 7), (69, 31), (131, 520), (2500, 40) })
        {
            foreach (var dtype in new[] { DType.Float32, DType.Float64 })
            {
                var (x, g) = (Numbers.Of(Numbers.Uniform(1, rows * length, 2, 5), [rows, length], dtype, Cpu), Numbers.Of(Numbers.Uniform(2, rows * length, -1, 2), [rows, length], dtype, Cpu));
                var (w, b) = (Numbers.Of(Numbers.Uniform(3, length, 0.5, 2), [length], dtype, Cpu), Numbers.Of(Numbers.Uniform(4, length, -1, 1), [length], dtype, Cpu));
                Compare(width, t => Functional.LayerNorm(t[0], [length], t[1], t[2], 1e-3), g, x, w, b);
                Compare(width, t => Functional.RmsNorm(t[0], [length], t[1], 1e-3), g, x, w);
                Compare(width, t => Functional.LayerNorm(x, [length], t[0], t[1], 1e-3), g, w, b);
                Compare(width, t => Functional.LayerNorm(x, [length], w, t[0], 1e-3), g, b);
            }
        }
    }

    // Around a vector, with and without room in the cache for all that has one mean. Batches of few positions are read as columns: samples that make a row together,
    // some of which fill none, several parts and strips.
    [TestCaseSource(nameof(Widths))]
    public void ChannelNorms(int width)
    {
        foreach (Shape shape in new Shape[] { [5, 4], [2, 2, 7], [139, 24], [530, 4, 5], [2100, 64], [9, 1030], [2, 4, 8], [3, 4, 17], [2, 2, 5, 9], [3, 2, 33, 1], [2, 2, 33_001], [1, 2, 66_000] })
        {
            foreach (var dtype in shape.NumElements > 5000 ? new[] { DType.Float32 } : [DType.Float32, DType.Float64])
            {
                ChannelNorms(width, shape, dtype);
            }
        }
    }

    [Test]
    public void ThreadsDoNotChangeABit()
    {
        int threads = HostParallel.ThreadCount;
        var rows = Numbers.Of(Numbers.Uniform(1, 300 * 401, -3, 3), [300, 401], DType.Float32, Cpu).RequiresGrad_();
        var weight = Tensor.Linspace(0.5, 2, 401).RequiresGrad_();
        var images = Numbers.Of(Numbers.Uniform(2, 2 * 3 * 34_000, -3, 3), [2, 3, 34_000], DType.Float32, Cpu).RequiresGrad_();
        var columns = Numbers.Of(Numbers.Uniform(2, 5000 * 40, -3, 3), [5000, 40], DType.Float32, Cpu).RequiresGrad_();
        float[][]? first = null;
        try
        {
            foreach (int count in new[] { 1, 2, 5 })
            {
                HostParallel.ThreadCount = count;
                var y = Functional.LayerNorm(rows, [401], weight, weight);
                var z = Functional.BatchNorm(images, null, null, training: true);
                var c = Functional.BatchNorm(columns, null, null, training: true);
                float[][] all =
                [
                    .. Autodiff.Grad([y], [rows, weight], [y.Detach()]).Select(t => t!.ToArray<float>()), z.ToArray<float>(),
                    Autodiff.Grad([z], [images], [images.Detach().Exp()])[0]!.ToArray<float>(), c.ToArray<float>(),
                    Autodiff.Grad([c], [columns], [columns.Detach().Exp()])[0]!.ToArray<float>(),
                ];
                first ??= all;
                Assert.That(all, Is.EqualTo(first), $"{count} threads");
            }
        }
        finally
        {
            HostParallel.ThreadCount = threads;
        }
    }

    [Test]
    public void ExponentialsOfRowsHaveTheBitsOfAllOthers()
    {
        if (!Vector512.IsHardwareAccelerated || !Avx512F.IsSupported)
        {
            Assert.Ignore("no vectors of 512 bits");
        }

        float[] special = [0, -0f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, -87.3f, -87.5f, -103.9f, -104.1f, 88.7f, 88.8f, 89.1f, float.MaxValue, float.MinValue, 1e-30f, 1];
        for (int i = 0; i < 4000; i++)
        {
            var x = i == 0 ? Vector512.Create(special) : Vector512.Create(-105f + 0.05f * i) + Vector512<float>.Indices * 0.003f;
            var y = RowVector512.Exp(x);
            for (int k = 0; k < Vector512<float>.Count; k++)
            {
                Assert.That(y[k], Is.EqualTo(DeviceMath.Exp(x[k])), $"exp({x[k]:G9})");
            }
        }
    }

    private static void ChannelNorms(int width, Shape shape, DType dtype)
    {
        long channels = shape[1];
        var x = Numbers.Of(Numbers.Uniform(1, shape.NumElements, 2, 5), shape, dtype, Cpu);
        var g = Numbers.Of(Numbers.Uniform(2, shape.NumElements, -1, 2), shape, dtype, Cpu);
        var (w, b) = (Numbers.Of(Numbers.Uniform(3, channels, 0.5, 2), [channels], dtype, Cpu), Numbers.Of(Numbers.Uniform(4, channels, -1, 1), [channels], dtype, Cpu));
        Compare(width, t => Functional.BatchNorm(t[0], null, null, t[1], t[2], training: true, eps: 1e-3), g, x, w, b);
        Compare(width, t => Functional.BatchNorm(x, null, null, t[0], t[1], training: true, eps: 1e-3), g, w, b);
        if (shape.Rank > 2)
        {
            Compare(width, t => Functional.InstanceNorm(t[0], null, null, t[1], t[2], eps: 1e-3), g, x, w, b);
            Compare(width, t => Functional.GroupNorm(t[0], (int)channels / 2, t[1], t[2], 1e-3), g, x, w, b);
        }
    }

    private static void Compare(int width, Func<Tensor[], Tensor> apply, Tensor gradient, params Tensor[] values)
    {
        Tensor[] inputs = [.. values.Select(t => t.Detach().RequiresGrad_())];
        Tensor?[] kernel, formula;
        HostMatMul.Width = (HostVectorWidth)width;
        try
        {
            kernel = Autodiff.Grad([apply(inputs)], inputs, [gradient]);
            formula = Autodiff.Grad([apply(inputs)], inputs, [gradient], createGraph: true);
        }
        finally
        {
            HostMatMul.Width = HostMatMul.Widest;
        }

        for (int i = 0; i < inputs.Length; i++)
        {
            Assert.That(kernel[i]!.Shape, Is.EqualTo(inputs[i].Shape));
            Assert.That(kernel[i]!.DType, Is.EqualTo(inputs[i].DType));
            var (a, b) = (kernel[i]!.Doubles(), formula[i]!.Doubles());

            // A sum of many terms may be small beside these: the mean, rounded, enters all of them.
            double scale = b.Max(Math.Abs) + 0.01 * gradient.NumElements / inputs[i].NumElements, tolerance = (inputs[i].DType == DType.Float32 ? 2e-5 : 1e-12) * scale;
            for (int k = 0; k < a.Length; k++)
            {
                if (!(Math.Abs(a[k] - b[k]) <= tolerance))
                {
                    Assert.Fail($"input {i} of shape {inputs[i].Shape} of x {gradient.Shape}, element {k}: {a[k]:G9}, by the formula {b[k]:G9}");
                }
            }
        }
    }
}
