using Autograd.Gpu.Lazy;
using Autograd.Gpu.Tape;
using Autograd.Gpu.Transforms;

namespace Autograd.Gpu.Operations;

/// <summary>
/// (x - mean) / sqrt(variance + epsilon) over the last <paramref name="count"/> dimensions, times a weight, plus a bias (inputs 1 and 2, of those dimensions);
/// without centring the mean counts as 0. One kernel a pass for the rows; the gradients of weight and bias are reductions over the rows. A derivative that something
/// follows is made of tensor operations.
/// </summary>
internal sealed class RowNorm(int count, double epsilon, bool centres) : StructuralOperation(centres ? "LayerNorm" : "RmsNorm")
{
    private BufferExpression? _moments;

    // PyTorch's names.
    public override string NodeName => centres ? "NativeLayerNormBackward0" : "FusedRmsNormBackward0";

    public override Saves Saves => Saves.Inputs;

    /// <summary>The weight may be absent only if there is no bias.</summary>
    public static Tensor Apply(Tensor x, Tensor? weight, Tensor? bias, int count, double epsilon, bool centres)
    {
        StructuralOperation operation = weight is null ? new PlainRowNorm(count, epsilon, centres) : new RowNorm(count, epsilon, centres);
        return weight is null ? Structural.Apply(operation, x)
            : bias is null ? Structural.Apply(operation, x, weight)
            : Structural.Apply(operation, [x, weight, bias]);
    }

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        using var mode = GradMode.Set(false);
        var x = inputs[0];
        var bias = inputs.Length > 2 ? inputs[2] : null;
        if (Size(x) is { } size)
        {
            (var result, _moments) = RowKernels.Norm(x, inputs[1], bias, size, epsilon, centres);
            return result;
        }

        var compute = x.DType.ComputeType();
        var y = Normalised(x.To(compute)).Value * inputs[1];
        return (bias is null ? y : y + bias).To(x.DType);
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        var (x, weight) = (Level.WithoutClosed(saved.Input0), Level.WithoutClosed(saved.Input1));
        bool isLast = _moments is not null && RowKernels.IsLast(gradient, x, weight);
        bool sums = needs[1] || (needs.Length > 2 && needs[2]);
        if (isLast && sums && x.Device.IsHost && Size(x) is { } rows)
        {
            var all = RowKernels.NormGradients(gradient, x, weight, _moments!, rows, centres, needs);
            (inputGradients[0], inputGradients[1]) = (all.Input, all.Weight);
            if (needs.Length > 2)
            {
                inputGradients[2] = all.Bias;
            }

            return;
        }

        var compute = x.DType.ComputeType();
        if (needs[0])
        {
            inputGradients[0] = isLast && Size(x) is { } size
                ? RowKernels.NormGradient(gradient, x, weight, _moments!, size, centres)
                : Slope(gradient.To(compute) * weight, x.To(compute));
        }

        // The engine sums over the rows.
        if (needs[1])
        {
            inputGradients[1] = gradient.To(compute) * (isLast ? FromMoments(x.To(compute)) : Normalised(x.To(compute)).Value);
        }

