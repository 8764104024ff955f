using System.Globalization;
using System.Text.RegularExpressions;

namespace Autograd.Gpu.Tests.Samples;

public sealed partial class AutogradTutorialTests
{
    /// <summary>What the tutorial prints behind its first line; a # stands for a random number.</summary>
    private const string Expected =
        """"

        A tensor remembers what is done to it if it requires gradients.
        In [1]: var x = Tensor.Ones([2, 2], requiresGrad: true);
           ...: Print(x);
        tensor([[1., 1.],
                [1., 1.]], requires_grad=True)

        Its values alone, without history:
        In [2]: Print(x.Data);
        tensor([[1., 1.],
                [1., 1.]])

        Its gradient: there is none before a backward pass.
        In [3]: Print(x.Grad);
        None

        The node that made it: none, for it is a leaf that we made ourselves.
        In [4]: Print(x.GradFn);
        None

        The result of an operation on it, however, knows where it comes from.
        In [5]: var y = x + 2;
           ...: Print(y);
        tensor([[3., 3.],
                [3., 3.]], grad_fn=<AddBackward0>)

        That is its node:
        In [6]: Print(y.GradFn);
        <AddBackward0>

        More operations. Nothing is computed before it is printed; then each chain runs as one kernel.
        In [7]: var z = y * y * 3;
           ...: var result = z.Mean();
           ...: Print(z, result);
        tensor([[27., 27.],
                [27., 27.]], grad_fn=<MulBackward0>) tensor(27., grad_fn=<MeanBackward0>)

        RequiresGrad_ turns the flag of an existing tensor on, in place. It is off unless asked for.
        In [8]: var a = Tensor.Randn([2, 2]);
           ...: a = a * 3 / (a - 1);
           ...: Print(a.RequiresGrad);
           ...: a.RequiresGrad_();
           ...: Print(a.RequiresGrad);
           ...: var b = (a * a).Sum();
           ...: Print(b.GradFn);
        False
        True
        <SumBackward0>

        Back-propagation. The result is a scalar, so Backward() means Backward(Tensor.Of(1.0)).
        With result = sum(3 (x + 2)^2) / 4 the derivative is 3 (x + 2) / 2, which is 4.5 at 1.
        In [9]: result.Backward();
           ...: Print(x.Grad);
        tensor([[4.5000, 4.5000],
                [4.5000, 4.5000]])

        From a tensor that is no scalar the pass starts with a gradient that we give.
        retainGraph keeps what the graph saved for another pass.
        In [10]: x = Tensor.Ones([2, 2], requiresGrad: true);
            ...: y = x + 2;
            ...: y.Backward(Tensor.Ones([2, 2]), retainGraph: true);
            ...: Print(x.Grad);
        tensor([[1., 1.],
                [1., 1.]])

        The graph may go on growing from what was differentiated already.
        In [11]: z = y * y;
            ...: Print(z);
        tensor([[9., 9.],
                [9., 9.]], grad_fn=<MulBackward0>)

        A second pass over the retained graph, with a random gradient, adds to what x.Grad holds: ones.
        In [12]: var gradient = Tensor.Randn([2, 2]);
            ...: y.Backward(gradient);
            ...: Print(gradient);
            ...: Print(x.Grad);
            ...: Print(x.Grad!.Eq(gradient + 1));
        tensor([[#, #],
                [#, #]])
        tensor([[#, #],
                [#, #]])
        tensor([[True, True],
                [True, True]])

        Without retainGraph the pass frees what the graph saved (here x, for the derivative of x * x),
        so a second pass is an error.
        In [13]: var loss = (x * x).Sum();
            ...: loss.Backward();
            ...: try
            ...: {
            ...:     loss.Backward();
            ...: }
            ...: catch (GradientException error)
            ...: {
            ...:     Print(error.Message);
            ...: }
        MulBackward0: Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). Saved intermediate values of the graph are freed when you call Backward() or Autodiff.Grad(). Specify retainGraph: true if you need to backward through the graph a second time or if you need to access saved tensors after calling backward.

        Inside NoGrad() nothing is recorded.
        In [14]: Print(x.RequiresGrad);
            ...: Print(x.Pow(2).RequiresGrad);
            ...: using (Autodiff.NoGrad())
            ...: {
            ...:     Print(x.Pow(2).RequiresGrad);
            ...: }
        True
        True
        False
        """";

    private static IEnumerable<string> Devices()
    {
        yield return "cpu";
        yield return "cpu-kernels";
        if (Device.IsCudaAvailable) yield return "cuda";
    }

    [TestCaseSource(nameof(Devices))]
    public void EachCellPrintsItsSourceAndItsResult(string device)
    {
        var result = SampleProcess.Run("AutogradTutorial", "--device", device);
        Assert.That((result.ExitCode, result.Error), Is.EqualTo((0, "")));
        var (first, rest) = (result.Output[..result.Output.IndexOf('\n')], result.Output[(result.Output.IndexOf('\n') + 1)..]);
        Assert.That(first, Is.EqualTo($"Autograd on {Device.Parse(device)} ({Device.Parse(device).Name})"));
        rest = rest.Replace($", device='{Device.Parse(device)}'", "");

        // The two random tensors stand between the twelfth cell's source and its last result: the gradient, and the gradient plus one.
        var random = RandomNumbers().Match(rest);
        Assert.That(random.Success, rest);
        Assert.That(Mask(rest, random), Is.EqualTo(Expected.ReplaceLineEndings("\n") + "\n"));
        var numbers = random.Groups["number"].Captures.Select(c => double.Parse(c.Value, CultureInfo.InvariantCulture)).ToArray();
        Assert.That(numbers, Has.Length.EqualTo(8));
        Assert.That(numbers[..4].Distinct().Count(), Is.EqualTo(4));
        for (var i = 0; i < 4; i++) Assert.That(numbers[4 + i], Is.EqualTo(numbers[i] + 1).Within(1.01e-4));
    }

    [Test]
    public void TheBestDeviceIsTheDefault() =>
        Assert.That(SampleProcess.Run("AutogradTutorial").Output, Does.StartWith($"Autograd on {Device.Best()} ("));

    [TestCase("'abacus' is no device", "--device", "abacus")]
    [TestCase("--device needs a value", "--device")]
    [TestCase("'--devise' is no option", "--devise", "cpu")]
    [TestCase("CUDA", "--device", "cuda:77")]
    public void AWrongCallIsAnsweredWithOneLineAndExitCodeTwo(string words, params string[] args)
    {
        var result = SampleProcess.Run("AutogradTutorial", args);
        Assert.That((result.ExitCode, result.Output), Is.EqualTo((2, "")));
        Assert.That(result.Error, Does.Contain(words).And.EndsWith(".\n"));
        Assert.That(result.Error.Trim(), Does.Not.Contain("\n"));
    }

    private static string Mask(string text, Match random) =>
        text[..random.Index] + Row().Replace(random.Value, "[#, #]") + text[(random.Index + random.Length)..];

    [GeneratedRegex(@"(?<=\n)(tensor\(\[\[ *(?<number>-?[\d.]+), +(?<number>-?[\d.]+)\],\n +\[ *(?<number>-?[\d.]+), +(?<number>-?[\d.]+)\]\]\)\n){2}(?=tensor\(\[\[True)")]
    private static partial Regex RandomNumbers();

    [GeneratedRegex(@"\[ *-?[\d.]+, +-?[\d.]+\]")]
    private static partial Regex Row();
}
