using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using System.Runtime.Intrinsics;
using System.Text;
using Autograd.Gpu.Tests.Support;

namespace Autograd.Gpu.Tests.Kernels;

/// <summary>
/// Runs each family of host kernels in processes whose runtime is told to have fewer instructions, and compares the results with those of this one.
/// The process is this program once more, or its build for another processor; a startup hook of the runtime takes it over before the test runner starts.
/// </summary>
public sealed class PortabilityTests
{
    private const int Size = 2077;

    private static readonly Lazy<Dictionary<string, double[][]>> Here = new(() => HostBattery.Cases.ToDictionary(c => c.Name, c => Values(c.Run(Size))));

    public static IEnumerable<TestCaseData> Settings =>
    [
        new TestCaseData("no 512-bit vectors", "EnableAVX512=0 EnableAVX512F=0", 256, 256),
        new TestCaseData("no AVX2", "EnableAVX2=0", 128, 128),
        new TestCaseData("no vectors", "EnableHWIntrinsic=0", 0, 128),
        new TestCaseData("512-bit Vector<T>", "MaxVectorTBitWidth=200", 512, 512),
    ];

    [TestCaseSource(nameof(Settings))]
    public void ResultsAreThoseOfThisProcess(string name, string variables, int mostBits, int vectorBits)
    {
        _ = name;
        if (vectorBits == 512 && !Vector512.IsHardwareAccelerated)
        {
            Assert.Ignore("This processor has no 512-bit vectors.");
        }

        Compare(Run(Environment.ProcessPath!, "", variables), mostBits, vectorBits);
    }

    /// <summary>On an emulated Arm processor; <c>tests/on-arm</c> makes the build and names the emulator.</summary>
    [Test]
    public void AnArmProcessorGivesTheSame()
    {
        string? emulator = Environment.GetEnvironmentVariable("AUTOGRAD_ARM_EMULATOR"), program = Environment.GetEnvironmentVariable("AUTOGRAD_ARM_TESTS");
        if (string.IsNullOrEmpty(emulator) || string.IsNullOrEmpty(program))
        {
            Assert.Ignore("No build for Arm and no emulator to run it are named; tests/on-arm does both.");
        }

        Compare(Run(emulator, program, ""), 128, 128);
    }

    private static void Compare(string[] child, int mostBits, int vectorBits)
    {
        string[] described = child[0].Split(' ');
        Assert.That(int.Parse(described[0], CultureInfo.InvariantCulture), Is.LessThanOrEqualTo(mostBits), "widest vectors that the processor seems to have");
        Assert.That(int.Parse(described[1], CultureInfo.InvariantCulture), Is.LessThanOrEqualTo(vectorBits), "bits of Vector<T>");
        Assert.That(child, Has.Length.EqualTo(1 + Here.Value.Count));
        Assert.Multiple(() =>
        {
            foreach (string line in child.Skip(1))
            {
                string[] fields = line.Split('\t');
                var expected = Here.Value[fields[0]];
                Assert.That(fields, Has.Length.EqualTo(1 + expected.Length), line);
                for (int i = 0; i < expected.Length; i++)
                {
                    Check($"{fields[0]}, result {i}", fields[1 + i], expected[i]);
                }
            }
        });
    }

    /// <summary>What the startup hook runs in the child.</summary>
    internal static void Child()
    {
        int bits = Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : Vector128.IsHardwareAccelerated ? 128 : 0;
        Console.WriteLine($"{bits} {Vector<byte>.Count * 8}");
        foreach (var (name, run) in HostBattery.Cases)
        {
            var line = new StringBuilder(name);
            try
            {
                foreach (double[] values in Values(run(Size)))
                {
                    line.Append('\t').Append(Convert.ToBase64String(System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan())));
                }
            }
            catch (Exception e)
            {
                line.Append('\t').Append("failed: ").Append(e.ToString().ReplaceLineEndings(" "));
            }

            Console.WriteLine(line);
        }
    }

    private static void Check(string what, string actual, double[] expected)
    {
        if (actual.StartsWith("failed", StringComparison.Ordinal))
        {
            Assert.Fail($"{what} {actual}");
            return;
        }

        var values = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, double>(Convert.FromBase64String(actual)).ToArray();
        Assert.That(values, Has.Length.EqualTo(expected.Length), what);
        double scale = expected.Where(double.IsFinite).Select(Math.Abs).DefaultIfEmpty().Max();
        for (int i = 0; i < values.Length; i++)
        {
            bool isSame = double.IsFinite(expected[i]) ? Math.Abs(values[i] - expected[i]) <= 2e-5 * scale : values[i].Equals(expected[i]);
            if (!isSame)
            {
                Assert.Fail($"{what}, element {i} of {values.Length}: {values[i]:R}, here {expected[i]:R}");
                return;
            }
        }
    }

    private static double[][] Values(Tensor[] results) => [.. results.Select(r => r.Doubles())];

    private static string[] Run(string program, string argument, string variables)
    {
        string own = typeof(PortabilityTests).Assembly.GetName().Name + (OperatingSystem.IsWindows() ? ".exe" : "");
        if (argument == "" && Path.GetFileName(program) != own)
        {
            Assert.Ignore("The tests do not run in a process of their own program.");
        }

        var start = new ProcessStartInfo(program, argument) { RedirectStandardOutput = true };
        start.Environment["DOTNET_STARTUP_HOOKS"] = argument == "" ? typeof(PortabilityTests).Assembly.Location : argument + ".dll";
        start.Environment["DOTNET_TieredPGO"] = "0"; // The child is short.
        foreach (string setting in variables.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] parts = setting.Split('=');
            start.Environment["DOTNET_" + parts[0]] = parts[1];
        }

        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(TimeSpan.FromMinutes(argument == "" ? 1 : 5)))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {argument} with {variables} has not ended in time.");
        }

        string text = output.Result;
        Assert.That(process.ExitCode, Is.Zero, text);
        return text.ReplaceLineEndings("\n").Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
