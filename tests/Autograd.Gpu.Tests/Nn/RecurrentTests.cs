using Autograd.Gpu.Devices.Host;
using Autograd.Gpu.Lazy;
using Autograd.Gpu.Nn;
using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Tests;

/// <summary>Recurrent layers against their formulas, step by step, and their forms against one another.</summary>
internal sealed class RecurrentTests
{
    private static IEnumerable<object[]> Layers =>
        from device in TestDevices.All
        from layer in new Func<Device, RecurrentLayer>[]
        {
            d => new RNN(3, 5, 2, RnnNonlinearity.Relu, bidirectional: true, dtype: DType.Float64, device: d),
            d => new LSTM(3, 5, 2, bidirectional: true, dtype: DType.Float64, device: d),
            d => new GRU(3, 5, 2, bidirectional: true, dtype: DType.Float64, device: d),
            d => new LSTM(3, 5, projSize: 2, bias: false, dtype: DType.Float64, device: d),
        }
        select new object[] { layer, device };

    private static (Tensor Output, Tensor Hn, Tensor? Cn) Run(RecurrentLayer layer, Tensor x, Tensor? h, Tensor? c)
    {
        switch (layer)
        {
            case LSTM lstm:
                var (output, (hn, cn)) = lstm.Forward(x, h is null ? null : (h, c!));
                return (output, hn, cn);
            case GRU gru:
                var (states, last) = gru.Forward(x, h);
                return (states, last, null);
            default:
                var (values, final) = ((RNN)layer).Forward(x, h);
                return (values, final, null);
        }
    }

    /// <summary>The definition, in tensors, from the parameters by their names.</summary>
    private static (Tensor Output, Tensor Hn, Tensor Cn) Definition(RecurrentLayer layer, Tensor x, Tensor h, Tensor c)
    {
        var p = layer.NamedParameters().ToDictionary(n => n.Name, n => n.Tensor);
        var (hn, cn) = (new List<Tensor>(), new List<Tensor>());
        int directions = layer.Bidirectional ? 2 : 1;
        for (int l = 0; l < layer.NumLayers; l++)
        {
            var sides = new List<Tensor>();
            for (int d = 0; d < directions; d++)
            {
                string suffix = $"_l{l}{(d == 1 ? "_reverse" : "")}";
                Tensor Of(string name) => p.TryGetValue(name + suffix, out var t) ? t : Tensor.Of(0.0, DType.Float64, x.Device);
                var (hidden, cell) = (h[l * directions + d], c[l * directions + d]);
                var outputs = new Tensor[x.Shape[0]];
                for (int k = 0; k < outputs.Length; k++)
                {
                    int t = d == 1 ? outputs.Length - 1 - k : k;
                    var (left, right) = (x[t].MatMul(Of("weight_ih").T) + Of("bias_ih"), hidden.MatMul(Of("weight_hh").T) + Of("bias_hh"));
                    if (layer is LSTM)
                    {
                        var g = (left + right).Chunk(4, -1);
                        cell = g[1].Sigmoid() * cell + g[0].Sigmoid() * g[2].Tanh();
                        hidden = g[3].Sigmoid() * cell.Tanh();
                        hidden = layer.ProjSize > 0 ? hidden.MatMul(Of("weight_hr").T) : hidden;
                    }
                    else if (layer is GRU)
                    {
                        var (a, b) = (left.Chunk(3, -1), right.Chunk(3, -1));
                        var z = (a[1] + b[1]).Sigmoid();
                        hidden = (1 - z) * (a[2] + (a[0] + b[0]).Sigmoid() * b[2]).Tanh() + z * hidden;
                    }
                    else
                    {
                        hidden = (left + right).Relu();
                    }

                    outputs[t] = hidden;
                }

                sides.Add(Tensor.Stack(outputs));
                hn.Add(hidden);
                cn.Add(cell);
            }

            x = Tensor.Cat(sides, -1);
        }

        return (x, Tensor.Stack(hn), Tensor.Stack(cn));
    }

