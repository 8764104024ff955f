using Autograd.Gpu.Devices;
using Autograd.Gpu.Diagnostics;

namespace Autograd.Gpu.Lazy;

/// <summary>
/// Builds pending expressions, keeps them within their limits, and turns them into kernels. Everything runs under the device's gate.
/// </summary>
internal static partial class Fuser
{
    /// <summary>Nodes of one expression. More would make kernels that take long to compile and spill registers.</summary>
    public const int MaxNodes = 48;

    /// <summary>Buffers that one expression reads; one operand of a kernel is left for its output.</summary>
    public const int MaxReads = FusedGraph.MaxOperands - 1;

    /// <summary>A value that was computed this often without being kept is kept the next time.</summary>
    private const int MaxTimesComputed = 2;

    /// <summary>An expression holds at most this share of the device's memory back from reuse.</summary>
    private const int MemoryShare = 16;

    /// <summary>
    /// The function of inputs of one shape, as an expression; constants fold. The caller owns no reference yet: see <see cref="Attach"/>.
    /// </summary>
    public static Expression Apply(
        Device device, PointwiseFunction function, DType dtype, Layout layout, Expression in0, Expression? in1 = null, Expression? in2 = null)
    {
        if (!Execution.IsLazy)
        {
            return ApplyEagerly(device, function, dtype, layout, in0, in1, in2);
        }

        if (ConstantFolder.TryFold(function, dtype, layout, in0, in1, in2) is { } constant)
        {
            return constant;
        }

        if (function.Simplify(in0, in1, dtype) is { } simpler)
        {
            return simpler;
        }

        var weight = WeightOver(in0, in1, in2);
        while (!weight.IsWithinLimits)
        {
            // The sums count what is shared twice; look closer before cutting.
            CountExactly(device, in0, in1, in2, out int nodes, out int reads, out int numbers);
            nodes++;
            if (nodes <= MaxNodes && reads <= MaxReads && numbers <= FusedGraph.MaxNumbers)
            {
                weight = Weight.Of(nodes, reads, numbers);
                break;
            }

            var reason = nodes > MaxNodes ? CutReason.Nodes : reads > MaxReads ? CutReason.Inputs : CutReason.Numbers;
            var heaviest = Heaviest(in0, in1, in2, reason);
            Materialize(device, heaviest, reason);
            (in0, in1, in2) = (ApplyExpression.Resolve(in0), in1 is null ? null : ApplyExpression.Resolve(in1), in2 is null ? null : ApplyExpression.Resolve(in2));
            weight = WeightOver(in0, in1, in2);
        }

        var result = Create(function, dtype, layout, in0, in1, in2, weight);
        if (result.HeldBytes > device.TotalMemory / MemoryShare)
        {
            ComputeUnclaimed(device, result, CutReason.Bytes);
        }

        return result;
    }

    /// <summary>Takes a reference to an expression on behalf of a new storage.</summary>
    public static Storage Attach(Device device, Expression expression)
    {
        ApplyExpression.Claim(expression);
        return new Storage(device, ApplyExpression.Resolve(expression));
    }

    /// <summary>The expression with another dtype.</summary>
    public static Expression Cast(Device device, Expression expression, DType dtype)
    {
        if (expression.DType == dtype)
        {
            return expression;
        }

        return expression is ConstantExpression constant
            ? new ConstantExpression(constant.Value, dtype, ResultLayout(constant))
            : Apply(device, CastFunction.Instance, dtype, ResultLayout(expression), expression);
    }

    /// <summary>The contiguous layout of a result of this expression's shape.</summary>
    public static Layout ResultLayout(Expression expression) =>
        expression.Layout.IsContiguous && expression.Layout.Offset == 0 ? expression.Layout : Layout.Contiguous(expression.Shape);

