using System.Numerics;
using Autograd.Gpu.Devices.Host;

namespace Autograd.Gpu.Lazy;

/// <summary>
/// All gradients of normalised rows on the host, contiguous float32 or float64: those of weight and bias, where there are places for them, from the same pass that
/// gives the input's. Devices sum the rows up with reductions of their own.
/// </summary>
internal readonly unsafe struct NormSumsCall(
    BufferExpression input, BufferExpression gradient, BufferExpression? weight, BufferExpression moments, BufferExpression? result,
    BufferExpression? weightResult, BufferExpression? biasResult, long rows, long length, bool centres) : IKernelCall
{
    public string Name => (centres ? "LayerNorm" : "RmsNorm") + " gradients";

    public long Bytes => KernelBytes.Of(input) + KernelBytes.Of(gradient) + (result is null ? 0 : KernelBytes.Of(result));

    public void OnHost()
    {
        if (input.DType == DType.Float32)
        {
            Run<float>();
        }
        else
        {
            Run<double>();
        }
    }

    /// <exception cref="NotSupportedException">Always: the caller asks whether the device is the host.</exception>
    public void OnDevice(Device device) => throw new NotSupportedException($"[{Name}] is the host's form; {device} takes NormCall and reductions.");

    private void Run<T>()
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var problem = new RowProblem<T>
        {
            Rows = (nint)rows,
            Length = (nint)length,
            Input = (T*)RowMemory.Pointer(input),
            Gradient = (T*)RowMemory.Pointer(gradient),
            Weight = (T*)RowMemory.Pointer(weight),
            Moments = (T*)RowMemory.Pointer(moments),
            Result = (T*)RowMemory.Pointer(result),
            Flag = centres,
        };
        var scratch = input.Block.Device.Allocate(HostRowSums.ScratchBytes<T>(rows, length));
        HostRowSums.NormGradients(problem, (T*)RowMemory.Pointer(weightResult), (T*)RowMemory.Pointer(biasResult), (byte*)scratch.Pointer);
        scratch.Release();
        GC.KeepAlive(input);
        GC.KeepAlive(gradient);
        GC.KeepAlive(weight);
        GC.KeepAlive(moments);
        GC.KeepAlive(result);
        GC.KeepAlive(weightResult);
        GC.KeepAlive(biasResult);
    }
}