    private static void AreClose(Tensor actual, Tensor expected, string what)
    {
        Assert.That(actual.Shape, Is.EqualTo(expected.Shape), what);
        Assert.That(actual.Doubles(), Is.EqualTo(expected.Doubles()).Within(1e-12), what);
    }

    [TestCaseSource(nameof(Layers))]
    public void ResultsAndGradientsAreThoseOfTheDefinition(Func<Device, RecurrentLayer> make, Device device)
    {
        var layer = make(device);
        int states = layer.NumLayers * (layer.Bidirectional ? 2 : 1);
        var x = Numbers.Double(1, [4, 2, 3], -1, 1, device, requiresGrad: true);
        var h = Numbers.Double(2, [states, 2, layer.ProjSize > 0 ? layer.ProjSize : 5], -1, 1, device, requiresGrad: true);
        var c = Numbers.Double(3, [states, 2, 5], -1, 1, device, requiresGrad: true);
        Tensor[] leaves = layer is LSTM ? [x, h, c, .. layer.Parameters()] : [x, h, .. layer.Parameters()];
        var (output, hn, cn) = Run(layer, x, h, c);
        var (expected, expectedHn, expectedCn) = Definition(layer, x, h, c);
        AreClose(output, expected, "output");
        AreClose(hn, expectedHn, "last hidden states");
        if (cn is not null)
        {
            AreClose(cn, expectedCn, "last cell states");
        }

        Tensor Mixed(Tensor o, Tensor a, Tensor? b) => (o * o).Sum() + (a * 3).Sum() + (b is null ? o.Sum() : (b * b * 0.5).Sum());
        var gradients = Autodiff.Grad([Mixed(output, hn, cn)], leaves);
        var wanted = Autodiff.Grad([Mixed(expected, expectedHn, cn is null ? null : expectedCn)], leaves);
        for (int i = 0; i < leaves.Length; i++)
        {
            AreClose(gradients[i]!, wanted[i]!, $"gradient {i}");
        }
    }

    [Test]
    public void SequencesOfAPackAreAsByThemselves([Values] bool bidirectional)
    {
        long[] lengths = [2, 4, 1];
        var lstm = new LSTM(3, 2, bidirectional: bidirectional, dtype: DType.Float64);
        var gru = new GRU(3, 2, bidirectional: bidirectional, dtype: DType.Float64);
        int states = bidirectional ? 2 : 1;
        var x = Numbers.Double(1, [3, 4, 3], -1, 1, Device.Cpu, requiresGrad: true);
        var (h, c) = (Numbers.Double(2, [states, 3, 2], -1, 1, Device.Cpu), Numbers.Double(3, [states, 3, 2], -1, 1, Device.Cpu));
        var packed = RnnUtils.PackPaddedSequence(x, lengths, batchFirst: true, enforceSorted: false);
        Assert.That(packed.BatchSizes, Is.EqualTo(new long[] { 3, 2, 1, 1 }));
        Assert.That(packed.SortedIndices, Is.EqualTo(new long[] { 1, 0, 2 }));
        var (output, (hn, cn)) = lstm.Forward(packed, (h, c));
        var (padded, found) = RnnUtils.PadPackedSequence(output, batchFirst: true, paddingValue: -7);
        var (gruOutput, gruHn) = gru.Forward(packed, h);
        var gruPadded = RnnUtils.PadPackedSequence(gruOutput, totalLength: 5).Output;
        Assert.That(found, Is.EqualTo(lengths));
        Assert.That((padded.Shape, gruPadded.Shape), Is.EqualTo((Shape.Create([3, 4, 2 * states]), Shape.Create([5, 3, 2 * states]))));
        var sum = (padded * padded).Sum();
        for (int n = 0; n < 3; n++)
        {
            int length = (int)lengths[n];
            var alone = x[n, ..length];
            var (one, (oneH, oneC)) = lstm.Forward(alone, (h[.., n], c[.., n]));
            AreClose(padded[n, ..length], one, "output");
            AreClose(hn[.., n], oneH, "hidden state");
            AreClose(cn[.., n], oneC, "cell state");
            Assert.That(padded[n, length..].Doubles(), Is.All.EqualTo(-7));
            var (other, otherH) = gru.Forward(alone, h[.., n]);
            AreClose(gruPadded[..length, n], other, "GRU output");
            AreClose(gruHn[.., n], otherH, "GRU state");
            sum -= (one * one).Sum();
        }

        foreach (var gradient in Autodiff.Grad([sum], [x, .. lstm.Parameters()]))
        {
            Assert.That(gradient!.Doubles(), Is.All.EqualTo(0).Within(1e-12), "the difference is 0, so is its gradient");
        }
    }