    /// <summary>Computes an expression into contiguous memory. The result counts as many holders as the expression had.</summary>
    public static BufferExpression Materialize(Device device, Expression expression, CutReason reason)
    {
        expression = ApplyExpression.Resolve(expression);
        switch (expression)
        {
            case BufferExpression { Layout: { IsContiguous: true, Offset: 0 } } whole:
                return whole;
            case ApplyExpression { References: 0 } fresh:
                ComputeUnclaimed(device, fresh, reason);
                return fresh.Result!;
            case ApplyExpression apply:
                return MaterializeApply(device, apply, reason);
            default:
                return Copy(device, expression, reason);
        }
    }

    /// <summary>The elements of a leaf in contiguous memory of their own, even where they lie contiguously at the start of the leaf's block.</summary>
    public static BufferExpression Copy(Device device, Expression expression, CutReason reason)
    {
        var executor = Executor.Of(device);
        var result = NewBuffer(device, expression.DType, Layout.Contiguous(expression.Shape));
        var graph = executor.Graph;
        graph.AddOutput(graph.Load(expression), result.Block, result.DType, result.Layout);
        executor.Launch(reason);
        return result;
    }

    /// <summary>
    /// Computes <paramref name="value"/>, which has the shape of <paramref name="layout"/>, into a part of a storage.
    /// </summary>
    public static void Write(Storage storage, Layout layout, Expression value)
    {
        using (storage.Device.Gate.Enter())
        {
            var device = storage.Device;
            var executor = Executor.Of(device);
            ApplyExpression.Claim(value);
            value = ApplyExpression.Resolve(value);
            var before = storage.Materialize(CutReason.ViewWrite);
            var target = storage.PrepareWrite(ReadsInPlace(value, before.Block, layout));
            var graph = executor.Graph;
            graph.AddOutput(LoadKeepingRepeated(device, graph, value), target.Block, target.DType, layout);
            executor.Launch(CutReason.ViewWrite);
            ApplyExpression.Release(value);
        }
    }

    /// <summary>How many of a block's holders are reads by <paramref name="value"/> itself of the very elements that it will overwrite.</summary>
    private static int ReadsInPlace(Expression value, Block block, Layout layout)
    {
        if (value is not ApplyExpression { References: 1 } apply)
        {
            return IsRead(value) ? 1 : 0;
        }

        int reads = 0;
        for (int i = 0; i < apply.Function.Arity; i++)
        {
            reads += IsRead(ApplyExpression.Resolve(apply.Input(i)!)) ? 1 : 0;
        }

        return reads;

        bool IsRead(Expression input) => input is BufferExpression read && read.Block == block && read.Layout.SameAs(layout);
    }

    /// <summary>
    /// Loads the graph below <paramref name="expression"/> into <paramref name="graph"/> as the prologue of a kernel that does not keep it.
    /// </summary>
    public static int LoadKeepingRepeated(Device device, FusedGraph graph, Expression expression)
    {
        while (true)
        {
            expression = ApplyExpression.Resolve(expression);
            int value = LoadWithinLimits(device, graph, expression);
            var repeated = expression is ApplyExpression { TimesComputed: >= MaxTimesComputed } self ? self : Repeated(graph);
            if (repeated is null)
            {
                CountComputation(graph);
                return value;
            }

            Materialize(device, repeated, CutReason.Recomputed);
        }
    }

    private static void ComputeUnclaimed(Device device, ApplyExpression fresh, CutReason reason)
    {
        fresh.References = 1;
        MaterializeApply(device, fresh, reason);
        fresh.IsUnclaimed = true;
    }

