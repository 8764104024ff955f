using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Autograd.Gpu.Devices.Host;

/// <summary>Work that <see cref="HostParallel"/> cuts into chunks. Chunks of one call run at the same time, on several threads.</summary>
internal interface IHostWork
{
    /// <summary>Runs one chunk. What it computes may depend on <paramref name="chunk"/>, never on the thread that runs it.</summary>
    void Run(int chunk);
}

/// <summary>
/// Fork and join for the host kernels: the caller takes part, the workers sleep when there is nothing to do, and a call allocates nothing.
/// A worker looks for the next call for some tens of microseconds before it sleeps: waking a sleeping core costs more than most kernels take.
/// Each thread starts with a share of the chunks that is the same in every call of as many chunks, so that what one kernel leaves in a core's cache the next one
/// finds there; a thread that is through with its own takes chunks from the ends of the others'. Every other call of not too many chunks goes through the shares
/// backwards: where two pass over more than a cache holds, the second begins with what the first has left there, while in the same order it would find all of it gone.
/// A call from inside a chunk, or while another thread's call holds the workers, runs on its caller alone; since the caller fixes
/// the chunks, the results are the same.
/// </summary>
internal static unsafe class HostParallel
{
    public const int MaxThreads = 512;

    // How long a worker looks for the next call, and the caller for the end of the last chunk. Longer would rob other programs of the core.
    private static readonly long WorkerSpinTicks = Stopwatch.Frequency * 60 / 1_000_000;
    private static readonly long CallerSpinTicks = Stopwatch.Frequency * 200 / 1_000_000;

    // What the caller does alone before it wakes workers for chunks that take microseconds: about what waking them costs until they are there.
    private static readonly long WakeTicks = Stopwatch.Frequency * 30 / 1_000_000;

    // Shares of fewer chunks are no reason to turn: sums of sums between two large kernels, which leave the caches as they are.
    private const int TurningChunks = 4;

    // Chunks of a thread in calls that may go backwards. Those of more pass over so much that what is left in a cache counts for little, and pay at the start of
    // each chunk, where the hardware has not read ahead.
    private const int MostTurned = 64;

    // Gate values; a value of zero or more is the number of workers inside the current job.
    private const int Closed = -1;

    private static readonly Lock StartLock = new();
    private static readonly ManualResetEventSlim LastWorkerLeft = new(false, spinCount: 0);
    private static Worker[] _workers = [];
    private static int _threadCount = DefaultThreadCount();
    private static int _owned;
    private static long _aloneTicks;
    private static long _aloneUntil;
    private static ExceptionDispatchInfo? _failure;
    private static Shared _shared = new() { Gate = Closed };
    private static Share[] _shares = [];

    // The words that several threads write lie on cache lines of their own.
    [StructLayout(LayoutKind.Explicit, Size = 512)]
    private struct Shared
    {
        [FieldOffset(128)] public int Gate;
        [FieldOffset(132)] public int CallerWaits;
        [FieldOffset(256)] public int Helpers;
        [FieldOffset(260)] public int Call;
        [FieldOffset(280)] public bool IsBackwards;
        [FieldOffset(264)] public void* Work;
        [FieldOffset(272)] public delegate*<void*, int, void> Run;
    }

    /// <summary>The chunks of one thread that nobody has taken, from the first (the low half) up to the end (the high half). Both halves change at once.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct Share
    {
        [FieldOffset(64)] private long _left;

        public readonly int Count
        {
            get
            {
                long left = Volatile.Read(in _left);
                return End(left) - First(left);
            }
        }

        public void Set(int first, int end) => Volatile.Write(ref _left, ((long)end << 32) | (uint)first);

        public void Drop() => Interlocked.Exchange(ref _left, 0);

        /// <summary>Takes the first or the last chunk.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool TryTake(bool isLast, out int chunk)
        {
            long left = Volatile.Read(ref _left);
            while (true)
            {
                chunk = isLast ? End(left) - 1 : First(left);
                if (First(left) >= End(left)) return false;
                long seen = Interlocked.CompareExchange(ref _left, isLast ? left - (1L << 32) : left + 1, left);
                if (seen == left) return true;
                left = seen;
            }
        }

        private static int First(long left) => (int)left;

        private static int End(long left) => (int)(left >> 32);
    }

    /// <summary>
    /// How many threads a call may use, the caller included; at first AUTOGRAD_NUM_THREADS, or the number of processors.
    /// Setting it changes no result. Threads that are no longer needed sleep.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1 or above 512.</exception>
    public static int ThreadCount
    {
        get => Volatile.Read(ref _threadCount);
        set
        {
            if (value is < 1 or > MaxThreads)
                throw new ArgumentOutOfRangeException(nameof(value), value, $"[HostParallel] ThreadCount must lie in 1..{MaxThreads}.");
            Volatile.Write(ref _threadCount, value);
        }
    }

