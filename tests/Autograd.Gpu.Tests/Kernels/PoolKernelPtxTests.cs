using System.Reflection;
using Autograd.Gpu.Kernels.Pooling;
using Autograd.Gpu.Tests.Support;

namespace Autograd.Gpu.Tests.Kernels;

/// <summary>Compiles the pooling kernels to PTX, which needs no GPU. None of them may use an atomic or an approximation.</summary>
public sealed class PoolKernelPtxTests
{
    private static IEnumerable<TestCaseData> Kernels() =>
        from kernel in new (Type Owner, string Name, Type[][] Types)[]
        {
            (typeof(MaxPoolKernels), nameof(MaxPoolKernels.Max), [[typeof(float)], [typeof(double)], [typeof(int)], [typeof(long)]]),
            (typeof(MaxPoolKernels), nameof(MaxPoolKernels.Spread), [[typeof(float)], [typeof(double)], [typeof(int)], [typeof(long)]]),
            (typeof(BandKernels), nameof(BandKernels.Apply), [[typeof(float)], [typeof(double)]]),
            (typeof(MomentKernels), nameof(MomentKernels.Sums), [[typeof(float), typeof(SingleWidth)], [typeof(double), typeof(DoubleWidth)]]),
            (typeof(MomentKernels), nameof(MomentKernels.Moments), [[typeof(float), typeof(SingleWidth)], [typeof(double), typeof(DoubleWidth)]]),
        }
        from types in kernel.Types
        select new TestCaseData(kernel.Owner.GetMethod(kernel.Name)!.MakeGenericMethod(types)).SetArgDisplayNames($"{kernel.Name} {types[0].Name}");

    [TestCaseSource(nameof(Kernels))]
    public void CompilesForNvidia(MethodInfo kernel)
    {
        foreach (int major in new[] { 8, 9 })
        {
            string ptx = PtxCompiler.Compile(kernel, major, 0);
            Assert.That(ptx, Does.Contain(".entry"));
            Assert.That(ptx, Does.Not.Contain("atom.").And.Not.Contain("red.global").And.Not.Contain(".approx"));
        }
    }
}
