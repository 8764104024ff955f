using System.Numerics;
using System.Runtime.InteropServices;
using ILGPU;

namespace Autograd.Gpu.Kernels.Convolution;

/// <summary>Images [n, c, places] and their patches [n, c * taps, output places].</summary>
/// <typeparam name="T">float or double.</typeparam>
[StructLayout(LayoutKind.Sequential)]
public struct PatchArguments<T> where T : unmanaged
{
    /// <summary>The images.</summary>
    public ArrayView<T> Images;

    /// <summary>The patches.</summary>
    public ArrayView<T> Patches;

    /// <summary>Sizes; of one group, without output channels.</summary>
    public ConvolutionShape Shape;
}

/// <summary>Patches of images, and images summed from patches. Each element adds what belongs to it in order of the taps.</summary>
public static class PatchKernels
{
    /// <summary>One element of the patches a thread.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    public static void Unfold<T>(Index1D index, PatchArguments<T> x) where T : unmanaged, INumberBase<T>
    {
        long places = x.Shape.OutputPlaces, line = index / places;
        int channels = x.Shape.InputChannels;
        long sample = line / ((long)channels * x.Shape.Taps);
        var place = Patches.OutputPlace(x.Shape, 0, sample * places + (index - line * places));
        var tap = Patches.Tap(x.Shape, line - sample * channels * x.Shape.Taps, x.Shape.InputPlaces, 1);
        long address = Patches.InInput(x.Shape, place, tap);
        T value = default;
        if (address >= 0) value = x.Images[address];
        x.Patches[index] = value;
    }

    /// <summary>One element of the images a thread.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    public static void Fold<T>(Index1D index, PatchArguments<T> x) where T : unmanaged, INumberBase<T>
    {
        long places = x.Shape.InputPlaces, image = index / places;
        int place = (int)(index - image * places);
        int row = place / x.Shape.Width.Input, depth = row / x.Shape.Height.Input;
        int d = depth + x.Shape.Depth.Padding, h = row - depth * x.Shape.Height.Input + x.Shape.Height.Padding, w = place - row * x.Shape.Width.Input + x.Shape.Width.Padding;
        T sum = default;
        long line = image * x.Shape.Taps;
        for (int kd = 0; kd < x.Shape.Depth.Kernel; kd++)
        {
            int od = Output(x.Shape.Depth, d - kd * x.Shape.Depth.Dilation);
            for (int kh = 0; kh < x.Shape.Height.Kernel; kh++)
            {
                int oh = Output(x.Shape.Height, h - kh * x.Shape.Height.Dilation);
                for (int kw = 0; kw < x.Shape.Width.Kernel; kw++, line++)
                {
                    int ow = Output(x.Shape.Width, w - kw * x.Shape.Width.Dilation);
                    if (od >= 0 & oh >= 0 & ow >= 0)
                        sum += x.Patches[line * x.Shape.OutputPlaces + ((long)od * x.Shape.Height.Output + oh) * x.Shape.Width.Output + ow];
                }
            }
        }

        x.Images[index] = sum;
    }

    /// <summary>The output place that starts at a place of the padded input, or -1.</summary>
    private static int Output(ConvolutionAxis axis, int place)
    {
        int output = place / axis.Stride;
        return place >= 0 & output * axis.Stride == place & output < axis.Output ? output : -1;
    }
}
