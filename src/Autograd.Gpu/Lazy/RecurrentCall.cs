using System.Numerics;
using System.Runtime.Intrinsics;
using Autograd.Gpu.Devices.Host;
using Autograd.Gpu.Devices.Kernels;
using Autograd.Gpu.Kernels.Recurrent;

namespace Autograd.Gpu.Lazy;

/// <summary>The cells of recurrent layers.</summary>
internal enum RecurrentKind
{
    Tanh,
    Relu,
    Lstm,
    Gru,
}

/// <summary>The buffers that a recurrent layer's steps work on, of float32 or float64, contiguous; see <see cref="RecurrentArguments{T}"/>.</summary>
internal readonly record struct RecurrentBuffers(
    BufferExpression Inputs, BufferExpression Products, BufferExpression Outputs, BufferExpression State, BufferExpression? Kept, BufferExpression? Previous)
{
    /// <summary>Holds the memory until here.</summary>
    public void KeepAlive()
    {
        GC.KeepAlive(Inputs);
        GC.KeepAlive(Products);
        GC.KeepAlive(Outputs);
        GC.KeepAlive(State);
        GC.KeepAlive(Kept);
        GC.KeepAlive(Previous);
    }
}

/// <summary>All steps of a layer, with their products, in the order of the recurrence. Only the host takes them in one call.</summary>
/// <param name="Weight">The weights of the hidden state.</param>
/// <param name="Panels">The elements of a packed copy of them, or 0 where that does not pay.</param>
/// <param name="Starts">The first row of each step.</param>
/// <param name="Counts">The number of rows of each.</param>
internal readonly record struct RecurrentSteps(BufferExpression Weight, long Panels, long[] Starts, long[] Counts);

