using Autograd.Gpu.Lazy;
using Autograd.Gpu.Tape;
using Autograd.Gpu.Transforms;

namespace Autograd.Gpu.Operations;

/// <summary>What scatters have in common.</summary>
internal static class Scatter
{
    /// <summary>With this many lines a device is busy with a thread for each.</summary>
    private const long ManyLines = 4096;

    /// <summary>Lines so short that a thread each is best in any case.</summary>
    private const long ShortLine = 64;

    /// <summary>The dtype in which elements are combined.</summary>
    public static DType ComputeType(DType dtype) => dtype == DType.Bool ? DType.Int32 : dtype.ComputeType();

    /// <summary>Larger results are cleared apart, with stores that leave the caches alone.</summary>
    private const long MostCleared = 16 << 20;

    /// <summary>
    /// Zeros of a shape, and added to them at the places that the index names the elements of <paramref name="source"/>. On the host what clears a part of the result adds
    /// to it next, while it is in the cache.
    /// </summary>
    public static BufferExpression Sum(string name, Tensor source, Tensor index, int dim, bool wraps, Shape shape, DType dtype)
    {
        var device = index.Device;
        bool clears = device.IsHost && index.NumElements > 0 && shape.NumElements * dtype.Size() < MostCleared;
        var layout = Layout.Contiguous(shape);
        var result = clears ? Fuser.NewBuffer(device, dtype, layout) : Fuser.Copy(device, new ConstantExpression(0, dtype, layout), CutReason.Operand);
        Run(name, Combination.Sum, source.CastIfNeeded(dtype), index, dim, wraps, result, clears);
        return result;
    }

    /// <summary>
    /// Combines the elements of <paramref name="source"/>, which has the index's shape, with those that the index names in the contiguous <paramref name="result"/>, which
    /// nobody has seen: if an index is out of range, it may have changed already.
    /// </summary>
    public static unsafe void Run(
        string name, Combination combination, Tensor source, Tensor index, int dim, bool wraps, BufferExpression result, bool clears = false)
    {
        if (index.NumElements == 0)
        {
            return;
        }

        var device = index.Device;
        var (outer, count, inner) = Lines.Of(index.Shape, dim);
        var lines = new IndexedLines(outer, count, inner, result.Shape.Rank == 0 ? 1 : result.Shape[dim], wraps);
        var operand = Lines.Read(index, dim);
        bool checksItself = device.IsHost && lines.ChecksOnHost;
        if (!checksItself)
        {
            IndexRange.Check(name, device, operand, lines, dim);
        }

        BufferExpression? order = null;
        var executor = Executor.Of(device);
        if (!device.IsHost && outer * inner < ManyLines && count > ShortLine)
        {
            operand = Compact(operand, lines, device);
            order = new BufferExpression(device.Allocate(operand.Buffer.Layout.Count * sizeof(long)), DType.Int64, Layout.Contiguous(operand.Buffer.Shape));
            executor.Run(new SortCall(operand.Buffer, order, operand.Buffer.Shape[0], count, descending: false), operand.Buffer.Shape);
        }

        int outside = 0;
        executor.Run(new ScatterCall(combination, Lines.Read(source, dim), operand, order, result, lines, checksItself ? &outside : null, clears), index.Shape);
        order?.Block.Release();
        if (outside != 0)
        {
            IndexRange.Check(name, device, operand, lines, dim);
        }
    }

    /// <summary>Whether a tensor is nothing but zeros that were never written to memory.</summary>
    public static bool IsPendingZero(Tensor x) =>
        x.Storage.Value is ConstantExpression number && number.Shape == x.Shape && BitConverter.DoubleToInt64Bits(number.Value.ToDouble()) == 0;

    /// <summary>A tensor's elements in memory of their own, of another dtype if need be.</summary>
    public static BufferExpression Copied(Tensor x, DType dtype)
    {
        x = x.CastIfNeeded(dtype);
        var value = x.Storage.Value is ConstantExpression number && number.Shape == x.Shape ? number : (Expression)x.StridedBuffer();
        return Fuser.Copy(x.Device, value, CutReason.Operand);
    }

