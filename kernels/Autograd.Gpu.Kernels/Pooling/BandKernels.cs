using System.Numerics;
using ILGPU;

namespace Autograd.Gpu.Kernels.Pooling;

/// <summary>
/// A band matrix for each of depth, height and width, applied to planes. <see cref="Bands"/> has for each depth of the result, then for each height and each
/// width, three numbers: the first position of the input that counts, how many do, and where in <see cref="Weights"/> their weights begin.
/// </summary>
/// <typeparam name="T">The elements.</typeparam>
public struct BandArguments<T> where T : unmanaged
{
    /// <summary>The input's planes.</summary>
    public ArrayView<T> Input;

    /// <summary>The result's planes.</summary>
    public ArrayView<T> Output;

    /// <summary>First position, count and weights of each row of the matrices.</summary>
    public ArrayView<int> Bands;

    /// <summary>The weights.</summary>
    public ArrayView<T> Weights;

    /// <summary>Depth of the input.</summary>
    public int InDepth;

    /// <summary>Height of the input.</summary>
    public int InHeight;

    /// <summary>Width of the input.</summary>
    public int InWidth;

    /// <summary>Depth of the result.</summary>
    public int OutDepth;

    /// <summary>Height of the result.</summary>
    public int OutHeight;

    /// <summary>Width of the result.</summary>
    public int OutWidth;
}

/// <summary>Average pooling, interpolation and the gradients of both: products with band matrices along depth, height and width.</summary>
public static class BandKernels
{
    /// <summary>One thread for each element of the result.</summary>
    public static void Apply<T>(Index1D thread, BandArguments<T> x) where T : unmanaged, INumber<T>
    {
        long e = thread.X;
        long row = e / x.OutWidth, slab = row / x.OutHeight, plane = slab / x.OutDepth;
        int depth = 3 * (int)(slab - plane * x.OutDepth), height = 3 * (x.OutDepth + (int)(row - slab * x.OutHeight));
        int width = 3 * (x.OutDepth + x.OutHeight + (int)(e - row * x.OutWidth));
        int firstDepth = x.Bands[depth], depths = x.Bands[depth + 1], depthWeights = x.Bands[depth + 2];
        int firstHeight = x.Bands[height], heights = x.Bands[height + 1], heightWeights = x.Bands[height + 2];
        int firstWidth = x.Bands[width], widths = x.Bands[width + 1], widthWeights = x.Bands[width + 2];
        var sum = T.Zero;
        for (int i = 0; i < depths; i++)
        {
            for (int j = 0; j < heights; j++)
            {
                var weight = x.Weights[depthWeights + i] * x.Weights[heightWeights + j];
                long at = ((plane * x.InDepth + firstDepth + i) * x.InHeight + firstHeight + j) * x.InWidth + firstWidth;
                for (int k = 0; k < widths; k++)
                {
                    sum += weight * x.Weights[widthWeights + k] * x.Input[at + k];
                }
            }
        }

        x.Output[e] = sum;
    }
}
