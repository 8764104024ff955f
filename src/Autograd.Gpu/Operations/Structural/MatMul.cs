using Autograd.Gpu.Lazy;
using Autograd.Gpu.Transforms;

namespace Autograd.Gpu.Operations;

/// <summary>
/// The product of matrices [.., m, k] and [.., k, n]; leading dimensions broadcast. Operands are read through their strides, so a transposed one is not copied.
/// </summary>
internal sealed class MatMul : StructuralOperation
{
    private static readonly MatMul s_single = new("MmBackward0"), s_stacked = new("BmmBackward0");

    private MatMul(string nodeName)
        : base("MatMul") => NodeName = nodeName;

    public override string NodeName { get; }

    public override Saves Saves => Saves.Inputs;

    public static Tensor Apply(Tensor a, Tensor b) => Structural.Apply(a.Rank == 2 && b.Rank == 2 ? s_single : s_stacked, a, b);

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs) => Forward(inputs[0], inputs[1]);

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents)
    {
        var left = tangents[0] is { } a ? Apply(a, inputs[1]) : null;
        var right = tangents[1] is { } b ? Apply(inputs[0], b) : null;
        return left is null ? right : right is null ? left : left + right;
    }

    public override Tensor Batch(BatchInputs inputs)
    {
        int rank = Math.Max(inputs.Samples[0].Rank, inputs.Samples[1].Rank);
        return Apply(inputs.Aligned(0, rank), inputs.Aligned(1, rank));
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        var (a, b) = (saved.Input0, saved.Input1);
        if (needs[0])
        {
            inputGradients[0] = Product(gradient, b.Transpose(-2, -1), a);
        }

        if (needs[1])
        {
            // Leading dimensions that were broadcast are summed by the engine, except here, where one product does both at once.
            inputGradients[1] = b.Rank == 2 && a.Rank > 2
                ? Product(Tall(a).T, Tall(gradient), b)
                : Product(a.Transpose(-2, -1), gradient, b);
        }
    }

    /// <summary>A stack of matrices one below the other.</summary>
    private static Tensor Tall(Tensor stack)
    {
        long rows = 1;
        foreach (long size in stack.Shape.AsSpan()[..^1])
        {
            rows *= size;
        }

        return stack.Reshape(rows, stack.Shape[-1]);
    }

    /// <summary>The product, laid out as <paramref name="like"/> is: the gradient of a transposed weight is then the transpose of a contiguous matrix.</summary>
    private static Tensor Product(Tensor left, Tensor right, Tensor like) => like.Layout.Stride(like.Rank - 2) == 1 && like.Layout.Stride(like.Rank - 1) != 1
        ? Apply(right.Transpose(-2, -1), left.Transpose(-2, -1)).Transpose(-2, -1)
        : Apply(left, right);

    private static Tensor Forward(Tensor a, Tensor b)
    {
        var device = a.Device;
        long m = a.Shape[-2], k = a.Shape[-1], n = b.Shape[-1];
        if (a.Rank == 2 && b.Rank == 2)
        {
            return Forward2D(device, a, b, m, n, k);
        }

        Shape leadA = [.. a.Shape.AsSpan()[..^2]], leadB = [.. b.Shape.AsSpan()[..^2]];
        if (leadB.Rank == 0 && leadA.Rank > 0 && a.Layout.Reshape([leadA.NumElements * m, k]) is { } merged)
        {
            // One tall product instead of many small ones.
            var tall = Forward2D(device, a.View(merged), b, leadA.NumElements * m, n, k);
            return new Tensor(tall.Storage, Layout.Contiguous([.. leadA, m, n]));
        }

        var lead = Shape.Broadcast(leadA, leadB, "MatMul");
        var layoutA = Batched(a, lead, m, k);
        var layoutB = Batched(b, lead, k, n);
        var shape = Shape.Own([.. lead, m, n]);
        return Multiply(device, layoutA, layoutB, shape, lead.NumElements, m, n, k);
    }

    private static Tensor Forward2D(Device device, Tensor a, Tensor b, long m, long n, long k) =>
        Multiply(device, Single(a), Single(b), Shape.Own([m, n]), 1, m, n, k);

    /// <summary>One matrix as it lies.</summary>
    private static Operand Single(Tensor matrix)
    {
        var layout = matrix.Layout;
        return new Operand(matrix.StridedBuffer(), new MatrixStrides(0, layout.Stride(0), layout.Stride(1)));
    }

    private static Tensor Multiply(Device device, Operand operandA, Operand operandB, Shape shape, long batch, long m, long n, long k)
    {
        using (device.Gate.Enter())
        {
            var dtype = operandA.Buffer.DType;
            var result = new BufferExpression(device.Allocate(shape.NumElements * dtype.Size()), dtype, Layout.Contiguous(shape));
            if (shape.NumElements > 0)
            {
                var size = new MatrixProduct(batch, m, n, k, operandA.Strides, operandB.Strides);
                Executor.Of(device).MatMul(operandA.Buffer, operandB.Buffer, size, result);
            }

            return Tensor.FromNewBuffer(device, result);
        }
    }

    /// <summary>The operand as one stack of matrices: its buffer, and the strides of stack, row and column.</summary>
    private static Operand Batched(Tensor tensor, Shape lead, long rows, long columns)
    {
        var layout = tensor.StridedBuffer().Layout.Expand(Shape.Own([.. lead, rows, columns]));
        var stacked = layout.Reshape([lead.NumElements, rows, columns]);
        if (stacked is null)
        {
            tensor = tensor.Detach().Contiguous();
            layout = tensor.Layout.Expand(Shape.Own([.. lead, rows, columns]));
            stacked = layout.Reshape([lead.NumElements, rows, columns]) ?? Copied(ref tensor, layout);
        }

        var strides = stacked.Strides;
        return new Operand(tensor.StridedBuffer().WithLayout(stacked), new MatrixStrides(strides[0], strides[1], strides[2]));

        Layout Copied(ref Tensor source, Layout expanded)
        {
            source = source.Expand(expanded.Shape).Clone();
            return source.Layout.Reshape([lead.NumElements, rows, columns])!;
        }
    }

    private readonly record struct Operand(BufferExpression Buffer, MatrixStrides Strides);
}
