using Autograd.Gpu.Lazy;
using Autograd.Gpu.Lazy.Host;
using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Tests.Lazy;

/// <summary>Wide and streaming loops give the bits of the usual ones, element for element, and touch nothing beside their range.</summary>
internal sealed unsafe class WideLoopTests
{
    // Around the boundaries of both vector lengths, and long enough for several turns.
    private static readonly int[] Counts = [0, 1, 7, 8, 15, 16, 17, 23, 24, 31, 32, 40, 49, 100];

    private static readonly float[] Special =
    [
        0f, -0f, 1f, -1f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.Epsilon, -1e-40f, 3e38f, -3e38f, 88.5f, -88f, -103.5f, 0.5f, 2f, -2.5f, 70000f,
    ];

    /// <summary>Operations that have a form for 512 bits, by reflection: a new one is tested without touching this file.</summary>
    public static IEnumerable<PointwiseFunction> WideOperations() => typeof(PointwiseOperation).Assembly.GetTypes()
        .Where(t => t.IsSealed && !t.IsGenericType && t.IsSubclassOf(typeof(PointwiseOperation)) && t.GetConstructor(Type.EmptyTypes) is not null)
        .Select(t => (PointwiseFunction)Activator.CreateInstance(t)!)
        .Where(f => f.Supports(DType.Float32) && f.WideMethod(DType.Float32) is not null);

    [Test]
    public void ThereAreWideForms() => Assert.That(WideOperations().Count(), Is.GreaterThan(30));

    [TestCaseSource(nameof(WideOperations))]
    public void WideFormsGiveTheSameBits(PointwiseFunction function)
    {
        RequireWide();
        int arity = function.Arity;
        var result = function.IsPredicate ? DType.Bool : DType.Float32;
        var inputs = Enumerable.Range(0, arity).Select(i => i == 0 && function.TakesCondition ? DType.Bool : DType.Float32).ToArray();
        Compare(Program(function, inputs, result), inputs, result, Special.Length * Special.Length, crossed: true);
    }

    [TestCase(DType.Float32)]
    [TestCase(DType.Int32)]
    [TestCase(DType.Bool)]
    [TestCase(DType.UInt8)]
    [TestCase(DType.BFloat16)]
    [TestCase(DType.Float16)]
    public void EverySizeAndTypeGivesTheSameBits(DType dtype)
    {
        foreach (int count in Counts)
        {
            Compare(Program(new Maximum(), [dtype, dtype], dtype, DType.Float32), [dtype, dtype], dtype, count);
        }
    }

    [Test]
    public void StridedAndRepeatedOperandsGiveTheSameBits()
    {
        foreach (int count in Counts)
        {
            Compare(
                Program(new Sub(), [DType.Float32, DType.Float32], DType.Float32, access: [Access.Strided, Access.Scalar, Access.Strided]),
                [DType.Float32, DType.Float32], DType.Float32, count);
        }
    }

    // Each brings a table of its own, held in registers over the whole loop.
    [Test]
    public void TablesOfSeveralFunctionsStandBesideOneAnother()
    {
        using var x = Tensor.Linspace(-5, 5, 5000);
        using var y = x.Gelu();
        using var z = y.Silu();
        using var fused = x.Gelu().Silu() + y.Gelu();
        z.Materialize();
        using var twice = y.Gelu();
        twice.Materialize();
        for (int i = 0; i < 2; i++)
        {
            using var again = x.Gelu().Silu() + x.Gelu().Gelu();
            Assert.That(again.ToArray<float>(), Is.EqualTo((z + twice).ToArray<float>()));
            Assert.That(() => HostKernelParts.OnTheWay, Is.Zero.After(5000, 1));
        }

        Assert.That(fused.ToArray<float>(), Is.EqualTo((z + twice).ToArray<float>()));
    }

