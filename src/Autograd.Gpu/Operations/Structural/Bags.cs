using Autograd.Gpu.Kernels.Indexing;
using Autograd.Gpu.Lazy;
using Autograd.Gpu.Transforms;

namespace Autograd.Gpu.Operations;

/// <summary>
/// What bags of rows have in common: their places, one vector of the rows of all elements (<see cref="Skip"/> for none), then where in these each bag starts, then where it
/// ends; starts ascend.
/// </summary>
internal static class Bags
{
    /// <summary>A row number for an element that counts for nothing.</summary>
    public const long Skip = BagKernels.Skip;

    /// <summary>Places where <paramref name="target"/> has the bag of each element: sorted, with the order in which the elements now stand.</summary>
    public static (Tensor Places, Tensor Order, Tensor Sizes) Of(Tensor rows, Tensor target, long bags)
    {
        var (sorted, order) = target.Sort(0);
        var numbers = Tensor.Arange(bags, DType.Int64, rows.Device);
        Tensor starts = sorted.SearchSorted(numbers), ends = sorted.SearchSorted(numbers, right: true);
        return (Tensor.Cat([rows.IndexSelect(0, order), starts, ends]), order, ends - starts);
    }

    /// <summary>The bag of each element; <see cref="Skip"/> for those in none.</summary>
    public static Tensor BagOf(Tensor places, long count, long bags)
    {
        if (count == 0 || bags == 0)
        {
            return Tensor.Full([count], Skip, DType.Int64, places.Device);
        }

        Tensor elements = Tensor.Arange(count, DType.Int64, places.Device), starts = places.Narrow(0, count, bags), ends = places.Narrow(0, count + bags, bags);
        var bag = starts.SearchSorted(elements, right: true) - 1;
        return Tensor.Where((bag >= 0).LogicalAnd(elements < ends.IndexSelect(0, bag.Clamp(0))), bag, Skip);
    }

    public static LineOperand Read(Tensor tensor) => new(tensor.ContiguousBuffer(), default);

    /// <summary>The tensor of which the samples' batches are one after the other, with what each sample adds to positions in it.</summary>
    public static Tensor Moved(Tensor places, long by)
    {
        var shift = (Tensor.Arange(places.Shape[0], DType.Int64, places.Device) * by).Unsqueeze(-1);
        return Tensor.Where(places == Skip, Skip, places + shift).Flatten();
    }

    /// <summary>Refuses rows that are not there, where the host can read them.</summary>
    public static unsafe void Check(string operation, Device device, LineOperand rows, long count, long size)
    {
        if (!device.HasHostMemory)
        {
            return;
        }

        var at = (long*)rows.Pointer;
        for (long i = 0; i < count; i++)
        {
            if (at[i] != Skip && (at[i] < 0 || at[i] >= size))
            {
                throw IndexRange.OutOfRange(operation, at[i], 0, size, wraps: false);
            }
        }

        GC.KeepAlive(rows.Buffer);
    }
}

/// <summary>
/// Sums of bags of rows of a table, weighted if there is a third input: a sparse matrix times the table. The gradient of the table is the same with rows and bags in each
/// other's place, so that no derivative of any order holds the rows one by one.
/// </summary>
/// <param name="rows">Number of rows of the table.</param>
/// <param name="bags">Number of bags.</param>
/// <param name="dtype">The table's dtype. The result, the weights and what is summed are of the type in which it is computed with.</param>
/// <param name="isWeighted">Whether there is a third input, a factor for each element.</param>
/// <param name="byFrequency">Whether the gradient of a row is divided by the number of elements that name it.</param>
internal sealed class BagSum(long rows, long bags, DType dtype, bool isWeighted, bool byFrequency = false) : StructuralOperation("EmbeddingBag")
{
    public override Saves Saves => isWeighted ? Saves.Inputs | Saves.Input2 : Saves.Input1;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        var (table, places) = (inputs[0], inputs[1]);
        var device = table.Device;
        using (device.Gate.Enter())
        {
            long columns = table.Shape[1], count = places.NumElements - 2 * bags;
            var result = Fuser.NewBuffer(device, table.DType.ComputeType(), Layout.Contiguous([bags, columns]));
            var at = Bags.Read(places);
            Bags.Check(Name, device, at, count, rows);
            if (result.Layout.Count > 0)
            {
                LineOperand? weights = isWeighted ? Bags.Read(inputs[2]) : null;
                Executor.Of(device).Run(new BagCall(Bags.Read(table), at, weights, result, count, rows, columns), result.Shape);
            }

            return Tensor.FromNewBuffer(device, result);
        }
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        var places = saved.Input1;
        long count = places.NumElements - 2 * bags;
        Tensor row = places.Narrow(0, 0, count), bag = Bags.BagOf(places, count, bags);
        if (needs[0])
        {
            inputGradients[0] = OfTable(gradient, row, bag, isWeighted ? saved.Input2 : null);
        }

