namespace Autograd.Gpu.Tests;

public sealed class EmptyLikeTests
{
    [Test]
    public void ShapeDTypeAndDeviceAreThoseOfTheOtherUnlessNamed()
    {
        var other = Tensor.Ones([2, 3], DType.Float64, Device.CpuKernels).RequiresGrad_();
        var empty = Tensor.EmptyLike(other);
        Assert.That((empty.Shape, empty.DType, empty.Device, empty.RequiresGrad), Is.EqualTo((other.Shape, DType.Float64, Device.CpuKernels, false)));
        var named = Tensor.EmptyLike(other, DType.Int32, Device.Cpu);
        Assert.That((named.DType, named.Device), Is.EqualTo((DType.Int32, Device.Cpu)));
        Assert.That(named.Fill_(7).ToArray<int>(), Is.All.EqualTo(7), "memory of its own to write to");
    }
}