    [Test]
    public void CellsAreLayersOfOneStep()
    {
        var layer = new LSTM(3, 4, dtype: DType.Float64);
        var cell = new LSTMCell(3, 4, dtype: DType.Float64);
        var values = layer.NamedParameters().ToDictionary(p => p.Name.Replace("_l0", "", StringComparison.Ordinal), p => p.Tensor);
        foreach (var (name, parameter) in cell.NamedParameters())
        {
            parameter.Detach().Copy_(values[name].Detach());
        }

        var x = Numbers.Double(1, [3, 2, 3], -1, 1, Device.Cpu);
        var (output, (hn, cn)) = layer.Forward(x, null);
        var (h, c) = cell.Forward(x[0], null);
        for (int t = 1; t < 3; t++)
        {
            AreClose(output[t - 1], h, "hidden state");
            (h, c) = cell.Forward(x[t], (h, c));
        }

        AreClose(hn[0], h, "last hidden state");
        AreClose(cn[0], c, "last cell state");
        AreClose(cell.Forward(x[0, 1]), cell.Forward(x[0])[1], "without batch");
        AreClose(new GRUCell(3, 4, bias: false, dtype: DType.Float64).Forward(x[0], null) * 0, h * 0, "shape");
        AreClose(new RNNCell(3, 4, nonlinearity: RnnNonlinearity.Relu, dtype: DType.Float64).Forward(x[0]).Relu() * 0, h * 0, "shape");
    }

    [Test]
    public void FormsOfTheInputAgree()
    {
        var layer = new GRU(3, 2, 2, batchFirst: true, dtype: DType.Float64);
        var x = Numbers.Double(1, [2, 4, 3], -1, 1, Device.Cpu);
        var (output, hn) = layer.Forward(x, null);
        var (one, oneHn) = layer.Forward(x[1], null);
        Assert.That((output.Shape, hn.Shape, one.Shape, oneHn.Shape), Is.EqualTo((Shape.Create([2, 4, 2]), Shape.Create([2, 2, 2]), Shape.Create([4, 2]), Shape.Create([2, 2]))));
        AreClose(output[1], one, "output");
        AreClose(hn[.., 1], oneHn, "state");
        AreClose(layer.Call(x), output, "a module's output");
        Assert.That(layer.Forward(x[..0], null).Output.Shape, Is.EqualTo(Shape.Create([0, 4, 2])));
    }