        if (isWeighted && needs[2])
        {
            inputGradients[2] = Structural.Apply(new RowDot(), [saved.Input0, gradient, Tensor.Cat([row, bag])]);
        }
    }

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents)
    {
        var ofTable = tangents[0] is not { } table ? null : isWeighted ? Structural.Apply(this, [table, inputs[1], inputs[2]]) : Structural.Apply(this, table, inputs[1]);
        var ofWeights = isWeighted && tangents[2] is { } weights ? Structural.Apply(this, [inputs[0], inputs[1], weights]) : null;
        return ofTable is null ? ofWeights : ofWeights is null ? ofTable : ofTable + ofWeights;
    }

    public override Tensor Batch(BatchInputs inputs)
    {
        Tensor table = inputs.Repeated(0), places = inputs.Repeated(1);
        long count = places.Shape[1] - 2 * bags;
        var all = Tensor.Cat([
            Bags.Moved(places.Narrow(1, 0, count), rows), Bags.Moved(places.Narrow(1, count, bags), count), Bags.Moved(places.Narrow(1, count + bags, bags), count)]);
        var sum = new BagSum(inputs.Size * rows, inputs.Size * bags, dtype, isWeighted, byFrequency);
        var result = isWeighted
            ? Structural.Apply(sum, [table.Flatten(0, 1), all, inputs.Repeated(2).Flatten()])
            : Structural.Apply(sum, table.Flatten(0, 1), all);
        return result.Reshape(inputs.Size, bags, table.Shape[2]);
    }

    private Tensor OfTable(Tensor gradient, Tensor row, Tensor bag, Tensor? weights)
    {
        var (places, order, sizes) = Bags.Of(bag, row, rows);
        var result = weights is null
            ? Structural.Apply(new BagSum(bags, rows, gradient.DType, isWeighted: false), gradient, places)
            : Structural.Apply(new BagSum(bags, rows, gradient.DType, isWeighted: true), [gradient, places, weights.IndexSelect(0, order)]);
        return (byFrequency ? result / sizes.Clamp(1).To(gradient.DType).Unsqueeze(-1) : result).To(dtype);
    }
}

