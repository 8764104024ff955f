using ILGPU;

namespace Autograd.Gpu.Kernels.Rows;

/// <summary>Softmax or its logarithm, of contiguous rows.</summary>
public struct SoftmaxArguments<T> where T : unmanaged
{
    /// <summary>The elements; in the backward pass the gradient of the result.</summary>
    public ArrayView<T> Input;

    /// <summary>The result of the forward pass; not read by it.</summary>
    public ArrayView<T> Output;

    /// <summary>What is written.</summary>
    public ArrayView<T> Result;

    /// <summary>Number of rows.</summary>
    public long Rows;

    /// <summary>Elements of a row.</summary>
    public long Length;

    /// <summary>1 for the logarithm.</summary>
    public int IsLog;
}

/// <summary>Layer or root-mean-square normalisation of contiguous rows.</summary>
public struct NormArguments<T> where T : unmanaged
{
    /// <summary>The elements.</summary>
    public ArrayView<T> Input;

    /// <summary>The gradient of the result, in the backward pass.</summary>
    public ArrayView<T> Gradient;

    /// <summary>A factor for each column, if <see cref="HasWeight"/> says so.</summary>
    public ArrayView<T> Weight;

    /// <summary>A term for each column, if <see cref="HasBias"/> says so.</summary>
    public ArrayView<T> Bias;

    /// <summary>The mean of each row, then the inverse deviation of each.</summary>
    public ArrayView<T> Moments;

    /// <summary>What is written.</summary>
    public ArrayView<T> Result;

    /// <summary>Number of rows.</summary>
    public long Rows;

    /// <summary>Elements of a row.</summary>
    public long Length;

    /// <summary>1 / <see cref="Length"/>.</summary>
    public T InverseLength;

    /// <summary>Added to the variance.</summary>
    public T Epsilon;

    /// <summary>1 if the mean is subtracted.</summary>
    public int Centres;

    /// <summary>1 if there are weights.</summary>
    public int HasWeight;

    /// <summary>1 if there is a bias.</summary>
    public int HasBias;
}

/// <summary>Cross entropy of rows of logits, each with its class.</summary>
public struct CrossEntropyArguments<T> where T : unmanaged
{
    /// <summary>The logits.</summary>
    public ArrayView<T> Input;

    /// <summary>The class of each row.</summary>
    public ArrayView<long> Target;

    /// <summary>The largest logit of each row, then the logarithm of each row's sum of exponentials with that taken out.</summary>
    public ArrayView<T> Moments;

    /// <summary>The gradient of each row's loss, in the backward pass, if <see cref="HasGradient"/> says so.</summary>
    public ArrayView<T> Gradient;

    /// <summary>What is written.</summary>
    public ArrayView<T> Result;

    /// <summary>The gradient of all losses, if there is not one for each.</summary>
    public T Factor;

    /// <summary>1 if there is a gradient for each loss.</summary>
    public int HasGradient;

    /// <summary>Number of rows.</summary>
    public long Rows;

    /// <summary>Classes.</summary>
    public long Length;

    /// <summary>From one row's gradient to the next; 0 if they share one.</summary>
    public long GradientStride;

    /// <summary>The class number of rows that do not count.</summary>
    public long IgnoreIndex;
}
