using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Autograd.Gpu.Diagnostics;

namespace Autograd.Gpu.Tests.Samples;

public sealed partial class BeyondBackwardTests
{
    private static IEnumerable<string> Devices()
    {
        yield return "cpu";
        if (Device.IsCudaAvailable) yield return "cuda";
    }

    [TestCaseSource(nameof(Devices))]
    public void EachCellShowsWhatItSays(string device)
    {
        var drawing = Path.Combine(Path.GetTempPath(), $"beyond-backward-{Guid.NewGuid():N}.svg");
        try
        {
            var result = SampleProcess.Run("BeyondBackward", "--device", device, "--svg", drawing);
            Assert.That((result.ExitCode, result.Error), Is.EqualTo((0, "")));
            var output = result.Output.Replace($", device='{Device.Parse(device)}'", "");
            string[] shown =
            [
                "gradient of y: tensor([1., 1., 1.])\ntensor([1., 2., 3.])\ntensor([0.5000, 0.5000, 0.5000])\n",
                "tensor([ 12.,  48., 108.])\n",
                "tensor([[ 802., -400.],\n        [-400.,  200.]])\ntensor([ 802., -400.])\n",
                "\n[4, 3, 2]\n",
                "grad_fn=<SoftplusGateBackward>)\nTrue\n",
                "tensor([0.3333, 0.4545, 0.7143, 1.2857, 1.5455, 1.6667])\n",
                "<MeanBackward0> <TanhBackward0>\n",
                "w = AccumulateGrad [3, 1] float32",
                "Function 'SqrtBackward0' returned nan values in its 0th output.",
                "Program.cs:line",
                "Kernels (with the operations fused into them)",
                .. Execution.IsLazy ? ["Tanh Mul Add -> Sum"] : Array.Empty<string>(),
            ];
            foreach (var text in shown) Assert.That(output, Does.Contain(text));
            var memory = Memory().Match(output);
            Assert.That(memory.Success, output);
            Assert.That(Number(memory, "again"), Is.LessThan(Number(memory, "kept") / 3));
            Assert.That(memory.Groups["second"].Value, Is.EqualTo(memory.Groups["first"].Value));
            Assert.That(XDocument.Load(drawing).Root!.Name.LocalName, Is.EqualTo("svg"));
        }
        finally
        {
            File.Delete(drawing);
        }
    }

    [Test]
    public void AWrongCallIsAnsweredWithOneLineAndExitCodeTwo()
    {
        var result = SampleProcess.Run("BeyondBackward", "--device", "abacus");
        Assert.That((result.ExitCode, result.Output), Is.EqualTo((2, "")));
        Assert.That(result.Error, Does.Contain("'abacus' is no device").And.EndsWith(".\n"));
    }

    private static double Number(Match match, string group) => double.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"all kept: (?<kept>[\d.]+)\n(?<first>[\d.]+)\ncheckpointed: (?<again>[\d.]+)\n(?<second>[\d.]+)\n")]
    private static partial Regex Memory();
}