    [Test]
    public void AKernelThatWidensLaterGivesTheSameBitsBeforeAndAfter()
    {
        RequireWide();
        DType[] inputs = [DType.Float32];
        var program = Program(new Tanh(), inputs, DType.Float32);
        var kernel = HostKernelCompiler.Compile(program, HostLoops.Wide, widensLater: true);
        var parts = (HostKernelParts)kernel.Target!;
        Assert.That(parts.IsWidened, Is.False);
        var first = Run();
        Assert.That(() => parts.IsWidened, Is.True.After(10_000, 1), "compiled by another thread");
        Assert.That(Run(), Is.EqualTo(first));
        Assert.That(first.Distinct().Count(), Is.GreaterThan(5));

        int[] Run()
        {
            using var x = new Memory(DType.Float32, 100, 1);
            using var y = new Memory(DType.Float32, 100, 2);
            nint* pointers = stackalloc nint[] { x.Start, y.Start };
            long* strides = stackalloc long[] { sizeof(float), sizeof(float) };
            kernel(pointers, strides, null, 0, 100);
            return [.. y.Floats(100).Select(v => float.IsNaN(v) ? int.MinValue : BitConverter.SingleToInt32Bits(v))];
        }
    }

    [Test]
    public void AnOutputInPlaceOfAnInputIsWrittenOnce()
    {
        // x = x + x: a second visit of an element would show.
        foreach (var loops in Enum.GetValues<HostLoops>())
        {
            var place = new OperandInfo(DType.Float32, Access.Contiguous, Access.Contiguous, IsIndex: false);
            var program = new FusedProgram(
                [new(ValueKind.Load, DType.Float32, 0, null, 0, 0, 0, default), new(ValueKind.Apply, DType.Float32, 0, new Add(), 0, 0, 0, default)],
                [place], [new OutputStep(1, 0)], Rank: 1, Constants: 0, Randoms: 0);
            using var x = new Memory(DType.Float32, 61, 1);
            var before = x.Floats(61);
            nint pointer = x.Start;
            long stride = sizeof(float);
            HostKernelCompiler.Compile(program, loops)(&pointer, &stride, null, 0, 61);
            Assert.That(x.Floats(61), Is.EqualTo(before.Select(v => v + v)), loops.ToString());
            x.CheckGuards();
        }
    }

    /// <summary>A result of more than 64 MiB in all, which is streamed: right to the last element, at every offset of what it reads.</summary>
    [Test]
    public void LargeResultsAreComplete()
    {
        const int count = (9 << 20) + 5;
        using var all = Tensor.Arange(0, count + 3, dtype: DType.Float32);
        all.Materialize();

        // The first run may take the usual loop, while another thread compiles the one that streams.
        for (int run = 0; run < 2; run++)
        {
            using var sum = all[3..] + all[..count];
            float[] values = sum.ToArray<float>();
            for (int i = 0; i < count; i += i < count - 100 ? 997 : 1)
            {
                Assert.That(values[i], Is.EqualTo((float)(i + 3) + i));
            }

            Assert.That(SpinWait.SpinUntil(() => HostKernelParts.OnTheWay == 0, 10_000), Is.True);
        }
    }

    private static FusedProgram Program(PointwiseFunction function, DType[] inputs, DType result, DType? compute = null, Access[]? access = null)
    {
        var values = new List<ValueStep>();
        var operands = new List<OperandInfo>();
        for (int i = 0; i < inputs.Length; i++)
        {
            values.Add(new(ValueKind.Load, inputs[i], i, null, 0, 0, 0, default));
            operands.Add(Place(inputs[i], i));
        }

        // As the fuser does: what is computed in another type is cast to it and back.
        int[] at = [.. Enumerable.Range(0, inputs.Length)];
        for (int i = 0; i < inputs.Length && compute is { } type; i++)
        {
            values.Add(new(ValueKind.Apply, type, 0, CastFunction.Instance, i, 0, 0, default));
            at[i] = values.Count - 1;
        }

        values.Add(new(ValueKind.Apply, compute ?? result, 0, function, at[0], at.ElementAtOrDefault(1), at.ElementAtOrDefault(2), default));
        if (compute is not null && compute != result)
        {
            values.Add(new(ValueKind.Apply, result, 0, CastFunction.Instance, values.Count - 1, 0, 0, default));
        }

        operands.Add(Place(result, inputs.Length));
        return new FusedProgram([.. values], [.. operands], [new OutputStep(values.Count - 1, inputs.Length)], Rank: 1, Constants: 0, Randoms: 0);

        OperandInfo Place(DType dtype, int i) => new(dtype, access?[i] ?? Access.Contiguous, access?[i] ?? Access.Contiguous, IsIndex: false);
    }

