using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Samples.Digits;

/// <summary>The networks that the program can train; each takes images as rows of pixels.</summary>
internal static class Networks
{
    private const int Hidden = 256;
    private const int Classes = 10;

    /// <summary>The network of a name: <c>mlp</c> or <c>cnn</c>.</summary>
    /// <exception cref="ArgumentException">There is no such network.</exception>
    public static Func<int, int, Device, Module> Named(string name) => name switch
    {
        "mlp" => Perceptron,
        "cnn" => static (rows, columns, device) => new ConvolutionalNetwork(rows, columns, Classes, device),
        _ => throw new ArgumentException($"there is no model '{name}'; expected mlp or cnn."),
    };

    /// <summary>One hidden layer: pixels to 256 to 10, ReLU.</summary>
    public static Module Perceptron(int rows, int columns, Device device) => new Sequential(
        new Linear(rows * columns, Hidden, device: device), new ReLU(), new Linear(Hidden, Classes, device: device));
}

/// <summary>Two convolutions of 3 x 3 with 16 and 32 channels, each with ReLU and the largest of every 2 x 2 pixels, and one linear layer.</summary>
internal sealed class ConvolutionalNetwork : Module
{
    private readonly int _rows;
    private readonly int _columns;
    private readonly Conv2d _first;
    private readonly Conv2d _second;
    private readonly Linear _last;

    public ConvolutionalNetwork(int rows, int columns, int classes, Device device)
    {
        (_rows, _columns) = (rows, columns);
        _first = Register("first", new Conv2d(1, 16, 3, padding: 1, device: device));
        _second = Register("second", new Conv2d(16, 32, 3, padding: 1, device: device));
        _last = Register("last", new Linear(32 * (rows / 4) * (columns / 4), classes, device: device));
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor input)
    {
        var images = input.Reshape(input.Shape[0], 1, _rows, _columns);
        var halved = Functional.MaxPool2d(_first.Call(images).Relu(), 2);
        return _last.Call(Functional.MaxPool2d(_second.Call(halved).Relu(), 2).Flatten(1));
    }
}
