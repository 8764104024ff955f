using System.Numerics;
using Autograd.Gpu.Kernels.Convolution;

namespace Autograd.Gpu.Devices.Host;

/// <summary>Patches of images as the columns of matrices, and images summed from such patches.</summary>
internal static unsafe class HostPatches
{
    private const long ForkElements = 1 << 16;

    public static void Run<T>(in ConvolutionShape shape, bool folds, T* images, T* patches)
        where T : unmanaged, INumberBase<T>
    {
        long channels = (long)shape.Batch * shape.InputChannels, elements = channels * shape.Taps * shape.OutputPlaces;
        var work = new Work<T> { Shape = shape, Folds = folds, Images = images, Patches = patches, Channels = channels };
        work.PerChunk = elements < ForkElements ? Math.Max(1, channels) : Math.Max(1, ForkElements / 2 * channels / elements);
        HostParallel.For(checked((int)((channels + work.PerChunk - 1) / work.PerChunk)), ref work);
    }

    private struct Work<T> : IHostWork
        where T : unmanaged, INumberBase<T>
    {
        public ConvolutionShape Shape;
        public bool Folds;
        public T* Images;
        public T* Patches;
        public long Channels;
        public long PerChunk;

        public readonly void Run(int chunk)
        {
            long end = Math.Min(Channels, (chunk + 1) * PerChunk);
            for (long channel = chunk * PerChunk; channel < end; channel++)
            {
                RunChannel(Images + channel * Shape.InputPlaces, Patches + channel * Shape.Taps * Shape.OutputPlaces);
            }
        }

        private readonly void RunChannel(T* image, T* patch)
        {
            var (depth, height, width) = (Shape.Depth, Shape.Height, Shape.Width);
            if (Folds)
            {
                new Span<T>(image, checked((int)Shape.InputPlaces)).Clear();
            }

            for (int kd = 0; kd < depth.Kernel; kd++)
            {
                for (int kh = 0; kh < height.Kernel; kh++)
                {
                    for (int kw = 0; kw < width.Kernel; kw++)
                    {
                        for (int od = 0; od < depth.Output; od++)
                        {
                            int d = od * depth.Stride + kd * depth.Dilation - depth.Padding;
                            for (int oh = 0; oh < height.Output; oh++, patch += width.Output)
                            {
                                int h = oh * height.Stride + kh * height.Dilation - height.Padding;
                                bool isInside = (uint)d < (uint)depth.Input && (uint)h < (uint)height.Input;
                                Line(isInside ? image + ((nint)d * height.Input + h) * width.Input : null, kw * width.Dilation - width.Padding, patch);
                            }
                        }
                    }
                }
            }
        }

        /// <summary>One row of output places of one tap, from the row of the image that it sees.</summary>
        private readonly void Line(T* row, int first, T* patch)
        {
            var axis = Shape.Width;
            int step = axis.Stride, count = axis.Output;
            int low = row is null ? count : first >= 0 ? 0 : Math.Min(count, (-first + step - 1) / step);
            int high = row is null ? count : Math.Clamp((axis.Input - first + step - 1) / step, low, count);
            if (Folds)
            {
                for (int i = low; i < high; i++)
                {
                    row[first + (nint)i * step] += patch[i];
                }

                return;
            }

            SourceBand.Clear(patch, low);
            if (step == 1)
            {
                SourceBand.Copy(row + first + low, patch + low, high - low);
            }
            else
            {
                for (int i = low; i < high; i++)
                {
                    patch[i] = row[first + (nint)i * step];
                }
            }

            SourceBand.Clear(patch + high, count - high);
        }
    }
}
