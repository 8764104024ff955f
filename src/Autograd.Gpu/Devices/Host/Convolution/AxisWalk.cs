using Autograd.Gpu.Kernels.Convolution;

namespace Autograd.Gpu.Devices.Host;

/// <summary>Grid places of one dimension that share their taps.</summary>
/// <param name="Start">The first one.</param>
/// <param name="End">Behind the last one.</param>
/// <param name="TargetStart">What is added to a place's multiple of the target's step.</param>
/// <param name="Taps">The taps, in order.</param>
internal sealed record AxisPart(int Start, int End, int TargetStart, int[] Taps);

/// <summary>
/// One dimension of a convolution, or of its transpose, as a walk over a grid. Grid place a and a tap meet at source place
/// SourceStep * (a + Offset) + phase - Origin, so that in a copy of the source in which each phase lies apart every tap is a plain shift. What is
/// summed goes to target place TargetStep * a + start; places of different starts, which the stride tells apart, have taps of their own.
/// </summary>
internal sealed class AxisWalk
{
    private AxisWalk(int taps, int source)
    {
        Offsets = new int[taps];
        PhaseOf = new int[taps];
        Source = source;
    }

    /// <summary>The source's size.</summary>
    public int Source { get; }

    public int SourceStep { get; private init; } = 1;

    public int Origin { get; private set; }

    public int TargetStep { get; private init; } = 1;

    /// <summary>The shift of each tap, from 0 on.</summary>
    public int[] Offsets { get; }

    /// <summary>The number of each tap's phase in <see cref="Phases"/>.</summary>
    public int[] PhaseOf { get; }

    /// <summary>The phases that occur.</summary>
    public int[] Phases { get; private set; } = [0];

    /// <summary>The grid's places by their taps.</summary>
    public AxisPart[] Parts { get; private set; } = [];

    public int Taps => Offsets.Length;

    public int MaxOffset { get; private set; }

    /// <summary>The first grid place of any part.</summary>
    public int Start { get; private set; }

    /// <summary>Behind the last grid place of any part.</summary>
    public int End { get; private set; }

    /// <summary>From the input to the output: a grid place is an output place.</summary>
    public static AxisWalk Forward(in ConvolutionAxis axis)
    {
        var walk = new AxisWalk(axis.Kernel, axis.Input) { SourceStep = axis.Stride, Origin = axis.Padding, End = axis.Output };
        var phases = new List<int>();
        for (int k = 0; k < axis.Kernel; k++)
        {
            int place = k * axis.Dilation, phase = place % axis.Stride;
            int number = phases.IndexOf(phase);
            if (number < 0)
            {
                number = phases.Count;
                phases.Add(phase);
            }

            walk.PhaseOf[k] = number;
            walk.Offsets[k] = place / axis.Stride;
            walk.MaxOffset = Math.Max(walk.MaxOffset, walk.Offsets[k]);
        }

        walk.Phases = [.. phases];
        walk.Parts = [new AxisPart(0, axis.Output, 0, [.. Enumerable.Range(0, axis.Kernel)])];
        return walk;
    }

    /// <summary>From the output back to the input: input places that the stride tells apart have taps of their own.</summary>
    public static AxisWalk Backward(in ConvolutionAxis axis)
    {
        var walk = new AxisWalk(axis.Kernel, axis.Output) { TargetStep = axis.Stride };
        int most = (axis.Kernel - 1) * axis.Dilation / axis.Stride;
        walk.Origin = most;
        walk.MaxOffset = most;
        for (int k = 0; k < axis.Kernel; k++)
        {
            walk.Offsets[k] = most - k * axis.Dilation / axis.Stride;
        }

        var (dilation, stride) = (axis.Dilation, axis.Stride);
        walk.Start = int.MaxValue;
        walk.Parts = new AxisPart[axis.Stride];
        for (int r = 0; r < axis.Stride; r++)
        {
            // Target places s a + r - padding from 0 to the input's size.
            int start = Math.Max(0, axis.Padding - r + axis.Stride - 1) / axis.Stride;
            int end = Math.Max(start, (axis.Input + axis.Padding - r + axis.Stride - 1) / axis.Stride);
            int[] taps = [.. Enumerable.Range(0, walk.Taps).Where(k => k * dilation % stride == r)];
            walk.Parts[r] = new AxisPart(start, end, r - axis.Padding, taps);
            walk.Start = Math.Min(walk.Start, start);
            walk.End = Math.Max(walk.End, end);
        }

        return walk;
    }

    /// <summary>The same walk with its places told apart by the taps that meet the source there, of which alone each part then has.</summary>
    public AxisWalk WithoutPadding()
    {
        var parts = new List<AxisPart>();
        foreach (var part in Parts)
        {
            for (int a = part.Start; a < part.End; a++)
            {
                int[] taps = [.. part.Taps.Where(k => (uint)(SourceStep * (a + Offsets[k]) + Phases[PhaseOf[k]] - Origin) < (uint)Source)];
                if (a > part.Start && parts[^1].Taps.AsSpan().SequenceEqual(taps))
                {
                    parts[^1] = parts[^1] with { End = a + 1 };
                }
                else
                {
                    parts.Add(new AxisPart(a, a + 1, part.TargetStart, taps));
                }
            }
        }

        var walk = (AxisWalk)MemberwiseClone();
        walk.Parts = [.. parts];
        return walk;
    }
}
