using Autograd.Gpu.Tests.Support;

namespace Autograd.Gpu.Tests.Wrapup;

/// <summary>
/// A GPU compiles what CpuKernels ran: all kernels that the tests before this one had generated. NUnit runs namespaces by name, so that this one is last.
/// </summary>
[Category("Ptx")]
public class EveryKernelTests
{
    [TestCase(8, 0)]
    [TestCase(9, 0)]
    public void CompilesToPtx(int smMajor, int smMinor)
    {
        if (EveryKernel.Count == 0)
        {
            Assert.Ignore("Only the whole suite generates the kernels that this test compiles.");
        }

        TestContext.Progress.WriteLine($"{EveryKernel.Count} kernels");
        Assert.That(EveryKernel.CompileAll(smMajor, smMinor), Is.Empty);
    }

    [Test]
    public void KernelsWrittenByHandAreCompiledByTheirTests()
    {
        var listed = HandWrittenKernels.Listed.ToHashSet();
        Assert.That(
            EveryKernel.Launched.Select(HandWrittenKernels.OnGpu).Where(k => !listed.Contains(k)).Select(HandWrittenKernels.Name).Distinct(), Is.Empty,
            "launched with type arguments of which no test compiles them to PTX");
    }

    [Test]
    public void ReadsAndWritesAsCompiledInAContextOfItsOwn()
    {
        foreach (var (operations, shared, fresh) in EveryKernel.Samples(step: 300, 8, 0))
        {
            Assert.That(shared, Has.Length.GreaterThan(1), operations);
            Assert.That(shared, Is.EqualTo(fresh), operations);
        }
    }
}
