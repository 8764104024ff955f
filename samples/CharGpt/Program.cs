using System.Globalization;
using System.Text;
using Autograd.Gpu;
using Autograd.Gpu.Samples;
using Autograd.Gpu.Samples.CharGpt;
using Spectre.Console;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
Console.OutputEncoding = Encoding.UTF8;
var console = AnsiConsole.Console;
try
{
    var options = new CommandLine(
        args,
        "--data FILE, --device cpu|cpu-kernels|cuda[:n]|best, --steps N, --minutes N, --seed N, --length N, --prompt TEXT, --chart FILE, --context N, --width N, "
        + "--heads N, --layers N, --batch N",
        "data", "device", "steps", "minutes", "seed", "length", "prompt", "chart", "context", "width", "heads", "layers", "batch");
    var heads = options.Number("heads", otherwise: 4, least: 1);
    var sizes = new GptSizes(
        options.Number("context", otherwise: 64, least: 2), options.Number("width", otherwise: 128, least: 1), heads, options.Number("layers", otherwise: 3, least: 1));
    if (sizes.Width % heads != 0) throw new UsageException($"--heads must divide --width, found {heads} and {sizes.Width}.");
    var plan = new TrainingPlan(
        options.Number("steps", otherwise: 2000, least: 1), TimeSpan.FromMinutes(options.Number("minutes", otherwise: 10, least: 1)),
        options.Number("batch", otherwise: 16, least: 1));
    var seed = options.Number("seed", otherwise: 1, least: 0);
    var length = options.Number("length", otherwise: 400, least: 0);
    var chart = options["chart"] ?? "chargpt-loss.png";
    var device = options.Value("device", "best", Device.Parse);
    var corpus = Corpus.Read(options["data"], sizes.Context + 2);
    var training = new Training(corpus, sizes, device, seed);
    Console.WriteLine(
        $"{corpus.Train.Length} characters of {corpus.Name} to learn, {corpus.Validation.Length} to judge by, {corpus.Characters.Length} different ones, on {device} ({device.Name})");
    Console.WriteLine(
        $"{sizes.Layers} layers of {sizes.Width} with {sizes.Heads} heads, context {sizes.Context}: {training.Network.Parameters().Sum(p => p.NumElements)} parameters");

    var states = new List<TrainingState>();
    if (console.Profile.Capabilities.Interactive && !Console.IsOutputRedirected)
        ProgressDisplay.ShowBar(console, report => training.Fit(plan, states.Add + report));
    else
        training.Fit(plan, states.Add + ProgressDisplay.WriteChecks(Console.Out));

    foreach (var line in LossChart.Draw([.. states.Select(state => state.Loss)], Math.Clamp(console.Profile.Width - 10, 20, 72), 8)) Console.WriteLine(line);
    if (states.Count > 0)
    {
        LossChart.Save(chart, states);
        Console.WriteLine($"the curve is in {chart}");
    }

    if (length > 0)
    {
        Console.WriteLine();
        var prompt = options["prompt"] ?? "";
        Console.WriteLine(prompt + training.Write(prompt, length));
        Console.WriteLine();
    }

    Console.WriteLine($"validation loss {training.Validate():F3} nats a character");
    return 0;
}
catch (Exception error) when (error is UsageException or DataException or DeviceNotAvailableException)
{
    Console.Error.WriteLine(error.Message);
    return 2;
}