/// <summary>
/// Products of pairs of rows of two tables, for the rows that the third input names: those of the first table, which may be of a half type, then those of the second,
/// whose dtype the result has. The gradient of <see cref="BagSum"/> with respect to its weights.
/// </summary>
internal sealed class RowDot() : StructuralOperation("EmbeddingBagDot")
{
    public override Saves Saves => Saves.Inputs | Saves.Input2;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        var (first, second, pairs) = (inputs[0], inputs[1], inputs[2]);
        var device = first.Device;
        using (device.Gate.Enter())
        {
            var result = Fuser.NewBuffer(device, second.DType, Layout.Contiguous([pairs.NumElements / 2]));
            if (result.Layout.Count > 0)
            {
                var call = new RowDotCall(Bags.Read(first), Bags.Read(second), Bags.Read(pairs), result, first.Shape[0], second.Shape[0], first.Shape[1]);
                Executor.Of(device).Run(call, result.Shape);
            }

            return Tensor.FromNewBuffer(device, result);
        }
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        Tensor first = saved.Input0, second = saved.Input1, pairs = saved.Input2;
        long count = pairs.NumElements / 2;
        Tensor ofFirst = pairs.Narrow(0, 0, count), ofSecond = pairs.Narrow(0, count, count);
        inputGradients[0] = needs[0] ? Sum(second, ofSecond, ofFirst, first.Shape[0], gradient).To(first.DType) : null;
        inputGradients[1] = needs[1] ? Sum(first, ofFirst, ofSecond, second.Shape[0], gradient) : null;
    }

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents)
    {
        var ofFirst = tangents[0] is { } first ? Structural.Apply(this, [first, inputs[1], inputs[2]]) : null;
        var ofSecond = tangents[1] is { } second ? Structural.Apply(this, [inputs[0], second, inputs[2]]) : null;
        return ofFirst is null ? ofSecond : ofSecond is null ? ofFirst : ofFirst + ofSecond;
    }

    public override Tensor Batch(BatchInputs inputs)
    {
        Tensor first = inputs.Repeated(0), second = inputs.Repeated(1), pairs = inputs.Repeated(2);
        long count = pairs.Shape[1] / 2;
        var all = Tensor.Cat([Bags.Moved(pairs.Narrow(1, 0, count), first.Shape[1]), Bags.Moved(pairs.Narrow(1, count, count), second.Shape[1])]);
        return Structural.Apply(this, [first.Flatten(0, 1), second.Flatten(0, 1), all]).Reshape(inputs.Size, count);
    }

    private static Tensor Sum(Tensor table, Tensor rows, Tensor target, long bags, Tensor factors)
    {
        // A pair that lacks one row has none.
        rows = Tensor.Where(target == Bags.Skip, Bags.Skip, rows);
        var (places, order, _) = Bags.Of(rows, target, bags);
        return Structural.Apply(new BagSum(table.Shape[0], bags, table.DType, isWeighted: true), [table, places, factors.IndexSelect(0, order)]);
    }
}

/// <summary>For each bag and column of a table the row of the first of the largest elements, <see cref="Bags.Skip"/> for a bag without any.</summary>
internal sealed class BagLargest(long bags) : StructuralOperation("EmbeddingBagMax")
{
    public override bool IsDifferentiable => false;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        var (table, places) = (inputs[0], inputs[1]);
        var device = table.Device;
        using (device.Gate.Enter())
        {
            long rows = table.Shape[0], columns = table.Shape[1], count = places.NumElements - 2 * bags;
            var result = Fuser.NewBuffer(device, DType.Int64, Layout.Contiguous([bags, columns]));
            var at = Bags.Read(places);
            Bags.Check("EmbeddingBag", device, at, count, rows);
            if (result.Layout.Count > 0)
            {
                Executor.Of(device).Run(new BagCall(Bags.Read(table), at, null, result, count, rows, columns), result.Shape);
            }

            return Tensor.FromNewBuffer(device, result);
        }
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
        throw new InvalidOperationException($"{Name}: indices are not differentiable.");

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) => null;

    public override Tensor Batch(BatchInputs inputs)
    {
        Tensor table = inputs.Repeated(0), places = inputs.Repeated(1);
        long rows = table.Shape[1], count = places.Shape[1] - 2 * bags;
        var all = Tensor.Cat([
            Bags.Moved(places.Narrow(1, 0, count), rows), Bags.Moved(places.Narrow(1, count, bags), count), Bags.Moved(places.Narrow(1, count + bags, bags), count)]);
        var largest = Structural.Apply(new BagLargest(inputs.Size * bags), table.Flatten(0, 1), all).Reshape(inputs.Size, bags, table.Shape[2]);
        var shift = (Tensor.Arange(inputs.Size, DType.Int64, table.Device) * rows).Reshape(inputs.Size, 1, 1);
        return Tensor.Where(largest == Bags.Skip, Bags.Skip, largest - shift);
    }
}
