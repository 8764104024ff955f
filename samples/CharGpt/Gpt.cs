using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Samples.CharGpt;

/// <summary>The sizes of the network.</summary>
/// <param name="Context">Characters that it sees.</param>
/// <param name="Width">Numbers for each character.</param>
/// <param name="Heads">Heads of each layer; divides the width.</param>
/// <param name="Layers">How many layers.</param>
internal sealed record GptSizes(int Context, int Width, int Heads, int Layers);

/// <summary>
/// A transformer that says of each character which one may follow (A. Radford and others, Language models are unsupervised multitask learners, 2019): each layer adds
/// to its input what causal attention and a feed-forward part make of it.
/// </summary>
internal sealed class Gpt : Module
{
    private readonly Embedding _characters;
    private readonly Embedding _positions;
    private readonly Module _layers;
    private readonly Module _norm;
    private readonly Linear _head;

    public Gpt(GptSizes sizes, int characters, Device device)
    {
        Sizes = sizes;
        _characters = Register("characters", Scaled(new Embedding(characters, sizes.Width, device: device)));
        _positions = Register("positions", Scaled(new Embedding(sizes.Context, sizes.Width, device: device)));
        var layers = Enumerable.Range(0, sizes.Layers).Select(_ => new GptLayer(sizes, device));
        _layers = Register("layers", new Sequential([.. layers]));
        _norm = Register("norm", new LayerNorm([sizes.Width], device: device));
        _head = Register("head", new Linear(sizes.Width, characters, bias: false, device: device));
    }

    public GptSizes Sizes { get; }

    /// <summary>For numbers of characters [n, length] the logits of the next character at each place, [n, length, characters].</summary>
    public override Tensor Forward(Tensor input)
    {
        var positions = _positions.Weight.Narrow(0, 0, input.Shape[1]);
        return _head.Call(_norm.Call(_layers.Call(_characters.Call(input) + positions)));
    }

    // Small beside what the layers add.
    private static Embedding Scaled(Embedding table)
    {
        using var mode = Autodiff.NoGrad();
        table.Weight.Mul_(0.1);
        return table;
    }
}

/// <summary>One layer: x + attention(norm(x)), then x + feed-forward(norm(x)).</summary>
internal sealed class GptLayer : Module
{
    private readonly int _heads;
    private readonly Module _norm1;
    private readonly Module _norm2;
    private readonly Linear _attention;
    private readonly Linear _mix;
    private readonly Linear _widen;
    private readonly Linear _narrow;

    public GptLayer(GptSizes sizes, Device device)
    {
        _heads = sizes.Heads;
        _norm1 = Register("norm1", new LayerNorm([sizes.Width], device: device));
        _attention = Register("attention", new Linear(sizes.Width, 3 * sizes.Width, bias: false, device: device));
        _mix = Register("mix", new Linear(sizes.Width, sizes.Width, bias: false, device: device));
        _norm2 = Register("norm2", new LayerNorm([sizes.Width], device: device));
        _widen = Register("widen", new Linear(sizes.Width, 4 * sizes.Width, device: device));
        _narrow = Register("narrow", new Linear(4 * sizes.Width, sizes.Width, device: device));
    }

    public override Tensor Forward(Tensor input)
    {
        var parts = _attention.Call(_norm1.Call(input)).Chunk(3, -1);
        var heads = Functional.ScaledDotProductAttention(Heads(parts[0]), Heads(parts[1]), Heads(parts[2]), isCausal: true);
        input += _mix.Call(heads.Transpose(1, 2).Flatten(2));
        return input + _narrow.Call(_widen.Call(_norm2.Call(input)).Gelu(GeluApproximation.Tanh));
    }

    private Tensor Heads(Tensor x) => x.Unflatten(-1, _heads, x.Shape[-1] / _heads).Transpose(1, 2);
}
