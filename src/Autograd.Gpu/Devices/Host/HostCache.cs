using System.Runtime.Intrinsics.X86;

namespace Autograd.Gpu.Devices.Host;

/// <summary>What the processor says about the first-level data cache of a core.</summary>
internal static class HostCache
{
    /// <summary>The distance of lines that the cache keeps in the same place: a page, so that places do not depend on where pages lie.</summary>
    public const int WayBytes = 4096;

    /// <summary>How many lines a multiple of <see cref="WayBytes"/> apart the cache holds at once; 0 if that is not known.</summary>
    public static int Ways { get; } = Ask();

    private static int Ask()
    {
        if (!X86Base.IsSupported) return 0;

        // AMD's leaf.
        const int Extended = unchecked((int)0x80000000), FirstLevel = Extended + 5;
        if ((uint)X86Base.CpuId(Extended, 0).Eax >= unchecked((uint)FirstLevel))
        {
            int ways = (X86Base.CpuId(FirstLevel, 0).Ecx >> 16) & 0xFF;
            if (ways is > 0 and < 0xFF) return ways;
        }

        // Intel's list of caches, which says one less.
        const int Caches = 4, Data = 1;
        for (int i = 0; X86Base.CpuId(0, 0).Eax >= Caches; i++)
        {
            (int kind, int shape, _, _) = X86Base.CpuId(Caches, i);
            if ((kind & 0x1F) == 0) break;
            if ((kind & 0x1F) == Data && ((kind >> 5) & 7) == 1) return (int)((uint)shape >> 22) + 1;
        }

        return 0;
    }
}
