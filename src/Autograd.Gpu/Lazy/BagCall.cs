using System.Numerics;
using Autograd.Gpu.Devices.Host;
using Autograd.Gpu.Devices.Kernels;
using Autograd.Gpu.Kernels.Indexing;

namespace Autograd.Gpu.Lazy;

/// <summary>
/// Sums of bags of rows of a contiguous table of floats, of which those of 16 bits are computed with in float32, or (where the result is int64) the rows with the largest elements. <paramref name="places"/> has the
/// rows of <paramref name="count"/> elements, then starts and ends of the bags.
/// </summary>
internal readonly unsafe struct BagCall(LineOperand table, LineOperand places, LineOperand? weights, BufferExpression result, long count, long rows, long columns) : IKernelCall, IStoredCall
{
    public string Name => IsLargest ? "EmbeddingBagMax" : "EmbeddingBag";

    /// <summary>The rows that are read, once for each element, the places, and the result.</summary>
    public long Bytes => count * columns * table.Buffer.DType.Size() + KernelBytes.Of(places.Buffer) + KernelBytes.Of(result);

    private bool IsLargest => result.DType == DType.Int64;

    private long Bags => result.Layout.Count / columns;

    public void OnHost() => Dispatch(null);

    public void OnDevice(Device device) => Dispatch(device);

    private void Dispatch(Device? device)
    {
        StoredTypes.Run(table.Buffer.DType, this, device);
        GC.KeepAlive(table.Buffer);
        GC.KeepAlive(places.Buffer);
        GC.KeepAlive(weights?.Buffer);
        GC.KeepAlive(result);
    }

    public void Run<TStored, T, TRead>(Device? device, T missing)
        where TStored : unmanaged
        where T : unmanaged, INumber<T>
        where TRead : struct, IStored<TStored, T>
    {
        if (device is null)
        {
            var at = (long*)places.Pointer;
            var operands = new HostBagOperands<T>
            {
                Table = new HostTable<T>(table.Pointer, table.Buffer.DType, columns),
                Rows = at,
                Starts = at + count,
                Ends = at + count + Bags,
                Weights = weights is { } w ? (T*)w.Pointer : null,
                Result = (T*)result.Block.Pointer,
                Largest = (long*)result.Block.Pointer,
                Count = count,
                Columns = columns,
                Bags = Bags,
            };
            if (IsLargest)
            {
                HostBags.Largest(operands);
            }
            else
            {
                HostBags.Sum(operands);
            }

            return;
        }

        var values = result.Block.View;
        var arguments = new BagArguments<TStored, T>
        {
            Table = table.View.Cast<TStored>(),
            Places = places.View.Cast<long>(),
            Weights = (weights ?? places).View.Cast<T>(),
            Result = values.Cast<T>(),
            Largest = values.Cast<long>(),
            Count = count,
            Rows = rows,
            Columns = columns,
            Bags = Bags,
            IsWeighted = weights is null ? 0 : 1,
            Missing = missing,
        };
        if (IsLargest)
        {
            KernelLauncher.Launch(device, Name, BagKernels.Largest<TStored, T, TRead>, Bags * columns, arguments);
        }
        else
        {
            KernelLauncher.Launch(device, Name, BagKernels.Sum<TStored, T, TRead>, Bags * columns, arguments);
        }
    }
}

/// <summary>The products of pairs of rows of a contiguous table of floats and one of the type in which it is computed with.</summary>
internal readonly unsafe struct RowDotCall(LineOperand first, LineOperand second, LineOperand pairs, BufferExpression result, long firstRows, long secondRows, long columns) : IKernelCall, IStoredCall
{
    public string Name => "EmbeddingBagDot";

    public long Bytes => result.Layout.Count * columns * (first.Buffer.DType.Size() + second.Buffer.DType.Size()) + KernelBytes.Of(pairs.Buffer) + KernelBytes.Of(result);

    public void OnHost() => Dispatch(null);

    public void OnDevice(Device device) => Dispatch(device);

    private void Dispatch(Device? device)
    {
        StoredTypes.Run(first.Buffer.DType, this, device);
        GC.KeepAlive(first.Buffer);
        GC.KeepAlive(second.Buffer);
        GC.KeepAlive(pairs.Buffer);
        GC.KeepAlive(result);
    }

    public void Run<TStored, T, TRead>(Device? device, T missing)
        where TStored : unmanaged
        where T : unmanaged, INumber<T>
        where TRead : struct, IStored<TStored, T>
    {
        if (device is null)
        {
            HostBags.Dot(new HostTable<T>(first.Pointer, first.Buffer.DType, columns), (T*)second.Pointer, (long*)pairs.Pointer, (T*)result.Block.Pointer, result.Layout.Count, columns);
            return;
        }

        var arguments = new RowDotArguments<TStored, T>
        {
            First = first.View.Cast<TStored>(),
            Second = second.View.Cast<T>(),
            Pairs = pairs.View.Cast<long>(),
            Result = result.Block.View.Cast<T>(),
            Count = result.Layout.Count,
            FirstRows = firstRows,
            SecondRows = secondRows,
            Columns = columns,
            Missing = missing,
        };
        KernelLauncher.Launch(device, Name, BagKernels.Dot<TStored, T, TRead>, result.Layout.Count, arguments);
    }
}

/// <summary>A call whose table has elements of a type and computes with them in the same or another one.</summary>
internal interface IStoredCall
{
    /// <summary>On the host if there is no device.</summary>
    /// <param name="device">The device, or null.</param>
    /// <param name="missing">What a row that is out of range counts as: nan.</param>
    void Run<TStored, T, TRead>(Device? device, T missing)
        where TStored : unmanaged
        where T : unmanaged, INumber<T>
        where TRead : struct, IStored<TStored, T>;
}

/// <summary>The types in which tables of floats are stored.</summary>
internal static class StoredTypes
{
    public static void Run<TCall>(DType dtype, in TCall call, Device? device)
        where TCall : struct, IStoredCall
    {
        switch (dtype)
        {
            case DType.Float16:
                call.Run<ushort, float, StoredFloat16>(device, float.NaN);
                break;
            case DType.BFloat16:
                call.Run<ushort, float, StoredBFloat16>(device, float.NaN);
                break;
            case DType.Float32:
                call.Run<float, float, AsStored<float>>(device, float.NaN);
                break;
            default:
                call.Run<double, double, AsStored<double>>(device, double.NaN);
                break;
        }
    }
}
