using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Devices.Host;

/// <summary>A depthwise convolution or its transpose: a group of an image is copied with its padding, and each of its planes computed from that copy.</summary>
internal unsafe struct DepthwiseWork<T, TVector, TOps> : IHostWork
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where TVector : struct
    where TOps : struct, IHostVector<T, TVector>
{
    public DepthwisePlan Plan;
    public T* Source;
    public T* Target;

    /// <summary>The weights of each group, sorted: [group][set][target channel][source channel, tap].</summary>
    public T* Weights;

    /// <summary>For each set, the distances of the source channels and taps.</summary>
    public int* Offsets;
    public long GroupsPerChunk;

    public readonly void Run(int chunk)
    {
        var plan = Plan;
        var shape = plan.Shape;
        if (plan.IsSame3x3)
        {
            RunSame(chunk);
            return;
        }

        nint scratchSize = (nint)plan.SourceChannels * plan.Band.Channel + plan.Band.Pitch;
        var scratch = PackBuffer.Right<T>(scratchSize);
        if (plan.KeepsZeros)
        {
            Unsafe.InitBlockUnaligned(scratch, 0, checked((uint)(scratchSize * sizeof(T))));
        }

        nint sourceGroup = (nint)plan.SourceChannels * plan.Depth.Source * plan.Height.Source * plan.Width.Source;
        nint targetGroup = (nint)plan.TargetChannels * (nint)(plan.IsTransposed ? shape.InputPlaces : shape.OutputPlaces);
        int groupWeights = shape.OutputChannels * shape.Taps;
        for (long group = chunk * GroupsPerChunk; group < Math.Min((chunk + 1) * GroupsPerChunk, (long)shape.Batch * shape.Groups); group++)
        {
            var weights = Weights + group % shape.Groups * groupWeights;
            for (long unit = 0; unit < plan.Units; unit++)
            {
                var (depth, row, rows) = plan.Unit(unit);
                plan.Band.Copy(Source + group * sourceGroup, plan.SourceChannels, 1, 0, depth, row, rows, plan.Width.Start, scratch, clears: !plan.KeepsZeros);
                RunUnit(depth, row, rows, weights, scratch, Target + group * targetGroup);
            }
        }
    }

    /// <summary>Planes of nine taps that keep their size.</summary>
    private readonly void RunSame(int chunk)
    {
        var shape = Plan.Shape;
        int rows = shape.Height.Input, columns = shape.Width.Input, taps = shape.Taps;
        nint plane = (nint)rows * columns;
        for (long group = chunk * GroupsPerChunk; group < Math.Min((chunk + 1) * GroupsPerChunk, (long)shape.Batch * shape.Groups); group++)
        {
            for (int c = 0; c < Plan.TargetChannels; c++)
            {
                var weights = Weights + (group % shape.Groups * Plan.TargetChannels + c) * taps;
                DepthwisePlane.Sums<T, TVector, TOps>(weights, Source + (nint)group * plane, rows, columns, Target + ((nint)group * Plan.TargetChannels + c) * plane);
            }
        }
    }

    private readonly void RunUnit(int depth, int bandRow, int bandRows, T* weights, T* scratch, T* target)
    {
        var plan = Plan;
        var shape = plan.Shape;
        int heights = plan.IsTransposed ? shape.Height.Input : shape.Height.Output, width = plan.IsTransposed ? shape.Width.Input : shape.Width.Output;
        nint plane = (nint)heights * width, channel = plane * (plan.IsTransposed ? shape.Depth.Input : shape.Depth.Output);
        int* offsets = Offsets;
        foreach (var set in plan.Sets)
        {
            int taps = plan.SourceChannels * set.Taps.Length;
            int rowStart = Math.Max(set.Height.Start, bandRow), rowEnd = Math.Min(set.Height.End, bandRow + bandRows);
            int columnStart = set.Width.Start, rows = rowEnd - rowStart, columns = set.Width.End - columnStart;
            if (depth >= set.Depth.Start && depth < set.Depth.End && rows > 0 && columns > 0)
            {
                var from = scratch + (rowStart - bandRow) * (nint)plan.Band.Pitch + (columnStart - plan.Width.Start);
                var place = target + (plan.Depth.TargetStep * depth + set.Depth.TargetStart) * plane
                    + ((nint)plan.Height.TargetStep * rowStart + set.Height.TargetStart) * width
                    + plan.Width.TargetStep * columnStart + set.Width.TargetStart;
                for (int c = 0; c < plan.TargetChannels; c++)
                {
                    Plane(taps, offsets, weights + c * taps, from, rows, columns, place + c * channel, (nint)plan.Height.TargetStep * width);
                }
            }

            offsets += taps;
            weights += (nint)plan.TargetChannels * taps;
        }
    }

    private readonly void Plane(int taps, int* offsets, T* weights, T* from, int rows, int columns, T* target, nint targetRow)
    {
        nint pitch = Plan.Band.Pitch;
        int step = Plan.Width.TargetStep;
        if (step == 1)
        {
            if (Plan.IsDense3x3 && rows >= 4)
                DepthwiseTile.Dense3x3<T, TVector, TOps>(weights, from, pitch, rows, columns, target, targetRow);
            else
                DepthwiseTile.Rows<T, TVector, TOps>(taps, offsets, weights, from, pitch, rows, columns, target, targetRow);
            return;
        }

        // The places of other residues lie between: whole rows beside each other first.
        var lines = PackBuffer.Left<T>((nint)rows * columns);
        DepthwiseTile.Rows<T, TVector, TOps>(taps, offsets, weights, from, pitch, rows, columns, lines, columns);
        for (int r = 0; r < rows; r++, lines += columns, target += targetRow)
        {
            for (int i = 0; i < columns; i++)
            {
                target[(nint)i * step] = lines[i];
            }
        }
    }
}

