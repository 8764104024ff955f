using Autograd.Gpu.Diagnostics;
using Autograd.Gpu.Tests.Support;

namespace Autograd.Gpu.Tests;

/// <summary>The devices that tests run on: both host devices, and the GPU where there is one. Case names show which.</summary>
internal static class TestDevices
{
    public static IEnumerable<Device> All
    {
        get
        {
            yield return Device.Cpu;
            yield return Device.CpuKernels;
            if (Device.IsCudaAvailable)
            {
                yield return Device.Cuda();
            }
        }
    }

    /// <summary>Each device, with pending values and without.</summary>
    public static IEnumerable<object[]> AndLaziness => from device in All from lazy in new[] { true, false } select new object[] { device, lazy };

    public static string ModeName(bool lazy) => lazy ? "lazy" : "eager";
}

/// <summary>Sets <see cref="Execution.IsLazy"/> until disposed. The suite runs with either; tests of laziness itself say which they mean.</summary>
internal sealed class Laziness : IDisposable
{
    /// <summary>The category of tests that run in both modes by themselves: a run with laziness off leaves them out.</summary>
    public const string Both = "BothModes";

    private readonly bool _previous = Execution.IsLazy;

    private Laziness(bool lazy) => Execution.IsLazy = lazy;

    public static Laziness Set(bool lazy) => new(lazy);

    public void Dispose() => Execution.IsLazy = _previous;
}

/// <summary>Collects the kernels that run until disposed.</summary>
internal sealed class KernelLog : IDisposable
{
    private readonly List<KernelEvent> _events = [];

    public KernelLog() => KernelTrace.KernelRan += Add;

    public IReadOnlyList<KernelEvent> Events => _events;

    public int Count => _events.Count;

    public void Clear() => _events.Clear();

    public void Dispose() => KernelTrace.KernelRan -= Add;

    public override string ToString() => string.Join(Environment.NewLine, _events);

    private void Add(KernelEvent e) => _events.Add(e);
}

/// <summary>Numbers for tests.</summary>
internal static class Numbers
{
    /// <summary>The same numbers in (low, high) for the same seed, whatever the library's generators do.</summary>
    public static double[] Uniform(int seed, long count, double low, double high)
    {
        var random = new Random(seed);
        var values = new double[count];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = low + (high - low) * (0.01 + 0.98 * random.NextDouble());
        }

        return values;
    }

    public static Tensor Double(int seed, Shape shape, double low, double high, Device device, bool requiresGrad = false) =>
        Tensor.FromArray(Uniform(seed, shape.NumElements, low, high), shape, device, requiresGrad);

    /// <summary>The elements as doubles, in row-major order.</summary>
    public static double[] Doubles(this Tensor tensor) => tensor.Detach().To(DType.Float64).ToArray<double>();

    /// <summary>A tensor of a dtype with the nearest elements to these.</summary>
    public static Tensor Of(double[] values, Shape shape, DType dtype, Device device) => dtype switch
    {
        DType.Float32 => Tensor.FromArray(Array.ConvertAll(values, v => (float)v), shape, device),
        DType.Float64 => Tensor.FromArray(values, shape, device),
        DType.Int32 => Tensor.FromArray(Array.ConvertAll(values, v => (int)v), shape, device),
        DType.Int64 => Tensor.FromArray(Array.ConvertAll(values, v => (long)v), shape, device),
        DType.Bool => Tensor.FromArray(Array.ConvertAll(values, v => v != 0), shape, device),
        _ => throw new ArgumentOutOfRangeException(nameof(dtype)),
    };

    /// <summary>How many floating-point numbers of the dtype lie between two, nan beside nan counting as none.</summary>
    public static double Ulps(double expected, double actual, DType dtype)
    {
        if (dtype == DType.Float32)
        {
            expected = (float)expected;
        }

        if (double.IsNaN(expected) || double.IsNaN(actual))
        {
            return double.IsNaN(expected) && double.IsNaN(actual) ? 0 : double.PositiveInfinity;
        }

        return dtype == DType.Float32
            ? Math.Abs(Ordinal((float)expected) - Ordinal((float)actual))
            : (double)Int128.Abs((Int128)Ordinal(expected) - Ordinal(actual));
    }

    private static long Ordinal(float value)
    {
        int bits = BitConverter.SingleToInt32Bits(value);
        return bits < 0 ? int.MinValue - (long)bits : bits;
    }

    private static long Ordinal(double value)
    {
        long bits = BitConverter.DoubleToInt64Bits(value);
        return bits < 0 ? long.MinValue - bits : bits;
    }
}

/// <summary>Says in the log how the suite runs, and that no test left the switch in another position.</summary>
[SetUpFixture]
public class Suite
{
    private static readonly bool s_isLazy = Execution.IsLazy;

    [OneTimeSetUp]
    public void Describe()
    {
        EveryKernel.StartCollecting();
        TestContext.Progress.WriteLine(
            $"laziness {(s_isLazy ? "on" : "off (AUTOGRAD_LAZY=0)")}; devices: {string.Join(", ", TestDevices.All)}; CUDA: {Device.CudaStatus}");
    }

    [OneTimeTearDown]
    public void NothingIsLeftBehind()
    {
        Assert.That(Execution.IsLazy, Is.EqualTo(s_isLazy), "a test did not restore Execution.IsLazy");
        Assert.That(Autodiff.IsGradEnabled, "a test did not restore the gradient mode");
    }
}
