using System.Numerics;
using Autograd.Gpu.Kernels.Convolution;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// Puts right what an infinite element does to the sums of a weight gradient. The tiles multiply whole vectors, so that some elements of the input meet zeros that stand beside a row of
/// the gradient; of an infinity that makes nan. Sums that are not finite are therefore computed again, each of its own products alone.
/// </summary>
internal unsafe struct ExactWeightGradient<T> : IHostWork
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int ChunkElements = 64;

    private ConvolutionShape _shape;
    private T* _input;
    private T* _gradient;
    private T* _weight;
    private nint _elements;

    public static void Repair(in ConvolutionShape shape, T* input, T* gradient, T* weight)
    {
        nint elements = (nint)shape.Groups * shape.OutputChannels * shape.InputChannels * shape.Taps;
        if (AreFinite(weight, elements))
        {
            return;
        }

        var work = new ExactWeightGradient<T> { _shape = shape, _input = input, _gradient = gradient, _weight = weight, _elements = elements };
        HostParallel.For(checked((int)((elements + ChunkElements - 1) / ChunkElements)), ref work);
    }

    public readonly void Run(int chunk)
    {
        for (nint i = (nint)chunk * ChunkElements; i < Math.Min(_elements, (nint)(chunk + 1) * ChunkElements); i++)
        {
            if (!T.IsFinite(_weight[i]))
            {
                _weight[i] = Element(i);
            }
        }
    }

    private static bool AreFinite(T* values, nint count)
    {
        // A number times zero is zero, and nothing else is.
        Vector<T> first = Vector<T>.Zero, second = Vector<T>.Zero;
        nint i = 0;
        for (; i + 2 * Vector<T>.Count <= count; i += 2 * Vector<T>.Count)
        {
            first += Vector.Load(values + i) * Vector<T>.Zero;
            second += Vector.Load(values + i + Vector<T>.Count) * Vector<T>.Zero;
        }

        var sum = Vector.Sum(first + second);
        for (; i < count; i++)
        {
            sum += values[i] * T.Zero;
        }

        return T.IsFinite(sum);
    }

    private readonly T Element(nint at)
    {
        int column = (int)(at % _shape.Width.Kernel);
        at /= _shape.Width.Kernel;
        int row = (int)(at % _shape.Height.Kernel);
        at /= _shape.Height.Kernel;
        int depth = (int)(at % _shape.Depth.Kernel);
        at /= _shape.Depth.Kernel;
        nint input = at % _shape.InputChannels, output = at / _shape.InputChannels;
        nint inputChannels = (nint)_shape.Groups * _shape.InputChannels, outputChannels = (nint)_shape.Groups * _shape.OutputChannels;
        input += output / _shape.OutputChannels * _shape.InputChannels;
        var sum = T.Zero;
        for (nint image = 0; image < _shape.Batch; image++)
        {
            var x = _input + (image * inputChannels + input) * (nint)_shape.InputPlaces;
            var g = _gradient + (image * outputChannels + output) * (nint)_shape.OutputPlaces;
            var part = T.Zero;
            for (int d = 0; d < _shape.Depth.Output; d++)
            {
                for (int h = 0; h < _shape.Height.Output; h++, g += _shape.Width.Output)
                {
                    int inputDepth = Place(_shape.Depth, d, depth), inputRow = Place(_shape.Height, h, row);
                    bool isInside = (uint)inputDepth < (uint)_shape.Depth.Input && (uint)inputRow < (uint)_shape.Height.Input;
                    part += Row(isInside ? x + ((nint)inputDepth * _shape.Height.Input + inputRow) * _shape.Width.Input : null, g, column);
                }
            }

            sum += part;

            // Nothing makes a number of it again.
            if (T.IsNaN(sum))
            {
                break;
            }
        }

        return sum;
    }

    /// <summary>One row's products; the padding's zeros are elements as others are.</summary>
    private readonly T Row(T* line, T* g, int tap)
    {
        var axis = _shape.Width;
        var sum = T.Zero;
        for (int w = 0; w < axis.Output; w++)
        {
            int place = Place(axis, w, tap);
            sum += g[w] * (line != null && (uint)place < (uint)axis.Input ? line[place] : T.Zero);
        }

        return sum;
    }

    private static int Place(in ConvolutionAxis axis, int output, int tap) => output * axis.Stride + tap * axis.Dilation - axis.Padding;
}
