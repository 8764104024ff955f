namespace Autograd.Gpu.Lazy;

/// <summary>Counts the bytes that a kernel must move: what its time is compared with.</summary>
internal static class KernelBytes
{
    /// <summary>What the finished graph reads and writes. Memory that the launcher supplies for intermediate values does not count.</summary>
    public static long Of(FusedGraph graph)
    {
        long bytes = 0;
        foreach (var value in graph.Values)
        {
            bytes += value.Kind == ValueKind.Load ? Operand(graph, value.Slot) : 0;
        }

        foreach (var output in graph.Outputs)
        {
            bytes += graph.Blocks[output.Operand] is null ? 0 : Operand(graph, output.Operand);
        }

        return bytes;
    }

    /// <summary>The distinct elements of a buffer: those along a stride of 0 are one.</summary>
    public static long Of(DType dtype, Layout layout)
    {
        long count = 1;
        for (int d = 0; d < layout.Rank; d++)
        {
            count *= layout.Strides[d] == 0 ? Math.Min(layout.Shape[d], 1) : layout.Shape[d];
        }

        return count * dtype.Size();
    }

    public static long Of(BufferExpression buffer) => Of(buffer.DType, buffer.Layout);

    private static long Operand(FusedGraph graph, int operand) => Of(graph.Operands[operand].DType, graph.LayoutOf(operand));
}
