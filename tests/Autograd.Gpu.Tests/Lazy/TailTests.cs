using System.Numerics;
using System.Runtime.InteropServices;
using Autograd.Gpu.Lazy;
using Autograd.Gpu.Lazy.Host;
using Autograd.Gpu.Operations;
using Autograd.Gpu.Tests.Support;

namespace Autograd.Gpu.Tests.Lazy;

/// <summary>
/// Elements that fill no vector: through the vector loop, as the first runs of a kernel take them, they have the bits of the scalar loop, which later runs take, and nothing
/// beside them is read or written.
/// </summary>
internal sealed unsafe class TailTests
{
    private static readonly double[] Special =
    [
        0, -0.0, 1, -1, double.NaN, double.PositiveInfinity, double.NegativeInfinity, 1e-40, -1e-40, 3e38, -3e38, 88.5, -88, -103.5, 0.5, 2, -2.5, 70000, 3.9, -7.8, 1e-6, 710, -745, 5e-310,
    ];

    private static readonly DType[] Types = [DType.Float32, DType.Float64, DType.Int32, DType.Int64, DType.Bool];

    /// <summary>Operations with a vector form, by reflection.</summary>
    public static IEnumerable<PointwiseFunction> Operations() => typeof(PointwiseOperation).Assembly.GetTypes()
        .Where(t => t.IsSealed && !t.IsGenericType && t.IsSubclassOf(typeof(PointwiseOperation)) && t.GetConstructor(Type.EmptyTypes) is not null)
        .Select(t => (PointwiseFunction)Activator.CreateInstance(t)!)
        .Where(f => Types.Any(dtype => HasVectors(f, dtype)));

    [TestCaseSource(nameof(Operations))]
    public void VectorsGiveTheBitsOfScalars(PointwiseFunction function)
    {
        int compared = 0;
        foreach (var dtype in Types.Where(dtype => HasVectors(function, dtype)))
        {
            DType[] inputs = [.. Enumerable.Range(0, function.Arity).Select(i => i == 0 && function.TakesCondition ? DType.Bool : dtype)];
            var result = function.IsPredicate ? DType.Bool : dtype;
            var values = inputs.Select((type, i) => new ValueStep(ValueKind.Load, type, i, null, 0, 0, 0, default))
                .Append(new ValueStep(ValueKind.Apply, result, 0, function, 0, inputs.Length > 1 ? 1 : 0, inputs.Length > 2 ? 2 : 0, default)).ToArray();
            var operands = inputs.Append(result).Select(type => Place(type, Access.Contiguous)).ToArray();
            var program = new FusedProgram(values, operands, [new OutputStep(inputs.Length, inputs.Length)], Rank: 1, Constants: 0, Randoms: 0);

            const int count = 400;
            var memory = inputs.Select((type, i) => Elements(type, count, i)).Append(new byte[count * result.Size()]).ToArray();
            var scalars = Run(HostKernelCompiler.CompileScalars(program, 1), program, memory, count, count);
            var kernel = HostKernelCompiler.Compile(program);
            Assert.That(Run(kernel, program, memory, count, Vector<byte>.Count / LaneSize(dtype) - 1), Is.EqualTo(scalars), $"{dtype}, nothing but tails");
            Assert.That(Run(kernel, program, memory, count, count), Is.EqualTo(scalars), $"{dtype}, vectors");
            compared++;
        }

        Assert.That(compared, Is.Positive);
    }