    private static BufferExpression MaterializeApply(Device device, ApplyExpression root, CutReason reason)
    {
        var executor = Executor.Of(device);
        if (root.Target is null && root.HasLeavesOnly && executor.TrySingle(root) is { } direct)
        {
            Finish(root, direct);
            return direct;
        }

        var graph = executor.Graph;
        LoadWithinLimits(device, graph, root);
        while (Repeated(graph) is { } repeated && repeated != root)
        {
            MaterializeApply(device, repeated, CutReason.Recomputed);
            LoadWithinLimits(device, graph, root);
        }

        if (graph.Targets == 0)
        {
            var single = NewBuffer(device, root.DType, root.Layout);
            graph.AddOutput(root.VisitIndex, single.Block, single.DType, single.Layout);
            CountComputation(graph);
            executor.Launch(reason);
            Finish(root, single);
            return single;
        }

        if (graph.Targets == 1 && root.Target is { } replaced)
        {
            // The one target is the root's: a parameter's update, mostly.
            return MaterializeInPlace(device, executor, root, replaced, reason);
        }

        // Values that replace a parameter or a state in place are wanted for themselves: they become outputs of the same kernel.
        var nodes = graph.Nodes;
        var outputs = new List<ApplyExpression>(1) { root };
        for (int i = 0; i < nodes.Length; i++)
        {
            if (nodes[i] is { Target: not null } state && state != root)
            {
                outputs.Add(state);
            }
        }

        var isInPlace = ChooseInPlace(graph, outputs);
        var results = new BufferExpression[outputs.Count];
        for (int i = 0; i < results.Length; i++)
        {
            var output = outputs[i];
            var result = isInPlace[i] ? output.Target!.WithLayout(output.Layout) : NewBuffer(device, output.DType, output.Layout);
            results[i] = result;
            graph.AddOutput(output.VisitIndex, result.Block, result.DType, result.Layout);
        }

        CountComputation(graph);
        executor.Launch(reason);
        for (int i = 0; i < results.Length; i++)
        {
            Finish(outputs[i], results[i]);
        }

        return root.Result!;
    }

    private static BufferExpression MaterializeInPlace(
        Device device, Executor executor, ApplyExpression root, BufferExpression target, CutReason reason)
    {
        var graph = executor.Graph;
        bool isInPlace = MayOverwrite(graph, root, new ReadOnlySpan<ApplyExpression>(in root));
        var result = isInPlace ? target.WithLayout(root.Layout) : NewBuffer(device, root.DType, root.Layout);
        graph.AddOutput(root.VisitIndex, result.Block, result.DType, result.Layout);
        CountComputation(graph);
        executor.Launch(reason);
        Finish(root, result);
        return result;
    }

    /// <summary>
    /// Loads the graph below <paramref name="root"/>. Each of its values that was computed since the graph was built has become a buffer to read beside
    /// those that it was computed from; where these are too many now, inputs of the root are computed first.
    /// </summary>
    private static int LoadWithinLimits(Device device, FusedGraph graph, Expression root)
    {
        int value = graph.Load(root);
        while (graph.Operands.Length > MaxReads && root is ApplyExpression { Result: null } apply)
        {
            var heaviest = Heaviest(
                ApplyExpression.Resolve(apply.In0!),
                apply.In1 is null ? null : ApplyExpression.Resolve(apply.In1),
                apply.In2 is null ? null : ApplyExpression.Resolve(apply.In2),
                CutReason.Inputs);
            MaterializeApply(device, heaviest, CutReason.Inputs);
            value = graph.Load(root);
        }

        return value;
    }

    /// <summary>Makes a computed block the value of <paramref name="output"/>; all its holders hold the block from now on.</summary>
    public static void Finish(ApplyExpression output, BufferExpression result)
    {
        // The block counts one holder now: the allocation's, or the target's that it was.
        if (output.Target is { } target && target.Block != result.Block)
        {
            target.Block.Release();
        }

        for (int i = 1; i < output.References; i++)
        {
            result.Block.Retain();
        }

        output.Complete(result);
    }

    /// <summary>A node that was computed too often already and that something new reads: the value to keep.</summary>
    private static ApplyExpression? Repeated(FusedGraph graph)
    {
        if (graph.MostTimesComputed < MaxTimesComputed)
        {
            return null;
        }

        var nodes = graph.Nodes;
        var values = graph.Values;
        for (int i = nodes.Length - 1; i >= 0; i--)
        {
            if (nodes[i] is not { } consumer || consumer.TimesComputed >= MaxTimesComputed)
            {
                continue;
            }

            for (int input = 0; input < consumer.Function.Arity; input++)
            {
                int j = input switch { 0 => values[i].In0, 1 => values[i].In1, _ => values[i].In2 };
                if (nodes[j] is { TimesComputed: >= MaxTimesComputed } repeated)
                {
                    return repeated;
                }
            }
        }

        return null;
    }

