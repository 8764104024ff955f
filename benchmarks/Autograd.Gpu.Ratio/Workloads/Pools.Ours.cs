using Autograd.Gpu;
using F = Autograd.Gpu.Nn.Functional;

namespace AutogradRatio.Workloads;

internal static partial class Pools
{
    static partial void AddOurs(Table table)
    {
        foreach (var layer in Layers)
        {
            table.Ours(layer.Name, () => OurOutput(layer));
            table.Ours(layer.Both, () => OurBoth(layer));
        }
    }

    private static Tensor OurCall(Pool layer, Tensor x) => layer.IsMax
        ? F.MaxPool2d(x, layer.Kernel, layer.Stride, layer.Padding)
        : F.AvgPool2d(x, layer.Kernel, layer.Stride, layer.Padding);

    private static Step OurOutput(Pool layer)
    {
        var x = Tensor.FromArray(layer.Images, layer.InputSizes);
        return probe =>
        {
            var y = OurCall(layer, x).Materialize();
            probe?.Take(y);
        };
    }

    private static Step OurBoth(Pool layer)
    {
        var x = Tensor.FromArray(layer.Images, layer.InputSizes, requiresGrad: true);
        var gradient = Tensor.FromArray(layer.Gradients, layer.OutputSizes);
        return probe =>
        {
            var result = Autodiff.Grad([OurCall(layer, x)], [x], [gradient])[0]!.Materialize();
            probe?.Take(result);
        };
    }
}
