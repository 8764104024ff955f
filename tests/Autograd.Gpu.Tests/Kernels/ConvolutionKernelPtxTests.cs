using System.Reflection;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Kernels.Convolution;
using Autograd.Gpu.Tests.Support;

namespace Autograd.Gpu.Tests.Kernels;

/// <summary>Compiles the kernels of convolutions and patches to PTX, which needs no GPU. None of them may use an atomic or an approximation.</summary>
public sealed class ConvolutionKernelPtxTests
{
    private static IEnumerable<TestCaseData> Kernels()
    {
        foreach (var type in new[] { typeof(float), typeof(double) })
        {
            foreach (var (left, right) in new[]
            {
                (typeof(WeightByOutput), typeof(InputByPlace)), (typeof(WeightByInput), typeof(OutputByPlace)), (typeof(OutputByChannel), typeof(InputByTap)),
            })
            {
                var product = typeof(ConvolutionKernels).GetMethod(nameof(ConvolutionKernels.Product))!.MakeGenericMethod(type, typeof(Side16), left, right);
                yield return new TestCaseData(product, true).SetArgDisplayNames($"Product {type.Name} {left.Name} {right.Name}");
            }

            foreach (var kernel in new[]
            {
                typeof(ConvolutionKernels).GetMethod(nameof(ConvolutionKernels.AddSplits))!, typeof(PatchKernels).GetMethod(nameof(PatchKernels.Unfold))!,
                typeof(PatchKernels).GetMethod(nameof(PatchKernels.Fold))!,
            })
            {
                yield return new TestCaseData(kernel.MakeGenericMethod(type), false).SetArgDisplayNames($"{kernel.Name} {type.Name}");
            }
        }
    }

    [TestCaseSource(nameof(Kernels))]
    public void CompilesForNvidia(MethodInfo kernel, bool isTiled)
    {
        foreach (int major in new[] { 8, 9 })
        {
            string ptx = PtxCompiler.Compile(kernel, major, 0);
            Assert.That(ptx, Does.Contain(".entry"));
            Assert.That(ptx, Does.Not.Contain("atom.").And.Not.Contain("red.global").And.Not.Contain(".approx"));
            if (isTiled)
            {
                Assert.That(ptx, Does.Contain("bar.sync"));
                Assert.That(ptx, Does.Not.Contain(".local"), "register tiles must not lie in memory");
            }
        }
    }
}
