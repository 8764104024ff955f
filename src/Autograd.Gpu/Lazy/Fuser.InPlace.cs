using System.Runtime.InteropServices;
using Autograd.Gpu.Devices;

namespace Autograd.Gpu.Lazy;

// Which outputs of a kernel may be written over what they replace.
internal static partial class Fuser
{
    /// <summary>Whether nobody but a kernel with these outputs reads the target of <paramref name="output"/>, one of them.</summary>
    private static bool MayOverwrite(FusedGraph graph, ApplyExpression output, ReadOnlySpan<ApplyExpression> outputs) =>
        output.Target is { } target && target.DType == output.DType
        && target.Block.References - 1 - OwnReads(graph, outputs, target.Block) == 0;

    /// <summary>
    /// Which outputs may be written over their targets. Outputs other than the first for which no operand is left are taken out, and the others
    /// chosen anew, because what a kernel does not finish still reads its inputs afterwards.
    /// </summary>
    private static bool[] ChooseInPlace(FusedGraph graph, List<ApplyExpression> outputs)
    {
        while (true)
        {
            var isInPlace = new bool[outputs.Count];
            int room = FusedGraph.MaxOperands - graph.Operands.Length;
            int i = 0;
            for (; i < isInPlace.Length; i++)
            {
                var output = outputs[i];
                isInPlace[i] = MayOverwrite(graph, output, CollectionsMarshal.AsSpan(outputs));
                room -= isInPlace[i] && graph.HasOperand(output.Target!.Block, output.DType, output.Layout) ? 0 : 1;
                if (room < 0)
                {
                    break;
                }
            }

            if (i == isInPlace.Length)
            {
                return isInPlace;
            }

            outputs.RemoveAt(i);
        }
    }

    /// <summary>
    /// How many of a target's holders are reads, element by element, by values that this kernel finishes or that nobody but these can ask for.
    /// </summary>
    private static int OwnReads(FusedGraph graph, ReadOnlySpan<ApplyExpression> outputs, Block target)
    {
        var nodes = graph.Nodes;
        var values = graph.Values;
        Span<int> counts = stackalloc int[values.Length];
        counts.Clear();
        int reads = 0;
        for (int i = nodes.Length - 1; i >= 0; i--)
        {
            if (nodes[i] is not { } node || (node.References != counts[i] && !outputs.Contains(node)))
            {
                continue;
            }

            for (int input = 0; input < node.Function.Arity; input++)
            {
                int j = input switch { 0 => values[i].In0, 1 => values[i].In1, _ => values[i].In2 };
                counts[j]++;
                if (values[j].Kind == ValueKind.Load && graph.Blocks[values[j].Slot] == target
                    && graph.LayoutOf(values[j].Slot) is { IsContiguous: true, Offset: 0 })
                {
                    reads++;
                }
            }
        }

        return reads;
    }
}