    [Test]
    public void ParametersHavePyTorchsNamesAndBounds()
    {
        var layer = new LSTM(3, 4, 2, bidirectional: true, projSize: 2);
        Assert.That(
            layer.NamedParameters().Select(p => $"{p.Name} {p.Tensor.Shape}").Where(n => n.Contains("l1", StringComparison.Ordinal)),
            Is.EqualTo(new[]
            {
                "weight_ih_l1 [16, 4]", "weight_hh_l1 [16, 2]", "bias_ih_l1 [16]", "bias_hh_l1 [16]", "weight_hr_l1 [2, 4]",
                "weight_ih_l1_reverse [16, 4]", "weight_hh_l1_reverse [16, 2]", "bias_ih_l1_reverse [16]", "bias_hh_l1_reverse [16]", "weight_hr_l1_reverse [2, 4]",
            }));
        foreach (var parameter in layer.Parameters())
        {
            Assert.That(parameter.Doubles(), Is.All.InRange(-0.5, 0.5).And.Some.Not.Zero);
        }

        // Some five hundred numbers, so that chance fails this once in 10^23 times.
        Assert.That(layer.Parameters().SelectMany(p => p.Doubles()), Has.Some.GreaterThan(0.4).And.Some.LessThan(-0.4));
    }

    [Test]
    public void DropoutIsBetweenLayersAndInTrainingOnly()
    {
        var layer = new RNN(2, 3, 2, bias: false, dropout: 1);
        var x = Tensor.Ones([1, 2, 2]);
        Assert.That(layer.Call(x).Doubles(), Is.All.Zero);
        layer.Eval();
        Assert.That(layer.Call(x).Doubles(), Is.All.Not.Zero);
    }

    [TestCase(DType.Float16)]
    [TestCase(DType.BFloat16)]
    public void HalfTypesAreComputedInFloat32(DType dtype)
    {
        var layer = new LSTM(3, 4);
        var half = new LSTM(3, 4, dtype: dtype);
        foreach (var (to, from) in half.Parameters().Zip(layer.Parameters()))
        {
            to.Detach().Copy_(from.Detach());
            from.Detach().Copy_(to.Detach());
        }

        var x = Tensor.Randn([5, 2, 3]).To(dtype);
        var result = half.Call(x);
        Assert.That(result.DType, Is.EqualTo(dtype));
        Assert.That(result.Doubles(), Is.EqualTo(layer.Call(x.To(DType.Float32)).To(dtype).Doubles()));
        result.Sum().Backward();
        Assert.That(half.Parameters().Select(p => p.Grad!.DType), Is.All.EqualTo(dtype));
    }

    [Test]
    public void OnTheHostALayerIsAProductAndOneKernelEachWay()
    {
        var layer = new LSTM(3, 4);
        var x = Tensor.Randn([6, 2, 3]);
        using var log = new KernelLog();
        var output = layer.Call(x).Materialize();
        Assert.That(log.Events.Count(e => e.Operations == "Lstm sequence"), Is.EqualTo(1), log.ToString());
        Assert.That(log.Events.Count(e => e.Operations.StartsWith("MatMul", StringComparison.Ordinal)), Is.EqualTo(1), log.ToString());
        Assert.That(log.Count, Is.LessThanOrEqualTo(1 + 1 + 6), log.ToString());
        log.Clear();
        output.Backward(Tensor.OnesLike(output));
        Assert.That(log.Events.Count(e => e.Operations == "Lstm sequence back"), Is.EqualTo(1), log.ToString());
        Assert.That(log.Events.Count(e => e.Operations.StartsWith("MatMul", StringComparison.Ordinal)), Is.EqualTo(2), log.ToString());
    }

