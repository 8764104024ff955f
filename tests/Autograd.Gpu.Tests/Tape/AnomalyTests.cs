using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Tests;

/// <summary>Anomaly mode: which forward call made the node that fails, and who wrote the tensor.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
[Category(Laziness.Both)]
internal sealed class AnomalyTests(Device device, bool lazy)
{
    private Laziness? _mode;

    [SetUp]
    public void SetMode() => _mode = Laziness.Set(lazy);

    [TearDown]
    public void RestoreMode()
    {
        _mode?.Dispose();
        Assert.That(Autodiff.IsAnomalyEnabled, Is.False);
    }

    [Test]
    public void AGradientThatIsNanNamesTheForwardCall()
    {
        var x = Leaf(0, 4);
        using var anomaly = Autodiff.DetectAnomaly();
        var y = RootOf(x, out int line) * Tensor.Zeros([2], DType.Float64, device);
        var message = Assert.Throws<GradientException>(() => y.Sum().Backward())!.Message;
        Assert.That(
            message,
            Does.Contain("Function 'SqrtBackward0' returned nan values in its 0th output.")
                .And.Contain("(A gradient of shape [2], float64.)").And.Contain("Error detected in SqrtBackward0. Traceback of forward call that caused the error:"));
        var first = message.Split('\n').First(l => l.TrimStart().StartsWith("at ", StringComparison.Ordinal));
        Assert.That(first, Does.Contain("AnomalyTests.RootOf in ").And.Contain($"AnomalyTests.cs:line {line}"), "the first frame is the program's");
        Assert.That(message, Does.Not.Contain("at Autograd.Gpu.Tensor").And.Not.Contain("at Autograd.Gpu.Tape"), "no frame of the library");
        Assert.That(x.Grad, Is.Null);
    }

    [Test]
    public void TheNumberOfTheGradientIsTold()
    {
        var x = Leaf(0.0);
        var w = Leaf(0.0);
        using var anomaly = Autodiff.DetectAnomaly();
        var failure = Assert.Throws<GradientException>(() => (x / w).Sum().Backward());
        Assert.That(failure!.Message, Does.Contain("Function 'DivBackward0' returned nan values in its 1th output. (A gradient of shape [1], float64.)").And.Contain("Tensor.Where"));
        failure = Assert.Throws<GradientException>(() => new MakesNan().Apply(x).Sum().Backward());
        Assert.That(failure!.Message, Does.Contain("Function 'MakesNanBackward' returned nan values in its 0th output."));

        // Of what is not asked for nothing is said.
        Assert.DoesNotThrow(() => Autodiff.Grad((x / w).Sum(), x));
    }

    [Test]
    public void WithoutTheCheckOrTheModeNanPasses()
    {
        var x = Leaf(0);
        using (Autodiff.DetectAnomaly(checkNan: false))
        {
            (x.Sqrt() * 0).Sum().Backward();
        }

        Assert.That(x.Grad!.Item<double>(), Is.NaN);
        x.Grad = null;
        (x.Sqrt() * 0).Sum().Backward();
        Assert.That(x.Grad!.Item<double>(), Is.NaN);
    }

    [Test]
    public void AGraphThatWasRecordedBeforeHasNoTrace()
    {
        var x = Leaf(0);
        var y = (x.Sqrt() * 0).Sum();
        using var anomaly = Autodiff.DetectAnomaly();
        Assert.That(
            Assert.Throws<GradientException>(() => y.Backward())!.Message,
            Does.Contain("Function 'SqrtBackward0' returned nan").And.Contain("No forward pass information available. Enable detect anomaly during forward pass"));
    }

    [Test]
    public void ANodeThatABackwardPassMadeNamesBothCalls()
    {
        var x = Leaf(0);
        using var anomaly = Autodiff.DetectAnomaly();

        // The derivative of x^1.5 is 0 at 0, that of the derivative infinite.
        var y = PowerOf(x, out int forward);
        var first = FirstDerivative(y, x, out int backward);
        var message = Assert.Throws<GradientException>(() => (first * 0).Sum().Backward())!.Message;
        Assert.That(
            message,
            Does.Contain("Error detected in PowBackward").And.Contain("Previous calculation was induced by PowBackward")
                .And.Contain("Traceback of forward call that induced the previous calculation:"));
        Assert.That(message.IndexOf($"AnomalyTests.cs:line {backward}", StringComparison.Ordinal), Is.GreaterThan(0), message);
        Assert.That(
            message.IndexOf($"AnomalyTests.cs:line {forward}", StringComparison.Ordinal),
            Is.GreaterThan(message.IndexOf("Previous calculation", StringComparison.Ordinal)),
            message);
    }