/// <summary>
/// The pointwise part of one step of a recurrent layer, forward or back: <paramref name="rows"/> rows from row <paramref name="start"/> on; or, given
/// <paramref name="steps"/>, all of them and what lies between.
/// </summary>
internal readonly unsafe struct RecurrentCall(
    RecurrentKind kind, bool back, RecurrentBuffers buffers, long start, long rows, long width, long stateRow, long batch,
    RecurrentSteps? steps = null) : IKernelCall
{
    public string Name => $"{kind} {(steps is null ? "step" : "sequence")}{(back ? " back" : "")}";

    /// <summary>The gates on both sides, the states before and after, and what is kept.</summary>
    public long Bytes => rows * width * buffers.Outputs.DType.Size() * kind switch
    {
        RecurrentKind.Lstm => back ? 14 : 18,
        RecurrentKind.Gru => back ? 14 : 14,
        _ => back ? 4 : 6,
    };

    public void OnHost() => Dispatch(null);

    public void OnDevice(Device device) => Dispatch(device);

    private void Dispatch(Device? device)
    {
        if (buffers.Outputs.DType == DType.Float32)
        {
            switch (kind)
            {
                case RecurrentKind.Tanh:
                    Run<float, TanhCell<float, SingleMath>, TanhCell<float, SingleHostMath>, TanhCell<Vector<float>, SingleVectorMath>, Vector512<float>, TanhCell<Vector512<float>, SingleWideMath>>(device);
                    break;
                case RecurrentKind.Relu:
                    Run<float, ReluCell<float, SingleMath>, ReluCell<float, SingleHostMath>, ReluCell<Vector<float>, SingleVectorMath>, Vector512<float>, ReluCell<Vector512<float>, SingleWideMath>>(device);
                    break;
                case RecurrentKind.Lstm:
                    Run<float, LstmCell<float, SingleMath>, LstmCell<float, SingleHostMath>, LstmCell<Vector<float>, SingleVectorMath>, Vector512<float>, LstmCell<Vector512<float>, SingleWideMath>>(device);
                    break;
                default:
                    Run<float, GruCell<float, SingleMath>, GruCell<float, SingleHostMath>, GruCell<Vector<float>, SingleVectorMath>, Vector512<float>, GruCell<Vector512<float>, SingleWideMath>>(device);
                    break;
            }
        }
        else
        {
            switch (kind)
            {
                case RecurrentKind.Tanh:
                    Run<double, TanhCell<double, DoubleMath>, TanhCell<double, DoubleMath>, TanhCell<Vector<double>, DoubleVectorMath>, Vector<double>, TanhCell<Vector<double>, DoubleVectorMath>>(device);
                    break;
                case RecurrentKind.Relu:
                    Run<double, ReluCell<double, DoubleMath>, ReluCell<double, DoubleMath>, ReluCell<Vector<double>, DoubleVectorMath>, Vector<double>, ReluCell<Vector<double>, DoubleVectorMath>>(device);
                    break;
                case RecurrentKind.Lstm:
                    Run<double, LstmCell<double, DoubleMath>, LstmCell<double, DoubleMath>, LstmCell<Vector<double>, DoubleVectorMath>, Vector<double>, LstmCell<Vector<double>, DoubleVectorMath>>(device);
                    break;
                default:
                    Run<double, GruCell<double, DoubleMath>, GruCell<double, DoubleMath>, GruCell<Vector<double>, DoubleVectorMath>, Vector<double>, GruCell<Vector<double>, DoubleVectorMath>>(device);
                    break;
            }
        }

        buffers.KeepAlive();
        GC.KeepAlive(steps?.Weight);
    }

    private void Run<T, TDeviceCell, TCell, TVectorCell, TWide, TWideCell>(Device? device)
        where T : unmanaged, INumberBase<T>
        where TDeviceCell : struct, IRecurrentCell<T>
        where TCell : struct, IRecurrentCell<T>
        where TVectorCell : struct, IRecurrentCell<Vector<T>>
        where TWide : unmanaged
        where TWideCell : struct, IRecurrentCell<TWide>
    {
        long stateAt = stateRow * width;
        if (device is null)
        {
            var step = new HostRecurrentStep<T>
            {
                Inputs = (T*)buffers.Inputs.Block.Pointer,
                Products = (T*)buffers.Products.Block.Pointer,
                Outputs = (T*)buffers.Outputs.Block.Pointer,
                State = (T*)buffers.State.Block.Pointer,
                Kept = buffers.Kept is { } values ? (T*)values.Block.Pointer : null,
                Previous = buffers.Previous is { } states ? (T*)states.Block.Pointer : null,
                Width = width,
                Start = start,
                StateAt = stateAt,
                Batch = batch,
            };
            if (steps is not { } all)
            {
                HostRecurrent.Run<T, TCell, TVectorCell, TWide, TWideCell>(step, rows, back);
                return;
            }

            var weight = all.Weight;
            var sweep = new HostRecurrentSweep<T>
            {
                Step = step,
                Weight = (T*)weight.Block.Pointer + weight.Layout.Offset,
                WeightRow = (nint)weight.Layout.Stride(0),
                WeightColumn = (nint)weight.Layout.Stride(1),
                Panels = (nint)all.Panels,
                Starts = all.Starts,
                Counts = all.Counts,
            };
            HostRecurrentSweeps.Run<T, TCell, TVectorCell, TWide, TWideCell>(sweep, back);
            return;
        }

        var outputs = buffers.Outputs.Block.View.Cast<T>();
        var arguments = new RecurrentArguments<T>
        {
            Inputs = buffers.Inputs.Block.View.Cast<T>(),
            Products = buffers.Products.Block.View.Cast<T>(),
            Outputs = outputs,
            State = buffers.State.Block.View.Cast<T>(),
            Kept = buffers.Kept is { } kept ? kept.Block.View.Cast<T>() : outputs,
            Previous = buffers.Previous is { } previous ? previous.Block.View.Cast<T>() : outputs,
            Width = width,
            Start = start,
            StateAt = stateAt,
            Batch = batch,
            Keeps = buffers.Kept is null ? 0 : 1,
        };
        if (back)
        {
            KernelLauncher.Launch(device, Name, RecurrentKernels.Back<T, TDeviceCell>, rows * width, arguments);
        }
        else
        {
            KernelLauncher.Launch(device, Name, RecurrentKernels.Step<T, TDeviceCell>, rows * width, arguments);
        }
    }
}
