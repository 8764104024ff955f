using Autograd.Gpu.Devices;
using ILGPU;
using ILGPU.Runtime;

namespace Autograd.Gpu.Tests.Devices;

public class DeviceTests
{
    [Test]
    public void ThereIsOneInstanceForEachDevice()
    {
        Assert.That(Device.Parse("cpu"), Is.SameAs(Device.Cpu));
        Assert.That(Device.Parse(" CPU "), Is.SameAs(Device.Cpu));
        Assert.That(Device.Parse("cpu-kernels"), Is.SameAs(Device.CpuKernels));
        Assert.That(Device.Parse("best"), Is.SameAs(Device.Best()));
        Assert.That(Device.CpuKernels, Is.Not.SameAs(Device.Cpu));
    }

    [Test]
    public void NamesAreReadBack()
    {
        foreach (var device in new[] { Device.Cpu, Device.CpuKernels, Device.Best() })
            Assert.That(Device.Parse(device.ToString()), Is.SameAs(device));
        Assert.That(Device.Cpu.ToString(), Is.EqualTo("cpu"));
        Assert.That(Device.CpuKernels.ToString(), Is.EqualTo("cpu-kernels"));
        Assert.That((Device.Cpu.Kind, Device.Cpu.Index, Device.Cpu.IsHost, Device.Cpu.HasHostMemory), Is.EqualTo((DeviceKind.Cpu, 0, true, true)));
        Assert.That((Device.CpuKernels.Kind, Device.CpuKernels.IsHost, Device.CpuKernels.HasHostMemory), Is.EqualTo((DeviceKind.CpuKernels, false, true)));
        Assert.That(Device.Cpu.Name, Does.Contain("CPU").And.Contain("SIMD"));
    }

    [TestCase("")]
    [TestCase("gpu")]
    [TestCase("cuda:")]
    [TestCase("cuda:-1")]
    [TestCase("cuda:one")]
    [TestCase("cuda:99999999999")]
    [TestCase("cpu:0")]
    public void ABadNameIsToldWhatIsExpected(string name)
    {
        var failure = Assert.Throws<ArgumentException>(() => Device.Parse(name));
        Assert.That(failure!.Message, Does.Contain($"'{name}'").And.Contain("cpu-kernels").And.Contain("cuda:N"));
    }

    [Test]
    public void CudaSaysWhatItIsOrWhyItIsNotThere()
    {
        Assert.That(Device.CudaStatus, Is.EqualTo(Device.CudaStatus), "probed once");
        if (Device.IsCudaAvailable)
        {
            Assert.That(Device.CudaCount, Is.GreaterThan(0));
            Assert.That(Device.CudaStatus, Does.Contain("compute capability").And.Contain("driver").And.Contain(Device.Cuda().Name));
            Assert.That(Device.Best(), Is.SameAs(Device.Cuda()));
            Assert.That(Device.Cuda().ToString(), Is.EqualTo("cuda:0"));
        }
        else
        {
            Assert.That(Device.CudaStatus, Does.StartWith("CUDA is not available: ").And.Match("probed|driver"));
            var failure = Assert.Throws<DeviceNotAvailableException>(() => Device.Cuda());
            Assert.That(failure, Is.InstanceOf<AutogradException>());
            Assert.That(failure!.Message, Does.Contain(Device.CudaStatus).And.Contain("Device.Cpu works"));
            Assert.Throws<DeviceNotAvailableException>(() => Device.Parse("cuda:1"));
            Assert.That(Device.Best(), Is.SameAs(Device.Cpu));
        }

        Assert.Throws<DeviceNotAvailableException>(() => Device.Cuda(1000));
        Assert.Throws<ArgumentOutOfRangeException>(() => Device.Cuda(-1));
    }

    [Test]
    public void TheDefaultStartsAsTheBestAndCanBeSet()
    {
        var start = Device.Default;
        try
        {
            Device.Default = Device.CpuKernels;
            Assert.That(Device.Default, Is.SameAs(Device.CpuKernels));
            Assert.Throws<ArgumentNullException>(() => Device.Default = null!);
        }
        finally
        {
            Device.Default = start;
        }
    }

    [Test]
    public void GroupsOf16WithSharedMemoryRunOnCpuKernels()
    {
        var device = Device.CpuKernels;
        var block = device.Allocate(2 * sizeof(float));
        var kernel = device.Accelerator.LoadKernel<ArrayView<float>>(SumOfLanes);
        kernel(device.Stream, new KernelConfig(2, 16), block.View.Cast<float>());
        device.Synchronize();
        Assert.That(Read(block), Is.EqualTo(new[] { 120f, 120f + 16 }));
        block.Release();
    }

    [TestCaseSource(nameof(Pairs))]
    public void BytesTravelBetweenDevices(Device from, Device to)
    {
        var bytes = Enumerable.Range(0, 1000).Select(i => (byte)(i * 7)).ToArray();
        var source = from.Allocate(1000);
        var target = to.Allocate(1000);
        source.CopyFrom(bytes);
        target.CopyFrom(new byte[1000]);
        target.CopyFrom(source, 100, 50, 800);
        target.CopyFrom([42], 999);
        var read = new byte[1000];
        target.CopyTo(read);
        var expected = new byte[1000];
        bytes.AsSpan(100, 800).CopyTo(expected.AsSpan(50));
        expected[999] = 42;
        Assert.That(read, Is.EqualTo(expected));

        source.CopyFrom(source, 0, 3, 900);
        var overlapped = new byte[900];
        source.CopyTo(overlapped, 3);
        Assert.That(overlapped, Is.EqualTo(bytes[..900]), "ranges of one block may overlap");
        target.CopyFrom(source, 1000, 1000, 0);
        source.Release();
        target.Release();
    }

    [Test]
    public void CopiesOutsideABlockAreRefused()
    {
        var block = Device.Cpu.Allocate(100);
        var other = Device.CpuKernels.Allocate(50);
        var failure = Assert.Throws<ArgumentOutOfRangeException>(() => block.CopyFrom(new byte[10], 91));
        Assert.That(failure!.Message, Does.Contain("10 bytes at offset 91").And.Contain("100 bytes on cpu"));
        Assert.Throws<ArgumentOutOfRangeException>(() => block.CopyTo(new byte[101]));
        Assert.Throws<ArgumentOutOfRangeException>(() => block.CopyTo(new byte[1], -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => block.CopyFrom(other, 0, 0, 51));
        Assert.Throws<ArgumentOutOfRangeException>(() => block.CopyFrom(other, long.MaxValue, 0, 1));
        block.Release();
        other.Release();
    }

    private static IEnumerable<TestCaseData> Pairs()
    {
        var devices = new List<Device> { Device.Cpu, Device.CpuKernels };
        for (var i = 0; i < Device.CudaCount && Device.IsCudaAvailable; i++)
            devices.Add(Device.Cuda(i));
        return from a in devices from b in devices select new TestCaseData(a, b).SetArgDisplayNames(a.ToString(), b.ToString());
    }

    private static float[] Read(Block block)
    {
        var values = new float[block.Bytes / sizeof(float)];
        block.CopyTo(System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    private static void SumOfLanes(ArrayView<float> sums)
    {
        var shared = SharedMemory.Allocate<float>(16);
        var lane = Group.IdxX;
        shared[lane] = lane + Grid.IdxX;
        for (var step = 8; step > 0; step /= 2)
        {
            Group.Barrier();
            if (lane < step)
                shared[lane] += shared[lane + step];
        }

        if (lane == 0)
            sums[Grid.IdxX] = shared[0];
    }
}
