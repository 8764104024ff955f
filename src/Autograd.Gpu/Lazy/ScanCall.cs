using Autograd.Gpu.Devices.Host;
using Autograd.Gpu.Devices.Kernels;
using Autograd.Gpu.Kernels.Fused;
using Autograd.Gpu.Kernels.Indexing;

namespace Autograd.Gpu.Lazy;

/// <summary>What runs along a line.</summary>
internal enum ScanKind
{
    Sum,
    Product,

    /// <summary>The position of the last largest element so far, as int64.</summary>
    ArgMax,

    /// <summary>The position of the last smallest element so far, as int64.</summary>
    ArgMin,

    /// <summary>log(sum(exp(x))).</summary>
    LogSumExp,

    /// <summary>h[k] = a[k] h[k - 1] + b[k], of two operands.</summary>
    Recurrence,
}

/// <summary>A running reduction along lines of [outer, length, inner] contiguous elements of int32, int64, float32 or float64.</summary>
internal readonly unsafe struct ScanCall(
    ScanKind kind, BufferExpression first, BufferExpression? second, BufferExpression result, long outer, long length, long inner, bool reverse) : IKernelCall
{
    /// <summary>Elements that a device thread takes, at least.</summary>
    private const long MinChunk = 32;

    public string Name => $"Scan {kind}";

    public long Bytes => KernelBytes.Of(first) + (second is null ? 0 : KernelBytes.Of(second)) + KernelBytes.Of(result);

    public void OnHost() => Dispatch(null);

    public void OnDevice(Device device) => Dispatch(device);

    private void Dispatch(Device? device)
    {
        switch (kind, first.DType)
        {
            case (ScanKind.Sum, DType.Int64):
                Run<long, long, long, SumScan<long>>(device);
                break;
            case (ScanKind.Sum, DType.Float32):
                Run<float, double, float, FloatSumScan>(device);
                break;
            case (ScanKind.Sum, DType.Float64):
                Run<double, double, double, SumScan<double>>(device);
                break;
            case (ScanKind.Product, DType.Int64):
                Run<long, long, long, ProductScan<long>>(device);
                break;
            case (ScanKind.Product, DType.Float32):
                Run<float, double, float, FloatProductScan>(device);
                break;
            case (ScanKind.Product, DType.Float64):
                Run<double, double, double, ProductScan<double>>(device);
                break;
            case (ScanKind.ArgMax, DType.Int32):
                Run<int, Positioned<int>, long, ArgMaxScan<int, Int32Range>>(device);
                break;
            case (ScanKind.ArgMax, DType.Int64):
                Run<long, Positioned<long>, long, ArgMaxScan<long, Int64Range>>(device);
                break;
            case (ScanKind.ArgMax, DType.Float32):
                Run<float, Positioned<float>, long, ArgMaxScan<float, Float32Range>>(device);
                break;
            case (ScanKind.ArgMax, DType.Float64):
                Run<double, Positioned<double>, long, ArgMaxScan<double, Float64Range>>(device);
                break;
            case (ScanKind.ArgMin, DType.Int32):
                Run<int, Positioned<int>, long, ArgMinScan<int, Int32Range>>(device);
                break;
            case (ScanKind.ArgMin, DType.Int64):
                Run<long, Positioned<long>, long, ArgMinScan<long, Int64Range>>(device);
                break;
            case (ScanKind.ArgMin, DType.Float32):
                Run<float, Positioned<float>, long, ArgMinScan<float, Float32Range>>(device);
                break;
            case (ScanKind.ArgMin, DType.Float64):
                Run<double, Positioned<double>, long, ArgMinScan<double, Float64Range>>(device);
                break;
            case (ScanKind.LogSumExp, DType.Float32):
                Run<float, ExponentialSum, float, FloatLogSumExpScan>(device);
                break;
            case (ScanKind.LogSumExp, DType.Float64):
                Run<double, ExponentialSum, double, DoubleLogSumExpScan>(device);
                break;
            case (ScanKind.Recurrence, DType.Float32):
                Run<float, AffineStep, float, FloatRecurrenceScan>(device);
                break;
            case (ScanKind.Recurrence, DType.Float64):
                Run<double, AffineStep, double, DoubleRecurrenceScan>(device);
                break;
            default:
                throw new DTypeException($"{Name}: not implemented for {first.DType.Name()}. Convert with To(DType.Float32).");
        }

        GC.KeepAlive(first);
        GC.KeepAlive(second);
        GC.KeepAlive(result);
    }

    private void Run<T, TState, TResult, TScan>(Device? device)
        where T : unmanaged
        where TState : unmanaged
        where TResult : unmanaged
        where TScan : struct, IScan<T, TState, TResult>
    {
        var (left, right) = (Operand(first), Operand(second ?? first));
        if (device is null)
        {
            // Not products: that of a part may overflow where the running one is 0.
            bool cuts = kind is not (ScanKind.Product or ScanKind.Recurrence);
            long parts = cuts ? HostScan.Parts(outer, length, inner) : 0;
            var states = parts > 0 ? result.Block.Device.Allocate(parts * sizeof(TState)) : null;
            HostScan.Run<T, TState, TResult, TScan>(
                (T*)left.Pointer, (T*)right.Pointer, (TResult*)result.Block.Pointer, outer, length, inner, reverse, (TState*)(states?.Pointer ?? 0));
            states?.Release();
            return;
        }

        // Few long lines are cut up: a square root of chunks has the least work in a row.
        long chunk = outer * inner >= 4096 ? length : Math.Max(MinChunk, (long)Math.Sqrt(length));
        long chunks = (length + chunk - 1) / chunk;
        var totals = chunks > 1 ? device.Allocate(outer * chunks * inner * sizeof(TState)) : null;
        var arguments = new ScanArguments<T, TState, TResult>
        {
            First = left.View.Cast<T>(),
            Second = right.View.Cast<T>(),
            Result = result.Block.View.Cast<TResult>(),
            Totals = (totals ?? result.Block).View.Cast<TState>(),
            Length = length,
            Inner = inner,
            Chunks = chunks,
            ChunkLength = chunk,
            Reverse = reverse ? 1 : 0,
        };
        if (totals is not null)
        {
            KernelLauncher.Launch(device, Name, ScanKernels.Totals<T, TState, TResult, TScan>, outer * chunks * inner, arguments);
            KernelLauncher.Launch(device, Name, ScanKernels.Prefixes<T, TState, TResult, TScan>, outer * inner, arguments);
        }

        KernelLauncher.Launch(device, Name, ScanKernels.Scan<T, TState, TResult, TScan>, outer * chunks * inner, arguments);

        // What is on the stream comes before whatever the memory is used for next.
        totals?.Release();
    }

    private static LineOperand Operand(BufferExpression buffer) => new(buffer, default);
}
