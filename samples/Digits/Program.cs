using System.Globalization;
using Autograd.Gpu;
using Autograd.Gpu.Samples;
using Autograd.Gpu.Samples.Digits;
using Spectre.Console;

const int MisreadDigitsShown = 6;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var console = AnsiConsole.Console;
try
{
    var options = new CommandLine(
        args, "--data FOLDER, --device cpu|cpu-kernels|cuda[:n]|best, --epochs N, --model mlp|cnn, --seed N", "data", "device", "epochs", "model", "seed");
    var epochs = options.Number("epochs", otherwise: 10, least: 1);
    var seed = options.Number("seed", otherwise: 1, least: 0);
    var network = options.Value("model", "mlp", Networks.Named);
    var device = options.Value("device", "best", Device.Parse);
    var mnist = await new MnistSource(console).LoadAsync(options["data"], MnistSource.DefaultCache());
    Console.WriteLine(
        $"{mnist.Train.Count} digits to learn, {mnist.Test.Count} to test with, {mnist.Test.Rows} x {mnist.Test.Columns} pixels, "
        + $"on {device} ({device.Name})");

    var training = new Training(network, mnist.Train.Rows, mnist.Train.Columns, device, seed);
    if (console.Profile.Capabilities.Interactive && !Console.IsOutputRedirected)
        ProgressDisplay.ShowBar(console, report => training.Fit(mnist.Train, epochs, report));
    else
        training.Fit(mnist.Train, epochs, ProgressDisplay.WriteEpochs(Console.Out));

    var predictions = training.Predict(mnist.Test);
    console.Write(ConfusionTable.Render(ConfusionTable.Count(mnist.Test.Labels, predictions)));

    var misread = Enumerable.Range(0, mnist.Test.Count).Where(i => predictions[i] != mnist.Test.Labels[i]).ToArray();
    var drawings = misread.Take(MisreadDigitsShown).Select(i => (
        $"a {mnist.Test.Labels[i]} read as {predictions[i]}", DigitArt.Draw(mnist.Test.Image(i), mnist.Test.Rows, mnist.Test.Columns)));
    foreach (var line in DigitArt.Gallery([.. drawings], console.Profile.Width)) Console.WriteLine(line);
    Console.WriteLine($"test accuracy {100.0 * (mnist.Test.Count - misread.Length) / mnist.Test.Count:F1} %");
    return 0;
}
catch (Exception error) when (error is UsageException or DataException or DeviceNotAvailableException)
{
    Console.Error.WriteLine(error.Message);
    return 2;
}
