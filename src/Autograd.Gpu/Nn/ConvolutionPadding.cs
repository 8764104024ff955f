using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Nn;

/// <summary>
/// The zeros around a convolution's input: numbers for each side (<c>1</c>, <c>(1, 2)</c>, <c>[1, 2]</c>), or PyTorch's <c>"valid"</c> and <c>"same"</c>.
/// </summary>
[CollectionBuilder(typeof(ConvolutionPadding), nameof(Create))]
public readonly struct ConvolutionPadding : IEnumerable<long>
{
    private readonly Sizes? _sizes;

    private ConvolutionPadding(Sizes sizes) => _sizes = sizes;

    /// <summary>No zeros.</summary>
    public static ConvolutionPadding Valid => default;

    /// <summary>As many zeros as make the output as large as the input; where their number is odd, one more stands at the end. Needs a stride of 1.</summary>
    public static ConvolutionPadding Same { get; } = new() { IsSame = true };

    /// <summary>Whether this is <see cref="Same"/>.</summary>
    internal bool IsSame { get; private init; }

    /// <summary>The numbers of a collection expression.</summary>
    public static ConvolutionPadding Create(ReadOnlySpan<long> values) => new(Sizes.Create(values));

    /// <summary>The same for all dimensions.</summary>
    public static implicit operator ConvolutionPadding(int value) => new(value);

    /// <summary>The same for all dimensions.</summary>
    public static implicit operator ConvolutionPadding(long value) => new(value);

    /// <summary>Height and width.</summary>
    public static implicit operator ConvolutionPadding((int Height, int Width) values) => new(values);

    /// <summary>Depth, height and width.</summary>
    public static implicit operator ConvolutionPadding((int Depth, int Height, int Width) values) => new(values);

    /// <summary>One number for each dimension, or one for all.</summary>
    public static implicit operator ConvolutionPadding(Sizes sizes) => new(sizes);

    /// <inheritdoc/>
    public IEnumerator<long> GetEnumerator() => (_sizes ?? 0).GetEnumerator();

    System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The numbers in brackets, or <c>same</c>.</summary>
    public override string ToString() => IsSame ? "same" : (_sizes ?? 0).ToString();

    /// <summary>The zeros before each dimension.</summary>
    internal void For(string operation, Span<long> all) => (_sizes ?? 0).For(operation, "padding", all);
}
