using Autograd.Gpu;
using F = Autograd.Gpu.Nn.Functional;

namespace AutogradRatio.Workloads;

internal static partial class Convolutions
{
    static partial void AddOurs(Table table)
    {
        foreach (var layer in Layers)
        {
            table.Ours(layer.Output, () => OurOutput(layer));
            table.Ours(layer.InputGradient, () => OurGradient(layer, ofInput: true));
            table.Ours(layer.WeightGradient, () => OurGradient(layer, ofInput: false));
        }
    }

    private static Tensor OurCall(Layer layer, Tensor x, Tensor w) => F.Conv2d(x, w, stride: layer.Stride, padding: layer.Padding, groups: layer.Groups);

    private static Step OurOutput(Layer layer)
    {
        var (x, w) = (Tensor.FromArray(layer.Images, layer.InputSizes), Tensor.FromArray(layer.Weights, layer.WeightSizes));
        return probe =>
        {
            var y = OurCall(layer, x, w).Materialize();
            probe?.Take(y);
        };
    }

    private static Step OurGradient(Layer layer, bool ofInput)
    {
        var (x, w) = (Tensor.FromArray(layer.Images, layer.InputSizes), Tensor.FromArray(layer.Weights, layer.WeightSizes));
        var leaf = (ofInput ? x : w).RequiresGrad_();
        var y = OurCall(layer, x, w);
        var gradient = Tensor.FromArray(layer.Gradients, layer.OutputSizes);
        return probe =>
        {
            var result = Autodiff.Grad([y], [leaf], [gradient], retainGraph: true)[0]!.Materialize();
            probe?.Take(result);
        };
    }
}