    /// <summary>Operands of every kind of access, read, written and both, at the edge of what may be touched on either side.</summary>
    [Test]
    public void NothingBesideTheElementsIsTouched(
        [Values(DType.Float32, DType.Float64, DType.Float16, DType.BFloat16, DType.Int32, DType.Int64, DType.UInt8)] DType dtype, [Values] bool atEnd)
    {
        // x = max(x, strided); y = max(x, number) strided; z = max(y, flipped); p = z > flipped: loads, stores, and a mask.
        var max = new Maximum();
        Access[] access = [Access.Contiguous, Access.Strided, Access.Scalar, Access.Strided, Access.Strided, Access.Contiguous];
        ValueStep[] values =
        [
            .. Enumerable.Range(0, 4).Select(k => new ValueStep(ValueKind.Load, dtype, k, null, 0, 0, 0, default)),
            new(ValueKind.Apply, dtype, 0, max, 0, 1, 0, default), new(ValueKind.Apply, dtype, 0, max, 4, 2, 0, default),
            new(ValueKind.Apply, dtype, 0, max, 5, 3, 0, default), new(ValueKind.Apply, DType.Bool, 0, new Greater(), 6, 3, 0, default),
        ];
        OperandInfo[] operands = [.. access.Select(a => Place(dtype, a)), Place(DType.Bool, Access.Contiguous)];
        var program = new FusedProgram(
            values, operands, [new OutputStep(4, 0), new OutputStep(5, 4), new OutputStep(6, 5), new OutputStep(7, 6)], Rank: 1, Constants: 0, Randoms: 0);
        var (kernel, scalars) = (HostKernelCompiler.Compile(program), HostKernelCompiler.CompileScalars(program, 1));
        Assert.That(kernel.Target, Is.TypeOf<HostKernelParts>());
        int lanes = Vector<byte>.Count / LaneSize(dtype), size = dtype.Size();
        foreach (int count in new[] { 0, 1, 2, lanes - 1, lanes, lanes + 1, 2 * lanes, 3 * lanes - 1 })
        {
            int[] steps = [1, 3, 0, -1, 2, 1, 1];
            var results = new[] { kernel, scalars }.Select(Results).ToArray();
            for (int k = 0; k < operands.Length; k++)
            {
                Assert.That(results[0][k], Is.EqualTo(results[1][k]), $"{count} elements, operand {k}");
            }

            byte[][] Results(HostKernel kernel)
            {
                var memories = operands.Select((info, k) => new GuardedMemory((count == 0 ? 0 : (count - 1) * Math.Abs(steps[k]) + 1) * info.DType.Size(), atEnd)).ToArray();
                nint* pointers = stackalloc nint[operands.Length];
                long* strides = stackalloc long[operands.Length];
                for (int k = 0; k < operands.Length; k++)
                {
                    Elements(operands[k].DType, memories[k].Count / operands[k].DType.Size(), k).CopyTo(memories[k].Bytes);
                    pointers[k] = memories[k].Start + (steps[k] < 0 && count > 0 ? (count - 1) * size : 0);
                    strides[k] = steps[k] * operands[k].DType.Size();
                }

                kernel(pointers, strides, null, 0, count);
                return [.. memories.Select((memory, k) =>
                {
                    using (memory)
                    {
                        return Canonical(memory.Bytes.ToArray(), operands[k].DType);
                    }
                })];
            }
        }
    }

    [Test]
    public void SequencesAndRandomNumbersGoOnInTheTail()
    {
        ValueStep[] values =
        [
            new(ValueKind.Index, DType.Int32, 0, null, 0, 0, 0, default), new(ValueKind.Random, DType.Float32, 0, null, 0, 0, 0, RandomKind.Uniform),
            new(ValueKind.Apply, DType.Float32, 0, CastFunction.Instance, 0, 0, 0, default), new(ValueKind.Apply, DType.Float32, 0, new Add(), 1, 2, 0, default),
        ];
        var program = new FusedProgram(
            values, [Place(DType.Int32, Access.Strided) with { IsIndex = true }, Place(DType.Float32, Access.Contiguous)], [new OutputStep(3, 1)], Rank: 1, Constants: 0, Randoms: 1);
        var kernel = HostKernelCompiler.Compile(program);
        Assert.That(kernel.Target, Is.TypeOf<HostKernelParts>());
        foreach (int count in new[] { 1, 7, 8, 9, 31 })
        {
            Assert.That(Results(kernel), Is.EqualTo(Results(HostKernelCompiler.CompileScalars(program, 1))), $"{count} elements");

            float[] Results(HostKernel kernel)
            {
                var results = new float[count];
                long* random = stackalloc long[] { 12345, 678 };
                long* strides = stackalloc long[] { 3, sizeof(float) };
                fixed (float* p = results)
                {
                    nint* pointers = stackalloc nint[] { 10, (nint)p };
                    kernel(pointers, strides, random, 1001, count);
                }

                return results;
            }
        }
    }

