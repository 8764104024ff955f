using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Autograd.Gpu.Kernels.Fused;

/// <summary>The constants of a fused kernel as bits (see <see cref="FusedMemory"/>), then seed and offset of each random stream.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FusedNumbers
{
    /// <summary>How many there are.</summary>
    public const int Length = 32;

    /// <summary>Number 0.</summary>
    public long Number0;

    /// <summary>Number 1.</summary>
    public long Number1;

    /// <summary>Number 2.</summary>
    public long Number2;

    /// <summary>Number 3.</summary>
    public long Number3;

    /// <summary>Number 4.</summary>
    public long Number4;

    /// <summary>Number 5.</summary>
    public long Number5;

    /// <summary>Number 6.</summary>
    public long Number6;

    /// <summary>Number 7.</summary>
    public long Number7;

    /// <summary>Number 8.</summary>
    public long Number8;

    /// <summary>Number 9.</summary>
    public long Number9;

    /// <summary>Number 10.</summary>
    public long Number10;

    /// <summary>Number 11.</summary>
    public long Number11;

    /// <summary>Number 12.</summary>
    public long Number12;

    /// <summary>Number 13.</summary>
    public long Number13;

    /// <summary>Number 14.</summary>
    public long Number14;

    /// <summary>Number 15.</summary>
    public long Number15;

    /// <summary>Number 16.</summary>
    public long Number16;

    /// <summary>Number 17.</summary>
    public long Number17;

    /// <summary>Number 18.</summary>
    public long Number18;

    /// <summary>Number 19.</summary>
    public long Number19;

    /// <summary>Number 20.</summary>
    public long Number20;

    /// <summary>Number 21.</summary>
    public long Number21;

    /// <summary>Number 22.</summary>
    public long Number22;

    /// <summary>Number 23.</summary>
    public long Number23;

    /// <summary>Number 24.</summary>
    public long Number24;

    /// <summary>Number 25.</summary>
    public long Number25;

    /// <summary>Number 26.</summary>
    public long Number26;

    /// <summary>Number 27.</summary>
    public long Number27;

    /// <summary>Number 28.</summary>
    public long Number28;

    /// <summary>Number 29.</summary>
    public long Number29;

    /// <summary>Number 30.</summary>
    public long Number30;

    /// <summary>Number 31.</summary>
    public long Number31;

    /// <summary>The numbers as a span.</summary>
    [UnscopedRef]
    public Span<long> AsSpan() => MemoryMarshal.CreateSpan(ref Number0, Length);
}
