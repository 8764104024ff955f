using System.Numerics;
using Autograd.Gpu.Devices.Host;
using Autograd.Gpu.Devices.Kernels;
using Autograd.Gpu.Kernels.Indexing;

namespace Autograd.Gpu.Lazy;

/// <summary>What a scatter makes of the element that is there and the one that comes.</summary>
internal enum Combination
{
    Replace,
    Sum,
    Product,
    Max,
    Min,
}

/// <summary>[Outer, Count, Inner] indices into lines of Size elements.</summary>
internal readonly record struct IndexedLines(long Outer, long Count, long Inner, long Size, bool Wraps)
{
    /// <summary>Whether the host can check indices on the way. Into lines of nothing no index is right, so there is no way.</summary>
    public bool ChecksOnHost => Inner == 1 && !Wraps && Size > 0;

    /// <summary>The same for a gather, which checks the indices of whole rows as well.</summary>
    public bool ChecksGatherOnHost(LineStrides source, LineStrides index) => ChecksOnHost || (Size > 0 && For(source, index).TakesRows);

    public HostLines For(LineStrides source, LineStrides index) => new()
    {
        Outer = Outer,
        Count = Count,
        Inner = Inner,
        Size = Size,
        SourceOuter = source.Outer,
        SourceLine = source.Line,
        SourceInner = source.Inner,
        IndexOuter = index.Outer,
        IndexLine = index.Line,
        IndexInner = index.Inner,
        Wraps = Wraps,
    };
}

/// <summary>
/// result[o, c, i] = source[o, index[o, c, i], i]; the result is contiguous. Where <paramref name="outside"/> is given, the host sets it if it meets an index out of range,
/// and the result has no meaning.
/// </summary>
internal readonly unsafe struct GatherCall(LineOperand source, LineOperand index, BufferExpression result, IndexedLines lines, int* outside = null) : IKernelCall
{
    public string Name => "Gather";

    public long Bytes => KernelBytes.Of(index.Buffer) + 2 * KernelBytes.Of(result);

    public void OnHost()
    {
        switch (result.DType.Size())
        {
            case 1:
                OnHost<byte>();
                break;
            case 2:
                OnHost<short>();
                break;
            case 4:
                OnHost<int>();
                break;
            default:
                OnHost<long>();
                break;
        }

        GC.KeepAlive(source.Buffer);
        GC.KeepAlive(index.Buffer);
        GC.KeepAlive(result);
    }

    public void OnDevice(Device device)
    {
        // A place outside of the line yields nan, or 0 where there is none.
        switch (result.DType)
        {
            case DType.Bool or DType.UInt8:
                OnDevice<byte>(device, 0);
                break;
            case DType.Float16:
                OnDevice<short>(device, BitConverter.HalfToInt16Bits(Half.NaN));
                break;
            case DType.BFloat16:
                OnDevice<short>(device, 0x7FC0);
                break;
            case DType.Int32:
                OnDevice(device, 0);
                break;
            case DType.Float32:
                OnDevice(device, BitConverter.SingleToInt32Bits(float.NaN));
                break;
            case DType.Int64:
                OnDevice(device, 0L);
                break;
            default:
                OnDevice(device, BitConverter.DoubleToInt64Bits(double.NaN));
                break;
        }

        GC.KeepAlive(source.Buffer);
        GC.KeepAlive(index.Buffer);
        GC.KeepAlive(result);
    }

    private void OnHost<T>() where T : unmanaged => HostIndexing.Gather(
        (T*)source.Pointer, (long*)index.Pointer, (T*)result.Block.Pointer, lines.For(source.Strides, index.Strides) with { Outside = outside });

    private void OnDevice<T>(Device device, T missing) where T : unmanaged
    {
        var (from, at) = (source.Strides, index.Strides);
        var arguments = new GatherArguments<T>
        {
            Source = source.View.Cast<T>(),
            Index = index.View.Cast<long>(),
            Result = result.Block.View.Cast<T>(),
            Count = lines.Count,
            Size = lines.Size,
            Inner = lines.Inner,
            SourceOuter = from.Outer,
            SourceLine = from.Line,
            SourceInner = from.Inner,
            IndexOuter = at.Outer,
            IndexLine = at.Line,
            IndexInner = at.Inner,
            Wraps = lines.Wraps ? 1 : 0,
            Missing = missing,
        };
        KernelLauncher.Launch(device, Name, IndexKernels.Gather, lines.Outer * lines.Count * lines.Inner, arguments);
    }
}