    private static void CountComputation(FusedGraph graph)
    {
        foreach (var node in graph.Nodes)
        {
            if (node is not null)
            {
                node.TimesComputed++;
            }
        }
    }

    /// <summary>Memory for a value; the caller is its one holder.</summary>
    public static BufferExpression NewBuffer(Device device, DType dtype, Layout layout) =>
        new(device.Allocate(layout.Count * dtype.Size()), dtype, layout);

    private static Expression ApplyEagerly(
        Device device, PointwiseFunction function, DType dtype, Layout layout, Expression in0, Expression? in1, Expression? in2)
    {
        var apply = Create(function, dtype, layout, in0, in1, in2, Weight.Of(1, 0, 0));
        ComputeUnclaimed(device, apply, CutReason.Eager);
        return apply;
    }

    private static Weight WeightOver(Expression in0, Expression? in1, Expression? in2) =>
        Weight.Of(1, 0, 0) + in0.Weight + (in1?.Weight ?? Weight.Zero) + (in2?.Weight ?? Weight.Zero);

    private static ApplyExpression Create(
        PointwiseFunction function, DType dtype, Layout layout, Expression in0, Expression? in1, Expression? in2, Weight weight)
    {
        ApplyExpression.Claim(in0);
        if (in1 is not null)
        {
            ApplyExpression.Claim(in1);
        }

        if (in2 is not null)
        {
            ApplyExpression.Claim(in2);
        }

        return new ApplyExpression(function, dtype, layout, in0, in1, in2, weight);
    }

    private static ApplyExpression Heaviest(Expression in0, Expression? in1, Expression? in2, CutReason reason)
    {
        ApplyExpression? heaviest = null;
        foreach (var input in new[] { in0, in1, in2 })
        {
            if (input is ApplyExpression { Result: null } apply
                && (heaviest is null || Share(apply) > Share(heaviest)))
            {
                heaviest = apply;
            }
        }

        return heaviest!;

        int Share(ApplyExpression apply) => reason switch
        {
            CutReason.Nodes => apply.Weight.Nodes,
            CutReason.Inputs => apply.Weight.Operands,
            _ => apply.Weight.Numbers,
        };
    }

    /// <summary>Counts the distinct nodes and buffers, and the numbers, below up to three inputs.</summary>
    private static void CountExactly(
        Device device, Expression in0, Expression? in1, Expression? in2, out int nodes, out int reads, out int numbers)
    {
        long stamp = Executor.Of(device).Graph.NextStamp();
        var leaves = new List<BufferExpression>();
        int count = 0, numberCount = 0;
        Walk(in0);
        Walk(in1);
        Walk(in2);
        nodes = count;
        reads = leaves.Count;
        numbers = numberCount;

        void Walk(Expression? expression)
        {
            expression = expression is null ? null : ApplyExpression.Resolve(expression);
            if (expression is null || expression.VisitStamp == stamp)
            {
                return;
            }

            expression.VisitStamp = stamp;
            if (expression is BufferExpression buffer && !IsRead(leaves, buffer))
            {
                leaves.Add(buffer);
            }
            else if (expression is IndexExpression index)
            {
                // An index sequence takes an operand slot for its strides.
                leaves.Add(new BufferExpression(null!, index.DType, index.Layout));
            }
            else if (expression is ApplyExpression apply)
            {
                count++;
                Walk(apply.In0);
                Walk(apply.In1);
                Walk(apply.In2);
            }
            else
            {
                numberCount += expression.Weight.Numbers;
            }
        }

        static bool IsRead(List<BufferExpression> leaves, BufferExpression buffer)
        {
            foreach (var leaf in leaves)
            {
                if (buffer.ReadsSameAs(leaf))
                {
                    return true;
                }
            }

            return false;
        }
    }
}
