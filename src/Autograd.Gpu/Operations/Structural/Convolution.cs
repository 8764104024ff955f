using Autograd.Gpu.Kernels.Convolution;
using Autograd.Gpu.Lazy;
using Autograd.Gpu.Transforms;

namespace Autograd.Gpu.Operations;

/// <summary>
/// One of the three maps that a convolution is made of: the output y of input x [n, c, ..] and weight w [o, c / groups, ..]; the gradient of x from that of y and w, which is
/// also the transposed convolution; the gradient of w from x and that of y. Each is linear in both its tensors, and its derivatives are the other two:
/// with T(x, w, y) the sum over all products, y is the gradient of T by y, and so on.
/// </summary>
internal sealed class Convolution(ConvolutionKind kind, ConvolutionGeometry geometry) : StructuralOperation(s_names[(int)kind]), IOperation
{
    private static readonly string[] s_names = ["Convolution", "ConvolutionTranspose", "ConvolutionWeightGradient"];

    public override string NodeName => kind == ConvolutionKind.Weight ? base.NodeName : "ConvolutionBackward0";

    public override Saves Saves => Saves.Inputs;

    public override Saves InputsFor(bool first, bool second) => (first ? Saves.Input1 : Saves.None) | (second ? Saves.Input0 : Saves.None);

    public static Tensor Apply(ConvolutionKind kind, ConvolutionGeometry geometry, Tensor first, Tensor second) =>
        Structural.Apply(new Convolution(kind, geometry), first, second);

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        var (first, second) = (inputs[0], inputs[1]);
        var (shape, sizes) = kind switch
        {
            ConvolutionKind.Output => (geometry.Shape(first.Shape[0], second.Shape[0], static a => a.Output), geometry.Sizes(first.Shape[0], second.Shape[0])),
            ConvolutionKind.Input => (geometry.Shape(first.Shape[0], second.Shape[1] * geometry.Groups, static a => a.Input), geometry.Sizes(first.Shape[0], second.Shape[0])),
            _ => (geometry.Shape(second.Shape[1], geometry.WeightChannels, static a => a.Kernel), geometry.Sizes(first.Shape[0], second.Shape[1])),
        };
        return Run(kind, first, second, shape, sizes);
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        if (needs[0])
        {
            inputGradients[0] = kind switch
            {
                ConvolutionKind.Output => Other(ConvolutionKind.Input, gradient, saved.Input1),
                ConvolutionKind.Input => Other(ConvolutionKind.Output, gradient, saved.Input1),
                _ => Other(ConvolutionKind.Input, saved.Input1, gradient),
            };
        }

