using System.Reflection;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Tests.Support;

namespace Autograd.Gpu.Tests.Kernels;

/// <summary>Compiles the kernels of attention to PTX, which needs no GPU: no atomics, no approximations, shared memory within what every GPU has.</summary>
public sealed class AttentionKernelPtxTests
{
    private static IEnumerable<TestCaseData> Kernels()
    {
        foreach (var (type, math) in new[] { (typeof(float), typeof(AttentionSingle)), (typeof(double), typeof(AttentionDouble)) })
        {
            var forward = typeof(AttentionKernels).GetMethod(nameof(AttentionKernels.Forward))!.MakeGenericMethod(type, typeof(Side16), math);
            yield return new TestCaseData(forward).SetArgDisplayNames($"Forward {type.Name}");
            foreach (var gradient in new[] { typeof(QueryGradient), typeof(KeyGradient), typeof(ValueGradient) })
            {
                var method = typeof(AttentionKernels).GetMethod(nameof(AttentionKernels.Gradient))!.MakeGenericMethod(type, typeof(Side16), math, gradient);
                yield return new TestCaseData(method).SetArgDisplayNames($"{gradient.Name} {type.Name}");
            }
        }
    }

    [TestCaseSource(nameof(Kernels))]
    public void CompilesForNvidia(MethodInfo kernel)
    {
        foreach (int major in new[] { 8, 9 })
        {
            string ptx = PtxCompiler.Compile(kernel, major, 0);
            Assert.That(ptx, Does.Contain(".entry").And.Contain("bar.sync"));
            Assert.That(ptx, Does.Not.Contain("atom.").And.Not.Contain("red.global").And.Not.Contain(".approx"));
        }
    }
}
