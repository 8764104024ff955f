using Autograd.Gpu.Devices.Host;

namespace Autograd.Gpu.Lazy.Host;

/// <summary>Programs that compute nothing, copies and fills, which need no generated kernel.</summary>
internal static unsafe class HostMoves
{
    /// <summary>Runs a finished graph whose one value is a buffer or a number, if its layouts have a form in <see cref="HostCopy"/>.</summary>
    /// <returns>Whether that was done; if not, nothing was.</returns>
    public static bool TryRun(FusedGraph graph)
    {
        if (graph.Values.Length != 1 || graph.Outputs.Length != 1)
        {
            return false;
        }

        var value = graph.Values[0];
        int output = graph.Outputs[0].Operand;
        var dtype = graph.Operands[output].DType;
        if (dtype != value.DType || graph.Blocks[output] is null)
        {
            return false;
        }

        switch (value.Kind)
        {
            case ValueKind.Load when value.Slot != output:
                int rank = graph.Rank;
                return HostCopy.TryCopy(
                    Start(graph, value.Slot, dtype), Start(graph, output, dtype), dtype.Size(), graph.Sizes[..rank],
                    graph.Strides.Slice(value.Slot * FusedGraph.MaxRank, rank), graph.Strides.Slice(output * FusedGraph.MaxRank, rank));
            case ValueKind.Constant when graph.Operands[output].Access == Access.Contiguous:
                HostCopy.Fill(Start(graph, output, dtype), dtype.Size(), graph.Count, Pattern(graph.Constants[0].Value, dtype));
                return true;
            default:
                return false;
        }
    }

    private static byte* Start(FusedGraph graph, int operand, DType dtype) =>
        (byte*)graph.Blocks[operand]!.Pointer + graph.OffsetOf(operand) * dtype.Size();

    /// <summary>A number's bits as an element.</summary>
    private static long Pattern(Scalar number, DType dtype) => dtype switch
    {
        DType.Float64 => BitConverter.DoubleToInt64Bits(number.ToDouble()),
        DType.Float32 => BitConverter.SingleToInt32Bits((float)number.ToDouble()),
        DType.Float16 => Kernels.HalfConversion.FloatToHalf((float)number.ToDouble()),
        DType.BFloat16 => Kernels.HalfConversion.FloatToBFloat16((float)number.ToDouble()),
        _ => number.ToInt64(),
    };
}