/// <summary>
/// result[o, index[o, c, i], i] becomes a combination of itself and source[o, c, i]; the result is contiguous. <paramref name="outside"/> as for <see cref="GatherCall"/>.
/// With <paramref name="clears"/>, on the host alone, what is in the result's memory counts as zero.
/// </summary>
internal readonly unsafe struct ScatterCall(
    Combination combination, LineOperand source, LineOperand index, BufferExpression? order, BufferExpression result, IndexedLines lines, int* outside = null,
    bool clears = false) : IKernelCall
{
    public string Name => $"Scatter {combination}";

    /// <summary>The indices, and for each the element that comes and the one that is there.</summary>
    public long Bytes
    {
        get
        {
            long count = lines.Outer * lines.Count * lines.Inner;
            return KernelBytes.Of(index.Buffer) + (order is null ? 0 : KernelBytes.Of(order))
                + count * result.DType.Size() * (combination == Combination.Replace ? 2 : 3) + (clears ? KernelBytes.Of(result) : 0);
        }
    }

    public void OnHost()
    {
        Dispatch(null);
        KeepAlive();
    }

    public void OnDevice(Device device)
    {
        Dispatch(device);
        KeepAlive();
    }

    private void KeepAlive()
    {
        GC.KeepAlive(source.Buffer);
        GC.KeepAlive(index.Buffer);
        GC.KeepAlive(order);
        GC.KeepAlive(result);
    }

    private void Dispatch(Device? device)
    {
        switch (result.DType)
        {
            case var dtype when combination == Combination.Replace && dtype.Size() == 1:
                Run<byte, Replace<byte>>(device);
                break;
            case var dtype when combination == Combination.Replace && dtype.Size() == 2:
                Run<short, Replace<short>>(device);
                break;
            case var dtype when combination == Combination.Replace && dtype.Size() == 4:
                Run<int, Replace<int>>(device);
                break;
            case var _ when combination == Combination.Replace:
                Run<long, Replace<long>>(device);
                break;
            case DType.Float32:
                Combine<float>(device);
                break;
            case DType.Float64:
                Combine<double>(device);
                break;
            case DType.Int32:
                Combine<int>(device);
                break;
            case DType.Int64:
                Combine<long>(device);
                break;
            default:
                throw new DTypeException($"{Name}: not implemented for {result.DType.Name()}. Convert with To(DType.{result.DType.ComputeType()}).");
        }
    }

    private void Combine<T>(Device? device) where T : unmanaged, INumber<T>
    {
        switch (combination)
        {
            case Combination.Sum:
                Run<T, Accumulate<T>>(device);
                break;
            case Combination.Product:
                Run<T, Multiply<T>>(device);
                break;
            case Combination.Max:
                Run<T, KeepLarger<T>>(device);
                break;
            default:
                Run<T, KeepSmaller<T>>(device);
                break;
        }
    }

    private void Run<T, TCombination>(Device? device)
        where T : unmanaged
        where TCombination : struct, ICombination<T>
    {
        var (from, at) = (source.Strides, index.Strides);
        if (device is null)
        {
            HostIndexing.Scatter<T, TCombination>(
                (T*)source.Pointer, (long*)index.Pointer, (T*)result.Block.Pointer, lines.For(from, at) with { Outside = outside, Clears = clears });
            return;
        }

        var arguments = new ScatterArguments<T>
        {
            Source = source.View.Cast<T>(),
            Index = index.View.Cast<long>(),
            Result = result.Block.View.Cast<T>(),
            Order = order is null ? index.View.Cast<long>() : order.Block.View.Cast<long>(),
            Count = lines.Count,
            Size = lines.Size,
            Inner = lines.Inner,
            SourceOuter = from.Outer,
            SourceLine = from.Line,
            SourceInner = from.Inner,
            IndexOuter = at.Outer,
            IndexLine = at.Line,
            IndexInner = at.Inner,
            Wraps = lines.Wraps ? 1 : 0,
        };
        if (order is null)
        {
            KernelLauncher.Launch(device, Name, IndexKernels.ScatterByLine<T, TCombination>, lines.Outer * lines.Inner, arguments);
        }
        else
        {
            KernelLauncher.Launch(device, Name, IndexKernels.ScatterByTarget<T, TCombination>, lines.Outer * lines.Size * lines.Inner, arguments);
        }
    }
}
