using Autograd.Gpu.Lazy;
using Autograd.Gpu.Transforms;

namespace Autograd.Gpu.Operations;

/// <summary>
/// result[.., k, ..] = x[.., index[.., k, ..], ..] along a dimension. The index has the shape of the input but for that dimension; where all lines share
/// it, it is expanded. The gradient is summed where an index occurs more than once. Only the index is saved.
/// </summary>
/// <param name="name">The operation's name in PyTorch.</param>
/// <param name="input">The input's shape.</param>
/// <param name="dim">The dimension.</param>
/// <param name="result">The result's shape: as many elements as the index has, in the same order.</param>
/// <param name="wraps">Whether negative indices count from the end.</param>
internal sealed class Gathered(string name, Shape input, int dim, Shape result, bool wraps = false) : StructuralOperation(name)
{
    public override Saves Saves => Saves.Input1;

    public override unsafe Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        var (x, index) = (inputs[0], inputs[1]);
        var device = x.Device;
        using (device.Gate.Enter())
        {
            var (outer, count, inner) = Lines.Of(index.Shape, dim);
            var lines = new IndexedLines(outer, count, inner, input.Rank == 0 ? 1 : input[dim], wraps);
            var (source, operand) = (Lines.Read(x, dim), Lines.Read(index, dim));
            bool checksItself = device.IsHost && lines.ChecksGatherOnHost(source.Strides, operand.Strides);
            if (index.NumElements > 0 && !checksItself)
            {
                IndexRange.Check(Name, device, operand, lines, dim);
            }

            var buffer = new BufferExpression(device.Allocate(result.NumElements * x.DType.Size()), x.DType, Layout.Contiguous(result));
            if (index.NumElements > 0)
            {
                int outside = 0;
                Executor.Of(device).Run(new GatherCall(source, operand, buffer, lines, checksItself ? &outside : null), result);
                if (outside != 0)
                {
                    buffer.Block.Release();
                    IndexRange.Check(Name, device, operand, lines, dim);
                }
            }

            return Tensor.FromNewBuffer(device, buffer);
        }
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        var index = saved.Input1;
        inputGradients[0] = Structural.Apply(new ScatteredSum(input, dim, wraps), gradient.Reshape(index.Shape), index);
    }

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) =>
        tangents[0] is { } tangent ? Structural.Apply(this, tangent, inputs[1]) : null;

    public override Tensor Batch(BatchInputs inputs)
    {
        var (x, index) = (inputs.Repeated(0), inputs.Repeated(1));
        (x, index) = (Scatter.AtLeastLines(x), Scatter.AtLeastLines(index));
        var batch = new Gathered(Name, x.Shape, dim + 1, Shape.Own([inputs.Size, .. result.AsSpan()]), wraps);
        return Structural.Apply(batch, x, index);
    }
}

/// <summary>
/// Zeros of a shape, and added to them at the places that the index names the elements of the first input: the adjoint of <see cref="Gathered"/>, which
/// is its own derivative in turn. Sums are taken in the order of the index.
/// </summary>
internal sealed class ScatteredSum(Shape output, int dim, bool wraps = false) : StructuralOperation("ScatterAdd")
{
    public override Saves Saves => Saves.Input1;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        var (source, index) = (inputs[0], inputs[1]);
        var device = source.Device;
        var dtype = Scatter.ComputeType(source.DType);
        using (device.Gate.Enter())
        {
            return Tensor.FromNewBuffer(device, Scatter.Sum(Name, source, index, dim, wraps, output, dtype)).CastIfNeeded(source.DType);
        }
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        var index = saved.Input1;
        inputGradients[0] = Structural.Apply(new Gathered("Gather", output, dim, index.Shape, wraps), gradient, index);
    }

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) =>
        tangents[0] is { } tangent ? Structural.Apply(this, tangent, inputs[1]) : null;

    public override Tensor Batch(BatchInputs inputs)
    {
        var (source, index) = (inputs.Repeated(0), inputs.Repeated(1));
        (source, index) = (Scatter.AtLeastLines(source), Scatter.AtLeastLines(index));
        var shape = Shape.Own(output.Rank == 0 ? [inputs.Size, 1] : [inputs.Size, .. output.AsSpan()]);
        var sum = Structural.Apply(new ScatteredSum(shape, dim + 1, wraps), source, index);
        return output.Rank == 0 ? sum.Squeeze(-1) : sum;
    }
}