    /// <summary>
    /// Runs chunks 0 to <paramref name="chunks"/> - 1 and returns when all are done. After an exception the chunks not yet started are
    /// dropped and the first exception is thrown here. The chunks see one shared copy of <paramref name="work"/>, so they leave
    /// their results behind its pointers and references, not in its fields.
    /// </summary>
    /// <param name="chunks">How many there are.</param>
    /// <param name="work">What they do.</param>
    /// <param name="isFine">
    /// Whether a chunk takes some microseconds at most. Workers that sleep are then not woken at once, which costs more than small calls take, but when the
    /// calls of the last while, this one included, have gone without them for as long as waking takes.
    /// </param>
    public static void For<TWork>(int chunks, ref TWork work, bool isFine = false) where TWork : struct, IHostWork
    {
        int helpers = Math.Min(ThreadCount, chunks) - 1;
        if (helpers <= 0 || Interlocked.CompareExchange(ref _owned, 1, 0) != 0)
        {
            for (int i = 0; i < chunks; i++) work.Run(i);
            return;
        }

        TWork copy = work; // On this stack, where its address stays valid until the join.
        ExceptionDispatchInfo? failure;
        try
        {
            Worker[] workers = _workers.Length >= helpers ? _workers : StartWorkers(helpers);
            for (int i = 0; i <= helpers; i++) _shares[i].Set((int)((long)chunks * i / (helpers + 1)), (int)((long)chunks * (i + 1) / (helpers + 1)));
            _shared.Helpers = helpers;
            _shared.Work = Unsafe.AsPointer(ref copy);
            _shared.Run = &RunChunk<TWork>;
            if (chunks >= TurningChunks * (helpers + 1)) _shared.IsBackwards = !_shared.IsBackwards && chunks <= MostTurned * (helpers + 1);
            _failure = null;
            Volatile.Write(ref _shared.Gate, 0);
            Interlocked.Increment(ref _shared.Call);
            if (isFine && AnySleeps(workers, helpers))
            {
                RunChunksAlone(workers, helpers, chunks);
            }
            else
            {
                for (int i = 0; i < helpers; i++) workers[i].Wake();
                RunChunks(0);
            }

            CloseGate();
            failure = _failure;
            _failure = null;
        }
        finally
        {
            Volatile.Write(ref _owned, 0);
        }

        failure?.Throw();
    }

    private static void RunChunk<TWork>(void* work, int chunk) where TWork : struct, IHostWork =>
        Unsafe.AsRef<TWork>(work).Run(chunk);

    private static void RunChunks(int number)
    {
        while (TryRunChunk(number))
        {
        }
    }

