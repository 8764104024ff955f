using Autograd.Gpu;
namespace AutogradRatio.Workloads;

internal static partial class Overhead
{
    static partial void AddOurs(Table table)
    {
        table.Ours(Tutorial, OurTutorial);
        table.Ours(TutorialLeaf, OurTutorialLeaf);
        table.Ours(Tanh16, () => OurTanh16(recorded: false));
        table.Ours(Tanh16Grad, () => OurTanh16(recorded: true));
    }

    private static Step OurTutorial()
    {
        var x = Tensor.FromArray(OnesData, [2, 2], requiresGrad: true);
        return probe =>
        {
            x.Grad = null;
            var y = x + 2;
            var z = y * y * 3;
            var result = z.Mean();
            result.Backward();
            var grad = x.Grad!;
            result.Materialize();
            grad.Materialize();
            probe?.Take(result);
            probe?.Take(grad);
        };
    }

    private static Step OurTutorialLeaf() => probe =>
    {
        var x = Tensor.FromArray(OnesData, [2, 2], requiresGrad: true);
        var y = x + 2;
        var z = y * y * 3;
        var result = z.Mean();
        result.Backward();
        var grad = x.Grad!;
        result.Materialize();
        grad.Materialize();
        probe?.Take(result);
        probe?.Take(grad);
    };

    private static Step OurTanh16(bool recorded)
    {
        var x = Tensor.FromArray(Data.Uniform(1, 16), [16], requiresGrad: recorded);
        return probe =>
        {
            var y = x.Tanh();
            y.Materialize();
            probe?.Take(y);
        };
    }
}
