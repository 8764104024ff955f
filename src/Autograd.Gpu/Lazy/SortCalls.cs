using System.Numerics;
using Autograd.Gpu.Devices.Host;
using Autograd.Gpu.Devices.Kernels;
using Autograd.Gpu.Kernels.Indexing;

namespace Autograd.Gpu.Lazy;

/// <summary>The places of the elements of each line (contiguous; int32, int64, float32 or float64) in sorted order, equal ones as they stand.</summary>
internal readonly unsafe struct SortCall(BufferExpression keys, BufferExpression places, long lines, long length, bool descending) : IKernelCall
{
    public string Name => "Sort";

    public long Bytes => KernelBytes.Of(keys) + KernelBytes.Of(places);

    public void OnHost() => Dispatch(null);

    public void OnDevice(Device device) => Dispatch(device);

    private void Dispatch(Device? device)
    {
        switch (keys.DType)
        {
            case DType.Int32:
                Run<int>(device);
                break;
            case DType.Int64:
                Run<long>(device);
                break;
            case DType.Float32:
                Run<float>(device);
                break;
            case DType.Float64:
                Run<double>(device);
                break;
            default:
                throw new DTypeException($"{Name}: not implemented for {keys.DType.Name()}. Convert with To(DType.{keys.DType.ComputeType()}).");
        }

        GC.KeepAlive(keys);
        GC.KeepAlive(places);
    }

    private void Run<T>(Device? device) where T : unmanaged, INumber<T>
    {
        var operand = new LineOperand(keys, default);
        if (device is null)
        {
            int threads = HostParallel.ThreadCount;
            long bytes = HostSort.ScratchBytes<T>(lines, length, threads);
            var scratch = bytes > 0 ? places.Block.Device.Allocate(bytes) : null;
            HostSort.Places((T*)operand.Pointer, (long*)places.Block.Pointer, lines, length, descending, (byte*)(scratch?.Pointer ?? 0), threads);
            scratch?.Release();
            return;
        }

        int passes = length > 1 ? 64 - BitOperations.LeadingZeroCount((ulong)(length - 1)) : 0;
        var spare = passes > 0 ? device.Allocate(lines * length * sizeof(long)) : null;

        // The passes go to and fro between two blocks, and the last one ends in the result.
        var from = passes % 2 == 0 ? places.Block : spare!;
        var to = passes % 2 == 0 ? spare : places.Block;
        var start = from.View.Cast<long>();
        var positions = new MergeArguments<long> { Keys = start, From = start, To = start, Length = length };
        KernelLauncher.Launch(device, Name, SortKernels.Positions, lines * length, positions);
        for (long width = 1; width < length; width *= 2)
        {
            var arguments = new MergeArguments<T>
            {
                Keys = operand.View.Cast<T>(),
                From = from.View.Cast<long>(),
                To = to!.View.Cast<long>(),
                Length = length,
                Width = width,
                Descending = descending ? 1 : 0,
            };
            KernelLauncher.Launch(device, Name, SortKernels.Merge, lines * length, arguments);
            (from, to) = (to, from);
        }

        // What is on the stream comes before whatever the memory is used for next.
        spare?.Release();
    }
}