    [Test]
    public void AWrittenTensorNamesTheForwardCallAndTheWrite()
    {
        var x = Leaf(1, 2);
        const string phrase = "one of the variables needed for gradient computation has been modified by an inplace operation";
        using (Autodiff.DetectAnomaly())
        {
            var y = x * 2;
            y.Add_(1);
            var z = SquareOf(y, out int saved);
            int written = WriteTo(y);
            y.Mul_(1);
            var message = Assert.Throws<GradientException>(() => z.Sum().Backward())!.Message;
            Assert.That(message, Does.Contain(phrase).And.Contain("Hint: the backtrace further below shows the operation that failed to compute its gradient. Good luck!"));
            Assert.That(message, Does.Contain($"AnomalyTests.cs:line {saved}"), "where it was saved");
            var where = message[message.IndexOf("The tensor was modified in place (version 2) here:", StringComparison.Ordinal)..];
            Assert.That(where.Split('\n')[1], Does.Contain("AnomalyTests.WriteTo in ").And.Contain($"AnomalyTests.cs:line {written}"), "the first write since");
        }

        // Off: a hint how to find out.
        var u = x * 2;
        var v = u * u;
        u.Add_(1);
        Assert.That(
            Assert.Throws<GradientException>(() => v.Sum().Backward())!.Message,
            Does.Contain(phrase).And.Contain("Hint: enable anomaly detection to find the operation that failed to compute its gradient, with Autodiff.SetDetectAnomaly(true)"));
    }

    [Test]
    public void ExceptionsOfTheProgramCarryTheTrace()
    {
        var x = Leaf(1);
        using var anomaly = Autodiff.DetectAnomaly();
        var y = new Throws().Apply(x);
        var failure = Assert.Throws<InvalidOperationException>(() => y.Sum().Backward());
        Assert.That(failure!.Message, Is.EqualTo("mine"));
        Assert.That(
            failure.Data[Autodiff.ForwardTraceKey] as string,
            Does.Contain("Error detected in ThrowsBackward").And.Contain("AnomalyTests.ExceptionsOfTheProgramCarryTheTrace"));
    }

    [Test]
    public void CheckpointsAreTracedToTheirFunction()
    {
        var x = Leaf(0);
        using var anomaly = Autodiff.DetectAnomaly();
        var y = Autodiff.Checkpoint(t => RootOf(t, out _) * 0, x);
        Assert.That(
            Assert.Throws<GradientException>(() => y.Sum().Backward())!.Message,
            Does.Contain("Function 'SqrtBackward0' returned nan values").And.Contain("AnomalyTests.RootOf"));
    }

    [Test]
    public void ScopesRestoreWhatTheyFound()
    {
        using (Autodiff.DetectAnomaly())
        {
            using (Autodiff.SetDetectAnomaly(false))
            {
                Assert.That(Autodiff.IsAnomalyEnabled, Is.False);
            }

            var inner = Autodiff.DetectAnomaly(checkNan: false);
            inner.Dispose();
            inner.Dispose();
            Assert.That(Autodiff.IsAnomalyEnabled);
            Assert.Throws<GradientException>(() => (Leaf(0).Sqrt() * 0).Sum().Backward(), "the check is on again");
        }

        Autodiff.SetDetectAnomaly(true);
        Assert.That(Autodiff.IsAnomalyEnabled);
        Autodiff.SetDetectAnomaly(false);
        Assert.That(Autodiff.IsAnomalyEnabled, Is.False);
    }

    [Test]
    public void WhenItIsOffNothingIsKept()
    {
        var x = Leaf(1);
        long Recording()
        {
            _ = x * x;
            long before = GC.GetAllocatedBytesForCurrentThread();
            _ = x * x;
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        long off = Recording();
        using (Autodiff.DetectAnomaly())
        {
            Assert.That(Recording(), Is.GreaterThan(off + 500));
        }

        Assert.That(Recording(), Is.LessThanOrEqualTo(off));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Tensor RootOf(Tensor x, out int line)
    {
        line = Line() + 1;
        return x.Sqrt();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Tensor PowerOf(Tensor x, out int line)
    {
        line = Line() + 1;
        return x.Pow(1.5);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Tensor FirstDerivative(Tensor y, Tensor x, out int line)
    {
        line = Line() + 1;
        return Autodiff.Grad(y.Sum(), x, createGraph: true);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Tensor SquareOf(Tensor x, out int line)
    {
        line = Line() + 1;
        return x * x;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int WriteTo(Tensor x)
    {
        x.Add_(1);
        return Line() - 1;
    }

    private static int Line([CallerLineNumber] int line = 0) => line;

    private Tensor Leaf(params double[] values) => Tensor.FromArray(values, device, requiresGrad: true);

    private sealed class MakesNan : UnaryFunction
    {
        protected override Tensor Forward(Tensor x) => x * 1;

        protected override Tensor? Backward(Tensor gradient) => gradient * double.NaN;
    }

    private sealed class Throws : UnaryFunction
    {
        protected override Tensor Forward(Tensor x) => x * 1;

        protected override Tensor? Backward(Tensor gradient) => throw new InvalidOperationException("mine");
    }
}
