namespace Autograd.Gpu.Tests;

/// <summary>What a view can express is a view, and kernels read views where they lie.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.All))]
internal sealed class NoCopyTests(Device device)
{
    private Tensor Cube() => Numbers.Double(1, [2, 3, 4], -1, 1, device).Materialize();

    [Test]
    public void ViewsRunNothingAndShareTheMemory()
    {
        var x = Cube();
        using var log = new KernelLog();
        (string Name, Tensor[] Views)[] views =
        [
            ("View", [x.View(6, 4), x.ViewAs(x)]), ("Reshape", [x.Reshape(4, 6), x.ReshapeAs(x), x.Permute(1, 0, 2).Reshape(3, 2, 2, 2)]), ("Flatten", [x.Flatten(1), x.Ravel(), x.Unflatten(2, 2, 2)]),
            ("Permute", [x.Permute(2, 0, 1), x[0].T, x.MT, x.Transpose(0, 1), x.SwapAxes(0, 2), x.SwapDims(0, 1), x.MoveDim([0], [2])]), ("Squeeze", [x.Unsqueeze(1), x.Unsqueeze(0).Squeeze(), x.Squeeze(0)]),
            ("Expand", [x.Unsqueeze(0).Expand(5, 2, 3, 4), x.BroadcastTo([2, 2, 3, 4]), x.ExpandAs(x), .. Tensor.BroadcastTensors(x, x)]), ("Select", [x.Select(1, 2), x.Narrow(2, 1, 2)]),
            ("Split", [.. x.Split(2, 2), .. x.Chunk(2, 1), .. x.Unbind(1), .. x.TensorSplit(2, 2), .. x.HSplit(3), .. x.VSplit(2), .. x.DSplit(2)]),
            ("Index", [x[1], x[.., 1..], x[TensorIndex.Ellipsis, TensorIndex.Slice(step: 2)], x[TensorIndex.NewAxis, 0, .., ^1]]), ("Diagonal", [x.Diagonal(0, 1, 2)]),
            ("Unfold", [x.Unfold(2, 2, 1), x.AsStrided([2, 2], [4, 1], 3)]), ("Detach", [x.Detach(), x.Contiguous(), x.To(DType.Float64), x.To(device), x.Atleast2D(), .. Tensor.Meshgrid([x[0, 0], x[0, 1]])]),
        ];
        foreach (var (name, made) in views)
        {
            Assert.That(made.Select(v => v.Storage), Is.All.SameAs(x.Storage), name);
        }

        Assert.That(log.Events, Is.Empty, log.ToString());
    }

    [Test]
    public void PointwiseAndReductionKernelsReadStridedInputs()
    {
        var x = Cube();
        foreach (var (name, view) in new[]
        {
            ("permuted", x.Permute(2, 0, 1)), ("every other", x[.., .., TensorIndex.Slice(step: 2)]), ("expanded", x[0].Unsqueeze(1).Expand(3, 5, 4)), ("diagonal", x.Diagonal(0, 1, 2)), ("windows", x.Unfold(2, 2, 1)),
        })
        {
            foreach (Func<Tensor, Tensor> function in new Func<Tensor, Tensor>[] { v => v.Exp(), v => v * v, v => v.Sum(0), v => v.Amax([-1]), v => v.Prod(), v => v.ArgMax(0) })
            {
                var expected = function(view.Clone()).Doubles();
                using var log = new KernelLog();
                var result = function(view).Materialize();
                Assert.That(log.Events, Has.Count.EqualTo(1), $"{name}: {log}");
                Assert.That(result.Doubles(), Is.EqualTo(expected).Within(1e-13), name);
            }
        }
    }
}
