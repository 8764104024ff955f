using Autograd.Gpu.Devices.Host;
using Autograd.Gpu.Lazy;
using Autograd.Gpu.Nn;
using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Tests;

/// <summary>Forms of recurrent layers that must not differ: cells function by function, layers without their last states, gates that go back with their node.</summary>
internal sealed class RecurrentFormTests
{
    /// <summary>All rows in one block, two of three in one, more columns than a block takes; some columns no whole vector, and gates beyond the tables in some vectors only.</summary>
    [Test, NonParallelizable]
    public void WideCellsGiveTheBitsOfTheOthers(
        [Values(RecurrentKind.Lstm, RecurrentKind.Gru)] RecurrentKind kind, [Values] bool keeps, [Values(16 * 2 + 5, 16 * 12 + 5, 16 * 35 + 5)] long width)
    {
        const long rows = 3;
        long gates = Recurrent.GatesOf(kind) * width, states = kind == RecurrentKind.Lstm ? 2 * rows : rows + 1;
        var random = new Random(5);
        float[] values = [.. Enumerable.Range(0, (int)(rows * gates)).Select(i => (random.NextSingle() * 2 - 1) * (i / 16 % 3 == 0 ? 12 : 5))];
        float[] special = [7.75f, -7.75f, float.PositiveInfinity, float.NegativeInfinity, float.NaN, 1e30f, -0f, 1e-40f];
        for (int i = 0; i < 40; i++)
        {
            values[random.Next(values.Length)] = special[i % special.Length];
        }

        // No products: what is not finite stays where it is.
        var weight = Tensor.Zeros([gates, width], device: Device.Cpu);
        var state = Numbers.Double(3, [states, width], -1, 1, Device.Cpu).To(DType.Float32).Detach();
        int[][] wide = Bits(HostMatMul.Widest), usual = Bits(HostVectorWidth.V256);
        for (int i = 0; i < wide.Length; i++)
        {
            Assert.That(wide[i], Is.EqualTo(usual[i]), $"{i}");
        }

        int[][] Bits(HostVectorWidth vectors)
        {
            var before = HostMatMul.Width;
            try
            {
                HostMatMul.Width = vectors;
                var x = Tensor.FromArray(values, [rows, gates], Device.Cpu);
                if (keeps)
                {
                    x.RequiresGrad_();
                }

                var result = Structural.Apply(new RecurrentSequence(kind, new SequenceSteps([rows], reverse: false), rows), [x, weight, state]);
                if (keeps)
                {
                    result.Backward(Tensor.OnesLike(result));
                }

                return [.. new[] { result, x.Grad }.OfType<Tensor>().Select(t => Array.ConvertAll(
                    t.Detach().ToArray<float>(), v => float.IsNaN(v) ? 0x7FC00000 : BitConverter.SingleToInt32Bits(v)))];
            }
            finally
            {
                HostMatMul.Width = before;
            }
        }
    }

    private static IEnumerable<TestCaseData> Layers =>
        from device in TestDevices.All
        from layer in new (string Name, Func<Device, RecurrentLayer> Make)[]
        {
            ("RNN", d => new RNN(2, 3, 2, RnnNonlinearity.Tanh, dtype: DType.Float64, device: d)),
            ("LSTM", d => new LSTM(2, 3, 2, bidirectional: true, dtype: DType.Float64, device: d)),
            ("GRU", d => new GRU(2, 3, 2, dtype: DType.Float64, device: d)),
        }
        select new TestCaseData(layer.Make, device).SetArgDisplayNames(layer.Name, device.ToString());

    [TestCaseSource(nameof(Layers))]
    public void WithoutTheLastStatesAllDerivativesAreTheSame(Func<Device, RecurrentLayer> make, Device device)
    {
        var layer = make(device);
        var x = Numbers.Double(1, [3, 2, 2], -1, 1, device, requiresGrad: true);
        Tensor[] leaves = [x, .. layer.Parameters()];
        double[][] alone = Derivatives(layer.Call(x)), beside = Derivatives(layer switch
        {
            LSTM lstm => lstm.Forward(x, null).Output,
            GRU gru => gru.Forward(x, null).Output,
            _ => ((RNN)layer).Forward(x, null).Output,
        });
        for (int i = 0; i < alone.Length; i++)
        {
            Assert.That(alone[i], Is.EqualTo(beside[i]).Within(1e-12), $"{i}");
        }

        // The first pass by kernels, with the graph kept; the second recorded, and what follows from it.
        double[][] Derivatives(Tensor output)
        {
            var loss = (output * output * output).Sum();
            var kernels = Autodiff.Grad([loss], leaves, retainGraph: true);
            var recorded = Autodiff.Grad([loss], leaves, createGraph: true);
            var second = Autodiff.Grad([(recorded[0]! * recorded[0]!).Sum() + recorded[1]!.Sum()], leaves);
            return [output.Detach().Doubles(), .. kernels.Concat(recorded).Concat(second).Select(g => g!.Detach().Doubles())];
        }
    }

    [Test, NonParallelizable]
    public void GatesGoBackWithTheirNodeUnlessAProgramHasSeenThem([Values] bool seen)
    {
        const long time = 64, batch = 16, width = 16, gateBytes = time * batch * 4 * width * sizeof(float);
        var layer = new LSTM(2, width, device: Device.Cpu);
        var x = Tensor.Randn([time, batch, 2], device: Device.Cpu).Materialize();

        // The first step's kernels and plans.
        layer.Call(x).Sum().Backward();
        layer.ZeroGrad();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var output = layer.Call(x);
        var node = output.GradFn!;
        while (!node.Name.StartsWith("Lstm", StringComparison.Ordinal))
        {
            node = node.NextFunctions[0].Function!;
        }

        var gates = seen ? node.SavedTensors[0].Value : null;
        double[]? values = gates?.Detach().Doubles();
        long before = Device.Cpu.Memory.ActiveBytes;
        output.Sum().Backward();
        long returned = before - Device.Cpu.Memory.ActiveBytes;

        // What was kept for the derivative is one and a half times as large, and goes back in any case.
        Assert.That(returned, seen ? Is.LessThan(2 * gateBytes) : Is.GreaterThan(2 * gateBytes));
        Assert.That(gates?.Detach().Doubles(), Is.EqualTo(values));
    }
}
