using Autograd.Gpu.Diagnostics;

namespace Autograd.Gpu.Tests;

/// <summary>A pass gives back the memory of gradients that only it knows, and of no others.</summary>
internal sealed class OwnedGradientsTests
{
    private const int Layers = 12;
    private const long Width = 64, Rows = 2048;
    private const long Bytes = Rows * Width * sizeof(float);

    [TestCase(2)]
    [TestCase(3)]
    public void ADeepChainOfLayersHoldsFewGradientsAtATime(int rank)
    {
        var device = Device.OnHost(DeviceKind.Cpu);
        var weights = Enumerable.Range(0, Layers).Select(i => Numbers.Double(i, [Width, Width], -0.2, 0.2, device).To(DType.Float32).Detach().RequiresGrad_()).ToArray();
        var x = Numbers.Double(50, rank == 2 ? [Rows, Width] : [4, Rows / 4, Width], -1, 1, device).To(DType.Float32).Materialize();
        var y = x;
        foreach (var weight in weights)
        {
            y = Nn.Functional.Linear(y, weight).Tanh();
        }

        var loss = y.Sum();
        loss.Materialize();
        device.ResetPeakMemory();
        long before = device.Memory.ActiveBytes;
        loss.Backward();
        long peak = device.Memory.PeakBytes - before;
        Assert.That(weights.Select(w => w.Grad), Is.All.Not.Null);

        // Without giving back two for each layer, or four where the derivative of tanh is not one kernel, whose own temporaries stay.
        Assert.That(peak / (double)Bytes, Is.LessThan(Execution.IsLazy ? 8 : 2.5 * Layers));
        GC.KeepAlive(y);
    }

    [Test]
    public void ASavedOutputGivesItsMemoryBackWithTheGraph()
    {
        var device = Device.OnHost(DeviceKind.Cpu);
        var x = Tensor.Ones([Rows, Width], device: device, requiresGrad: true).Materialize();
        var g = Tensor.Full([Rows, Width], 2f, device: device).Materialize();
        long before = device.Memory.ActiveBytes;
        var y = x.Softmax(1).Materialize();
        Assert.That(device.Memory.ActiveBytes - before, Is.EqualTo(Bytes));
        Autodiff.Grad([y], [x], [g], retainGraph: true)[0]!.Dispose();
        y.Dispose();
        Assert.That(device.Memory.ActiveBytes - before, Is.EqualTo(Bytes), "the graph needs it");

        var z = x.Softmax(1).Materialize();
        Autodiff.Grad([z], [x], [g])[0]!.Dispose();
        Assert.That(device.Memory.ActiveBytes - before, Is.EqualTo(2 * Bytes), "the program needs it");
        Assert.That(z.ToArray<float>(), Is.All.EqualTo(1f / Width));
        z.Dispose();
        Assert.That(device.Memory.ActiveBytes - before, Is.EqualTo(Bytes), "nobody needs it");
    }

    [Test]
    public void ASavedOutputThatWasLookedAtStays([ValueSource(typeof(TestDevices), nameof(TestDevices.All))] Device device)
    {
        var x = Numbers.Double(1, [3, 4], -1, 1, device, requiresGrad: true);
        var y = x.Exp();
        Tensor seen;
        using (Autodiff.NoGrad())
        {
            seen = y.GradFn!.SavedTensors.Single().Value!;
        }

        double[] expected = y.Doubles();
        y.Sum().Backward();
        y.Dispose();
        Assert.That(seen.Doubles(), Is.EqualTo(expected));
    }

