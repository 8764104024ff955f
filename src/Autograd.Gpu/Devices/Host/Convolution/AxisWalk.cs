using Autograd.Gpu.Kernels.Convolution;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// One dimension of a convolution, or of its transpose, as a walk over a grid. Grid place a and a tap meet at source place
/// SourceStep * (a + Offset) + phase - Origin, so that in a copy of the source in which each phase lies apart every tap is a plain shift. What is
/// summed goes to target place TargetStep * a + start, where the start stands for a residue, to which some of the taps belong.
/// </summary>
internal sealed class AxisWalk
{
    private readonly (int Start, int End)[] _ranges;

    private AxisWalk(int taps, int source, int residues)
    {
        Offsets = new int[taps];
        PhaseOf = new int[taps];
        ResidueOf = new int[taps];
        Source = source;
        TargetStarts = new int[residues];
        _ranges = new (int, int)[residues];
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

    public int[] ResidueOf { get; }

    public int[] TargetStarts { get; }

    public int Taps => Offsets.Length;

    public int Residues => TargetStarts.Length;

    public int MaxOffset { get; private set; }

    /// <summary>The first grid place of any residue.</summary>
    public int Start { get; private set; }

    /// <summary>Behind the last grid place of any residue.</summary>
    public int End { get; private set; }

    /// <summary>The grid places of a residue.</summary>
    public (int Start, int End) Range(int residue) => _ranges[residue];

    /// <summary>From the input to the output: a grid place is an output place.</summary>
    public static AxisWalk Forward(in ConvolutionAxis axis)
    {
        var walk = new AxisWalk(axis.Kernel, axis.Input, 1) { SourceStep = axis.Stride, Origin = axis.Padding, End = axis.Output };
        walk._ranges[0] = (0, axis.Output);
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
        return walk;
    }

    /// <summary>From the output back to the input: input places that the stride tells apart have taps of their own.</summary>
    public static AxisWalk Backward(in ConvolutionAxis axis)
    {
        var walk = new AxisWalk(axis.Kernel, axis.Output, axis.Stride) { TargetStep = axis.Stride };
        int most = (axis.Kernel - 1) * axis.Dilation / axis.Stride;
        walk.Origin = most;
        walk.MaxOffset = most;
        for (int k = 0; k < axis.Kernel; k++)
        {
            int place = k * axis.Dilation;
            walk.ResidueOf[k] = place % axis.Stride;
            walk.Offsets[k] = most - place / axis.Stride;
        }

        walk.Start = int.MaxValue;
        for (int r = 0; r < axis.Stride; r++)
        {
            // Target places s a + r - padding from 0 to the input's size.
            int start = Math.Max(0, axis.Padding - r + axis.Stride - 1) / axis.Stride;
            int end = Math.Max(start, (axis.Input + axis.Padding - r + axis.Stride - 1) / axis.Stride);
            walk.TargetStarts[r] = r - axis.Padding;
            walk._ranges[r] = (start, end);
            walk.Start = Math.Min(walk.Start, start);
            walk.End = Math.Max(walk.End, end);
        }

        return walk;
    }
}
