using System.Runtime.InteropServices;

namespace Autograd.Gpu.Devices;

/// <summary>
/// Host memory from the system, aligned to 64 bytes at least and not cleared by us. On Linux it is mapped rather than taken from the C library's
/// heap: that heap keeps what is freed (half of 1 GiB in blocks of 1 MiB stayed resident), and then giving a cache back would give nothing back.
/// </summary>
internal static unsafe partial class HostMemory
{
    private const int Alignment = 64;
    private const int HugePageBytes = 2 << 20;
    private const int ReadWrite = 3;
    private const int PrivateAnonymous = 0x22;
    private const int AdviseHugePages = 14;

    private static readonly int PageBytes = Environment.SystemPageSize;

    /// <summary>
    /// Takes memory from the system. Large pieces ask for huge pages: the first touch of fresh memory costs a fault for each page.
    /// </summary>
    /// <exception cref="OutOfMemoryException">The system has no memory left.</exception>
    public static nint Allocate(long bytes)
    {
        if (!OperatingSystem.IsLinux())
            return (nint)NativeMemory.AlignedAlloc((nuint)bytes, Alignment);

        // Slabs are left out: they fill slowly, and a huge page is cleared whole at its first touch.
        var large = bytes > HugePageBytes;
        var length = Mapped(bytes);
        var slack = large ? HugePageBytes : 0;
        var start = Map(0, (nuint)(length + slack), ReadWrite, PrivateAnonymous, -1, 0);
        if (start == -1)
            throw new OutOfMemoryException($"mapping {bytes} bytes failed with error {Marshal.GetLastPInvokeError()}");
        if (!large)
            return start;

        var aligned = (start + HugePageBytes - 1) & -HugePageBytes;
        if (aligned > start)
            _ = Unmap(start, (nuint)(aligned - start));
        if (aligned < start + slack)
            _ = Unmap(aligned + (nint)length, (nuint)(start + slack - aligned));
        _ = Advise(aligned, (nuint)length, AdviseHugePages); // advice only: a kernel without huge pages says no, and all is well
        return aligned;
    }

    /// <summary>Gives back what <see cref="Allocate"/> returned for so many bytes.</summary>
    public static void Free(nint pointer, long bytes)
    {
        if (OperatingSystem.IsLinux())
            _ = Unmap(pointer, (nuint)Mapped(bytes));
        else
            NativeMemory.AlignedFree((void*)pointer);
    }

    private static long Mapped(long bytes) => (bytes + PageBytes - 1) / PageBytes * PageBytes;

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint length);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nuint length, int advice);
}
