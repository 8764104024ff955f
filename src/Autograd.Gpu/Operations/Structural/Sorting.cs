using Autograd.Gpu.Lazy;
using Autograd.Gpu.Tape;
using Autograd.Gpu.Transforms;

namespace Autograd.Gpu.Operations;

/// <summary>The places of the elements along a dimension in sorted order, equal ones as they stand; nan counts as largest.</summary>
internal sealed class SortedPlaces(int dim, bool descending) : StructuralOperation("Argsort")
{
    public override bool IsDifferentiable => false;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        using var mode = GradMode.Set(false);
        var x = inputs[0].CastIfNeeded(Scatter.ComputeType(inputs[0].DType)).MoveDim(dim, -1);
        var device = x.Device;
        long length = x.Shape[-1];
        using (device.Gate.Enter())
        {
            var places = new BufferExpression(device.Allocate(x.NumElements * sizeof(long)), DType.Int64, Layout.Contiguous(x.Shape));
            if (x.NumElements > 0)
            {
                Executor.Of(device).Run(new SortCall(x.ContiguousBuffer(), places, x.NumElements / length, length, descending), x.Shape);
            }

            return Tensor.FromNewBuffer(device, places).MoveDim(-1, dim).Contiguous();
        }
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
        throw new InvalidOperationException($"{Name}: indices are not differentiable.");

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) => null;

    public override Tensor Batch(BatchInputs inputs) => Structural.Apply(new SortedPlaces(dim + 1, descending), inputs[0]);
}

/// <summary>
/// Of the places that <see cref="SortedPlaces"/> gives, <paramref name="count"/> from <paramref name="first"/> on: the first ones, or one further in.
/// </summary>
internal sealed class SelectedPlaces(int dim, long first, long count, bool descending) : StructuralOperation("Topk")
{
    public override bool IsDifferentiable => false;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        using var mode = GradMode.Set(false);
        long length = inputs[0].Shape[dim];
        if (!inputs[0].Device.IsHost || count > length / 2)
        {
            var all = new SortedPlaces(dim, descending).Forward(inputs);
            return all.Sliced(dim, first, 1, count).Contiguous();
        }

        var x = inputs[0].CastIfNeeded(Scatter.ComputeType(inputs[0].DType)).MoveDim(dim, -1);
        var device = x.Device;
        using (device.Gate.Enter())
        {
            var shape = x.WithSize(x.Rank - 1, count);
            var places = Fuser.NewBuffer(device, DType.Int64, Layout.Contiguous(shape));
            if (shape.NumElements > 0)
            {
                var call = new SelectCall(x.ContiguousBuffer(), places, x.NumElements / length, length, first, count, descending);
                Executor.Of(device).Run(call, x.Shape);
            }

            return Tensor.FromNewBuffer(device, places).MoveDim(-1, dim).Contiguous();
        }
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
        throw new InvalidOperationException($"{Name}: indices are not differentiable.");

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) => null;

    public override Tensor Batch(BatchInputs inputs) => Structural.Apply(new SelectedPlaces(dim + 1, first, count, descending), inputs[0]);
}

/// <summary>For each value the place in its sorted line where it belongs: lines lie along the last dimension, or all values share a 1-d sequence.</summary>
internal sealed class SearchedPlaces(bool right) : StructuralOperation("Searchsorted")
{
    public override bool IsDifferentiable => false;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        using var mode = GradMode.Set(false);
        var (sorted, values) = (inputs[0], inputs[1]);
        var dtype = Scatter.ComputeType(Promotion.ResultType(sorted, values));
        var device = sorted.Device;
        using (device.Gate.Enter())
        {
            var result = new BufferExpression(device.Allocate(values.NumElements * sizeof(long)), DType.Int64, Layout.Contiguous(values.Shape));
            if (values.NumElements > 0)
            {
                var (lines, keys) = (sorted.CastIfNeeded(dtype).ContiguousBuffer(), values.CastIfNeeded(dtype).ContiguousBuffer());
                bool isShared = sorted.Rank == 1;
                long count = isShared || values.Rank == 0 ? values.NumElements : values.Shape[-1];
                var call = new SearchCall(lines, keys, result, values.NumElements / count, sorted.Shape[-1], count, isShared, right);
                Executor.Of(device).Run(call, values.Shape);
            }

            return Tensor.FromNewBuffer(device, result);
        }
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
        throw new InvalidOperationException($"{Name}: indices are not differentiable.");

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) => null;

    public override Tensor Batch(BatchInputs inputs)
    {
        if (!inputs.IsBatched(0) && inputs.Samples[0].Rank == 1)
        {
            return Structural.Apply(this, inputs[0], inputs[1]);
        }

        // Each sample's values form one line beside its sequence.
        var (sorted, values) = (inputs.Repeated(0), inputs.Repeated(1));
        if (inputs.Samples[0].Rank > 1)
        {
            return Structural.Apply(this, sorted, values);
        }

        long count = inputs.Samples[1].NumElements;
        return Structural.Apply(this, sorted, values.Reshape(inputs.Size, count)).Reshape(values.Shape);
    }
}
