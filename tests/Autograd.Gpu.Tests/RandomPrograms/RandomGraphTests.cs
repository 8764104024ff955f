using Autograd.Gpu.Diagnostics;

namespace Autograd.Gpu.Tests;

/// <summary>
/// Random programs over the whole set of operations give the same values and gradients fused, unfused and by the ILGPU kernels. The unfused run on the
/// host is what the others are compared with. There a program costs a fraction of a millisecond; on the kernel accelerator single
/// operations are few kernels and compiled once, while each fused kernel is compiled anew, so that fused runs there are a sample. A run of the tests takes every
/// fourth program to the kernels, a run with laziness off the other three and leaves out what the first has done.
/// </summary>
internal sealed class RandomGraphTests
{
    private const int Programs = 2000;
    private const int Part = 250;
    private const int FusedKernelRuns = 40;

    /// <summary>The variable that names one seed for <see cref="TheProgramOfOneSeed"/>.</summary>
    private const string SeedVariable = "AUTOGRAD_PROGRAM_SEED";

    private static bool IsFirstRun { get; } = Execution.IsLazy;

    private static IEnumerable<int> Parts => Enumerable.Range(0, Programs / Part).Select(i => i * Part);

    [TestCaseSource(nameof(Parts))]
    public void ProgramsComputeTheSameFusedUnfusedAndByKernels(int first)
    {
        for (int seed = first; seed < first + Part; seed++)
        {
            Check(seed, IsFirstRun ? (seed % 4 == 0 ? [(Device.Cpu, true), (Device.CpuKernels, false)] : [(Device.Cpu, true)]) : seed % 4 == 0 ? [] : [(Device.CpuKernels, false)]);
        }
    }

    [Test]
    [Category(Laziness.Both)]
    public void FusedKernelsComputeWhatTheHostDoes([Range(0, FusedKernelRuns - 1, 10)] int first)
    {
        for (int seed = first; seed < first + 10; seed++)
        {
            Check(seed, (Device.CpuKernels, true));
        }
    }

    [Test]
    [Category(Laziness.Both)]
    public void ProgramsHaveFiveToFortyOperationsOfEveryKind()
    {
        var programs = Enumerable.Range(0, 200).Select(ProgramWriter.Write).ToArray();
        Assert.That(programs.Select(p => p.Operations), Is.All.InRange(5, 41));
        var errors = programs.Count(p => ProgramRun.Of(p, Device.Cpu, lazy: false, secondOrder: false, sinksOnly: true).Error is not null);
        Assert.That(errors, Is.LessThan(10), "programs whose backward pass finds a value overwritten");
        string text = string.Join('\n', programs.AsEnumerable());
        foreach (string word in new[] { ".MatMul(", ".Softmax(", ".Gather(", ".Sum(", ".CumSum(", ".Transpose(", ".Expand(", "Tensor.Where(", "Tensor.Cat(", "_(", ".Sort(", ".Scatter" })
        {
            Assert.That(text, Does.Contain(word));
        }
    }

    [Test]
    public void AFailingProgramIsShrunkToTheLinesThatMatter()
    {
        // A program that "fails" as long as it has a line that multiplies matrices keeps that line and its arguments alone.
        var program = Enumerable.Range(0, 200).Select(ProgramWriter.Write).First(p => p.Operations > 20 && p.ToString().Contains(".MatMul("));
        var shrunk = Shrink(program, p => p.ToString().Contains(".MatMul(") ? "fails" : null);
        int[] needed = [.. shrunk.Steps.SelectMany(s => s.Inputs).Distinct()];
        Assert.That(shrunk.Steps[^1].Text, Does.Contain(".MatMul("));
        Assert.That(needed, Has.Length.EqualTo(shrunk.Steps.Count - 1));
    }

    [Test, Explicit("takes its seed from AUTOGRAD_PROGRAM_SEED")]
    public void TheProgramOfOneSeed()
    {
        int seed = int.Parse(Environment.GetEnvironmentVariable(SeedVariable) ?? throw new AssertionException($"set {SeedVariable}"));
        TestContext.Out.WriteLine(ProgramWriter.Write(seed));
        Check(seed, [.. from device in TestDevices.All from lazy in new[] { true, false } select (device, lazy)]);
    }

    private static void Check(int seed, params (Device Device, bool IsLazy)[] modes)
    {
        var program = ProgramWriter.Write(seed);
        var expected = Expected(program);
        foreach (var (device, lazy) in modes)
        {
            if (Failure(program, expected, device, lazy) is not { } failure)
            {
                continue;
            }

            var shrunk = Shrink(program, p => Failure(p, Expected(p), device, lazy));
            Assert.Fail(
                $"Program {seed} on {device}, {TestDevices.ModeName(lazy)}: {failure}.\nTo run it alone: {SeedVariable}={seed}, --filter TheProgramOfOneSeed."
                + $"\nWithout what does not matter ({Failure(shrunk, Expected(shrunk), device, lazy)}):\n{shrunk}\n\nIn full:\n{program}");
        }
    }

    private static ProgramRun Expected(RandomProgram program) => ProgramRun.Of(program, Device.Cpu, lazy: false, HasSecondOrder(program), sinksOnly: false);

    private static bool HasSecondOrder(RandomProgram program) => program.Seed % 8 == 0;

    private static string? Failure(RandomProgram program, ProgramRun expected, Device device, bool lazy)
    {
        try
        {
            var run = ProgramRun.Of(program, device, lazy, HasSecondOrder(program) && device.IsHost, sinksOnly: !device.IsHost);
            return expected.Difference(run, program.Tolerance);
        }
        catch (AutogradException e)
        {
            return $"{e.GetType().Name}: {e.Message}";
        }
    }

    /// <summary>Takes lines away, with all that depends on them, as long as the rest still fails.</summary>
    private static RandomProgram Shrink(RandomProgram program, Func<RandomProgram, string?> failure)
    {
        for (int line = program.Steps.Count - 1; line >= 0; line = Math.Min(line, program.Steps.Count) - 1)
        {
            var smaller = program.Without(line);
            try
            {
                program = smaller.Steps.Count > 0 && failure(smaller) is not null ? smaller : program;
            }
            catch (AutogradException)
            {
                // Not a program any more: a size that depends on data has changed.
            }
        }

        return program;
    }
}
