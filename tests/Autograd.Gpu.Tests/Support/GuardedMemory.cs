using System.Runtime.InteropServices;

namespace Autograd.Gpu.Tests.Support;

/// <summary>Up to a page of memory that begins, or ends, at a page without access: a read or write beyond it ends the process. On other systems than Linux it is plain memory.</summary>
internal sealed unsafe partial class GuardedMemory : IDisposable
{
    private const int None = 0, ReadWrite = 3, PrivateAnonymous = 0x22;

    private readonly byte* _pages;
    private readonly int _page = Environment.SystemPageSize;

    /// <param name="bytes">How many; a page at most.</param>
    /// <param name="atEnd">Whether the page without access follows them, rather than coming before.</param>
    public GuardedMemory(int bytes, bool atEnd)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, _page);
        Count = bytes;
        if (OperatingSystem.IsLinux())
        {
            _pages = (byte*)Map(0, (nuint)(3 * _page), None, PrivateAnonymous, -1, 0);
            if ((nint)_pages == -1 || Protect((nint)(_pages + _page), (nuint)_page, ReadWrite) != 0)
            {
                throw new InvalidOperationException($"No guarded memory: error {Marshal.GetLastPInvokeError()}.");
            }
        }
        else
        {
            _pages = (byte*)NativeMemory.AlignedAlloc((nuint)(3 * _page), (nuint)_page);
        }

        Start = (nint)(_pages + _page + (atEnd ? _page - bytes : 0));
    }

    public nint Start { get; }

    public int Count { get; }

    public Span<byte> Bytes => new((byte*)Start, Count);

    public void Dispose()
    {
        if (OperatingSystem.IsLinux())
        {
            _ = Unmap((nint)_pages, (nuint)(3 * _page));
        }
        else
        {
            NativeMemory.AlignedFree(_pages);
        }
    }

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    private static partial int Protect(nint address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint length);
}