    /// <summary>A batch of numbers as a batch of lines of one.</summary>
    public static Tensor AtLeastLines(Tensor batch) => batch.Rank == 1 ? batch.Unsqueeze(-1) : batch;

    /// <summary>The index's distinct lines one after the other, with negative indices resolved.</summary>
    private static LineOperand Compact(LineOperand index, IndexedLines lines, Device device)
    {
        var strides = index.Strides;
        long outer = strides.Outer == 0 ? 1 : lines.Outer, inner = strides.Inner == 0 ? 1 : lines.Inner;
        var layout = Layout.Strided(Shape.Own([outer, inner, lines.Count]), [strides.Outer, strides.Inner, strides.Line], index.Buffer.Layout.Offset);
        var copy = Tensor.FromNewBuffer(device, Fuser.Copy(device, index.Buffer.WithLayout(layout), CutReason.Operand));
        if (lines.Wraps)
        {
            using var mode = GradMode.Set(false);
            copy = Tensor.Where(copy < 0, copy + lines.Size, copy);
        }

        var buffer = copy.StridedBuffer().WithLayout(Layout.Contiguous(Shape.Own([outer * inner, lines.Count])));
        return new LineOperand(buffer, new LineStrides(strides.Outer == 0 ? 0 : inner * lines.Count, 1, strides.Inner == 0 ? 0 : lines.Count));
    }
}

/// <summary>
/// The first input with the elements that the index names replaced by those of the third; where an index occurs more than once the last one stays.
/// As in PyTorch the gradient of the third input is right only where indices differ.
/// </summary>
internal sealed class Scattered(string name, int dim, bool wraps = false) : StructuralOperation(name)
{
    public override Saves Saves => Saves.Input1;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        var (x, index, source) = (inputs[0], inputs[1], inputs[2]);
        var device = x.Device;
        using (device.Gate.Enter())
        {
            var buffer = Scatter.Copied(x, x.DType);
            Scatter.Run(Name, Combination.Replace, source.CastIfNeeded(x.DType), index, dim, wraps, buffer);
            return Tensor.FromNewBuffer(device, buffer);
        }
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        var index = saved.Input1;
        if (needs[0])
        {
            inputGradients[0] = Structural.Apply(new Scattered(Name, dim, wraps), [gradient, index, Zero(gradient).Expand(index.Shape)]);
        }

        if (needs[2])
        {
            inputGradients[2] = Structural.Apply(new Gathered("Gather", gradient.Shape, dim, index.Shape, wraps), gradient, index);
        }
    }

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents)
    {
        if (tangents[0] is null && tangents[2] is null)
        {
            return null;
        }

        var x = tangents[0] ?? Tensor.ZerosLike(inputs[0]);
        var source = tangents[2] ?? Zero(x).Expand(inputs[2].Shape);
        return Structural.Apply(this, [x, inputs[1], source]);
    }

    public override Tensor Batch(BatchInputs inputs)
    {
        var (x, index, source) = (inputs.Repeated(0), inputs.Repeated(1), inputs.Repeated(2));
        var batch = new Scattered(Name, dim + 1, wraps);
        var result = Structural.Apply(batch, [Scatter.AtLeastLines(x), Scatter.AtLeastLines(index), Scatter.AtLeastLines(source)]);
        return inputs.Samples[0].Rank == 0 ? result.Squeeze(-1) : result;
    }

    private static Tensor Zero(Tensor like) => Tensor.Zeros(Shape.Scalar, like.DType, like.Device);
}

