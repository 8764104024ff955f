using ILGPU;

namespace Autograd.Gpu.Kernels;

/// <summary>A stack of matrices with up to three leading dimensions, read through strides in elements.</summary>
/// <typeparam name="T">The element type.</typeparam>
public struct AttentionOperand<T> where T : unmanaged
{
    /// <summary>The memory from element 0 on.</summary>
    public ArrayView<T> View;

    /// <summary>From one element of the first leading dimension to the next.</summary>
    public long Stride0;

    /// <summary>The same for the second leading dimension.</summary>
    public long Stride1;

    /// <summary>The same for the third.</summary>
    public long Stride2;

    /// <summary>From one row to the next.</summary>
    public long Row;

    /// <summary>From one column to the next.</summary>
    public long Col;

    /// <summary>Where matrix <paramref name="n"/> of the stack begins.</summary>
    /// <param name="n">The matrix.</param>
    /// <param name="count1">The size of the second leading dimension.</param>
    /// <param name="count2">The size of the third.</param>
    public readonly long Start(long n, long count1, long count2)
    {
        long rest = n / count2, i2 = n - rest * count2;
        long i0 = rest / count1, i1 = rest - i0 * count1;
        return i0 * Stride0 + i1 * Stride1 + i2 * Stride2;
    }
}

/// <summary>What an attention kernel works on.</summary>
/// <typeparam name="T">float or double.</typeparam>
public struct AttentionArguments<T> where T : unmanaged
{
    /// <summary>No mask.</summary>
    public const int NoMask = 0;

    /// <summary>A mask of bytes: other than 0 takes part.</summary>
    public const int BoolMask = 1;

    /// <summary>A mask that is added to the scores.</summary>
    public const int AddedMask = 2;

    /// <summary>q, [count, queries, width].</summary>
    public AttentionOperand<T> Query;

    /// <summary>k, [count, keys, width].</summary>
    public AttentionOperand<T> Key;

    /// <summary>v, [count, keys, value width].</summary>
    public AttentionOperand<T> Value;

    /// <summary>The gradient of the output, [count, queries, value width]; not read forward.</summary>
    public AttentionOperand<T> Gradient;

    /// <summary>What is written: the output, or the gradient of one input.</summary>
    public AttentionOperand<T> Result;

    /// <summary>The mask that is added, [count, queries, keys].</summary>
    public AttentionOperand<T> Added;

    /// <summary>The mask of bytes, [count, queries, keys].</summary>
    public AttentionOperand<byte> Mask;

    /// <summary>log(sum(exp(scores))) of each row, [count, queries]; infinite for a row in which no key takes part.</summary>
    public ArrayView<T> LogSum;

    /// <summary>sum(output * gradient) of each row, [count, queries]; not read forward.</summary>
    public ArrayView<T> Delta;

    /// <summary>The size of the second leading dimension.</summary>
    public long Count1;

    /// <summary>The size of the third leading dimension.</summary>
    public long Count2;

    /// <summary>Matrices in the stack.</summary>
    public long Count;

    /// <summary>Rows of q.</summary>
    public int Queries;

    /// <summary>Rows of k and v.</summary>
    public int Keys;

    /// <summary>Columns of q and k.</summary>
    public int Width;

    /// <summary>Columns of v.</summary>
    public int ValueWidth;

    /// <summary>What scores are multiplied by.</summary>
    public T Scale;

    /// <summary>1 where query i sees keys 0 to i alone.</summary>
    public int IsCausal;

    /// <summary><see cref="NoMask"/>, <see cref="BoolMask"/> or <see cref="AddedMask"/>.</summary>
    public int MaskKind;

    /// <summary>The share of weights that is dropped; 0 draws no random numbers.</summary>
    public float Dropout;

    /// <summary>What the weights that stay are multiplied by.</summary>
    public T KeepScale;

    /// <summary>The random stream's seed.</summary>
    public long Seed;

    /// <summary>The random stream's first counter.</summary>
    public long Offset;

    /// <summary>Random numbers from one row of scores to the next, a multiple of four.</summary>
    public long StreamRow;

    /// <summary>Matrices after which the random stream begins again.</summary>
    public long Period;
}

/// <summary>What of the derivative a launch of <see cref="AttentionKernels.Gradient"/> computes.</summary>
public interface IAttentionGradient
{
    /// <summary>Whether a group's rows are keys; otherwise queries.</summary>
    static abstract bool RowsAreKeys { get; }

    /// <summary>Whether the weights themselves are wanted; otherwise the gradient of the scores.</summary>
    static abstract bool IsOfWeights { get; }
}

/// <summary>The gradient of q: that of the scores times k.</summary>
public readonly struct QueryGradient : IAttentionGradient
{
    /// <inheritdoc/>
    public static bool RowsAreKeys => false;

    /// <inheritdoc/>
    public static bool IsOfWeights => false;
}

/// <summary>The gradient of k: that of the scores, transposed, times q.</summary>
public readonly struct KeyGradient : IAttentionGradient
{
    /// <inheritdoc/>
    public static bool RowsAreKeys => true;

    /// <inheritdoc/>
    public static bool IsOfWeights => false;
}

/// <summary>The gradient of v: the weights, transposed, times the output's gradient.</summary>
public readonly struct ValueGradient : IAttentionGradient
{
    /// <inheritdoc/>
    public static bool RowsAreKeys => true;

    /// <inheritdoc/>
    public static bool IsOfWeights => true;
}

/// <summary>The functions that attention needs of an element type.</summary>
/// <typeparam name="T">float or double.</typeparam>
public interface IAttentionMath<T> where T : unmanaged
{
    /// <summary>Infinity.</summary>
    static abstract T Infinity { get; }

    /// <summary>e^x.</summary>
    static abstract T Exp(T x);

    /// <summary>ln x.</summary>
    static abstract T Log(T x);
}

/// <summary>Floats.</summary>
public readonly struct AttentionSingle : IAttentionMath<float>
{
    /// <inheritdoc/>
    public static float Infinity => float.PositiveInfinity;

    /// <inheritdoc/>
    public static float Exp(float x) => DeviceMath.Exp(x);

    /// <inheritdoc/>
    public static float Log(float x) => DeviceMath.Log(x);
}

/// <summary>Doubles.</summary>
public readonly struct AttentionDouble : IAttentionMath<double>
{
    /// <inheritdoc/>
    public static double Infinity => double.PositiveInfinity;

    /// <inheritdoc/>
    public static double Exp(double x) => DeviceMath.Exp(x);

    /// <inheritdoc/>
    public static double Log(double x) => DeviceMath.Log(x);
}
