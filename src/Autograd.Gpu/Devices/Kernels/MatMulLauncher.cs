using System.Numerics;
using System.Runtime.CompilerServices;
using Autograd.Gpu.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace Autograd.Gpu.Devices.Kernels;

/// <summary>Launches <see cref="MatMulKernels"/>. Kernels are compiled once for an accelerator and live as long as it does.</summary>
internal static class MatMulLauncher
{
    // More groups than this bring nothing: each takes several tiles.
    private const int MaxGroups = 1 << 20;

    /// <summary>
    /// Enqueues c = alpha * a b, or c += alpha * a b, for each matrix of the batch. Each view starts at element 0 of its operand; strides
    /// count elements of <typeparamref name="T"/>, 0 broadcasts. With an extent 0 there is nothing to do, except that k = 0 makes zeros.
    /// </summary>
    /// <exception cref="NotSupportedException">
    /// <typeparamref name="T"/> is neither float nor double, or the accelerator's groups have fewer than 16 threads.
    /// </exception>
    public static void Launch<T>(
        Accelerator accelerator, AcceleratorStream stream,
        ArrayView<byte> a, ArrayView<byte> b, ArrayView<byte> c, in MatMulArguments<T> arguments)
        where T : unmanaged, INumberBase<T>
    {
        if (typeof(T) != typeof(float) && typeof(T) != typeof(double))
            throw new NotSupportedException($"[MatMulLauncher] {typeof(T)} is not supported; convert to float or double.");
        if (arguments.Batch == 0 || arguments.M == 0 || arguments.N == 0) return;
        Loaded<T> kernels = Loaded<T>.On(accelerator);
        int side = kernels.Side;
        long large = Tiles(arguments, side * MatMulKernels.LargeTile);
        bool useLarge = large >= accelerator.NumMultiprocessors;
        long tiles = useLarge ? large : Tiles(arguments, side * MatMulKernels.SmallTile);
        var config = new KernelConfig(new Index3D((int)Math.Min(tiles, MaxGroups), 1, 1), new Index3D(side, side, 1));
        (useLarge ? kernels.Large : kernels.Small)(stream, config, a.Cast<T>(), b.Cast<T>(), c.Cast<T>(), arguments);
    }

    private static long Tiles<T>(in MatMulArguments<T> x, int side) where T : unmanaged =>
        x.Batch * ((x.M + side - 1) / side) * ((x.N + side - 1) / side);

    private delegate void Kernel<T>(
        AcceleratorStream stream, KernelConfig config, ArrayView<T> a, ArrayView<T> b, ArrayView<T> c, MatMulArguments<T> arguments)
        where T : unmanaged;

    private sealed class Loaded<T> where T : unmanaged, INumberBase<T>
    {
        private static readonly ConditionalWeakTable<Accelerator, Loaded<T>> PerAccelerator = [];

        public readonly int Side;
        private readonly Accelerator _accelerator;
        private readonly Lock _lock = new();
        private Kernel<T>? _large;
        private Kernel<T>? _small;

        private Loaded(Accelerator accelerator)
        {
            int threads = accelerator.MaxNumThreadsPerGroup;
            if (threads < Side4.Value * Side4.Value)
            {
                throw new NotSupportedException(
                    $"[MatMulLauncher] {accelerator.Name} has groups of {threads} threads; the kernel needs {Side4.Value * Side4.Value}.");
            }

            _accelerator = accelerator;
            Side = threads >= Side16.Value * Side16.Value ? Side16.Value : Side4.Value;
        }

        public Kernel<T> Large => Volatile.Read(ref _large)
            ?? Load(ref _large, Side == Side16.Value ? MatMulKernels.Large<T, Side16> : MatMulKernels.Large<T, Side4>);

        public Kernel<T> Small => Volatile.Read(ref _small)
            ?? Load(ref _small, Side == Side16.Value ? MatMulKernels.Small<T, Side16> : MatMulKernels.Small<T, Side4>);

        public static Loaded<T> On(Accelerator accelerator) =>
            PerAccelerator.TryGetValue(accelerator, out Loaded<T>? kernels)
                ? kernels
                : PerAccelerator.GetValue(accelerator, static x => new Loaded<T>(x));

        private Kernel<T> Load(ref Kernel<T>? field, Action<ArrayView<T>, ArrayView<T>, ArrayView<T>, MatMulArguments<T>> kernel)
        {
            lock (_lock)
            {
                KernelLauncher.ReportLoading(kernel);
                return field ??= _accelerator.LoadKernel(kernel).Invoke;
            }
        }
    }
}