/// <summary>The gradient of a depthwise convolution's weight. A chunk sums some groups over a slice of the images; the cut depends on the sizes alone.</summary>
internal unsafe struct DepthwiseGradientWork<T, TVector, TOps> : IHostWork
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where TVector : struct
    where TOps : struct, IHostVector<T, TVector>
{
    public DepthwisePlan Plan;
    public T* Input;
    public T* Gradient;

    /// <summary>A result for each slice; the first one is the weight's gradient.</summary>
    public T* Result;
    public T* Others;
    public int* Offsets;

    /// <summary>Of the last vector of a row, 0 for what the one before it has, and 1 for the others.</summary>
    public T* Tail;
    public int Slices;

    public readonly void Run(int chunk)
    {
        var plan = Plan;
        var shape = plan.Shape;
        int slice = chunk % Slices, group = chunk / Slices;
        int groupWeights = shape.OutputChannels * shape.Taps;
        var sums = (slice == 0 ? Result : Others + (slice - 1) * (nint)shape.Groups * groupWeights) + (nint)group * groupWeights;
        new Span<T>(sums, groupWeights).Clear();
        if (plan.IsSame3x3)
        {
            AddSame(slice, group, sums);
            return;
        }

        nint scratchSize = plan.Band.Channel + plan.Band.Pitch;
        var scratch = PackBuffer.Right<T>(scratchSize);
        if (plan.KeepsZeros)
        {
            Unsafe.InitBlockUnaligned(scratch, 0, checked((uint)(scratchSize * sizeof(T))));
        }

        nint inputPlaces = (nint)shape.InputPlaces, plane = (nint)shape.Height.Output * shape.Width.Output, outputPlaces = plane * shape.Depth.Output;
        int end = (int)((slice + 1L) * shape.Batch / Slices);
        for (int image = (int)((long)slice * shape.Batch / Slices); image < end; image++)
        {
            nint at = (nint)image * shape.Groups + group;
            for (long unit = 0; unit < plan.Units; unit++)
            {
                var (depth, row, rows) = plan.Unit(unit);
                plan.Band.Copy(Input + at * inputPlaces, 1, 1, 0, depth, row, rows, 0, scratch, clears: !plan.KeepsZeros);
                for (int o = 0; o < shape.OutputChannels; o++)
                {
                    Add(scratch, Gradient + (at * shape.OutputChannels + o) * outputPlaces + depth * plane + (nint)row * shape.Width.Output, rows, sums + o * shape.Taps);
                }
            }
        }
    }

    /// <summary>Planes of nine taps that keep their size.</summary>
    private readonly void AddSame(int slice, int group, T* sums)
    {
        var shape = Plan.Shape;
        int rows = shape.Height.Input, columns = shape.Width.Input;
        nint plane = (nint)rows * columns;
        int end = (int)((slice + 1L) * shape.Batch / Slices);
        for (int image = (int)((long)slice * shape.Batch / Slices); image < end; image++)
        {
            nint at = (nint)image * shape.Groups + group;
            for (int o = 0; o < shape.OutputChannels; o++)
            {
                DepthwisePlane.Dots<T, TVector, TOps>(Input + at * plane, Gradient + (at * shape.OutputChannels + o) * plane, rows, columns, Tail, sums + o * shape.Taps);
            }
        }
    }

    private readonly void Add(T* scratch, T* gradient, int rows, T* sums)
    {
        int pitch = Plan.Band.Pitch, columns = Plan.Shape.Width.Output, taps = Plan.Shape.Taps, t = 0;
        if (Plan.IsDense3x3)
        {
            DepthwiseTile.Dots3x3<T, TVector, TOps>(scratch, pitch, gradient, columns, rows, columns, Tail, sums);
            return;
        }

        for (; t + 4 <= taps; t += 4)
        {
            DepthwiseTile.Dots<T, TVector, TOps, Four>(Offsets + t, scratch, pitch, gradient, columns, rows, columns, Tail, sums + t);
        }

        for (; t < taps; t++)
        {
            DepthwiseTile.Dots<T, TVector, TOps, One>(Offsets + t, scratch, pitch, gradient, columns, rows, columns, Tail, sums + t);
        }
    }
}
