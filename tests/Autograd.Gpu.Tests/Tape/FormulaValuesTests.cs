using Autograd.Gpu.Diagnostics;
using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Tests;

/// <summary>What the formula of a derivative makes on its way holds no memory when the gradient has been computed, and what others make meanwhile is left alone.</summary>
internal sealed class FormulaValuesTests
{
    private static IEnumerable<PointwiseOperation> Differentiable => PointwiseTable.Operations.Where(o => o.IsDifferentiable && !o.IsProgram && PointwiseTable.TakesFloats(o));

    [Test]
    [Category(Laziness.Both)]
    public void NoDerivativeLeavesMemoryToTheCollector([Values] bool lazy)
    {
        using var mode = Laziness.Set(lazy);
        var device = Device.OnHost(DeviceKind.Cpu);
        var left = new List<string>();
        foreach (var operation in Differentiable)
        {
            Step(operation, device);
            long before = device.Memory.ActiveBytes;
            Step(operation, device);
            if (device.Memory.ActiveBytes > before)
            {
                left.Add($"{operation.Name}: {device.Memory.ActiveBytes - before}");
            }
        }

        Assert.That(left, Is.Empty);
    }

    [Test]
    public void ARecordedDerivativeKeepsWhatItNeeds([ValueSource(typeof(TestDevices), nameof(TestDevices.All))] Device device)
    {
        var x = Numbers.Double(1, [5], 0.2, 0.8, device, requiresGrad: true);
        var slope = Autodiff.Grad([x.Asinh().Sum()], [x], createGraph: true)[0]!;
        double[] second = Autodiff.Grad([slope.Sum()], [x])[0]!.Doubles();
        Assert.That(second, Is.EqualTo(x.Doubles().Select(v => -v / Math.Pow(1 + v * v, 1.5))).Within(1e-12));
    }

    [Test]
    public void WhatAHookOfASavedTensorMakesStays([ValueSource(typeof(TestDevices), nameof(TestDevices.All))] Device device)
    {
        var x = Numbers.Double(1, [5], 0.2, 0.8, device, requiresGrad: true);
        var made = new List<Tensor>();
        Tensor y;
        using (Autodiff.SavedTensorHooks(tensor => tensor * 2, packed =>
        {
            var unpacked = packed * 0.5;
            made.Add(unpacked);
            return unpacked;
        }))
        {
            y = x.Sin();
        }

        y.Sum().Backward();
        Assert.That(made.Single().Doubles(), Is.EqualTo(x.Doubles()));
        Assert.That(x.Grad!.Doubles(), Is.EqualTo(x.Doubles().Select(Math.Cos)).Within(1e-12));
    }

    [Test]
    [Category(Laziness.Both)]
    public void WhatAWatcherOfKernelsMakesStays()
    {
        // Eager, so that kernels run inside of the formula.
        using var mode = Laziness.Set(lazy: false);
        var x = Numbers.Double(1, [5], 0.2, 0.8, Device.Cpu, requiresGrad: true);
        var y = x.Asinh();
        var gradient = Tensor.Ones([5], DType.Float64);
        var made = new List<Tensor>();
        int thread = Environment.CurrentManagedThreadId;
        void Make(KernelEvent e)
        {
            if (Environment.CurrentManagedThreadId == thread)
            {
                KernelTrace.KernelRan -= Make;
                made.Add(x.Detach() * 3);
                KernelTrace.KernelRan += Make;
            }
        }

        KernelTrace.KernelRan += Make;
        try
        {
            Autodiff.Grad([y], [x], [gradient]);
        }
        finally
        {
            KernelTrace.KernelRan -= Make;
        }

        Assert.That(made, Is.Not.Empty);
        foreach (var tensor in made)
        {
            Assert.That(tensor.Doubles(), Is.EqualTo(x.Doubles().Select(v => v * 3)));
        }
    }

    /// <summary>One operation forward and backward on inputs in memory; everything that a program sees is given back.</summary>
    private static void Step(PointwiseOperation operation, Device device)
    {
        var (low, high) = operation.Domain;
        var inputs = Enumerable.Range(0, operation.Arity).Select(i => i == 0 && operation.TakesCondition
            ? Tensor.FromArray(Enumerable.Range(0, 2000).Select(j => j % 3 == 0).ToArray(), device)
            : Numbers.Of(Numbers.Uniform(31 + i, 2000, low, high), [2000], DType.Float32, device).RequiresGrad_(i != PointwiseTable.OracleOf(operation).Undifferentiated)).ToArray();
        var result = PointwiseTable.Apply(operation, inputs).Materialize();
        var ones = Tensor.Ones([2000], device: device).Materialize();
        Tensor[] leaves = [.. inputs.Where(x => x.RequiresGrad)];
        foreach (var gradient in Autodiff.Grad([result], leaves, [ones], allowUnused: true))
        {
            gradient?.Materialize().Dispose();
        }

        foreach (var tensor in inputs.Append(result).Append(ones))
        {
            tensor.Dispose();
        }
    }
}
