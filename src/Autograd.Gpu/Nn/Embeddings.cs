namespace Autograd.Gpu.Nn;

/// <summary>A table of rows to look up by number; see <see cref="Functional.Embedding"/>. Rows start normal with variance 1, the padding row as zeros.</summary>
public sealed class Embedding : Module
{
    private readonly Parameter _weight;

    /// <summary>Makes a table.</summary>
    /// <param name="numEmbeddings">How many rows.</param>
    /// <param name="embeddingDim">How many columns.</param>
    /// <param name="paddingIdx">A row of zeros that gets no gradient.</param>
    /// <param name="maxNorm">The largest norm of a row, enforced when it is looked up.</param>
    /// <param name="normType">The p of that norm.</param>
    /// <param name="scaleGradByFreq">Whether the gradient of a row is divided by how often the input names it.</param>
    /// <param name="dtype">The type of the elements.</param>
    /// <param name="device">Where the table lives.</param>
    /// <exception cref="ShapeException">The padding row does not exist.</exception>
    public Embedding(
        long numEmbeddings, long embeddingDim, long? paddingIdx = null, double? maxNorm = null, double normType = 2, bool scaleGradByFreq = false,
        DType dtype = DType.Float32, Device? device = null)
        : this(EmbeddingTable.Normal(numEmbeddings, embeddingDim, paddingIdx, dtype, device), paddingIdx, maxNorm, normType, scaleGradByFreq)
    {
    }

    private Embedding(Tensor weight, long? paddingIdx, double? maxNorm, double normType, bool scaleGradByFreq)
    {
        _weight = Register("weight", weight);
        (PaddingIdx, MaxNorm, NormType, ScaleGradByFreq) = (paddingIdx, maxNorm, normType, scaleGradByFreq);
    }

    /// <summary>The table, [rows, columns].</summary>
    public Tensor Weight => _weight.Value;

    /// <summary>The row without gradient.</summary>
    public long? PaddingIdx { get; }

    /// <summary>The largest norm of a row.</summary>
    public double? MaxNorm { get; }

    /// <summary>The p of that norm.</summary>
    public double NormType { get; }

    /// <summary>Whether gradients are divided by the number of look-ups.</summary>
    public bool ScaleGradByFreq { get; }

    /// <summary>Makes a layer of a table that is there; frozen, it gets no gradients.</summary>
    /// <exception cref="ShapeException">The table has not two dimensions, or the padding row does not exist.</exception>
    public static Embedding FromPretrained(
        Tensor embeddings, bool freeze = true, long? paddingIdx = null, double? maxNorm = null, double normType = 2, bool scaleGradByFreq = false)
    {
        EmbeddingTable.Check(embeddings, paddingIdx);
        var layer = new Embedding(embeddings, paddingIdx, maxNorm, normType, scaleGradByFreq);
        layer.Weight.RequiresGrad_(!freeze);
        return layer;
    }

    /// <summary>The rows that the input names.</summary>
    public override Tensor Forward(Tensor input) => Functional.Embedding(input, Weight, PaddingIdx, MaxNorm, NormType, ScaleGradByFreq);
}

/// <summary>Sums, means or maxima of bags of rows of a table; see <see cref="Functional.EmbeddingBag"/>.</summary>
public sealed class EmbeddingBag : Module
{
    private readonly Parameter _weight;
    private readonly double? _maxNorm;
    private readonly double _normType;
    private readonly bool _scaleGradByFreq;
    private readonly bool _includeLastOffset;
    private readonly long? _paddingIdx;

    /// <summary>Makes a table; parameters as in <see cref="Functional.EmbeddingBag"/>.</summary>
    /// <exception cref="ShapeException">The padding row does not exist.</exception>
    public EmbeddingBag(
        long numEmbeddings, long embeddingDim, double? maxNorm = null, double normType = 2, bool scaleGradByFreq = false,
        EmbeddingBagMode mode = EmbeddingBagMode.Mean, bool includeLastOffset = false, long? paddingIdx = null, DType dtype = DType.Float32, Device? device = null)
        : this(EmbeddingTable.Normal(numEmbeddings, embeddingDim, paddingIdx, dtype, device), maxNorm, normType, scaleGradByFreq, mode, includeLastOffset, paddingIdx)
    {
    }

    private EmbeddingBag(
        Tensor weight, double? maxNorm, double normType, bool scaleGradByFreq, EmbeddingBagMode mode, bool includeLastOffset, long? paddingIdx)
    {
        _weight = Register("weight", weight);
        (_maxNorm, _normType, _scaleGradByFreq) = (maxNorm, normType, scaleGradByFreq);
        (Mode, _includeLastOffset, _paddingIdx) = (mode, includeLastOffset, paddingIdx);
    }

    /// <summary>The table, [rows, columns].</summary>
    public Tensor Weight => _weight.Value;

    /// <summary>How rows are combined.</summary>
    public EmbeddingBagMode Mode { get; }

    /// <summary>Makes a layer of a table that is there; frozen, it gets no gradients.</summary>
    /// <exception cref="ShapeException">The table has not two dimensions, or the padding row does not exist.</exception>
    public static EmbeddingBag FromPretrained(
        Tensor embeddings, bool freeze = true, double? maxNorm = null, double normType = 2, bool scaleGradByFreq = false,
        EmbeddingBagMode mode = EmbeddingBagMode.Mean, bool includeLastOffset = false, long? paddingIdx = null)
    {
        EmbeddingTable.Check(embeddings, paddingIdx);
        var layer = new EmbeddingBag(embeddings, maxNorm, normType, scaleGradByFreq, mode, includeLastOffset, paddingIdx);
        layer.Weight.RequiresGrad_(!freeze);
        return layer;
    }

    /// <summary>The bags of a 2-d input.</summary>
    public override Tensor Forward(Tensor input) => Forward(input, null);

    /// <summary>The bags of an input, with the offsets of a 1-d one.</summary>
    public Tensor Forward(Tensor input, Tensor? offsets, Tensor? perSampleWeights = null) => Functional.EmbeddingBag(
        input, Weight, offsets, Mode, perSampleWeights, _includeLastOffset, _paddingIdx, _maxNorm, _normType, _scaleGradByFreq);
}

/// <summary>The tables of both layers.</summary>
internal static class EmbeddingTable
{
    public static Tensor Normal(long rows, long columns, long? paddingIdx, DType dtype, Device? device)
    {
        var weight = Tensor.Randn([rows, columns], dtype, device);
        Check(weight, paddingIdx);
        if (paddingIdx is { } padding)
        {
            weight.Select(0, padding).Zero_();
        }

        return weight.Materialize();
    }

    public static void Check(Tensor weight, long? paddingIdx)
    {
        if (weight.Rank != 2)
        {
            throw new ShapeException($"Embedding: Embeddings parameter is expected to be 2-dimensional, but got shape {weight.Shape}.");
        }

        if (paddingIdx is { } padding && (padding < -weight.Shape[0] || padding >= weight.Shape[0]))
        {
            throw new ShapeException($"Embedding: Padding_idx must be within num_embeddings: got {padding} for a table of {weight.Shape[0]} rows.");
        }
    }
}