    private static bool TryRunChunk(int number)
    {
        if (!TryTake(number, out int chunk)) return false;
        try
        {
            _shared.Run(_shared.Work, chunk);
            return true;
        }
        catch (Exception e)
        {
            Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(e), null);
            for (int i = 0; i <= _shared.Helpers; i++) _shares[i].Drop();
            return false;
        }
    }

    private static bool TryTake(int number, out int chunk)
    {
        var shares = _shares;
        bool isBackwards = _shared.IsBackwards;
        if (shares[number].TryTake(isBackwards, out chunk)) return true;

        // What its owner would come to last.
        for (int i = number; i > 0; i--)
        {
            if (shares[i - 1].TryTake(!isBackwards, out chunk)) return true;
        }

        for (int i = _shared.Helpers; i > number; i--)
        {
            if (shares[i].TryTake(!isBackwards, out chunk)) return true;
        }

        return false;
    }

    private static int Left(int helpers)
    {
        int left = 0;
        for (int i = 0; i <= helpers; i++) left += _shares[i].Count;
        return left;
    }

    private static bool AnySleeps(Worker[] workers, int helpers)
    {
        for (int i = 0; i < helpers; i++)
        {
            if (workers[i].IsAsleep) return true;
        }

        return false;
    }

    // As RunChunks, beside the workers that are awake. Calls that follow one another sooner than a worker falls asleep add up: their first ones pay for
    // waking it, the others find it awake. A call in its last chunks leaves waking to the next one.
    private static void RunChunksAlone(Worker[] workers, int helpers, int chunks)
    {
        long start = Stopwatch.GetTimestamp(), now = start;
        if (start - _aloneUntil > WorkerSpinTicks) _aloneTicks = 0;
        if (_aloneTicks < WakeTicks)
        {
            while (TryRunChunk(0))
            {
                now = Stopwatch.GetTimestamp();
                if (_aloneTicks + now - start < WakeTicks) continue;
                int left = Left(helpers);
                if ((double)(now - start) * left >= (double)WakeTicks * (chunks - left)) break;
            }

            if (Left(helpers) == 0)
            {
                _aloneTicks += now - start;
                _aloneUntil = now;
                return;
            }
        }

        _aloneTicks = 0;
        for (int i = 0; i < helpers; i++) workers[i].Wake();
        RunChunks(0);
    }

    // Waits for the workers that are inside. One that wakes later finds the gate closed, so a slow wake-up delays nobody.
    private static void CloseGate()
    {
        long deadline = 0;
        while (Volatile.Read(ref _shared.Gate) != 0 || Interlocked.CompareExchange(ref _shared.Gate, Closed, 0) != 0)
        {
            long now = Stopwatch.GetTimestamp();
            deadline = deadline == 0 ? now + CallerSpinTicks : deadline;
            if (now < deadline)
            {
                Thread.SpinWait(1);
                continue;
            }

            LastWorkerLeft.Reset();
            Interlocked.Exchange(ref _shared.CallerWaits, 1);
            if (Interlocked.CompareExchange(ref _shared.Gate, 0, 0) != 0) LastWorkerLeft.Wait();
            Interlocked.Exchange(ref _shared.CallerWaits, 0);
        }
    }

    private static bool TryEnter()
    {
        int inside = Volatile.Read(ref _shared.Gate);
        while (inside >= 0)
        {
            int seen = Interlocked.CompareExchange(ref _shared.Gate, inside + 1, inside);
            if (seen == inside) return true;
            inside = seen;
        }

        return false;
    }

    private static void Leave()
    {
        if (Interlocked.Decrement(ref _shared.Gate) == 0 && Volatile.Read(ref _shared.CallerWaits) != 0) LastWorkerLeft.Set();
    }

    private static Worker[] StartWorkers(int count)
    {
        lock (StartLock)
        {
            Worker[] workers = _workers;
            int old = workers.Length;
            if (old >= count) return workers;
            Array.Resize(ref workers, count);
            for (int i = old; i < count; i++) workers[i] = new Worker(i + 1);
            _shares = new Share[count + 1];
            _workers = workers;
            return workers;
        }
    }

    private static int DefaultThreadCount()
    {
        string? text = Environment.GetEnvironmentVariable("AUTOGRAD_NUM_THREADS");
        int count = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int given) && given > 0
            ? given
            : Environment.ProcessorCount;
        return Math.Min(count, MaxThreads);
    }

    private sealed class Worker
    {
        private readonly AutoResetEvent _wake = new(false);
        private readonly int _number;
        private int _isAsleep;
        private ThreadPlacement? _placement;

        public Worker(int number)
        {
            _number = number;
            var thread = new Thread(Loop) { IsBackground = true, Name = $"Autograd.Gpu host {number}" };
            thread.UnsafeStart();
        }

        public bool IsAsleep => Volatile.Read(ref _isAsleep) != 0;

        // The caller has counted its call up before; see WaitForCall for the other side of the handshake.
        public void Wake()
        {
            if (Interlocked.Exchange(ref _isAsleep, 0) == 0) return;
            _placement?.KeepOff(ThreadPlacement.CurrentCore);
            _wake.Set();
        }

        private void Loop()
        {
            int seen = 0;
            _placement = ThreadPlacement.OfCurrentThread();
            while (true)
            {
                seen = WaitForCall(seen);
                if (_number > Volatile.Read(ref _shared.Helpers) || !TryEnter()) continue;

                // The call may be a later one, with fewer helpers.
                if (_number <= _shared.Helpers) RunChunks(_number);
                Leave();
            }
        }

        private int WaitForCall(int seen)
        {
            int call;
            long deadline = Stopwatch.GetTimestamp() + WorkerSpinTicks;
            while (Stopwatch.GetTimestamp() < deadline)
            {
                if ((call = Volatile.Read(ref _shared.Call)) != seen) return call;
                Thread.SpinWait(1);
            }

            while (true)
            {
                // Either this worker sees the new call here, or the caller sees that it sleeps.
                Interlocked.Exchange(ref _isAsleep, 1);
                if ((call = Volatile.Read(ref _shared.Call)) != seen)
                {
                    // The caller may have set the event meanwhile; one wake-up too many does no harm.
                    Volatile.Write(ref _isAsleep, 0);
                    return call;
                }

                _wake.WaitOne();
                _placement!.Free();
                if ((call = Volatile.Read(ref _shared.Call)) != seen) return call;
            }
        }
    }
}
