using System.Reflection;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Kernels.Recurrent;
using Autograd.Gpu.Tests.Support;
using ILGPU;

namespace Autograd.Gpu.Tests.Kernels;

/// <summary>Compiles the kernels of recurrent layers and of connectionist temporal classification to PTX, which needs no GPU.</summary>
public sealed class RecurrentKernelPtxTests
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

    private static IEnumerable<TestCaseData> Kernels()
    {
        foreach (var (type, math) in new[] { (typeof(float), typeof(SingleMath)), (typeof(double), typeof(DoubleMath)) })
        {
            foreach (var cell in new[] { typeof(TanhCell<,>), typeof(ReluCell<,>), typeof(LstmCell<,>), typeof(GruCell<,>) })
            {
                foreach (string name in new[] { nameof(RecurrentKernels.Step), nameof(RecurrentKernels.Back) })
                {
                    yield return new TestCaseData(typeof(RecurrentKernels).GetMethod(name)!.MakeGenericMethod(type, cell.MakeGenericType(type, math)))
                        .SetArgDisplayNames($"{name} {cell.Name[..4]} {type.Name}");
                }
            }
        }

        foreach (string name in new[] { nameof(CtcKernels.Forward), nameof(CtcKernels.Loss), nameof(CtcKernels.Back) })
        {
            yield return new TestCaseData(typeof(CtcKernels).GetMethod(name)!).SetArgDisplayNames($"Ctc {name}");
        }
    }

    [TestCaseSource(nameof(Kernels))]
    public void CompilesForNvidia(MethodInfo kernel)
    {
        foreach (int major in new[] { 8, 9 })
        {
            string ptx = PtxCompiler.Compile(_context, kernel, major, 0);
            Assert.That(ptx, Does.Contain(".entry"));
            Assert.That(ptx, Does.Not.Contain("atom.").And.Not.Contain("red.global").And.Not.Contain(".approx"));
        }
    }
}