    [Test]
    public void AKernelOfManyTailsGetsALoopForThem()
    {
        var program = new FusedProgram(
            [new(ValueKind.Load, DType.Float32, 0, null, 0, 0, 0, default), new(ValueKind.Apply, DType.Float32, 0, new Gelu(), 0, 0, 0, default)],
            [Place(DType.Float32, Access.Contiguous), Place(DType.Float32, Access.Contiguous)], [new OutputStep(1, 1)], Rank: 1, Constants: 0, Randoms: 0);
        var kernel = HostKernelCompiler.Compile(program);
        var parts = (HostKernelParts)kernel.Target!;
        byte[][] memory = [Elements(DType.Float32, 37, 1), new byte[37 * sizeof(float)]];
        byte[] first = Run(kernel, program, memory, 37, 37);
        for (int i = 1; i < HostKernelParts.MostTails; i++)
        {
            Assert.That(parts.HasScalars, Is.False);
            Assert.That(Run(kernel, program, memory, 37, 37), Is.EqualTo(first));
        }

        Assert.That(() => parts.HasScalars, Is.True.After(10_000, 1), "compiled by another thread");
        Assert.That(Run(kernel, program, memory, 37, 37), Is.EqualTo(first));
    }

    /// <summary>Fused chains, alone and below reductions, over rows that end in tails: the bits of the same elements where they fill vectors.</summary>
    [Category(Laziness.Both)]
    [Test]
    public void ElementsHaveTheSameBitsWhereverTheyLie([Values] bool lazy, [Values(DType.Float32, DType.Float64, DType.BFloat16)] DType dtype)
    {
        using var mode = Laziness.Set(lazy);
        const int rows = 5, width = 48;
        var all = Tensor.FromArray(Numbers.Uniform(1, rows * width, -3, 3), [rows, width], Device.Cpu).To(dtype);
        var column = Tensor.FromArray(Numbers.Uniform(2, rows, -1, 1), [rows, 1], Device.Cpu).To(dtype);
        all.Materialize();
        column.Materialize();
        var expected = Chain(all, column);
        expected.Materialize();
        foreach (int n in new[] { 1, 3, 7, 8, 9, 15, 17, 33, 47 })
        {
            var part = all.Narrow(1, 48 - n, n);
            var same = expected.Narrow(1, 48 - n, n).Contiguous();
            Assert.That(Read(Chain(part, column)), Is.EqualTo(Read(same)), $"{n} columns");
            Assert.That(Read(Chain(part.Flip(1), column)), Is.EqualTo(Read(same.Flip(1))), $"{n} columns, flipped");
            var inPlace = part.Contiguous().Clone();
            inPlace.Tanh_().Mul_(column).Add_(1);
            Assert.That(Read(inPlace), Is.EqualTo(Read(same)), $"{n} columns in place");
            if (dtype != DType.BFloat16)
            {
                // A half type is not rounded between a chain and its sum.
                Assert.That(Read(Chain(part, column).Sum([1])), Is.EqualTo(Read(same.Sum([1]))), $"sums of {n} columns");
                Assert.That(Read(Chain(part, column).Amax([0])), Is.EqualTo(Read(same.Amax([0]))), $"largest of {n} columns");
            }
        }

        static Tensor Chain(Tensor x, Tensor column) => x.Tanh() * column + 1;

        static double[] Read(Tensor x)
        {
            x.Materialize();
            return x.Doubles();
        }
    }

