namespace Autograd.Gpu.Nn;

/// <summary>What lies between the two products of a transformer's feed-forward part.</summary>
public enum TransformerActivation
{
    /// <summary>max(x, 0).</summary>
    Relu,

    /// <summary>The Gaussian error linear unit.</summary>
    Gelu,
}

/// <summary>
/// A layer of a transformer's encoder: self-attention and a feed-forward part, each with dropout, added to its input and normalised, afterwards as in A. Vaswani and
/// others, 2017, or before (<c>normFirst</c>). Parameters and names as in PyTorch.
/// </summary>
public sealed class TransformerEncoderLayer : Module
{
    private readonly MultiheadAttention _attention;
    private readonly FeedForward _feedForward;
    private readonly Module _norm1;
    private readonly Module _norm2;
    private readonly double _dropout;
    private readonly bool _normFirst;

    /// <summary>Makes the layer.</summary>
    /// <param name="dModel">The size of the input.</param>
    /// <param name="nHead">How many heads.</param>
    /// <param name="dimFeedforward">The size between the two products.</param>
    /// <param name="dropout">The share dropped while training.</param>
    /// <param name="activation">What lies between the two products.</param>
    /// <param name="layerNormEps">What is added to variances.</param>
    /// <param name="batchFirst">Whether tensors are [n, length, size] and not [length, n, size].</param>
    /// <param name="normFirst">Whether the parts' inputs are normalised and not their sums.</param>
    /// <param name="bias">Whether products and norms have biases.</param>
    /// <param name="dtype">The type of the parameters.</param>
    /// <param name="device">Where they live.</param>
    /// <exception cref="ArgumentException">The heads do not divide the size, or the dropout is no probability.</exception>
    public TransformerEncoderLayer(
        long dModel, long nHead, long dimFeedforward = 2048, double dropout = 0.1, TransformerActivation activation = TransformerActivation.Relu,
        double layerNormEps = 1e-5, bool batchFirst = false, bool normFirst = false, bool bias = true, DType dtype = DType.Float32, Device? device = null)
    {
        (_dropout, _normFirst) = (dropout, normFirst);
        _attention = Register("self_attn", new MultiheadAttention(dModel, nHead, dropout, bias, batchFirst: batchFirst, dtype: dtype, device: device));
        var linear1 = Register("linear1", new Linear(dModel, dimFeedforward, bias, dtype, device));
        var linear2 = Register("linear2", new Linear(dimFeedforward, dModel, bias, dtype, device));
        _feedForward = new FeedForward(linear1, linear2, activation, dropout);
        _norm1 = Register("norm1", new LayerNorm([dModel], layerNormEps, bias: bias, dtype: dtype, device: device));
        _norm2 = Register("norm2", new LayerNorm([dModel], layerNormEps, bias: bias, dtype: dtype, device: device));
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Forward(input, null);

    /// <summary>The layer's output; masks as in <see cref="MultiheadAttention"/>.</summary>
    public Tensor Forward(Tensor src, Tensor? srcMask, Tensor? srcKeyPaddingMask = null, bool isCausal = false)
    {
        if (_normFirst)
        {
            src += Attend(_norm1.Call(src));
            return src + _feedForward.Run(_norm2.Call(src), Training);
        }

        src = _norm1.Call(src + Attend(src));
        return _norm2.Call(src + _feedForward.Run(src, Training));

        Tensor Attend(Tensor x) =>
            Functional.Dropout(_attention.Forward(x, x, x, srcKeyPaddingMask, needWeights: false, srcMask, isCausal: isCausal).Output, _dropout, Training);
    }
}

/// <summary>
/// A layer of a transformer's decoder: self-attention, attention to the encoder's output, a feed-forward part; otherwise as <see cref="TransformerEncoderLayer"/>.
/// </summary>
public sealed class TransformerDecoderLayer : ModuleBase
{
    private readonly MultiheadAttention _self;
    private readonly MultiheadAttention _cross;
    private readonly FeedForward _feedForward;
    private readonly Module _norm1;
    private readonly Module _norm2;
    private readonly Module _norm3;
    private readonly double _dropout;
    private readonly bool _normFirst;

    /// <summary>Makes the layer; parameters as those of <see cref="TransformerEncoderLayer"/>.</summary>
    /// <exception cref="ArgumentException">The heads do not divide the size, or the dropout is no probability.</exception>
    public TransformerDecoderLayer(
        long dModel, long nHead, long dimFeedforward = 2048, double dropout = 0.1, TransformerActivation activation = TransformerActivation.Relu,
        double layerNormEps = 1e-5, bool batchFirst = false, bool normFirst = false, bool bias = true, DType dtype = DType.Float32, Device? device = null)
    {
        (_dropout, _normFirst) = (dropout, normFirst);
        _self = Register("self_attn", new MultiheadAttention(dModel, nHead, dropout, bias, batchFirst: batchFirst, dtype: dtype, device: device));
        _cross = Register("multihead_attn", new MultiheadAttention(dModel, nHead, dropout, bias, batchFirst: batchFirst, dtype: dtype, device: device));
        var linear1 = Register("linear1", new Linear(dModel, dimFeedforward, bias, dtype, device));
        var linear2 = Register("linear2", new Linear(dimFeedforward, dModel, bias, dtype, device));
        _feedForward = new FeedForward(linear1, linear2, activation, dropout);
        _norm1 = Register("norm1", new LayerNorm([dModel], layerNormEps, bias: bias, dtype: dtype, device: device));
        _norm2 = Register("norm2", new LayerNorm([dModel], layerNormEps, bias: bias, dtype: dtype, device: device));
        _norm3 = Register("norm3", new LayerNorm([dModel], layerNormEps, bias: bias, dtype: dtype, device: device));
    }

