using Autograd.Gpu.Lazy;

namespace Autograd.Gpu.Nn;

/// <summary>The nonlinearity of an <see cref="RNN"/> or <see cref="RNNCell"/>.</summary>
public enum RnnNonlinearity
{
    /// <summary>The hyperbolic tangent.</summary>
    Tanh,

    /// <summary>max(x, 0).</summary>
    Relu,
}

/// <summary>h[t] = f(W_ih x[t] + b_ih + W_hh h[t - 1] + b_hh), with the hyperbolic tangent or relu as f (Elman 1990).</summary>
public sealed class RNN : RecurrentLayer
{
    /// <summary>Makes the layers.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A size or the dropout is out of its range.</exception>
    public RNN(
        long inputSize,
        long hiddenSize,
        int numLayers = 1,
        RnnNonlinearity nonlinearity = RnnNonlinearity.Tanh,
        bool bias = true,
        bool batchFirst = false,
        double dropout = 0,
        bool bidirectional = false,
        DType dtype = DType.Float32,
        Device? device = null)
        : base(
            nonlinearity == RnnNonlinearity.Tanh ? RecurrentKind.Tanh : RecurrentKind.Relu,
            inputSize, hiddenSize, numLayers, bias, batchFirst, dropout, bidirectional, 0, dtype, device)
    {
    }

    /// <summary>The outputs and the last hidden states; the first ones are zeros if <paramref name="h0"/> is null.</summary>
    /// <exception cref="ShapeException">A shape does not fit the layer.</exception>
    /// <exception cref="DTypeException">The dtype is not the parameters'.</exception>
    public (Tensor Output, Tensor Hn) Forward(Tensor input, Tensor? h0)
    {
        var (output, hidden, _) = Run(input, h0, null);
        return (output, hidden!);
    }

    /// <summary>The same for a packed sequence.</summary>
    /// <exception cref="ShapeException">A shape does not fit the layer.</exception>
    /// <exception cref="DTypeException">The dtype is not the parameters'.</exception>
    public (PackedSequence Output, Tensor Hn) Forward(PackedSequence input, Tensor? h0 = null)
    {
        var (output, hidden, _) = Run(input, h0, null);
        return (output, hidden!);
    }
}

/// <summary>
/// The gates, in the order i, f, g, o, are W_ih x[t] + b_ih + W_hh h[t - 1] + b_hh; c[t] = sigmoid(f) c[t - 1] + sigmoid(i) tanh(g), h[t] = sigmoid(o) tanh(c[t]), with
/// <c>projSize</c> projected by W_hr (Hochreiter and Schmidhuber 1997, Gers et al. 2000, Sak et al. 2014).
/// </summary>
public sealed class LSTM : RecurrentLayer
{
    /// <summary>Makes the layers.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A size or the dropout is out of its range.</exception>
    public LSTM(
        long inputSize,
        long hiddenSize,
        int numLayers = 1,
        bool bias = true,
        bool batchFirst = false,
        double dropout = 0,
        bool bidirectional = false,
        long projSize = 0,
        DType dtype = DType.Float32,
        Device? device = null)
        : base(RecurrentKind.Lstm, inputSize, hiddenSize, numLayers, bias, batchFirst, dropout, bidirectional, projSize, dtype, device)
    {
    }

    /// <summary>The outputs and the last hidden and cell states; the first ones are zeros if <paramref name="state"/> is null.</summary>
    /// <exception cref="ShapeException">A shape does not fit the layer.</exception>
    /// <exception cref="DTypeException">The dtype is not the parameters'.</exception>
    public (Tensor Output, (Tensor Hn, Tensor Cn) State) Forward(Tensor input, (Tensor H0, Tensor C0)? state)
    {
        var (output, hidden, cell) = Run(input, state?.H0, state?.C0);
        return (output, (hidden!, cell!));
    }

    /// <summary>The same for a packed sequence.</summary>
    /// <exception cref="ShapeException">A shape does not fit the layer.</exception>
    /// <exception cref="DTypeException">The dtype is not the parameters'.</exception>
    public (PackedSequence Output, (Tensor Hn, Tensor Cn) State) Forward(PackedSequence input, (Tensor H0, Tensor C0)? state = null)
    {
        var (output, hidden, cell) = Run(input, state?.H0, state?.C0);
        return (output, (hidden!, cell!));
    }
}

/// <summary>
/// r = sigmoid(W_ir x + b_ir + W_hr h + b_hr), z likewise, n = tanh(W_in x + b_in + r (W_hn h + b_hn)), h[t] = (1 - z) n + z h[t - 1] (Cho et al. 2014, with the reset applied
/// after the product, as in PyTorch and cuDNN).
/// </summary>
public sealed class GRU : RecurrentLayer
{
    /// <summary>Makes the layers.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A size or the dropout is out of its range.</exception>
    public GRU(
        long inputSize,
        long hiddenSize,
        int numLayers = 1,
        bool bias = true,
        bool batchFirst = false,
        double dropout = 0,
        bool bidirectional = false,
        DType dtype = DType.Float32,
        Device? device = null)
        : base(RecurrentKind.Gru, inputSize, hiddenSize, numLayers, bias, batchFirst, dropout, bidirectional, 0, dtype, device)
    {
    }

    /// <summary>The outputs and the last hidden states; the first ones are zeros if <paramref name="h0"/> is null.</summary>
    /// <exception cref="ShapeException">A shape does not fit the layer.</exception>
    /// <exception cref="DTypeException">The dtype is not the parameters'.</exception>
    public (Tensor Output, Tensor Hn) Forward(Tensor input, Tensor? h0)
    {
        var (output, hidden, _) = Run(input, h0, null);
        return (output, hidden!);
    }

    /// <summary>The same for a packed sequence.</summary>
    /// <exception cref="ShapeException">A shape does not fit the layer.</exception>
    /// <exception cref="DTypeException">The dtype is not the parameters'.</exception>
    public (PackedSequence Output, Tensor Hn) Forward(PackedSequence input, Tensor? h0 = null)
    {
        var (output, hidden, _) = Run(input, h0, null);
        return (output, hidden!);
    }
}