/// <summary>The first input with the elements of the third added where the index names them, in the order of the index.</summary>
internal sealed class ScatteredOnto(string name, int dim) : StructuralOperation(name)
{
    public override Saves Saves => Saves.Input1;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        var (x, index, source) = (inputs[0], inputs[1], inputs[2]);
        var device = x.Device;
        var dtype = Scatter.ComputeType(x.DType);
        using (device.Gate.Enter())
        {
            BufferExpression buffer;
            if (Scatter.IsPendingZero(x))
            {
                buffer = Scatter.Sum(Name, source, index, dim, false, x.Shape, dtype);
            }
            else
            {
                buffer = Scatter.Copied(x, dtype);
                Scatter.Run(Name, Combination.Sum, source.CastIfNeeded(dtype), index, dim, false, buffer);
            }

            return Tensor.FromNewBuffer(device, buffer).CastIfNeeded(x.DType);
        }
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        inputGradients[0] = gradient;
        if (needs[2])
        {
            var index = saved.Input1;
            inputGradients[2] = Structural.Apply(new Gathered("Gather", gradient.Shape, dim, index.Shape), gradient, index);
        }
    }

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) => tangents[2] is not { } source
        ? tangents[0]
        : tangents[0] is { } x
            ? Structural.Apply(this, [x, inputs[1], source])
            : Structural.Apply(new ScatteredSum(output.Shape, dim), source, inputs[1]);

    public override Tensor Batch(BatchInputs inputs)
    {
        var (x, index, source) = (inputs.Repeated(0), inputs.Repeated(1), inputs.Repeated(2));
        var batch = new ScatteredOnto(Name, dim + 1);
        var result = Structural.Apply(batch, [Scatter.AtLeastLines(x), Scatter.AtLeastLines(index), Scatter.AtLeastLines(source)]);
        return inputs.Samples[0].Rank == 0 ? result.Squeeze(-1) : result;
    }
}

/// <summary>
/// The largest or smallest of what is there and what the index brings; those that tie share the gradient evenly. With <paramref name="isSeeded"/>
/// false what is there does not count where something comes.
/// </summary>
internal sealed class ScatteredExtreme(int dim, bool isMax, bool isSeeded) : StructuralOperation("ScatterReduce")
{
    public override Saves Saves => Saves.Inputs | Saves.Input2 | Saves.Output;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        using var mode = GradMode.Set(false);
        var (x, index, source) = (inputs[0], inputs[1], inputs[2]);
        var dtype = Scatter.ComputeType(x.DType);
        var start = isSeeded ? x : x.Scatter(dim, index, Scatterable(x, isMax));
        using (x.Device.Gate.Enter())
        {
            var buffer = Fuser.Copy(x.Device, start.CastIfNeeded(dtype).StridedBuffer(), CutReason.Operand);
            Scatter.Run(Name, isMax ? Combination.Max : Combination.Min, source.CastIfNeeded(dtype), index, dim, false, buffer);
            return Tensor.FromNewBuffer(x.Device, buffer).CastIfNeeded(x.DType);
        }
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        var (selfShare, sourceShare) = Shares(saved.Input0, saved.Input1, saved.Input2, saved.Output);
        if (needs[0])
        {
            inputGradients[0] = gradient * selfShare;
        }

        if (needs[2])
        {
            inputGradients[2] = gradient.Gather(dim, saved.Input1) * sourceShare;
        }
    }

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents)
    {
        var (selfShare, sourceShare) = Shares(inputs[0], inputs[1], inputs[2], output);
        var own = tangents[0] is { } x ? x * selfShare : null;
        var brought = tangents[2] is { } source ? Structural.Apply(new ScatteredSum(output.Shape, dim), source * sourceShare, inputs[1]) : null;
        return own is null ? brought : brought is null ? own : own + brought;
    }

    public override Tensor Batch(BatchInputs inputs) => Structural.Apply(
        new ScatteredExtreme(dim + 1, isMax, isSeeded), [inputs.Repeated(0), inputs.Repeated(1), inputs.Repeated(2)]);

    /// <summary>The number that any other replaces.</summary>
    private static Scalar Scatterable(Tensor x, bool isMax) => isMax ? x.Lowest : x.Highest;

    private (Tensor Self, Tensor Source) Shares(Tensor x, Tensor index, Tensor source, Tensor output)
    {
        var dtype = output.DType;
        var self = (x == output).To(dtype);
        if (!isSeeded)
        {
            self = self.Scatter(dim, index, 0);
        }

        var brought = (source == output.Gather(dim, index)).To(dtype);
        var count = self + Structural.Apply(new ScatteredSum(output.Shape, dim), brought, index);
        return (self / count, brought / count.Gather(dim, index));
    }
}