    [Test]
    public void WhatOthersHaveSeenStays([ValueSource(typeof(TestDevices), nameof(TestDevices.All))] Device device)
    {
        Tensor Leaf(int seed) => Numbers.Double(seed, [3, 4], -1, 1, device, requiresGrad: true);
        Tensor x = Leaf(1), y = Leaf(2);
        var (seen, given) = (new List<Tensor>(), Numbers.Double(3, [3, 4], -1, 1, device));
        double[] before = given.Doubles();
        var middle = x * y;
        middle.RegisterHook(seen.Add);
        var kept = middle.Tanh();
        kept.RetainGrad();
        var (stored, own) = (new Stores().Apply(kept * 2), Watched.Apply(kept * 3));
        var result = stored.Exp() + own * stored;
        result.Backward(given, retainGraph: true);
        (double[] ofX, double[] ofY, double[] ofKept) = (x.Grad!.Doubles(), y.Grad!.Doubles(), kept.Grad!.Doubles());
        double[] once = seen[0].Doubles();
        Assert.That(given.Doubles(), Is.EqualTo(before));
        Assert.That(Stores.Seen!.Doubles(), Has.Length.EqualTo(12));
        Assert.That(Watched.Seen!.Doubles(), Has.Length.EqualTo(12));

        // Again, now added to what is there; and gradients of inner values, which the caller holds.
        result.Backward(given, retainGraph: true);
        Assert.That(x.Grad!.Doubles(), Is.EqualTo(ofX.Select(v => 2 * v)).Within(1e-12));
        Assert.That(y.Grad!.Doubles(), Is.EqualTo(ofY.Select(v => 2 * v)).Within(1e-12));
        Assert.That(kept.Grad!.Doubles(), Is.EqualTo(ofKept.Select(v => 2 * v)).Within(1e-12));
        Assert.That(seen[1].Doubles(), Is.EqualTo(once).Within(1e-12));
        var asked = Autodiff.Grad([result], [kept, middle, x], [given]);
        Assert.That(asked[0]!.Doubles(), Is.EqualTo(ofKept).Within(1e-12));
        Assert.That(asked[1]!.Doubles(), Is.EqualTo(once).Within(1e-12));
        Assert.That(asked[2]!.Doubles(), Is.EqualTo(ofX).Within(1e-12));
    }

    /// <summary>One gradient for several inputs, through additions that hand it on as it is, views, parts and broadcasts.</summary>
    [Test]
    public void WhatGoesToSeveralPlacesStaysUntilTheLastHasReadIt([ValueSource(typeof(TestDevices), nameof(TestDevices.All))] Device device)
    {
        var x = Numbers.Double(1, [4, 6], -1, 1, device, requiresGrad: true);
        var bias = Numbers.Double(2, [6], -1, 1, device, requiresGrad: true);
        Assert.That(
            Autodiff.GradCheck(
                inputs =>
                {
                    var sum = inputs[0] + inputs[1];
                    var parts = (sum + inputs[0] * sum).Chunk(3, 1);
                    var joined = Tensor.Cat([parts[2], parts[0].Exp(), parts[1] + parts[1]], 1);
                    return joined.T.Reshape(3, 8).MatMul(joined.Reshape(8, 3)) + joined.Sum();
                },
                [x, bias]),
            Is.True);
    }

    /// <summary>A leaf's gradient that the program has never had in hand goes with its replacement; one that it holds stays.</summary>
    [Test]
    public void AGradientThatNobodyHasSeenGoesWhenItIsReplaced()
    {
        const long count = 1 << 18;
        var device = Device.OnHost(DeviceKind.Cpu);
        var x = Tensor.Ones([512, 512], DType.Float64, device).Materialize().RequiresGrad_();
        var column = Tensor.Ones([512, 1], DType.Float64, device).Materialize();
        var sgd = new Optim.Sgd([x], lr: 0.5);
        long Step()
        {
            x.MatMul(column).Sum().Backward(); // a product, whose gradient is a product: in memory at once
            sgd.Step();
            x.Materialize();
            long held = device.Memory.ActiveBytes;
            sgd.ZeroGrad();
            return held - device.Memory.ActiveBytes;
        }

        Step();
        Assert.That(Step(), Is.GreaterThanOrEqualTo(count * sizeof(double)));
        (x * 3).Sum().Backward();
        var seen = x.Grad!;
        sgd.ZeroGrad();
        Assert.That(x.Grad, Is.Null);
        Assert.That(seen.Doubles(), Is.All.EqualTo(3));
        x.Grad = seen;
        x.Grad = null;
        Assert.That(seen.Doubles(), Is.All.EqualTo(3));
    }

    private sealed class Stores : UnaryFunction
    {
        public static Tensor? Seen { get; private set; }

        protected override Tensor Forward(Tensor x) => x * 1;

        protected override Tensor? Backward(Tensor gradient) => Seen = gradient;
    }

    [NotInTable]
    private sealed class Watched : PointwiseFunction<Watched>
    {
        public static Tensor? Seen { get; private set; }

        public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => (Seen = gradient) * 2;

        public static double Invoke(double x) => 2 * x;
    }
}
