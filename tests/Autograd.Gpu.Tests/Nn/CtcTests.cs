using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Tests;

/// <summary>Connectionist temporal classification against the sum over all alignments.</summary>
internal sealed class CtcTests
{
    /// <summary>Rows of the structural table: log-softmax in front, as the loss is used.</summary>
    public static IEnumerable<Sample> Rows()
    {
        yield return new(
            "CtcLoss, mean, one class twice", [[3, 2, 2]],
            x => Functional.CtcLoss(x[0].LogSoftmax(2), Labels(x[0], [2, 2], 1, 1, 1, -5), [3, 2], [2, 1]),
            x => NdArray.Generate([], _ => (Loss(x[0], 0, 3, [1, 1], 0) / 2 + Loss(x[0], 1, 2, [1], 0)) / 2));
        yield return new(
            "CtcLoss, joined targets, last class blank", [[2, 2, 3]],
            x => Functional.CtcLoss(x[0].LogSoftmax(2), Labels(x[0], [2], 1, 0), [2, 1], [2, 0], 2, LossReduction.None),
            x => NdArray.Generate([2], i => i[0] == 0 ? Loss(x[0], 0, 2, [1, 0], 2) : Loss(x[0], 1, 1, [], 2)));
    }

    private static Tensor Labels(Tensor x, Shape shape, params long[] values) => Tensor.FromArray(values, shape, x.Device);

    /// <summary>Over every path of classes that reads as the target, the product of the probabilities; x is what stands before the softmax.</summary>
    private static double Loss(NdArray x, long n, long time, long[] target, long blank)
    {
        long classes = x.Shape[2];
        double total = 0;
        for (long path = 0; path < Math.Pow(classes, time); path++)
        {
            double product = 1;
            var read = new List<long>();
            long rest = path, before = -1;
            for (long t = 0; t < time; t++)
            {
                long c = rest % classes;
                rest /= classes;
                product *= Math.Exp(x[t, n, c]) / Enumerable.Range(0, (int)classes).Sum(k => Math.Exp(x[t, n, k]));
                if (c != before && c != blank)
                {
                    read.Add(c);
                }

                before = c;
            }

            total += read.SequenceEqual(target) ? product : 0;
        }

        return -Math.Log(total);
    }

    private static Tensor Scores(int seed, Device device, params long[] shape) => Numbers.Double(seed, shape, -2, 2, device, requiresGrad: true);

    private static NdArray Array(Tensor x) => new(x.Shape.ToArray(), x.Doubles());

    [TestCaseSource(typeof(TestDevices), nameof(TestDevices.All))]
    public void LossesAndGradientsAreThoseOfAllAlignments(Device device)
    {
        // Long enough for the host's vectors; lengths, repetitions and an empty target mixed.
        var x = Scores(1, device, 6, 4, 3);
        long[][] targets = [[1, 2, 1], [2, 2], [], [1, 2, 2, 1]];
        long[] times = [6, 4, 5, 6];
        var labels = Labels(x, [9], 1, 2, 1, 2, 2, 1, 2, 2, 1);
        var losses = Functional.CtcLoss(x.LogSoftmax(-1), labels, times, [3, 2, 0, 4], reduction: LossReduction.None);
        var expected = Enumerable.Range(0, 4).Select(n => Loss(Array(x), n, times[n], targets[n], 0));
        Assert.That(losses.Doubles(), Is.EqualTo(expected).Within(1e-12));
        Assert.That(Autodiff.GradCheck(s => Functional.CtcLoss(s[0].LogSoftmax(-1), labels, times, [3, 2, 0, 4]), [x]));

        // The kernels' gradient and that of the composition, which a recorded pass takes.
        var weights = Numbers.Double(2, [4], 0.5, 2, device);
        var fast = Autodiff.Grad(losses, x, weights, retainGraph: true);
        var composed = Autodiff.Grad(losses, x, weights, createGraph: true);
        Assert.That(composed.RequiresGrad);
        Assert.That(composed.Doubles(), Is.EqualTo(fast.Doubles()).Within(1e-13));
        Assert.That(fast[4..].Select(1, 1).Doubles(), Is.All.Zero, "behind the end of an input");
    }

    [TestCaseSource(typeof(TestDevices), nameof(TestDevices.All))]
    public void WhatCannotBeAlignedIsInfiniteOrLeftOut(Device device)
    {
        // Two of one class need three steps; no step is enough for no label only.
        var x = Scores(3, device, 3, 4, 2);
        var labels = Labels(x, [5], 1, 1, 1, 1, 1);
        Tensor Losses(bool zero, LossReduction reduction = LossReduction.None) =>
            Functional.CtcLoss(x.LogSoftmax(-1), labels, [2, 3, 0, 0], [2, 2, 0, 1], zeroInfinity: zero, reduction: reduction);
        double fits = Loss(Array(x), 1, 3, [1, 1], 0);
        Assert.That(Losses(false).Doubles(), Is.EqualTo(new[] { double.PositiveInfinity, fits, 0, double.PositiveInfinity }).Within(1e-12));
        Assert.That(Losses(true).Doubles(), Is.EqualTo(new[] { 0, fits, 0, 0 }).Within(1e-12));
        Assert.That(Losses(true, LossReduction.Mean).Item<double>(), Is.EqualTo(fits / 8).Within(1e-12));
        foreach (bool recorded in new[] { false, true })
        {
            var gradient = Autodiff.Grad(Losses(true, LossReduction.Sum), x, createGraph: recorded);
            Assert.That(gradient.Select(1, 0).Doubles(), Is.All.Zero);
            Assert.That(gradient.Select(1, 1).Doubles(), Is.All.Not.Zero.And.Not.NaN);
        }

        Assert.That(Autodiff.Grad(Losses(false, LossReduction.Sum), x).Select(1, 0).Doubles(), Has.Some.NaN);
    }

