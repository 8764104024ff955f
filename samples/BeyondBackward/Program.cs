using System.Globalization;
using Autograd.Gpu;
using Autograd.Gpu.Diagnostics;
using Autograd.Gpu.Nn;
using Autograd.Gpu.Samples;
using Autograd.Gpu.Samples.BeyondBackward;
using Softsign = Autograd.Gpu.Samples.BeyondBackward.Softsign;

CommandLine options;
try
{
    options = new CommandLine(args, "--device cpu|cpu-kernels|cuda[:n]|best --svg FILE", "device", "svg");
    Device.Default = options.Value("device", "best", Device.Parse);
}
catch (Exception error) when (error is UsageException or DeviceNotAvailableException)
{
    Console.Error.WriteLine(error.Message);
    return 2;
}

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
static void Print(params object?[] values) => Console.WriteLine(string.Join(' ', values.Select(value => value ?? "None")));

static long ActiveBytes()
{
    GC.Collect();
    GC.WaitForPendingFinalizers();
    return Device.Default.Memory.ActiveBytes;
}

Print($"Beyond Backward() on {Device.Default} ({Device.Default.Name})");
Print();
Tensor.ManualSeed(1);
var notebook = new Notebook(typeof(Program).Assembly);

notebook.Cell("A hook sees the gradient of a tensor when it has been computed, and may return another in its place.");
var x = Tensor.FromArray([1f, 2f, 3f], requiresGrad: true);
var y = x * x;
using var seen = y.RegisterHook(gradient => Print("gradient of y:", gradient));
using var halved = y.RegisterHook(gradient => gradient / 2);
y.RetainGrad();
y.Sum().Backward();
Print(x.Grad);
Print(y.Grad);

notebook.Cell("Higher order: a gradient that was computed with createGraph can be differentiated again. Here 12 x^2, the second derivative of x^4.");
var first = Autodiff.Grad(x.Pow(4).Sum(), x, createGraph: true);
Print(first);
Print(Autodiff.Grad(first.Sum(), x));

notebook.Cell(
    "The function transforms of torch.func: Grad, Vjp, Jvp, Vmap take a function, give a function, and nest in any order.\n"
    + "The Hessian of Rosenbrock's function is forward mode over reverse mode, mapped over the unit vectors.");
Func<Tensor, Tensor> rosenbrock = p => 100 * (p[1] - p[0] * p[0]).Pow(2) + (1 - p[0]).Pow(2);
var minimum = Tensor.Ones([2]);
Print(Autodiff.Grad(rosenbrock)(minimum));
Print(Autodiff.Hessian(rosenbrock)(minimum));
Print(Autodiff.Hvp(rosenbrock, minimum, Tensor.FromArray([1f, 0f])).Hvp);

notebook.Cell(
    "A gradient for each sample: Vmap(Grad(f)). The function is written for one sample; each operation runs once for all of them.\n"
    + "The weights are shared (null), samples and targets are mapped over their first dimension.");
Func<Tensor, Tensor, Tensor, Tensor> loss = (weights, sample, target) => (sample.MatMul(weights) - target).Pow(2).Sum();
var weights = Tensor.Randn([3, 2]);
var samples = Tensor.Randn([4, 3]);
var targets = Tensor.Randn([4, 2]);
var gradients = Autodiff.Vmap(Autodiff.Grad(loss), (null, 0, 0))(weights, samples, targets);
Print(gradients.Shape);
Print(gradients.Flatten(1).Pow(2).Sum(1).Sqrt());

notebook.Cell(
    "An operation of our own, with its own derivative: x log(1 + e^x), made stable (the class is in SoftplusGate.cs).\n"
    + "GradCheck compares its derivative with numerical differences.");
var z = Tensor.Linspace(-3, 3, 5, DType.Float64, requiresGrad: true);
Print(new SoftplusGate().Apply(z));
Print(Autodiff.GradCheck(new SoftplusGate().Apply, z));

notebook.Cell("The short form for a function of single elements fuses with its neighbours: one kernel runs all three operations.");
var wave = Tensor.Linspace(-1, 1, 6);
Print((Softsign.Apply(wave * 2) + 1).Materialize());

notebook.Cell("What the tape recorded can be walked, and drawn: as a tree, as DOT, as Mermaid, as SVG.");
var w = Tensor.Randn([3, 1], requiresGrad: true);
var b = Tensor.Zeros([1], requiresGrad: true);
var network = (samples.MatMul(w) + b).Tanh().Mean();
Print(network.GradFn, network.GradFn!.NextFunctions[0].Function);
Print(AutogradGraph.Of(network, [("w", w), ("b", b)]).ToTree().TrimEnd());

notebook.Cell(
    "Checkpointing: a block keeps its input alone and runs again in the backward pass.\n"
    + "What 32 blocks keep for the backward pass, in MiB, and the sum of the first weight's gradient, which is the same:");
static Sequential Block() => new(new Linear(64, 64), new Tanh(), new Linear(64, 64), new Tanh(), new Linear(64, 64), new Tanh(), new Linear(64, 64));
var blocks = Enumerable.Range(0, 32).Select(_ => Block()).ToList();
var input = Tensor.Randn([512, 64]).Materialize();
foreach (var checkpoint in new[] { false, true })
{
    var before = ActiveBytes();
    var value = input;
    foreach (var block in blocks)
    {
        value = checkpoint ? Autodiff.Checkpoint(v => v + block.Call(v), value) : value + block.Call(value);
    }

    value.Materialize();
    Print(checkpoint ? "checkpointed:" : "all kept:", $"{(ActiveBytes() - before) / 1048576.0:F1}");
    value.Sum().Backward();
    Print(blocks[0].Parameters().First().Grad!.Abs().Sum().Item<float>().ToString("F3"));
    foreach (var parameter in blocks.SelectMany(block => block.Parameters()))
    {
        parameter.Grad = null;
    }
}

notebook.Cell("Anomaly mode names the line of the forward pass whose derivative is nan.");
var negative = Tensor.FromArray([-1f, 4f], requiresGrad: true);
try
{
    using var anomaly = Autodiff.DetectAnomaly();
    var root = negative.Sqrt();
    root.Sum().Backward();
}
catch (GradientException error)
{
    Print(error.Message);
}

notebook.Cell("And where the time goes: operations as they were called, and the kernels that they were fused into.");
using (var profiler = Profiler.Start())
{
    var big = Tensor.Randn([1000, 1000], requiresGrad: true);
    (big.Tanh() * 2 + 1).Sum().Backward();
    big.Grad!.Materialize();
    Print(profiler.Table());
}

notebook.End();
if (options["svg"] is { } file)
{
    File.WriteAllText(file, AutogradGraph.Of(network, [("w", w), ("b", b)]).ToSvg());
}

return 0;