        if (needs.Length > 2 && needs[2])
        {
            inputGradients[2] = gradient;
        }
    }

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents)
    {
        var compute = output.DType.ComputeType();
        var x = inputs[0].To(compute);
        Tensor? sum = null;
        if (tangents[0] is { } tangent)
        {
            // The Jacobian of the normalised row is symmetric.
            sum = Slope(tangent.To(compute), x) * inputs[1];
        }

        if (tangents[1] is { } weight)
        {
            var part = Normalised(x).Value * weight;
            sum = sum is null ? part : sum + part;
        }

        if (tangents.Length > 2 && tangents[2] is { } bias)
        {
            sum = sum is null ? bias.Expand(output.Shape) : sum + bias;
        }

        return sum?.To(output.DType);
    }

    public override Tensor Batch(BatchInputs inputs)
    {
        bool isShared = !inputs.IsBatched(1) && (inputs.Count < 3 || !inputs.IsBatched(2));
        if (isShared)
        {
            return Apply(inputs[0], inputs[1], inputs.Count > 2 ? inputs[2] : null, count, epsilon, centres);
        }

        // Samples have weights of their own.
        int rank = inputs.Samples[0].Rank;
        var y = Apply(inputs.Repeated(0), null, null, count, epsilon, centres) * inputs.Aligned(1, rank);
        return inputs.Count > 2 ? y + inputs.Aligned(2, rank) : y;
    }

    private (long Rows, long Length)? Size(Tensor x) => PlainRowNorm.Size(x.Shape, count);

    private (Tensor Value, Tensor Scale) Normalised(Tensor x) => PlainRowNorm.Normalised(x, count, epsilon, centres);

    private Tensor Slope(Tensor h, Tensor x) => PlainRowNorm.Slope(h, x, count, epsilon, centres);

    /// <summary>The normalised rows by what the forward pass left.</summary>
    private Tensor FromMoments(Tensor x)
    {
        var sizes = x.Shape.ToArray();
        sizes.AsSpan()[^count..].Fill(1);
        using var gate = x.Device.Gate.Enter();
        _moments!.Block.Retain();
        var moments = Tensor.FromNewBuffer(x.Device, _moments);
        var (mean, scale) = (moments.Select(0, 0).Reshape(sizes), moments.Select(0, 1).Reshape(sizes));
        return (centres ? x - mean : x) * scale;
    }
}

/// <summary>The same without weight and bias.</summary>
internal sealed class PlainRowNorm(int count, double epsilon, bool centres) : StructuralOperation(centres ? "LayerNorm" : "RmsNorm")
{
    private BufferExpression? _moments;

    public override string NodeName => centres ? "NativeLayerNormBackward0" : "FusedRmsNormBackward0";

    public override Saves Saves => Saves.Input0;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        using var mode = GradMode.Set(false);
        var x = inputs[0];
        if (Size(x.Shape, count) is { } size)
        {
            (var result, _moments) = RowKernels.Norm(x, null, null, size, epsilon, centres);
            return result;
        }

        return Normalised(x.To(x.DType.ComputeType()), count, epsilon, centres).Value.To(x.DType);
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        var x = Level.WithoutClosed(saved.Input0);
        var compute = x.DType.ComputeType();
        inputGradients[0] = _moments is not null && RowKernels.IsLast(gradient, x) && Size(x.Shape, count) is { } size
            ? RowKernels.NormGradient(gradient, x, null, _moments, size, centres)
            : Slope(gradient.To(compute), x.To(compute), count, epsilon, centres);
    }

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents)
    {
        var compute = output.DType.ComputeType();
        return tangents[0] is { } tangent ? Slope(tangent.To(compute), inputs[0].To(compute), count, epsilon, centres).To(output.DType) : null;
    }

    public override Tensor Batch(BatchInputs inputs) => Structural.Apply(new PlainRowNorm(count, epsilon, centres), inputs[0]);

    /// <summary>The extents of the rows, if a kernel is to take them.</summary>
    public static (long Rows, long Length)? Size(Shape shape, int count)
    {
        long length = 1;
        foreach (long size in shape.AsSpan()[^count..])
        {
            length *= size;
        }

        return length == 0 ? null : RowKernels.Of(shape.NumElements / length, length);
    }

    /// <summary>The normalised rows by tensor operations, and the inverse deviation.</summary>
    public static (Tensor Value, Tensor Scale) Normalised(Tensor x, int count, double epsilon, bool centres)
    {
        int[] dims = Dims(x, count);
        var distance = centres ? x - x.Mean(dims, keepDim: true) : x;
        var scale = ((distance * distance).Mean(dims, keepDim: true) + epsilon).Rsqrt();
        return (distance * scale, scale);
    }

    /// <summary>With y the normalised row: (h - mean(h) - y mean(h y)) / deviation.</summary>
    public static Tensor Slope(Tensor h, Tensor x, int count, double epsilon, bool centres)
    {
        int[] dims = Dims(x, count);
        var (y, scale) = Normalised(x, count, epsilon, centres);
        var rest = h - y * (h * y).Mean(dims, keepDim: true);
        return scale * (centres ? rest - h.Mean(dims, keepDim: true) : rest);
    }

    private static int[] Dims(Tensor x, int count) => [.. Enumerable.Range(x.Rank - count, count)];
}
