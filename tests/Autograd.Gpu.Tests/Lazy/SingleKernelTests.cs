using System.Numerics;
using Autograd.Gpu.Lazy;

namespace Autograd.Gpu.Tests.Lazy;

/// <summary>Known to no other test, so that its kernels are not there before.</summary>
[NotInTable]
public sealed class Cubed : PointwiseFunction<Cubed>
{
    public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => null;

    public static float Invoke(float x) => x * x * x;

    public static double Invoke(double x) => x * x * x;

    public static Vector<float> Invoke(Vector<float> x) => x * x * x;
}

/// <summary>Small values of one function, which the host computes without a graph unless somebody watches: the results are those of the graph's kernel.</summary>
public sealed class SingleKernelTests
{
    [Test]
    public void OneFunctionOfValuesInMemoryTakesNoGraph()
    {
        var executor = Executor.Of(Device.Cpu);
        var x = Tensor.FromArray([1f, 2f, 3f], Device.Cpu);
        int kernels = executor.KernelCount;
        Assert.That(Cubed.Apply(x).ToArray<float>(), Is.EqualTo(new float[] { 1, 8, 27 }));
        Assert.That(executor.KernelCount, Is.EqualTo(kernels), "no kernel for a graph");
        using var log = new KernelLog();
        Assert.That(Cubed.Apply(x).ToArray<float>(), Is.EqualTo(new float[] { 1, 8, 27 }));
        Assert.That(executor.KernelCount, Is.EqualTo(kernels + 1), "whoever watches sees the graph's kernel");
        Assert.That(log.Count, Is.EqualTo(1));
    }

    [Test]
    public void EveryFunctionIsThatOfTheGraph()
    {
        foreach (var operation in PointwiseTable.Operations.Where(o => PointwiseTable.TakesFloats(o) && !o.TakesCondition))
        {
            var (low, high) = operation.Domain;
            Tensor[] inputs = [.. Enumerable.Range(0, operation.Arity).Select(i => Numbers.Of(Numbers.Uniform(i, 19, low, high), [19], DType.Float32, Device.Cpu))];
            AreTheSame(() => PointwiseTable.Apply(operation, inputs), operation.Name);
        }
    }

    [TestCase(DType.Float32)]
    [TestCase(DType.Float64)]
    public void AllFormsAreThoseOfTheGraph(DType dtype)
    {
        int lanes = Vector<byte>.Count / dtype.Size();
        foreach (long size in new long[] { 0, 1, lanes - 1, lanes, 2 * lanes + 1, (1 << 12) + 1 })
        {
            var memory = Numbers.Of(Numbers.Uniform(1, size + 3, 0.5, 2), [size + 3], dtype, Device.Cpu);
            var x = Numbers.Of(Numbers.Uniform(2, size, 0.5, 2), [size], dtype, Device.Cpu);
            var part = memory.Narrow(0, 3, size);
            var strided = Numbers.Of(Numbers.Uniform(3, 2 * size, 0.5, 2), [size, 2], dtype, Device.Cpu).Select(1, 1);
            var single = Numbers.Of([1.5], [1], dtype, Device.Cpu);
            AreTheSame(() => x - part, $"two tensors, one at an offset, {size}");
            AreTheSame(() => part - x, $"the other way, {size}");
            AreTheSame(() => x - x, $"one tensor twice, {size}");
            AreTheSame(() => x - 0.3, $"a number on the right, {size}");
            AreTheSame(() => 0.3 - x, $"a number on the left, {size}");
            AreTheSame(() => x - strided, $"strides, {size}");
            AreTheSame(() => x - single, $"a broadcast input, {size}");
            AreTheSame(() => x.Clamp(part, x), $"three inputs, {size}");
            AreTheSame(() => x.Clamp(0.7, 1.2), $"two numbers, {size}");
            AreTheSame(() => (x - part).Tanh() * x, $"a chain, {size}");
            AreTheSame(() => x > part, $"a comparison, {size}");
            AreTheSame(() => x.To(DType.Int64), $"a cast, {size}");
        }
    }

    [Test]
    public void AValueThatOthersReadStaysPending()
    {
        using var lazy = Laziness.Set(true);
        var x = Tensor.FromArray([1f, 2f], Device.Cpu);
        var y = x * 3;
        var z = y + 1;
        x.Fill_(100);
        Assert.That(y.Storage.IsPending, "recording computes nothing");
        Assert.That(y.ToArray<float>(), Is.EqualTo(new float[] { 3, 6 }));
        y.Fill_(100);
        Assert.That(z.ToArray<float>(), Is.EqualTo(new float[] { 4, 7 }), "the reader keeps the value from before the write");
        Assert.That(x.ToArray<float>(), Is.EqualTo(new float[] { 100, 100 }));
    }

    /// <summary>Computes without a watcher, and with one.</summary>
    private static void AreTheSame(Func<Tensor> function, string what)
    {
        var alone = Bits(function());
        using var log = new KernelLog();
        Assert.That(alone, Is.EqualTo(Bits(function())), what);
    }

    private static double[] Bits(Tensor tensor) => tensor.Doubles();
}