    /// <summary>Sizes beside the vectors' and tiles' edges, sequences that end early, and more rows than a chunk has.</summary>
    [Test, NonParallelizable]
    public void AllStepsInOneCallGiveWhatSingleStepsGive([Values] bool reverse, [Values(1, 3)] int threads)
    {
        var (threadsBefore, bytesBefore) = (HostParallel.ThreadCount, HostRecurrentSweeps.MostWeightBytes);
        try
        {
            foreach (var kind in Enum.GetValues<RecurrentKind>())
            {
                long[] sizes = [13, 13, 6, 2, 2];
                HostParallel.ThreadCount = threads;
                HostRecurrentSweeps.MostWeightBytes = 1 << 20;
                double[][] together = Results(kind, sizes, 37, reverse);
                HostRecurrentSweeps.MostWeightBytes = 0;
                double[][] apart = Results(kind, sizes, 37, reverse);
                for (int i = 0; i < together.Length; i++)
                {
                    Assert.That(together[i], Is.EqualTo(apart[i]), $"{kind}, {i}");
                }
            }
        }
        finally
        {
            (HostParallel.ThreadCount, HostRecurrentSweeps.MostWeightBytes) = (threadsBefore, bytesBefore);
        }

        static double[][] Results(RecurrentKind kind, long[] sizes, long width, bool reverse)
        {
            long gates = Recurrent.GatesOf(kind) * width, rows = sizes.Sum(), batch = sizes[0];
            long states = kind switch { RecurrentKind.Lstm => 2 * batch, RecurrentKind.Gru => batch + 1, _ => batch };
            var x = Numbers.Double(1, [rows, gates], -1, 1, Device.Cpu).To(DType.Float32).Detach().RequiresGrad_();
            var weight = Numbers.Double(2, [gates, width], -0.2, 0.2, Device.Cpu).To(DType.Float32).Detach().RequiresGrad_();
            var state = Numbers.Double(3, [states, width], -1, 1, Device.Cpu).To(DType.Float32).Detach().RequiresGrad_();
            var result = Structural.Apply(new RecurrentSequence(kind, new SequenceSteps(sizes, reverse), batch), [x, weight, state]);
            var slopes = Numbers.Double(4, result.Shape, -1, 1, Device.Cpu).To(DType.Float32);
            result.Backward(slopes);
            return [.. new[] { result, x.Grad!, weight.Grad!, state.Grad! }.Select(t => t.Detach().Doubles())];
        }
    }

    [Test]
    public void ARetainedGraphGivesTheSameTwice()
    {
        var layer = new GRU(2, 3, dtype: DType.Float64);
        var x = Numbers.Double(1, [3, 2, 2], -1, 1, Device.Cpu, requiresGrad: true);
        var loss = layer.Call(x).Sum();
        var first = Autodiff.Grad(loss, x, retainGraph: true);
        AreClose(Autodiff.Grad(loss, x), first, "gradient");
    }

    [Test]
    public void SequencesArePaddedAndPacked()
    {
        Tensor[] sequences = [Tensor.Arange(2), Tensor.Arange(3) + 5];
        Assert.That(RnnUtils.PadSequence(sequences, batchFirst: true, paddingValue: 9).Doubles(), Is.EqualTo(new double[] { 0, 1, 9, 5, 6, 7 }));
        Assert.That(RnnUtils.PadSequence(sequences).Shape, Is.EqualTo(Shape.Create([3, 2])));
        var packed = RnnUtils.PackSequence(sequences, enforceSorted: false);
        Assert.That(packed.Data.Doubles(), Is.EqualTo(new double[] { 5, 0, 6, 1, 7 }));
        var (padded, lengths) = RnnUtils.PadPackedSequence(packed);
        Assert.That(padded.Doubles(), Is.EqualTo(new double[] { 0, 5, 1, 6, 0, 7 }));
        Assert.That(lengths, Is.EqualTo(new long[] { 2, 3 }));
    }

