namespace Autograd.Gpu;

/// <summary>The state of a <see cref="Generator"/>: restoring it repeats the numbers that were drawn after it was taken.</summary>
/// <param name="Seed">The key of the counter-based generator.</param>
/// <param name="Offset">The first counter that has not been used.</param>
public readonly record struct GeneratorState(ulong Seed, ulong Offset);

/// <summary>
/// A device's source of random numbers: a key and a position in the sequence of counters that Philox turns into numbers. Drawing reserves
/// counters, so that what is drawn depends on the seed and the order of the draws, never on the device or the number of threads.
/// </summary>
public sealed class Generator
{
    /// <summary>The seed that a generator starts with, PyTorch's.</summary>
    public const ulong DefaultSeed = 67280421310721;

    private static ulong s_startSeed = DefaultSeed;

    private readonly Lock _lock = new();
    private GeneratorState _state;

    /// <summary>The seed with which the generators of devices that are yet to be used start.</summary>
    internal static ulong StartSeed
    {
        get => Volatile.Read(ref s_startSeed);
        set => Volatile.Write(ref s_startSeed, value);
    }

    /// <summary>Makes a generator that starts at the first counter of a seed.</summary>
    public Generator(ulong seed = DefaultSeed) => _state = new GeneratorState(seed, 0);

    /// <summary>The key of the sequence.</summary>
    public ulong Seed => State.Seed;

    /// <summary>The first counter that has not been used.</summary>
    public ulong Offset => State.Offset;

    /// <summary>Seed and offset together, to be saved and restored.</summary>
    public GeneratorState State
    {
        get
        {
            lock (_lock)
                return _state;
        }

        set
        {
            lock (_lock)
                _state = value;
        }
    }

    /// <summary>Starts the sequence of a seed from its first counter.</summary>
    public void ManualSeed(ulong seed) => State = new GeneratorState(seed, 0);

    /// <summary>Reserves counters for the caller alone and returns the first of them.</summary>
    internal ulong Reserve(ulong counters) => Reserve(counters, out _);

    /// <summary>Reserves counters and returns the first of them, with the seed that they belong to. The offset wraps around at 2^64.</summary>
    internal ulong Reserve(ulong counters, out ulong seed)
    {
        lock (_lock)
        {
            var first = _state.Offset;
            seed = _state.Seed;
            _state = _state with { Offset = unchecked(first + counters) };
            return first;
        }
    }
}
