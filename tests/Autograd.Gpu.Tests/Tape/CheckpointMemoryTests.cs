using System.Runtime.CompilerServices;
using Autograd.Gpu.Diagnostics;

namespace Autograd.Gpu.Tests;

/// <summary>What checkpoints and saving on the host are for: the memory that a deep stack takes.</summary>
internal sealed class CheckpointMemoryTests
{
    private const int Blocks = 32;
    private const int Layers = 4;
    private const long Rows = 2048, Width = 64;
    private const long ActivationBytes = Rows * Width * sizeof(float);

    [TestCase(DeviceKind.Cpu)]
    public void AStackOf32BlocksTakesAFractionOfTheMemory(DeviceKind kind)
    {
        var device = Device.OnHost(kind);
        var stack = new Stack(device);
        var plain = stack.Measure(x => stack.Run(x, (block, y) => stack.Block(block, y)));
        var each = stack.Measure(x => stack.Run(x, (block, y) => Autodiff.Checkpoint(t => stack.Block(block, t), y)));
        var segments = stack.Measure(x => Autodiff.CheckpointSequential([.. Enumerable.Range(0, Blocks).Select(b => (Func<Tensor, Tensor>)(t => stack.Block(b, t)))], 6, x));
        var nested = stack.Measure(x => stack.RunNested(x));
        TestContext.Out.WriteLine(
            $"laziness {(Execution.IsLazy ? "on" : "off")}: peak above the parameters, in activations of {ActivationBytes >> 10} KiB: without {plain.Peak}, a checkpoint for each block {each.Peak}, "
            + $"in 6 segments {segments.Peak}, 8 nested checkpoints of 4 {nested.Peak}");

        // Without: at least the output of tanh of each layer. With: the input of each block and what one block saves.
        Assert.That(plain.Peak, Is.GreaterThan(Blocks * Layers));
        Assert.That(each.Peak, Is.LessThan(plain.Peak / 3));
        Assert.That(segments.Peak, Is.LessThan(plain.Peak / 2.5));
        Assert.That(nested.Peak, Is.LessThan(plain.Peak / 4));
        foreach (var other in new[] { each, segments, nested })
        {
            Assert.That(other.Gradient, Is.EqualTo(plain.Gradient).Within(1e-5));
        }
    }

    [Test]
    public void ALimitThatIsTooLowWithoutIsEnoughWith()
    {
        var device = Device.OnHost(DeviceKind.Cpu);
        var stack = new Stack(device);
        stack.Measure(x => stack.Run(x, (block, y) => Autodiff.Checkpoint(t => stack.Block(block, t), y)));
        device.EmptyCache();
        device.MemoryLimit = device.Memory.ActiveBytes + 80 * ActivationBytes;
        Assert.Throws<OutOfDeviceMemoryException>(() => stack.Measure(x => stack.Run(x, (block, y) => stack.Block(block, y))));
        Assert.DoesNotThrow(() => stack.Measure(x => stack.Run(x, (block, y) => Autodiff.Checkpoint(t => stack.Block(block, t), y))));
    }

    [Test]
    public void SaveOnCpuLeavesTheDeviceTheMemory()
    {
        const long bytes = 8 << 14;
        var own = Device.OnHost(DeviceKind.CpuKernels);
        long Held(bool onCpu)
        {
            var x = Tensor.Ones([bytes / 8], DType.Float64, own, requiresGrad: true);
            using var scope = onCpu ? Autodiff.SaveOnCpu() : null;
            var y = Chain(x);
            Collect();
            long held = own.Memory.ActiveBytes;
            y.Sum().Backward();
            Assert.That(x.Grad!.Device, Is.SameAs(own));
            return held;
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        static Tensor Chain(Tensor x)
        {
            for (int i = 0; i < 8; i++)
            {
                x = x.Sigmoid().Materialize();
            }

            return x.Materialize();
        }

        Assert.That(Held(onCpu: false), Is.GreaterThanOrEqualTo(8 * bytes), "eight outputs");
        Assert.That(Held(onCpu: true), Is.LessThanOrEqualTo(3 * bytes));
    }

    private sealed class Stack(Device device)
    {
        private readonly Tensor[] _weights =
            [.. Enumerable.Range(0, Blocks * Layers).Select(i => Numbers.Double(i, [Width, Width], -0.2, 0.2, device).To(DType.Float32).RequiresGrad_())];

        private readonly Tensor _input = Numbers.Double(1000, [Rows, Width], -1, 1, device).To(DType.Float32).Materialize();

        public Tensor Block(int block, Tensor x)
        {
            var y = x = new Collected().Apply(x);
            for (int layer = 0; layer < Layers; layer++)
            {
                y = y.MatMul(_weights[block * Layers + layer]).Tanh();
            }

            return x + y;
        }

        public Tensor Run(Tensor x, Func<int, Tensor, Tensor> block)
        {
            for (int i = 0; i < Blocks; i++)
            {
                x = block(i, x);
            }

            return x;
        }

        public Tensor RunNested(Tensor x)
        {
            for (int i = 0; i < Blocks; i += 4)
            {
                int start = i;
                x = Autodiff.Checkpoint(
                    t =>
                    {
                        for (int j = start; j < start + 4; j++)
                        {
                            int block = j;
                            t = Autodiff.Checkpoint(u => Block(block, u), t);
                        }

                        return t;
                    },
                    x);
            }

            return x;
        }

        /// <summary>The peak of one forward and backward pass above what there was before, in activations, and the gradient of the first weight.</summary>
        public (double Peak, double[] Gradient) Measure(Func<Tensor, Tensor> run)
        {
            foreach (var weight in _weights)
            {
                weight.Grad = null;
            }

            Collect();
            device.ResetPeakMemory();
            long before = device.Memory.ActiveBytes;
            run(_input).Mean().Backward();
            long peak = device.Memory.PeakBytes - before;
            return ((double)peak / ActivationBytes, _weights[0].Grad!.Doubles());
        }

    }

    private static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    /// <summary>
    /// Nothing but a collection, forward and backward: what was dropped counts as held until the collector finds it. One in four is of all generations, whose cost is
    /// by what the other tests keep.
    /// </summary>
    private sealed class Collected : UnaryFunction
    {
        private static int s_count;

        protected override Tensor Forward(Tensor x)
        {
            CollectYoung();
            return x;
        }

        protected override Tensor? Backward(Tensor gradient)
        {
            CollectYoung();
            return gradient;
        }

        private static void CollectYoung()
        {
            GC.Collect(++s_count % 4 == 0 ? GC.MaxGeneration : 1);
            GC.WaitForPendingFinalizers();
        }
    }
}
