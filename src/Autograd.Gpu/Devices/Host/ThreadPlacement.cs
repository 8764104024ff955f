using System.Numerics;
using System.Runtime.InteropServices;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// Keeps a thread that is woken off the core of the thread that wakes it. Linux puts a woken thread where it ran last, or beside its waker; where that is the core on which
/// the waker goes on computing, the two take turns until the system moves one of them, some milliseconds later, and with two cores half of the machine idles meanwhile.
/// Elsewhere, and where the system refuses, threads run where the system puts them.
/// </summary>
internal sealed unsafe partial class ThreadPlacement
{
    /// <summary>The cores that a mask has bits for.</summary>
    private const int Cores = 1024;

    private const int Words = Cores / 64;

    private static readonly bool s_isSupported = Probe();

    private readonly ulong[] _own = new ulong[Words]; // the cores that the thread may use when it is free
    private readonly int _thread = s_isSupported ? GetThread() : 0;
    private bool _isKeptOff;

    private ThreadPlacement()
    {
    }

    /// <summary>That of the thread that asks.</summary>
    public static ThreadPlacement OfCurrentThread() => new();

    /// <summary>The core that this thread runs on at the moment; -1 if that is not known.</summary>
    public static int CurrentCore => s_isSupported ? GetCore() : -1;

    /// <summary>How many cores this thread may use; 0 if that is not known.</summary>
    public static int AllowedCores
    {
        get
        {
            ulong* mask = stackalloc ulong[Words];
            new Span<ulong>(mask, Words).Clear();
            return s_isSupported && GetAffinity(0, Words * sizeof(ulong), mask) >= 0 ? Count(mask) : 0;
        }
    }

    /// <summary>Keeps the thread off a core until it calls <see cref="Free"/>, unless it has no other. Called by the one thread that wakes it.</summary>
    public void KeepOff(int core)
    {
        if (_thread == 0 || (uint)core >= Cores)
        {
            return;
        }

        ulong* mask = stackalloc ulong[Words];
        if (!Volatile.Read(ref _isKeptOff))
        {
            // Asked each time: the program, or its user, may have changed it.
            Array.Clear(_own);
            fixed (ulong* own = _own)
            {
                if (GetAffinity(_thread, Words * sizeof(ulong), own) < 0)
                {
                    return;
                }
            }
        }

        _own.CopyTo(new Span<ulong>(mask, Words));
        mask[core / 64] &= ~(1UL << (core % 64));
        if (Count(mask) > 0 && SetAffinity(_thread, Words * sizeof(ulong), mask) == 0)
        {
            Volatile.Write(ref _isKeptOff, true);
        }
    }

    /// <summary>Lets the thread use its cores again, which does not move it. Called by itself.</summary>
    public void Free()
    {
        if (!Volatile.Read(ref _isKeptOff))
        {
            return;
        }

        Volatile.Write(ref _isKeptOff, false);
        fixed (ulong* own = _own)
        {
            _ = SetAffinity(0, Words * sizeof(ulong), own);
        }
    }

    private static int Count(ulong* mask)
    {
        int count = 0;
        for (int i = 0; i < Words; i++)
        {
            count += BitOperations.PopCount(mask[i]);
        }

        return count;
    }

    private static bool Probe()
    {
        if (!OperatingSystem.IsLinux())
        {
            return false;
        }

        try
        {
            ulong* mask = stackalloc ulong[Words];
            return GetThread() > 0 && GetCore() >= 0 && GetAffinity(0, Words * sizeof(ulong), mask) >= 0;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            return false;
        }
    }

    [LibraryImport("libc", EntryPoint = "gettid")]
    private static partial int GetThread();

    [LibraryImport("libc", EntryPoint = "sched_getcpu")]
    private static partial int GetCore();

    [LibraryImport("libc", EntryPoint = "sched_getaffinity")]
    private static partial int GetAffinity(int thread, nint bytes, ulong* mask);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity")]
    private static partial int SetAffinity(int thread, nint bytes, ulong* mask);
}
