using Autograd.Gpu.Lazy;
using Autograd.Gpu.Tape;
using Autograd.Gpu.Transforms;

namespace Autograd.Gpu.Operations;

/// <summary>
/// x W^T + b for x [.., in], W [out, in] and b [out] as one product, whose last step adds the bias. The gradient of W is computed in W's layout, so that neither pass
/// has a transposed tensor in it. Its nodes have the names that a linear layer on a matrix has in PyTorch's graph.
/// </summary>
internal sealed class Linear : StructuralOperation
{
    private static readonly Linear s_plain = new("MmBackward0"), s_biased = new("AddmmBackward0");

    private Linear(string nodeName)
        : base("Linear") => NodeName = nodeName;

    public override string NodeName { get; }

    public override Saves Saves => Saves.Inputs;

    public override Saves InputsFor(bool first, bool second) => (first ? Saves.Input1 : Saves.None) | (second ? Saves.Input0 : Saves.None);

    public static Tensor Apply(Tensor x, Tensor weight, Tensor? bias) =>
        bias is null ? Structural.Apply(s_plain, x, weight) : Structural.Apply(s_biased, [x, weight, bias]);

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        var (x, weight) = (inputs[0], inputs[1]);
        var device = x.Device;
        using (device.Gate.Enter())
        {
            long inner = weight.Shape[1], columns = weight.Shape[0];
            var left = Tall(x, inner, out long rows);
            var right = weight.StridedBuffer();
            var result = Fuser.NewBuffer(device, x.DType, Layout.Contiguous(WithLast(x.Shape, columns)));
            if (result.Layout.Count > 0)
            {
                var size = new MatrixProduct(
                    1, rows, columns, inner,
                    new MatrixStrides(0, left.Layout.Stride(0), left.Layout.Stride(1)), new MatrixStrides(0, right.Layout.Stride(1), right.Layout.Stride(0)));
                Executor.Of(device).MatMul(left, right, size, result, inputs.Length > 2 ? inputs[2].ContiguousBuffer() : null);
            }

            return Tensor.FromNewBuffer(device, result);
        }
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        var (known, weights) = (needs[1] ? saved.Input0 : null, needs[0] ? saved.Input1 : null);
        if (!GradMode.IsEnabled && gradient.Wrapper is null && known?.Wrapper is null && weights?.Wrapper is null && gradient.NumElements > 0)
        {
            Last(gradient, known, weights, inputGradients, needs.Length > 2 && needs[2]);
            return;
        }

        var tall = gradient.Rank == 2 ? gradient : gradient.Reshape(Rows(gradient.Shape), gradient.Shape[-1]);
        if (needs[0])
        {
            var slope = TransposedProduct.Apply(tall, saved.Input1, false, false);
            var reshaped = gradient.Rank == 2 ? slope : slope.Reshape(WithLast(gradient.Shape, slope.Shape[1]));
            inputGradients[0] = reshaped;
            Temporary.Drop(slope, reshaped);
        }

        if (needs[1])
        {
            var x = saved.Input0;
            inputGradients[1] = TransposedProduct.Apply(tall, x.Rank == 2 ? x : x.Reshape(Rows(x.Shape), x.Shape[-1]), true, false);
        }

        // The engine sums it over the rows.
        if (needs.Length > 2 && needs[2])
        {
            inputGradients[2] = gradient;
        }