    private static bool HasVectors(PointwiseFunction function, DType dtype) =>
        function.Supports(dtype) && function.VectorMethod(dtype, LaneSize(dtype)) is not null && !(function.TakesCondition && dtype == DType.Bool);

    private static int LaneSize(DType dtype) => Math.Max(4, dtype.Size());

    private static OperandInfo Place(DType dtype, Access access) => new(dtype, access, access, IsIndex: false);

    /// <summary>What the kernel writes to the last operand in pieces of so many elements; all operands are contiguous.</summary>
    private static byte[] Run(HostKernel kernel, FusedProgram program, byte[][] memory, int count, int piece)
    {
        nint* pointers = stackalloc nint[memory.Length];
        long* strides = stackalloc long[memory.Length];
        var handles = memory.Select(bytes => GCHandle.Alloc(bytes, GCHandleType.Pinned)).ToArray();
        Array.Clear(memory[^1]);
        for (int start = 0; start < count; start += piece)
        {
            for (int k = 0; k < memory.Length; k++)
            {
                strides[k] = program.Operands[k].DType.Size();
                pointers[k] = handles[k].AddrOfPinnedObject() + (nint)(start * strides[k]);
            }

            kernel(pointers, strides, null, start, Math.Min(piece, count - start));
        }

        Array.ForEach(handles, handle => handle.Free());
        return Canonical((byte[])memory[^1].Clone(), program.Operands[^1].DType);
    }

    /// <summary>Special numbers in every combination with those of the other inputs, then others.</summary>
    private static byte[] Elements(DType dtype, int count, int input)
    {
        var random = new Random(input + 1);
        var bytes = new byte[count * dtype.Size()];
        for (int i = 0; i < count; i++)
        {
            double value = i < Special.Length * 12
                ? Special[(input == 0 ? i : i / Special.Length + i * input) % Special.Length]
                : (random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-3, 3));
            var place = bytes.AsSpan(i * dtype.Size());
            switch (dtype)
            {
                case DType.Float32: MemoryMarshal.Write(place, (float)value); break;
                case DType.Float64: MemoryMarshal.Write(place, value); break;
                case DType.Float16: MemoryMarshal.Write(place, (Half)value); break;
                case DType.BFloat16: MemoryMarshal.Write(place, Autograd.Gpu.Kernels.HalfConversion.FloatToBFloat16((float)value)); break;
                case DType.Int32: MemoryMarshal.Write(place, i % 3 == 0 ? (int)value : random.Next(-70, 70)); break;
                case DType.Int64: MemoryMarshal.Write(place, i % 3 == 0 ? (long)value : random.Next(-70, 70)); break;
                case DType.Bool: place[0] = (byte)random.Next(2); break;
                default: place[0] = (byte)random.Next(256); break;
            }
        }

        return bytes;
    }

    /// <summary>One nan for all: which of its bits an instruction sets is its own affair.</summary>
    private static byte[] Canonical(byte[] bytes, DType dtype)
    {
        switch (dtype)
        {
            case DType.Float32:
                Replace<float>(bytes, float.IsNaN, float.NaN);
                break;
            case DType.Float64:
                Replace<double>(bytes, double.IsNaN, double.NaN);
                break;
            case DType.Float16:
                Replace<Half>(bytes, Half.IsNaN, Half.NaN);
                break;
            case DType.BFloat16:
                Replace<ushort>(bytes, bits => (bits & 0x7FFF) > 0x7F80, 0x7FC0);
                break;
        }

        return bytes;
    }

    private static void Replace<T>(byte[] bytes, Predicate<T> isNan, T nan)
        where T : struct
    {
        foreach (ref T value in MemoryMarshal.Cast<byte, T>(bytes.AsSpan()))
        {
            value = isNan(value) ? nan : value;
        }
    }
}