/// <summary>The product of what is there (if <paramref name="isSeeded"/>, or where nothing comes) and all that the index brings.</summary>
internal sealed class ScatteredProduct(int dim, bool isSeeded) : StructuralOperation("ScatterReduce")
{
    public override Saves Saves => Saves.Inputs | Saves.Input2;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        using var mode = GradMode.Set(false);
        return Product(Seed(inputs[0], inputs[1]), inputs[1], inputs[2]);
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        var (self, source) = Slopes(saved.Input0, saved.Input1, saved.Input2);
        if (needs[0])
        {
            inputGradients[0] = gradient * self;
        }

        if (needs[2])
        {
            inputGradients[2] = gradient.Gather(dim, saved.Input1) * source;
        }
    }

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents)
    {
        var (self, slope) = Slopes(inputs[0], inputs[1], inputs[2]);
        var own = tangents[0] is { } x ? x * self : null;
        var brought = tangents[2] is { } source ? Structural.Apply(new ScatteredSum(output.Shape, dim), source * slope, inputs[1]) : null;
        return own is null ? brought : brought is null ? own : own + brought;
    }

    public override Tensor Batch(BatchInputs inputs) => Structural.Apply(
        new ScatteredProduct(dim + 1, isSeeded), [inputs.Repeated(0), inputs.Repeated(1), inputs.Repeated(2)]);

    private Tensor Seed(Tensor x, Tensor index) => isSeeded ? x : x.Scatter(dim, index, 1);

    private Tensor Product(Tensor seed, Tensor index, Tensor source)
    {
        var dtype = Scatter.ComputeType(seed.DType);
        using (seed.Device.Gate.Enter())
        {
            var buffer = Fuser.Copy(seed.Device, seed.CastIfNeeded(dtype).StridedBuffer(), CutReason.Operand);
            Scatter.Run(Name, Combination.Product, source.CastIfNeeded(dtype), index, dim, false, buffer);
            return Tensor.FromNewBuffer(seed.Device, buffer).CastIfNeeded(seed.DType);
        }
    }

    /// <summary>
    /// The derivatives: the product of all other factors, which is that of the factors that are not zero times that of the zeros. The latter is written with the sums of
    /// the zeros' powers, whose values are 0 and whose derivatives are not, so that derivatives are right up to the third order whatever is zero.
    /// </summary>
    private (Tensor Self, Tensor Source) Slopes(Tensor x, Tensor index, Tensor source)
    {
        var seed = Seed(x, index);
        var dtype = x.DType;
        Tensor seedIsZero = seed == 0, isZero = source == 0;
        var (seedZero, zero) = (Tensor.Where(seedIsZero, seed, 0), Tensor.Where(isZero, source, 0));
        var zeros = seedIsZero.To(dtype) + Sum(isZero.To(dtype));
        var (sum, squares) = (seedZero + Sum(zero), seedZero * seedZero + Sum(zero * zero));
        var (seedFactor, factor) = (Tensor.Where(seedIsZero, 1, seed), Tensor.Where(isZero, 1, source));
        var others = Structural.Apply(new ScatteredProduct(dim, isSeeded: true), [seedFactor, index, factor]);
        var self = others / seedFactor * Zeros(zeros - seedIsZero.To(dtype), sum - seedZero, squares - seedZero * seedZero);
        if (!isSeeded)
        {
            self = self.Scatter(dim, index, 0);
        }

        var there = others.Gather(dim, index) / factor
            * Zeros(zeros.Gather(dim, index) - isZero.To(dtype), sum.Gather(dim, index) - zero, squares.Gather(dim, index) - zero * zero);
        return (self, there);

        Tensor Sum(Tensor brought) => Structural.Apply(new ScatteredSum(x.Shape, dim), brought, index);
    }

    /// <summary>The product of so many zeros from the sums of their first and second powers; 0 with the derivative 0 from three on.</summary>
    private static Tensor Zeros(Tensor count, Tensor sum, Tensor squares) =>
        Tensor.Where(count == 0, 1, Tensor.Where(count == 1, sum, Tensor.Where(count == 2, (sum * sum - squares) / 2, 0.0)));
}