/// <summary>
/// Some of the places that <see cref="SortCall"/> gives: the first ones, or one further in, for lines as there. For the host; on devices the lines are sorted.
/// </summary>
internal readonly unsafe struct SelectCall(
    BufferExpression keys, BufferExpression places, long lines, long length, long first, long count, bool descending) : IKernelCall
{
    public string Name => "Select";

    public long Bytes => KernelBytes.Of(keys) + KernelBytes.Of(places);

    public void OnHost()
    {
        switch (keys.DType)
        {
            case DType.Int32:
                Run<int>();
                break;
            case DType.Int64:
                Run<long>();
                break;
            case DType.Float32:
                Run<float>();
                break;
            case DType.Float64:
                Run<double>();
                break;
            default:
                throw new DTypeException($"{Name}: not implemented for {keys.DType.Name()}. Convert with To(DType.{keys.DType.ComputeType()}).");
        }

        GC.KeepAlive(keys);
        GC.KeepAlive(places);
    }

    public void OnDevice(Device device) => throw new InvalidOperationException($"{Name}: devices sort the lines.");

    private void Run<T>() where T : unmanaged, INumber<T>
    {
        int threads = HostParallel.ThreadCount;
        var scratch = places.Block.Device.Allocate(HostSelect.ScratchBytes<T>(lines, length, first, count, threads));
        HostSelect.Places(
            (T*)new LineOperand(keys, default).Pointer, (long*)places.Block.Pointer, lines, length, first, count, descending, (byte*)scratch.Pointer, threads);
        scratch.Release();
    }
}

/// <summary>For each value its place in a sorted line: lines of <paramref name="count"/> values, each with a line of its own or all with one.</summary>
internal readonly unsafe struct SearchCall(
    BufferExpression sorted, BufferExpression values, BufferExpression result, long lines, long length, long count, bool isShared, bool right) : IKernelCall
{
    public string Name => "SearchSorted";

    public long Bytes => KernelBytes.Of(sorted) + KernelBytes.Of(values) + KernelBytes.Of(result);

    public void OnHost() => Dispatch(null);

    public void OnDevice(Device device) => Dispatch(device);

    private void Dispatch(Device? device)
    {
        switch (sorted.DType)
        {
            case DType.Int32:
                Run<int>(device);
                break;
            case DType.Int64:
                Run<long>(device);
                break;
            case DType.Float32:
                Run<float>(device);
                break;
            case DType.Float64:
                Run<double>(device);
                break;
            default:
                throw new DTypeException($"{Name}: not implemented for {sorted.DType.Name()}. Convert with To(DType.{sorted.DType.ComputeType()}).");
        }

        GC.KeepAlive(sorted);
        GC.KeepAlive(values);
        GC.KeepAlive(result);
    }

    private void Run<T>(Device? device) where T : unmanaged, INumber<T>
    {
        var (line, keys) = (new LineOperand(sorted, default), new LineOperand(values, default));
        long step = isShared ? 0 : length;
        if (device is null)
        {
            HostSearch.Search((T*)line.Pointer, (T*)keys.Pointer, (long*)result.Block.Pointer, lines, length, count, step, right);
            return;
        }

        var arguments = new SearchArguments<T>
        {
            Sorted = line.View.Cast<T>(),
            Values = keys.View.Cast<T>(),
            Result = result.Block.View.Cast<long>(),
            Length = length,
            Count = count,
            SortedLine = step,
            Right = right ? 1 : 0,
        };
        KernelLauncher.Launch(device, Name, SortKernels.Search, lines * count, arguments);
    }
}

/// <summary>The coordinates in a shape of places in row-major order: a row for each. For devices; the host finds them as it goes.</summary>
internal readonly struct CoordinatesCall(BufferExpression places, BufferExpression result, Shape shape) : IKernelCall
{
    public string Name => "NonZero";

    public long Bytes => KernelBytes.Of(places) + KernelBytes.Of(result);

    public void OnHost() => throw new InvalidOperationException($"{Name}: the host finds coordinates in one pass.");

    public void OnDevice(Device device)
    {
        long stride = 1;
        for (int d = shape.Rank - 1; d >= 0; d--)
        {
            var arguments = new CoordinateArguments
            {
                Places = new LineOperand(places, default).View.Cast<long>(),
                Result = result.Block.View.Cast<long>(),
                Rank = shape.Rank,
                Dim = d,
                Size = shape[d],
                Stride = stride,
            };
            KernelLauncher.Launch(device, Name, SortKernels.Coordinate, places.Layout.Count, arguments);
            stride *= shape[d];
        }

        GC.KeepAlive(places);
        GC.KeepAlive(result);
    }
}
