using System.Buffers.Binary;
using System.Security.Cryptography;

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

    /// <summary>The seed that the generator was last given, the key of its sequence.</summary>
    public ulong InitialSeed => State.Seed;

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
    /// <returns>This generator.</returns>
    public Generator ManualSeed(ulong seed)
    {
        State = new GeneratorState(seed, 0);
        return this;
    }

    /// <summary>Seeds the generator with a number that the operating system draws, and returns it.</summary>
    public ulong Seed()
    {
        ulong seed = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(sizeof(ulong)));
        ManualSeed(seed);
        return seed;
    }

    /// <summary>A generator of its own in the same state.</summary>
    public Generator CloneState() => new() { State = State };

    /// <summary><see cref="State"/> as 16 bytes, seed and offset in little-endian order: a uint8 tensor on the host, to be saved with a model.</summary>
    public Tensor GetState()
    {
        var state = State;
        var bytes = new byte[2 * sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, state.Seed);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(sizeof(ulong)), state.Offset);
        return Tensor.FromArray(bytes, Device.Cpu);
    }

    /// <summary>Restores what <see cref="GetState"/> gave.</summary>
    /// <exception cref="DTypeException">The tensor is not of uint8.</exception>
    /// <exception cref="ShapeException">It has not 16 elements.</exception>
    public void SetState(Tensor state)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (state.DType != DType.UInt8)
        {
            throw new DTypeException($"SetState: RNG state must be a torch.ByteTensor: expected uint8, but got {state.DType.Name()}. Give what GetState returned.");
        }

        if (state.NumElements != 2 * sizeof(ulong))
        {
            throw new ShapeException($"SetState: RNG state is wrong size: expected 16 bytes, but got {state.NumElements} (shape {state.Shape}). Give what GetState returned.");
        }

        var bytes = state.ToArray<byte>();
        State = new GeneratorState(BinaryPrimitives.ReadUInt64LittleEndian(bytes), BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(sizeof(ulong))));
    }

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