    /// <summary>The layer's output for a target and the encoder's output; masks as in <see cref="MultiheadAttention"/>.</summary>
    public Tensor Forward(
        Tensor tgt, Tensor memory, Tensor? tgtMask = null, Tensor? memoryMask = null, Tensor? tgtKeyPaddingMask = null, Tensor? memoryKeyPaddingMask = null,
        bool tgtIsCausal = false, bool memoryIsCausal = false)
    {
        if (_normFirst)
        {
            tgt += Self(_norm1.Call(tgt));
            tgt += Cross(_norm2.Call(tgt));
            return tgt + _feedForward.Run(_norm3.Call(tgt), Training);
        }

        tgt = _norm1.Call(tgt + Self(tgt));
        tgt = _norm2.Call(tgt + Cross(tgt));
        return _norm3.Call(tgt + _feedForward.Run(tgt, Training));

        Tensor Self(Tensor x) =>
            Functional.Dropout(_self.Forward(x, x, x, tgtKeyPaddingMask, needWeights: false, tgtMask, isCausal: tgtIsCausal).Output, _dropout, Training);

        Tensor Cross(Tensor x) => Functional.Dropout(
            _cross.Forward(x, memory, memory, memoryKeyPaddingMask, needWeights: false, memoryMask, isCausal: memoryIsCausal).Output, _dropout, Training);
    }
}

/// <summary>Encoder layers one after the other, and a norm at the end if one is given.</summary>
public sealed class TransformerEncoder : Module
{
    private readonly TransformerEncoderLayer[] _layers;
    private readonly Module? _norm;

    /// <summary>Makes an encoder.</summary>
    /// <param name="layer">Makes each layer, with start values of its own.</param>
    /// <param name="numLayers">How many.</param>
    /// <param name="norm">What normalises the last layer's output.</param>
    public TransformerEncoder(Func<TransformerEncoderLayer> layer, int numLayers, Module? norm = null)
    {
        ArgumentNullException.ThrowIfNull(layer);
        ArgumentOutOfRangeException.ThrowIfNegative(numLayers);
        _layers = [.. Enumerable.Range(0, numLayers).Select(i => Register(TransformerNames.Layer(i), layer()))];
        _norm = norm is null ? null : Register("norm", norm);
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Forward(input, null);

    /// <summary>The encoder's output; masks as in <see cref="MultiheadAttention"/>.</summary>
    public Tensor Forward(Tensor src, Tensor? mask, Tensor? srcKeyPaddingMask = null, bool isCausal = false)
    {
        foreach (var layer in _layers)
        {
            src = layer.Forward(src, mask, srcKeyPaddingMask, isCausal);
        }

        return _norm is null ? src : _norm.Call(src);
    }
}

/// <summary>Decoder layers one after the other, and a norm at the end if one is given.</summary>
public sealed class TransformerDecoder : ModuleBase
{
    private readonly TransformerDecoderLayer[] _layers;
    private readonly Module? _norm;

    /// <summary>Makes a decoder; parameters as those of <see cref="TransformerEncoder"/>.</summary>
    public TransformerDecoder(Func<TransformerDecoderLayer> layer, int numLayers, Module? norm = null)
    {
        ArgumentNullException.ThrowIfNull(layer);
        ArgumentOutOfRangeException.ThrowIfNegative(numLayers);
        _layers = [.. Enumerable.Range(0, numLayers).Select(i => Register(TransformerNames.Layer(i), layer()))];
        _norm = norm is null ? null : Register("norm", norm);
    }

    /// <summary>The decoder's output for a target and the encoder's output; masks as in <see cref="MultiheadAttention"/>.</summary>
    public Tensor Forward(
        Tensor tgt, Tensor memory, Tensor? tgtMask = null, Tensor? memoryMask = null, Tensor? tgtKeyPaddingMask = null, Tensor? memoryKeyPaddingMask = null,
        bool tgtIsCausal = false, bool memoryIsCausal = false)
    {
        foreach (var layer in _layers)
        {
            tgt = layer.Forward(tgt, memory, tgtMask, memoryMask, tgtKeyPaddingMask, memoryKeyPaddingMask, tgtIsCausal, memoryIsCausal);
        }

        return _norm is null ? tgt : _norm.Call(tgt);
    }
}

/// <summary>The feed-forward part of a layer, whose products are the layer's.</summary>
internal sealed class FeedForward(Linear first, Linear second, TransformerActivation activation, double dropout)
{
    public Tensor Run(Tensor x, bool training)
    {
        var hidden = first.Call(x);
        hidden = Functional.Dropout(activation == TransformerActivation.Gelu ? hidden.Gelu() : hidden.Relu(), dropout, training);
        return Functional.Dropout(second.Call(hidden), dropout, training);
    }
}

internal static class TransformerNames
{
    public static string Layer(int index) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"layers.{index}");
}
