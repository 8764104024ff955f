using Autograd.Gpu;
using Autograd.Gpu.Samples;

try
{
    var options = new CommandLine(args, "--device cpu|cpu-kernels|cuda[:n]|best", "device");
    Device.Default = options.Value("device", "best", Device.Parse);
}
catch (Exception error) when (error is UsageException or DeviceNotAvailableException)
{
    Console.Error.WriteLine(error.Message);
    return 2;
}

static void Print(params object?[] values) => Console.WriteLine(string.Join(' ', values.Select(value => value ?? "None")));

Print($"Autograd on {Device.Default} ({Device.Default.Name})");
Print();
var notebook = new Notebook(typeof(Program).Assembly);

notebook.Cell("A tensor remembers what is done to it if it requires gradients.");
var x = Tensor.Ones([2, 2], requiresGrad: true);
Print(x);

notebook.Cell("Its values alone, without history:");
Print(x.Data);

notebook.Cell("Its gradient: there is none before a backward pass.");
Print(x.Grad);

notebook.Cell("The node that made it: none, for it is a leaf that we made ourselves.");
Print(x.GradFn);

notebook.Cell("The result of an operation on it, however, knows where it comes from.");
var y = x + 2;
Print(y);

notebook.Cell("That is its node:");
Print(y.GradFn);

notebook.Cell("More operations. Nothing is computed before it is printed; then each chain runs as one kernel.");
var z = y * y * 3;
var result = z.Mean();
Print(z, result);

notebook.Cell("RequiresGrad_ turns the flag of an existing tensor on, in place. It is off unless asked for.");
var a = Tensor.Randn([2, 2]);
a = a * 3 / (a - 1);
Print(a.RequiresGrad);
a.RequiresGrad_();
Print(a.RequiresGrad);
var b = (a * a).Sum();
Print(b.GradFn);

notebook.Cell(
    "Back-propagation. The result is a scalar, so Backward() means Backward(Tensor.Of(1.0)).\n"
    + "With result = sum(3 (x + 2)^2) / 4 the derivative is 3 (x + 2) / 2, which is 4.5 at 1.");
result.Backward();
Print(x.Grad);

notebook.Cell(
    "From a tensor that is no scalar the pass starts with a gradient that we give.\n"
    + "retainGraph keeps what the graph saved for another pass.");
x = Tensor.Ones([2, 2], requiresGrad: true);
y = x + 2;
y.Backward(Tensor.Ones([2, 2]), retainGraph: true);
Print(x.Grad);

notebook.Cell("The graph may go on growing from what was differentiated already.");
z = y * y;
Print(z);

notebook.Cell("A second pass over the retained graph, with a random gradient, adds to what x.Grad holds: ones.");
var gradient = Tensor.Randn([2, 2]);
y.Backward(gradient);
Print(gradient);
Print(x.Grad);
Print(x.Grad!.Eq(gradient + 1));

notebook.Cell(
    "Without retainGraph the pass frees what the graph saved (here x, for the derivative of x * x),\n"
    + "so a second pass is an error.");
var loss = (x * x).Sum();
loss.Backward();
try
{
    loss.Backward();
}
catch (GradientException error)
{
    Print(error.Message);
}

notebook.Cell("Inside NoGrad() nothing is recorded.");
Print(x.RequiresGrad);
Print(x.Pow(2).RequiresGrad);
using (Autodiff.NoGrad())
{
    Print(x.Pow(2).RequiresGrad);
}

notebook.End();
return 0;