    [Test]
    public void FormsAgree()
    {
        var x = Scores(4, Device.Cpu, 4, 3);
        var logs = x.LogSoftmax(-1);
        var labels = Labels(x, [2], 2, 1);
        double expected = Loss(Array(x.Unsqueeze(1)), 0, 4, [2, 1], 0);
        var alone = Functional.CtcLoss(logs, labels, [4], [2], reduction: LossReduction.None);
        Assert.That((alone.Shape, alone.Item<double>()), Is.EqualTo((Shape.Scalar, expected)).Within(1e-12));
        var lengths = (Tensor.FromArray(new[] { 4 }), Tensor.FromArray(new long[] { 2 }));
        Assert.That(new CtcLoss().Forward(logs, labels.To(DType.Int32), lengths.Item1, lengths.Item2).Item<double>(), Is.EqualTo(expected / 2).Within(1e-12));
        Assert.That(new CtcLoss(0, LossReduction.Sum, true).Forward(logs, labels, [4], [2]).Item<double>(), Is.EqualTo(expected).Within(1e-12));
        Assert.That(Functional.CtcLoss(logs.To(DType.Float16), labels, [4], [2], reduction: LossReduction.Sum).To(DType.Float64).Item<double>(), Is.EqualTo(expected).Within(0.01));
        var batches = Tensor.Stack([x, x * 2]);
        var mapped = Autodiff.Vmap(s => Functional.CtcLoss(s.LogSoftmax(-1), labels, [4], [2]))(batches);
        Assert.That(mapped[1].Item<double>(), Is.EqualTo(Functional.CtcLoss((x * 2).LogSoftmax(-1), labels, [4], [2]).Item<double>()).Within(1e-12));
        var nothing = Functional.CtcLoss(Tensor.Zeros([4, 0, 3]), Tensor.Zeros([0], DType.Int64), [], [], reduction: LossReduction.None);
        Assert.That(nothing.Shape, Is.EqualTo(Shape.Create([0])));
    }

    [Test]
    public void ImpossibleLabelsHaveNoPart()
    {
        // A probability of exactly 0.
        var logs = Tensor.FromArray(new[,] { { Math.Log(0.5), Math.Log(0.5) }, { 0, double.NegativeInfinity } }, requiresGrad: true);
        var loss = Functional.CtcLoss(logs, Labels(logs, [1], 1), [2], [1]);
        Assert.That(loss.Item<double>(), Is.EqualTo(Math.Log(2)).Within(1e-15));
        Assert.That(Autodiff.Grad(loss, logs).Doubles(), Is.EqualTo(new[] { 0.0, -1, -1, 0 }));
    }

    private static IEnumerable<TestCaseData> Refused()
    {
        static TestCaseData Case<T>(string what, Func<object> call, params string[] says) where T : Exception =>
            new TestCaseData(typeof(T), call, says).SetArgDisplayNames(what);
        Tensor x = Tensor.Zeros([4, 2, 3]), y = Tensor.Ones([2, 2], DType.Int64);
        yield return Case<DTypeException>("whole numbers", () => Functional.CtcLoss(x.To(DType.Int64), y, [4, 4], [2, 2]), "int64", "log-probabilities");
        yield return Case<DTypeException>("targets of floats", () => Functional.CtcLoss(x, x[..2, .., 0], [4, 4], [2, 2]), "targets must be int32 or int64");
        yield return Case<DTypeException>("lengths of floats", () => Functional.CtcLoss(x, y, x[0, .., 0], y[0]), "input_lengths must be integral");
        yield return Case<DeviceMismatchException>("targets elsewhere", () => Functional.CtcLoss(x, y.To(Device.CpuKernels), [4, 4], [2, 2]), "cpu-kernels");
        yield return Case<ShapeException>("a vector", () => Functional.CtcLoss(x[0, 0], y[0], [4], [2]), "[time, batch, classes]", "[3]");
        yield return Case<ShapeException>("blank", () => Functional.CtcLoss(x, y, [4, 4], [2, 2], 3), "blank must be in label range");
        yield return Case<ShapeException>("lengths of one sample", () => Functional.CtcLoss(x, y, [4], [2]), "must be of size batch_size (2)");
        yield return Case<ShapeException>("a long input", () => Functional.CtcLoss(x, y, [5, 4], [2, 2]), "Expected input_lengths to have value at most 4", "got value 5");
        yield return Case<ShapeException>("a negative length", () => Functional.CtcLoss(x, y, [4, 4], [2, -1]), "got value -1");
        yield return Case<ShapeException>("a long target", () => Functional.CtcLoss(x, y, [4, 4], [2, 3]), "at least 3", "[2, 2]");
        yield return Case<ShapeException>("joined targets", () => Functional.CtcLoss(x, y[0], [4, 4], [2, 2]), "[4], the sum of target_lengths");
        yield return Case<ShapeException>("a class out of range", () => Functional.CtcLoss(x, y + 2, [4, 4], [2, 2]), "Target 3 is out of bounds");
        yield return Case<ShapeException>("the blank as a label", () => Functional.CtcLoss(x, y, [4, 4], [2, 2], 1), "Target 1", "differ from the blank");
    }

    [TestCaseSource(nameof(Refused))]
    public void IsRefused(Type exception, Func<object> call, string[] says)
    {
        string message = Assert.Throws(exception, () => call())!.Message;
        foreach (string phrase in says)
        {
            Assert.That(message, Does.Contain(phrase));
        }
    }
}