        Temporary.Drop(tall, gradient);
    }

    /// <summary>The gradients where nothing can follow them, of the input if the weights are given, of the weights if the input is, by products alone.</summary>
    private static void Last(Tensor gradient, Tensor? x, Tensor? weight, Span<Tensor?> inputGradients, bool needsBias)
    {
        var device = gradient.Device;
        using (device.Gate.Enter())
        {
            long columns = gradient.Shape[-1];
            var tall = Tall(gradient, columns, out long rows);
            long row = tall.Layout.Stride(0), column = tall.Layout.Stride(1);
            if (weight is not null)
            {
                long inner = weight.Shape[1];
                var result = Fuser.NewBuffer(device, gradient.DType, x?.Layout.Compact ?? Layout.Contiguous(WithLast(gradient.Shape, inner)));
                if (inner > 0)
                {
                    var right = weight.StridedBuffer();
                    var size = new MatrixProduct(
                        1, rows, inner, columns, new MatrixStrides(0, row, column), new MatrixStrides(0, right.Layout.Stride(0), right.Layout.Stride(1)));
                    Executor.Of(device).MatMul(tall, right, size, result);
                }

                inputGradients[0] = Tensor.FromNewBuffer(device, result);
            }

            if (x is not null)
            {
                long inner = x.Shape[-1];
                var result = Fuser.NewBuffer(device, gradient.DType, weight?.Layout.Compact ?? Layout.Contiguous(Shape.Own([columns, inner])));
                if (inner > 0)
                {
                    var right = Tall(x, inner, out _);
                    var size = new MatrixProduct(
                        1, columns, inner, rows, new MatrixStrides(0, column, row), new MatrixStrides(0, right.Layout.Stride(0), right.Layout.Stride(1)));
                    Executor.Of(device).MatMul(tall, right, size, result);
                }

                inputGradients[1] = Tensor.FromNewBuffer(device, result);
            }

            // What is not summed here, the engine sums over the rows.
            inputGradients[2..].Fill(needsBias ? SumOfRows(device, tall) ?? gradient : null);
        }
    }

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents)
    {
        var bias = tangents.Length > 2 ? tangents[2] : null;
        var left = tangents[0] is { } x ? Apply(x, inputs[1], bias) : null;
        var right = tangents[1] is { } weight ? Apply(inputs[0], weight, left is null ? bias : null) : null;
        return left is null ? right ?? bias?.Expand(output.Shape) : right is null ? left : left + right;
    }

    public override Tensor Batch(BatchInputs inputs)
    {
        int rank = inputs.Samples[0].Rank;
        bool isBiasShared = inputs.Count < 3 || !inputs.IsBatched(2);
        if (!inputs.IsBatched(1))
        {
            var own = isBiasShared && inputs.Count > 2 ? inputs[2] : null;
            var result = Apply(inputs.Repeated(0), inputs[1], own);
            return isBiasShared ? result : result + inputs.Aligned(2, rank);
        }

        // Samples have weights of their own.
        var (x, weight) = (inputs.Repeated(0), inputs[1]);
        var stack = rank == 2 ? x : x.Reshape(inputs.Size, Rows(inputs.Samples[0].Shape), x.Shape[-1]);
        var product = MatMul.Apply(stack, weight.Transpose(-2, -1)).Reshape(WithLast(x.Shape, weight.Shape[1]));
        return inputs.Count < 3 ? product : product + inputs.Aligned(2, rank);
    }

    /// <summary>The sum of a matrix's rows, unless they are strided; otherwise null.</summary>
    private static Tensor? SumOfRows(Device device, BufferExpression matrix)
    {
        var result = Fuser.NewBuffer(device, matrix.DType, Layout.Contiguous(Shape.Own([matrix.Shape[1]])));
        var executor = Executor.Of(device);
        if (!executor.TrySumRows(matrix, result))
        {
            if (!matrix.Layout.IsContiguous || result.Layout.Count == 0)
            {
                result.Block.Release();
                return null;
            }

            executor.Reduce(Reduction.Sum, matrix, new ReductionShape(1, matrix.Shape[0], matrix.Shape[1]), result);
        }

        return Tensor.FromNewBuffer(device, result);
    }

    /// <summary>The tensor as one matrix, read where it lies if its strides allow that.</summary>
    private static BufferExpression Tall(Tensor x, long columns, out long rows)
    {
        rows = Rows(x.Shape);
        if (x.Rank == 2)
        {
            return x.StridedBuffer();
        }

        var shape = Shape.Own([rows, columns]);
        if (x.Layout.Reshape(shape) is { } layout)
        {
            return x.StridedBuffer().WithLayout(layout);
        }

        var copy = x.ContiguousBuffer();
        return copy.WithLayout(copy.Layout.Reshape(shape)!);
    }

    private static long Rows(Shape shape)
    {
        long rows = 1;
        foreach (long size in shape.AsSpan()[..^1])
        {
            rows *= size;
        }

        return rows;
    }

    private static Shape WithLast(Shape shape, long size)
    {
        var sizes = shape.ToArray();
        sizes[^1] = size;
        return Shape.Own(sizes);
    }
}

/// <summary>
/// The product of two matrices either of which may be meant transposed. Its derivatives are such products again, so that no order of derivative puts a transposed
/// view on the tape.
/// </summary>
internal sealed class TransposedProduct : StructuralOperation
{
    private static readonly TransposedProduct[] s_all = [new(false, false), new(true, false), new(false, true), new(true, true)];

    private readonly bool _left;
    private readonly bool _right;

    private TransposedProduct(bool left, bool right)
        : base("MatMul")
    {
        _left = left;
        _right = right;
    }

    public override string NodeName => "MmBackward0";

    public override Saves Saves => Saves.Inputs;

    public override Saves InputsFor(bool first, bool second) => (first ? Saves.Input1 : Saves.None) | (second ? Saves.Input0 : Saves.None);

    public static Tensor Apply(Tensor a, Tensor b, bool left, bool right) => Structural.Apply(s_all[(left ? 1 : 0) + (right ? 2 : 0)], a, b);

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        var (a, b) = (inputs[0], inputs[1]);
        var device = a.Device;
        var (rows, inner) = _left ? (a.Shape[1], a.Shape[0]) : (a.Shape[0], a.Shape[1]);
        long columns = b.Shape[_right ? 0 : 1];
        using (device.Gate.Enter())
        {
            var result = Fuser.NewBuffer(device, a.DType, Layout.Contiguous(Shape.Own([rows, columns])));
            if (result.Layout.Count > 0)
            {
                var (x, y) = (a.StridedBuffer(), b.StridedBuffer());
                Executor.Of(device).MatMul(x, y, new MatrixProduct(1, rows, columns, inner, Strides(x.Layout, _left), Strides(y.Layout, _right)), result);
            }

            return Tensor.FromNewBuffer(device, result);
        }
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        if (needs[0])
        {
            inputGradients[0] = _left ? Apply(saved.Input1, gradient, _right, true) : Apply(gradient, saved.Input1, false, !_right);
        }

        if (needs[1])
        {
            inputGradients[1] = _right ? Apply(gradient, saved.Input0, true, _left) : Apply(saved.Input0, gradient, !_left, false);
        }
    }

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents)
    {
        var first = tangents[0] is { } a ? Apply(a, inputs[1], _left, _right) : null;
        var second = tangents[1] is { } b ? Apply(inputs[0], b, _left, _right) : null;
        return first is null ? second : second is null ? first : first + second;
    }

    public override Tensor Batch(BatchInputs inputs) => MatMul.Apply(
        _left ? inputs[0].Transpose(-2, -1) : inputs[0], _right ? inputs[1].Transpose(-2, -1) : inputs[1]);

    private static MatrixStrides Strides(Layout layout, bool isTransposed) =>
        isTransposed ? new MatrixStrides(0, layout.Stride(1), layout.Stride(0)) : new MatrixStrides(0, layout.Stride(0), layout.Stride(1));
}
