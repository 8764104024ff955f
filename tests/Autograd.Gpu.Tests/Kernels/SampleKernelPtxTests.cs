using System.Reflection;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Kernels.Sampling;
using Autograd.Gpu.Tests.Support;
using ILGPU;

namespace Autograd.Gpu.Tests.Kernels;

/// <summary>Compiles the kernels that draw samples to PTX, which needs no GPU. None of them may use an approximation: candidates are accepted or not by the last bit.</summary>
public sealed class SampleKernelPtxTests
{
    private Context _context = null!;

    [OneTimeSetUp]
    public void SetUp()
    {
        _context = Context.Create(builder => builder.Default().EnableAlgorithms().Optimize(OptimizationLevel.O2));
        DeviceMath.Register(_context);
    }

    [OneTimeTearDown]
    public void TearDown() => _context.Dispose();

    private static IEnumerable<TestCaseData> Kernels() =>
        from sampler in new[] { typeof(GammaSampler), typeof(GammaDerivative), typeof(PoissonSampler), typeof(BinomialSampler) }
        select new TestCaseData(typeof(SampleKernels).GetMethod(nameof(SampleKernels.Sample))!.MakeGenericMethod(sampler)).SetArgDisplayNames(sampler.Name);

    [TestCaseSource(nameof(Kernels))]
    public void CompilesForNvidia(MethodInfo kernel)
    {
        foreach (int major in new[] { 8, 9 })
        {
            string ptx = PtxCompiler.Compile(_context, kernel, major, 0);
            Assert.That(ptx, Does.Contain(".entry"));
            Assert.That(ptx, Does.Not.Contain("atom.").And.Not.Contain(".approx"));
        }
    }
}
