using Autograd.Gpu.Tests.Support;

namespace Autograd.Gpu.Tests.Kernels;

/// <summary>No kernel is left out of the tests that compile kernels to PTX.</summary>
internal sealed class HandWrittenKernelTests
{
    [Test]
    public void EveryKernelIsCompiledToPtxByATest()
    {
        Assert.That(HandWrittenKernels.All, Has.Count.GreaterThan(30));
        var listed = HandWrittenKernels.Listed.Select(HandWrittenKernels.Definition).ToHashSet();
        Assert.That(
            HandWrittenKernels.All.Where(k => !listed.Contains(k)).Select(HandWrittenKernels.Name), Is.Empty,
            "in no test's Kernels(): add them to one of those that compile kernels for sm_80 and sm_90");
    }

    [Test]
    public void WhatTheLibraryLaunchesIsOnTheList()
    {
        // A kernel is named by the code that launches it, as a delegate: also one in a class that is not called after kernels.
        var launched = typeof(Tensor).Assembly.GetTypes()
            .Where(type => type.GetMethods(HandWrittenKernels.Everything).Any(m => m.Name == "OnDevice") || type.Namespace == "Autograd.Gpu.Devices.Kernels")
            .SelectMany(type => type.GetMethods(HandWrittenKernels.Everything))
            .SelectMany(CallGraph.Members).OfType<System.Reflection.MethodInfo>().Where(m => m.DeclaringType!.Assembly == typeof(Autograd.Gpu.Kernels.MatMulKernels).Assembly && m.ReturnType == typeof(void) && m.IsStatic)
            .Select(HandWrittenKernels.Definition).ToHashSet();
        Assert.That(launched, Is.EquivalentTo(HandWrittenKernels.All), "kernels that are not launched, or methods that are launched and stand in no class of kernels");
    }
}