        if (needs[1])
        {
            inputGradients[1] = kind switch
            {
                ConvolutionKind.Output => Other(ConvolutionKind.Weight, saved.Input0, gradient),
                ConvolutionKind.Input => Other(ConvolutionKind.Weight, gradient, saved.Input0),
                _ => Other(ConvolutionKind.Output, saved.Input0, gradient),
            };
        }
    }

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents)
    {
        var left = tangents[0] is { } a ? Other(kind, a, inputs[1]) : null;
        var right = tangents[1] is { } b ? Other(kind, inputs[0], b) : null;
        return left is null ? right : right is null ? left : left + right;
    }

    public override Tensor Batch(BatchInputs inputs)
    {
        var (first, second) = (inputs[0], inputs[1]);
        long batch = inputs.Size, groups = geometry.Groups;
        bool isWeight = kind == ConvolutionKind.Weight;
        if (inputs.IsBatched(0) && inputs.IsBatched(1))
        {
            // Samples as groups of one convolution.
            var samples = geometry with { Groups = groups * batch };
            var grouped = Apply(kind, samples, ChannelsOf(first), isWeight ? ChannelsOf(second) : second.Flatten(0, 1));
            return kind switch
            {
                ConvolutionKind.Output => Cut(grouped, 1, batch, second.Shape[1]).MoveDim(1, 0),
                ConvolutionKind.Input => Cut(grouped, 1, batch, groups * geometry.WeightChannels).MoveDim(1, 0),
                _ => Cut(grouped, 0, batch, second.Shape[2]),
            };
        }

        if (inputs.IsBatched(0) && !isWeight)
        {
            var merged = Other(kind, first.Flatten(0, 1), second);
            return Cut(merged, 0, batch, first.Shape[1]);
        }

        switch (kind)
        {
            case ConvolutionKind.Output:
                {
                    // More output channels in each group.
                    long channels = second.Shape[1] / groups;
                    var weight = Merge(Cut(second, 1, groups, channels).MoveDim(0, 1), 0, 3);
                    return Ungroup(Apply(kind, geometry, first, weight), groups, batch, channels);
                }

            case ConvolutionKind.Input:
                {
                    // More input channels in each group.
                    long channels = geometry.WeightChannels;
                    var weight = Merge(second.MoveDim(0, 1), 1, 2);
                    return Ungroup(Apply(kind, geometry with { WeightChannels = channels * batch }, first, weight), groups, batch, channels);
                }

            default:
                if (inputs.IsBatched(0))
                {
                    long channels = geometry.WeightChannels;
                    var input = Merge(Cut(first, 2, groups, channels).MoveDim(0, 2), 1, 3);
                    var weight = Apply(kind, geometry with { WeightChannels = channels * batch }, input, second);
                    return Cut(weight, 1, batch, channels).MoveDim(1, 0);
                }
                else
                {
                    long channels = second.Shape[2] / groups;
                    var gradient = Merge(Cut(second, 2, groups, channels).MoveDim(0, 2), 1, 3);
                    var weight = Cut(Cut(Apply(kind, geometry, first, gradient), 0, groups, batch * channels), 1, batch, channels);
                    return Merge(weight.MoveDim(1, 0), 1, 2);
                }
        }
    }

    /// <summary>[batch, n, c, ..] as [n, batch * c, ..].</summary>
    private static Tensor ChannelsOf(Tensor x) => Merge(x.MoveDim(0, 1), 1, 2);

    /// <summary>[n, groups * batch * c, ..] as [batch, n, groups * c, ..].</summary>
    private static Tensor Ungroup(Tensor x, long groups, long batch, long channels) =>
        Merge(Cut(Cut(x, 1, groups, batch * channels), 2, batch, channels).MoveDim(2, 0), 2, 2);

    /// <summary>A dimension as two.</summary>
    private static Tensor Cut(Tensor x, int dim, long first, long second)
    {
        var sizes = x.Shape.AsSpan();
        return x.Reshape([.. sizes[..dim], first, second, .. sizes[(dim + 1)..]]);
    }

    /// <summary>Some dimensions as one.</summary>
    private static Tensor Merge(Tensor x, int dim, int count)
    {
        var sizes = x.Shape.AsSpan();
        long merged = 1;
        foreach (long size in sizes[dim..(dim + count)])
        {
            merged *= size;
        }

        return x.Reshape([.. sizes[..dim], merged, .. sizes[(dim + count)..]]);
    }

    private static Tensor Run(ConvolutionKind kind, Tensor first, Tensor second, Shape shape, ConvolutionShape sizes)
    {
        var device = first.Device;
        using (device.Gate.Enter())
        {
            var dtype = first.DType;
            var (a, b) = (first.ContiguousBuffer(), second.ContiguousBuffer());
            var result = new BufferExpression(device.Allocate(shape.NumElements * dtype.Size()), dtype, Layout.Contiguous(shape));
            if (shape.NumElements > 0)
            {
                Executor.Of(device).Run(new ConvolutionCall(kind, sizes, a, b, result), shape);
            }

            return Tensor.FromNewBuffer(device, result);
        }
    }

    private Tensor Other(ConvolutionKind other, Tensor first, Tensor second) => Apply(other, geometry, first, second);
}
