using Autograd.Gpu;
namespace AutogradRatio;

internal sealed partial class Probe
{
    public void Take(Tensor result) => taken.Add(result.ToArray<float>());
}