    private static void Compare(FusedProgram program, DType[] inputs, DType result, int count, bool crossed = false)
    {
        byte[]? expected = null;
        nint* pointers = stackalloc nint[inputs.Length + 1];
        long* strides = stackalloc long[inputs.Length + 1];
        foreach (var loops in Enum.GetValues<HostLoops>())
        {
            var kernel = HostKernelCompiler.Compile(program, loops);
            var memories = new List<Memory>();
            for (int i = 0; i < inputs.Length; i++)
            {
                memories.Add(new Memory(inputs[i], Room(program.Operands[i], count), crossed ? (int)Math.Pow(Special.Length, i) : i + 1));
            }

            memories.Add(new Memory(result, Room(program.Operands[^1], count), 0));
            for (int i = 0; i < memories.Count; i++)
            {
                pointers[i] = memories[i].Start;
                strides[i] = program.Operands[i].Inner switch { Access.Scalar => 0, Access.Strided => 3 * program.Operands[i].DType.Size(), _ => program.Operands[i].DType.Size() };
            }

            kernel(pointers, strides, null, 0, count);
            byte[] actual = memories[^1].Bytes();
            if (result == DType.Float32)
            {
                // Which of the bits of nan an instruction sets is its own affair.
                foreach (ref float value in System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(actual.AsSpan()))
                {
                    value = float.IsNaN(value) ? float.NaN : value;
                }
            }

            memories.ForEach(m => m.CheckGuards());
            memories.ForEach(m => m.Dispose());
            expected ??= actual;
            Assert.That(actual, Is.EqualTo(expected), $"{loops} loops, {count} elements");
        }
    }

    private static int Room(OperandInfo info, int count) => info.Inner switch { Access.Scalar => 1, Access.Strided => 3 * count + 1, _ => count };

    private static void RequireWide()
    {
        if (!HostKernelCompiler.HasWideLoop)
        {
            Assert.Ignore("This processor has no 512-bit vectors beside shorter ones.");
        }
    }

    /// <summary>Elements between guards, the first of them aligned as the pool aligns its blocks.</summary>
    private sealed class Memory : IDisposable
    {
        private readonly byte* _memory;
        private readonly long _bytes;

        /// <param name="step">How slowly the numbers change; 0 for memory that is to be written.</param>
        public Memory(DType dtype, int count, int step)
        {
            _bytes = (long)count * dtype.Size();
            _memory = (byte*)System.Runtime.InteropServices.NativeMemory.AlignedAlloc((nuint)(_bytes + 2 * 64), 64);
            new Span<byte>(_memory, (int)_bytes + 128).Fill(0xA5);
            for (int i = 0; i < count && step != 0; i++)
            {
                float value = Special[i / step % Special.Length];
                switch (dtype)
                {
                    case DType.Float32: ((float*)Start)[i] = value; break;
                    case DType.Int32: ((int*)Start)[i] = i * 7919 * step; break;
                    case DType.Float16: ((Half*)Start)[i] = (Half)value; break;
                    case DType.BFloat16: ((ushort*)Start)[i] = (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16); break;
                    case DType.Bool: ((byte*)Start)[i] = (byte)(i / step % 2); break;
                    default: ((byte*)Start)[i] = (byte)(i * 37 / step); break;
                }
            }
        }

        public nint Start => (nint)(_memory + 64);

        public byte[] Bytes() => new Span<byte>((byte*)Start, (int)_bytes).ToArray();

        public float[] Floats(int count) => new Span<float>((float*)Start, count).ToArray();

        public void CheckGuards()
        {
            Assert.That(new Span<byte>(_memory, 64).IndexOfAnyExcept((byte)0xA5), Is.EqualTo(-1), "before the elements");
            Assert.That(new Span<byte>(_memory + 64 + _bytes, 64).IndexOfAnyExcept((byte)0xA5), Is.EqualTo(-1), "behind the elements");
        }

        public void Dispose() => System.Runtime.InteropServices.NativeMemory.AlignedFree(_memory);
    }
}