    private static IEnumerable<TestCaseData> Refused()
    {
        static TestCaseData Case<T>(string what, Func<object> call, params string[] says) where T : Exception =>
            new TestCaseData(typeof(T), call, says).SetArgDisplayNames(what);
        var (lstm, cell) = (new LSTM(3, 4), new GRUCell(3, 4));
        Tensor x = Tensor.Zeros([5, 2, 3]), h = Tensor.Zeros([1, 2, 4]);
        yield return Case<ShapeException>("input of rank 4", () => lstm.Call(x.Unsqueeze(0)), "LSTM: Expected input to be 2D or 3D, got 4D");
        yield return Case<ShapeException>("other features", () => lstm.Call(x[.., .., ..2]), "input.size(-1) must be equal to input_size. Expected 3, got 2");
        yield return Case<ShapeException>("no steps", () => lstm.Call(x[..0]), "Expected sequence length to be larger than 0 in RNN");
        yield return Case<ShapeException>("a state of another size", () => lstm.Forward(x, (h, h[.., ..1])), "Expected hidden size [1, 2, 4], got [1, 1, 4]");
        yield return Case<ShapeException>("a state without batch", () => lstm.Forward(x, (h[0], h[0])), "hx should also be 3-D");
        yield return Case<DTypeException>("another dtype", () => lstm.Call(x.To(DType.Float64)), "input must have the type float32, got type float64");
        yield return Case<DTypeException>("a state of another dtype", () => lstm.Forward(x, (h.To(DType.Float64), h)), "state must have the type float32");
        yield return Case<DeviceMismatchException>("elsewhere", () => lstm.Call(Tensor.Zeros([5, 2, 3], device: Device.CpuKernels)), "not at the same device", "cpu-kernels");
        yield return Case<ArgumentOutOfRangeException>("no features", () => new GRU(3, 0), "hidden_size must be greater than zero");
        yield return Case<ArgumentOutOfRangeException>("no layers", () => new RNN(3, 4, 0), "num_layers must be greater than zero");
        yield return Case<ArgumentOutOfRangeException>("dropout", () => new GRU(3, 4, 2, dropout: 1.5), "dropout should be a number in range [0, 1]");
        yield return Case<ArgumentOutOfRangeException>("a wide projection", () => new LSTM(3, 4, projSize: 4), "proj_size has to be smaller than hidden_size");
        yield return Case<ShapeException>("a cell's input of rank 3", () => cell.Call(x), "GRUCell: Expected input to be 1D or 2D, got 3D");
        yield return Case<ShapeException>("a cell's features", () => cell.Call(x[0, .., ..2]), "input has inconsistent input_size: got 2, expected 3");
        yield return Case<ShapeException>("a cell's state", () => cell.Forward(x[0], h[0, ..1]), "hidden has inconsistent hidden_size", "[2, 4]", "[1, 4]");
        yield return Case<DTypeException>("a cell's dtype", () => cell.Call(x[0].To(DType.Float64)), "float64");
        yield return Case<ShapeException>("unsorted lengths", () => RnnUtils.PackPaddedSequence(x, [2, 3]), "must be sorted in decreasing order when `enforce_sorted` is True", "[2, 3]");
        yield return Case<ShapeException>("too few lengths", () => RnnUtils.PackPaddedSequence(x, [2]), "Expected `len(lengths)` to be equal to batch_size, but got 1 (batch_size=2)");
        yield return Case<ShapeException>("a length of 0", () => RnnUtils.PackPaddedSequence(x, [2, 0]), "Length of all samples has to be greater than 0");
        yield return Case<ShapeException>("a length beyond the padding", () => RnnUtils.PackPaddedSequence(x, [6, 1]), "at most the padded length 5");
        yield return Case<DTypeException>("lengths of floats", () => RnnUtils.PackPaddedSequence(x, Tensor.Ones([2])), "float32");
        yield return Case<ShapeException>("too short a padding", () => RnnUtils.PadPackedSequence(RnnUtils.PackPaddedSequence(x, [5, 1]), totalLength: 4), "Expected total_length to be at least the length of the longest sequence");
        yield return Case<ShapeException>("a padding of no steps", () => RnnUtils.PadPackedSequence(RnnUtils.PackPaddedSequence(x, [5, 1]), totalLength: -1), "but got total_length=-1 and max sequence length being 5");
        yield return Case<ShapeException>("no sequences", () => RnnUtils.PadSequence([]), "received an empty list of sequences");
        yield return Case<ShapeException>("sequences of other sizes", () => RnnUtils.PackSequence([x, h]), "[5, 2, 3]", "[1, 2, 4]");
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
