using Autograd.Gpu.Kernels.Convolution;
using Autograd.Gpu.Lazy;

namespace Autograd.Gpu.Operations;

/// <summary>The patches of images [n, c, height, width] as columns, [n, c * taps, patches], or the sum of such patches as images: each is the other's transpose.</summary>
internal sealed class FoldedPatches(bool folds, ConvolutionAxis height, ConvolutionAxis width) : LinearOperation(folds ? "Fold" : "Unfold")
{
    public override string NodeName => folds ? "Col2ImBackward0" : "Im2ColBackward0";

    protected override Tensor Forward(Tensor input)
    {
        long taps = (long)height.Kernel * width.Kernel, channels = folds ? input.Shape[1] / taps : input.Shape[1];
        var shape = folds
            ? Shape.Own([input.Shape[0], channels, height.Input, width.Input])
            : Shape.Own([input.Shape[0], channels * taps, (long)height.Output * width.Output]);
        var sizes = new ConvolutionShape
        {
            Batch = checked((int)input.Shape[0]),
            Groups = 1,
            InputChannels = checked((int)channels),
            Depth = ConvolutionAxis.Single,
            Height = height,
            Width = width,
        };
        var device = input.Device;
        using (device.Gate.Enter())
        {
            var source = input.ContiguousBuffer();
            var result = new BufferExpression(device.Allocate(shape.NumElements * input.DType.Size()), input.DType, Layout.Contiguous(shape));
            if (shape.NumElements > 0)
            {
                Executor.Of(device).Run(new PatchCall(folds, sizes, folds ? result : source, folds ? source : result), shape);
            }

            return Tensor.FromNewBuffer(device, result);
        }
    }

    protected override Tensor Vjp(Tensor gradient) => Structural.Apply(new FoldedPatches(!folds, height, width), gradient);

    protected override Tensor Batch(Tensor batch, Tensor sample)
    {
        var result = Structural.Apply(this, batch.Flatten(0, 1));
        return result.Reshape([batch.Shape[0], batch.Shape[1], .. result.Shape.AsSpan()[1..]]);
    }
}
