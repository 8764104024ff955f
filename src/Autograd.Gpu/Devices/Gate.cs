using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Devices;

/// <summary>
/// A lock for what one thread uses most of the time: that thread enters without a locked instruction. May be entered again by the thread that is inside.
/// </summary>
/// <remarks>
/// Note [Biased gates].
/// A thread that has entered many times in a row, nobody else in between, becomes the gate's owner: it has a <see cref="Bias"/>, of which it alone writes the depth. To
/// enter, it counts the depth up and then looks whether the bias was revoked. Another thread that wants to enter takes the ordinary lock, marks the bias as revoked, and has
/// every processor pass a memory barrier. So either the owner's count is visible to it, and it waits until the owner has left, or the owner sees the mark, takes
/// back its count and queues for the ordinary lock, as everybody does then. A bias is never given twice: a thread that comes late with an old one sees its mark.
/// The barrier costs some microseconds and is paid once for at least <see cref="EntriesToBias"/> entries.
/// </remarks>
internal sealed class GateState(int entriesToBias = GateState.EntriesToBias)
{
    /// <summary>Entries in a row after which a thread becomes the owner.</summary>
    private const int EntriesToBias = 1000;

    private readonly Lock _lock = new();
    private Bias _bias = Bias.None;

    // Under the lock.
    private int _last;
    private int _inARow;
    private int _depth;

    /// <summary>Enters; waits while another thread is inside.</summary>
    /// <returns>What <see cref="Exit"/> is to be given: the bias by which the thread is inside, or null if it is by the lock.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Bias? Enter()
    {
        int thread = Environment.CurrentManagedThreadId;
        var bias = _bias;
        if (bias.Thread == thread)
        {
            // Volatile: in this order. That the processor keeps to it is the revoker's care.
            Volatile.Write(ref bias.Depth, bias.Depth + 1);
            if (!Volatile.Read(ref bias.IsRevoked) || bias.Depth > 1)
            {
                return bias;
            }

            Volatile.Write(ref bias.Depth, 0);
        }

        return EnterByLock(thread);
    }

    /// <summary>Leaves as it was entered, without asking which thread this is, which takes as long as the rest.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Exit(Bias? entered)
    {
        if (entered is not null)
        {
            Volatile.Write(ref entered.Depth, entered.Depth - 1);
            return;
        }

        _depth--;
        _lock.Exit();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private Bias? EnterByLock(int thread)
    {
        _lock.Enter();
        if (_depth++ > 0)
        {
            return null;
        }

        if (_bias != Bias.None)
        {
            try
            {
                Revoke();
            }
            catch (ThreadInterruptedException)
            {
                // Nobody would leave for who has not entered. The next one revokes again.
                _depth--;
                _lock.Exit();
                throw;
            }
        }

        _inARow = _last == thread ? _inARow + 1 : 0;
        _last = thread;
        if (_inARow >= entriesToBias)
        {
            // Inside by the bias from here on, which the lock is not needed for.
            _inARow = 0;
            _depth--;
            var bias = new Bias(thread) { Depth = 1 };
            Volatile.Write(ref _bias, bias);
            _lock.Exit();
            return bias;
        }

        return null;
    }

    private void Revoke()
    {
        var bias = _bias;
        Volatile.Write(ref bias.IsRevoked, true);
        Interlocked.MemoryBarrierProcessWide();
        var spinner = default(SpinWait);
        while (Volatile.Read(ref bias.Depth) > 0)
        {
            spinner.SpinOnce();
        }

        _bias = Bias.None;
    }

    /// <summary>What makes a thread the owner of a gate.</summary>
    internal sealed class Bias(int thread)
    {
        public static readonly Bias None = new(0);

        public readonly int Thread = thread;

        /// <summary>How often the owner has entered without leaving. It alone writes this.</summary>
        public int Depth;

        public bool IsRevoked;
    }
}

/// <summary>The gate of a device. A value, so that the compiler refuses <c>lock (device.Gate)</c>, which would be another lock.</summary>
internal readonly struct Gate(GateState state)
{
    /// <summary>Inside until the result is disposed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Scope Enter()
    {
        return new Scope(state, state.Enter());
    }

    public readonly ref struct Scope(GateState state, GateState.Bias? entered)
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Dispose() => state.Exit(entered);
    }
}
