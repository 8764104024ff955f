using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// The gradient of a convolution's weight as sums of outer products: the output's gradient is turned so that channels lie beside one another, and each tap of each input channel multiplies it
/// with the elements that it sees.
/// </summary>
internal unsafe struct OuterGradientWork<T, TVector, TOps> : IHostWork
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where TVector : struct
    where TOps : struct, IHostVector<T, TVector>
{
    public OuterGradientPlan Plan;
    public T* Input;
    public T* Gradient;

    /// <summary>A result for each slice; the first one is the weight's gradient.</summary>
    public T* Result;
    public T* Others;

    /// <summary>The distances of a block's channels and taps.</summary>
    public int* Offsets;

    /// <summary>Rows of a tile: twelve need 32 registers.</summary>
    public int Tallest;

    /// <summary>Whether the result is wanted with its input channels, of one tap, before its output channels.</summary>
    public bool IsSwapped;

    public readonly void Run(int chunk)
    {
        var plan = Plan;
        var shape = plan.Shape;
        int slice = chunk % plan.Slices;
        chunk /= plan.Slices;
        int firstInput = chunk % plan.InputBlocks * plan.InputBlock;
        chunk /= plan.InputBlocks;
        int firstOutput = chunk % plan.OutputBlocks * plan.OutputBlock;
        int group = chunk / plan.OutputBlocks;
        int inputs = Math.Min(plan.InputBlock, shape.InputChannels - firstInput), outputs = Math.Min(plan.OutputBlock, shape.OutputChannels - firstOutput);
        int panels = (outputs + plan.Panel - 1) / plan.Panel, rows = inputs * shape.Taps;
        nint places = (nint)plan.Images * plan.BandRows * plan.BandColumns;
        var band = PackBuffer.Right<T>((nint)plan.Band.Channel * inputs + plan.Band.Pitch);
        var turned = PackBuffer.Left<T>(places * panels * plan.Panel);
        var sums = PackBuffer.Scratch<T>((nint)rows * panels * plan.Panel);
        nint inputImage = (nint)shape.Groups * shape.InputChannels * (nint)shape.InputPlaces;
        long first = slice * plan.Units / plan.Slices, end = (slice + 1) * plan.Units / plan.Slices;
        for (long unit = first; unit < end; unit++)
        {
            var (depth, column, row, image) = plan.Unit(unit);
            int images = Math.Min(plan.Images, shape.Batch - image), bandRows = Math.Min(plan.BandRows, shape.Height.Output - row);
            int columns = Math.Min(plan.BandColumns, shape.Width.Output - column);
            var from = Input + image * inputImage + ((nint)group * shape.InputChannels + firstInput) * (nint)shape.InputPlaces;
            plan.Band.Copy(from, inputs, images, inputImage, depth, row, bandRows, column, band);
            nint panelSize = (nint)images * bandRows * columns * plan.Panel;
            for (int panel = 0; panel < panels; panel++)
            {
                int channel = panel * plan.Panel;
                Turn(image, images, group * shape.OutputChannels + firstOutput + channel, Math.Min(plan.Panel, outputs - channel), (depth, row, column), (bandRows, columns), turned + panel * panelSize);
            }

            var ahead = unit + 1 < end ? new Fetch(this, plan.Unit(unit + 1), group, (firstInput, inputs), (firstOutput, outputs), panels * ((rows + Tallest - 1) / Tallest)) : default;
            for (int panel = 0; panel < panels; panel++)
            {
                Multiply(rows, band, images, bandRows, columns, turned + panel * panelSize, sums + (nint)panel * rows * plan.Panel, unit > first, ref ahead);
            }
        }

        var result = slice == 0 ? Result : Others + (slice - 1) * (nint)shape.Groups * shape.OutputChannels * shape.InputChannels * shape.Taps;
        for (int panel = 0; panel < panels && IsSwapped; panel++)
        {
            int channel = panel * plan.Panel, count = Math.Min(plan.Panel, outputs - channel);
            var from = sums + (nint)panel * rows * plan.Panel;
            for (int i = 0; i < rows; i++, from += plan.Panel)
            {
                SourceBand.Copy(from, result + (nint)(firstInput + i) * shape.OutputChannels + firstOutput + channel, count);
            }
        }

        result += (((nint)group * shape.OutputChannels + firstOutput) * shape.InputChannels + firstInput) * shape.Taps;
        for (int panel = 0; panel < panels && !IsSwapped; panel++)
        {
            int channel = panel * plan.Panel;
            TurnBack(sums + (nint)panel * rows * plan.Panel, rows, Math.Min(plan.Panel, outputs - channel), result + (nint)channel * shape.InputChannels * shape.Taps);
        }
    }

    /// <summary>The gradients of a panel's channels, for each place those of all channels; channels that are missing are zeros, which no result is made of.</summary>
    private readonly void Turn(int image, int images, int channel, int channels, (int Depth, int Row, int Column) at, (int Rows, int Columns) size, T* target)
    {
        var shape = Plan.Shape;
        nint plane = (nint)shape.Height.Output * shape.Width.Output, channelSize = plane * shape.Depth.Output;
        nint places = (nint)size.Rows * size.Columns;
        for (int i = 0; i < images; i++, target += places * Plan.Panel)
        {
            // A band is whole rows, or a part of one.
            var from = Gradient + ((nint)(image + i) * shape.Groups * shape.OutputChannels + channel) * channelSize + at.Depth * plane + (nint)at.Row * shape.Width.Output + at.Column;
            MatMulPack.Panel(from, channelSize, 1, channels, Plan.Panel, places, target);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Multiply(int rows, T* band, int images, int bandRows, int columns, T* turned, T* sums, bool accumulate, ref Fetch ahead)
    {
        for (int row = 0; row < rows;)
        {
            ahead.Next();
            int left = rows - row, height = left >= Tallest ? Tallest : left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
            if (Plan.PanelVectors == 2)
                Tile<Two>(height, band, Offsets + row, images, bandRows, columns, turned, sums, accumulate);
            else
                Tile<One>(height, band, Offsets + row, images, bandRows, columns, turned, sums, accumulate);
            row += height;
            sums += (nint)height * Plan.Panel;
        }
    }

    private readonly void Tile<TVectors>(int height, T* a, int* offsets, int images, int rows, int columns, T* b, T* c, bool accumulate)
        where TVectors : struct, IConstant
    {
        nint image = Plan.Band.Image, pitch = Plan.Band.Pitch, cRow = Plan.Panel;
        switch (height)
        {
            case 12:
                OuterTile.Multiply<T, TVector, TOps, Twelve, TVectors>(a, offsets, images, image, rows, pitch, columns, b, c, cRow, accumulate);
                break;
            case 8:
                OuterTile.Multiply<T, TVector, TOps, Eight, TVectors>(a, offsets, images, image, rows, pitch, columns, b, c, cRow, accumulate);
                break;
            case 6:
                OuterTile.Multiply<T, TVector, TOps, Six, TVectors>(a, offsets, images, image, rows, pitch, columns, b, c, cRow, accumulate);
                break;
            case 4:
                OuterTile.Multiply<T, TVector, TOps, Four, TVectors>(a, offsets, images, image, rows, pitch, columns, b, c, cRow, accumulate);
                break;
            case 2:
                OuterTile.Multiply<T, TVector, TOps, Two, TVectors>(a, offsets, images, image, rows, pitch, columns, b, c, cRow, accumulate);
                break;
            default:
                OuterTile.Multiply<T, TVector, TOps, One, TVectors>(a, offsets, images, image, rows, pitch, columns, b, c, cRow, accumulate);
                break;
        }
    }

    /// <summary>A panel's sums to the weights of each output channel, in squares that stay in the first-level cache.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void TurnBack(T* sums, int rows, int channels, T* result)
    {
        const int Square = 16;
        nint panel = Plan.Panel, resultRow = (nint)Plan.Shape.InputChannels * Plan.Shape.Taps;
        for (int row = 0; row < rows; row += Square)
        {
            int end = Math.Min(rows, row + Square);
            for (int channel = 0; channel < channels; channel++)
            {
                T* from = sums + row * panel + channel, to = result + channel * resultRow;
                for (int i = row; i < end; i++, from += panel)
                {
                    to[i] = *from;
                }
            }
        }
    }

    /// <summary>
    /// Brings what the next unit copies into the second-level cache, a part beside each tile: for each image the channels of the input and of the gradient, each one run of memory. The copies
    /// would wait for memory at each row otherwise.
    /// </summary>
    private struct Fetch
    {
        private const int Line = 64;

        private readonly byte* _input, _gradient;
        private readonly nint _inputStep, _gradientStep, _inputBytes, _gradientBytes;
        private readonly long _inputLines, _lines;
        private readonly int _parts;
        private int _part;

        public Fetch(in OuterGradientWork<T, TVector, TOps> work, (int Depth, int Column, int Row, int Image) unit, int group, (int First, int Count) inputs, (int First, int Count) outputs, int parts)
        {
            var (plan, shape) = (work.Plan, work.Plan.Shape);
            nint inputPlaces = (nint)shape.InputPlaces, outputPlaces = (nint)shape.OutputPlaces;
            _inputStep = inputPlaces * sizeof(T);
            _gradientStep = outputPlaces * sizeof(T);
            int rows = Math.Min(plan.BandRows, shape.Height.Output - unit.Row), firstRow = Math.Max(0, unit.Row * shape.Height.Stride - shape.Height.Padding);
            int endRow = Math.Min(shape.Height.Input, (unit.Row + rows - 1) * shape.Height.Stride - shape.Height.Padding + (shape.Height.Kernel - 1) * shape.Height.Dilation + 1);
            int firstDepth = Math.Clamp(unit.Depth * shape.Depth.Stride - shape.Depth.Padding, 0, shape.Depth.Input - 1);
            _inputBytes = (nint)Math.Max(0, endRow - firstRow) * shape.Width.Input * sizeof(T);
            _gradientBytes = (nint)rows * shape.Width.Output * sizeof(T);
            _input = (byte*)(work.Input + ((nint)unit.Image * shape.Groups * shape.InputChannels + (nint)group * shape.InputChannels + inputs.First) * inputPlaces
                + ((nint)firstDepth * shape.Height.Input + firstRow) * shape.Width.Input);
            _gradient = (byte*)(work.Gradient + ((nint)unit.Image * shape.Groups * shape.OutputChannels + (nint)group * shape.OutputChannels + outputs.First) * outputPlaces
                + ((nint)unit.Depth * shape.Height.Output + unit.Row) * shape.Width.Output);
            _inputLines = LinesOf(_inputBytes) * inputs.Count;
            _lines = _inputLines + LinesOf(_gradientBytes) * outputs.Count;
            _parts = parts;
        }

        /// <summary>Fetches the next part.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Next()
        {
            // Rows that do not fill a tile take several, more than were counted.
            if (_part < _parts && Sse.IsSupported)
            {
                Some();
            }
        }

        private void Some()
        {
            long first = _lines * _part / _parts, end = _lines * ++_part / _parts;
            if (first < _inputLines)
            {
                Lines(_input, _inputStep, _inputBytes, first, Math.Min(end, _inputLines));
            }

            if (end > _inputLines)
            {
                Lines(_gradient, _gradientStep, _gradientBytes, Math.Max(0, first - _inputLines), end - _inputLines);
            }
        }

        private static long LinesOf(nint bytes) => (bytes + Line - 1) / Line;

        private static void Lines(byte* from, nint step, nint bytes, long first, long end)
        {
            long each = LinesOf(bytes);
            nint channel = (nint)(first / each), line = (nint)(first % each);
            for (; first < end; first++)
            {
                Sse.Prefetch1(from + channel * step + line * Line);
                if (++line == each)
                {
                    line = 0;
                    channel++;
                }
            }
        }
    }
}
