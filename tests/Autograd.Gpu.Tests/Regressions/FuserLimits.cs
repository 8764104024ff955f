namespace Autograd.Gpu.Tests.Regressions;

/// <summary>Pending graphs at the limit of operands of one kernel, and values that are computed on the way.</summary>
[TestFixture]
public sealed class FuserLimits
{
    private static Tensor Row(params float[] values) => Tensor.FromArray(values, Device.Cpu);

    [Test]
    public void InputsComputedMeanwhileDoNotOverflowTheOperands()
    {
        var x = Enumerable.Range(1, 7).Select(i => Row(i, 2, 3)).ToArray();
        var sum = x[0] + x[1];
        var root = sum * (x[0] * x[1] + x[2] + x[3] + x[4] + x[5] + x[6]);
        sum.Materialize();
        Assert.That(root.ToArray<float>(), Is.EqualTo(new float[] { 3 * 27, 4 * 14, 6 * 24 }));
    }

    [Test]
    public void RepeatedInputsDoNotOverflowTheOperandsOfAReduction()
    {
        var x = Enumerable.Range(1, 7).Select(i => Row(i, 2, 3)).ToArray();
        var parts = new[] { x[0] + x[1], x[0] * x[1], x[0] - x[1] };
        var root = parts[0] * parts[1] * parts[2] + x[2] + x[3] + x[4] + x[5] + x[6] + x[0] + x[1];
        foreach (var part in parts)
        {
            part.Materialize();
        }

        Assert.That(root.Sum().Item<float>(), Is.EqualTo((-6 + 25 + 3) + 14 + 21));
    }

    [Test]
    public void AStateWithoutRoomInTheKernelKeepsWhatItReads()
    {
        var a = Row(1, 2, 3);
        var c = Row(10, 20, 30);
        var shared = c.Clone();
        var zeros = Enumerable.Range(0, 5).Select(_ => Row(0, 0, 0)).ToArray();
        c.Add_(a);
        a.Add_(100);
        var root = a + c;
        foreach (var zero in zeros)
        {
            root += zero;
        }

        Assert.Multiple(() =>
        {
            Assert.That(root.ToArray<float>(), Is.EqualTo(new float[] { 112, 124, 136 }));
            Assert.That(c.ToArray<float>(), Is.EqualTo(new float[] { 11, 22, 33 }));
            Assert.That(a.ToArray<float>(), Is.EqualTo(new float[] { 101, 102, 103 }));
            Assert.That(shared.ToArray<float>(), Is.EqualTo(new float[] { 10, 20, 30 }));
        });
    }

    [Test]
    public void ATargetThatTheKernelDoesNotReadTakesAnOperand()
    {
        var a = Row(1, 2, 3);
        a.Copy_(Tensor.FromArray(new double[] { 7, 8, 9 }, Device.Cpu) + 0.5);
        var root = a;
        for (int i = 0; i < 6; i++)
        {
            root += Row(0, 0, 0);
        }

        Assert.Multiple(() =>
        {
            Assert.That(root.ToArray<float>(), Is.EqualTo(new[] { 7.5f, 8.5f, 9.5f }));
            Assert.That(a.ToArray<float>(), Is.EqualTo(new[] { 7.5f, 8.5f, 9.5f }));
        });
    }
}
