using System.Numerics;
using System.Runtime.InteropServices;
using Autograd.Gpu.Devices.Host;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Lazy;

namespace Autograd.Gpu.Tests.Kernels;

/// <summary>The host's reductions against plain loops in double and long.</summary>
public class HostReducerTests
{
    private const int SourceSlack = 5;

    private static readonly ReductionShape[] Shapes =
    [
        new(1, 1, 1), new(1, 3, 1), new(1, 7, 1), new(1, 8, 1), new(1, 1000, 1), new(1, 100003, 1),
        new(5, 1, 1), new(9, 7, 1), new(6, 33, 1), new(20, 1000, 1), new(3, 4097, 1), new(2, 20001, 1), new(9001, 4, 1), new(900, 31, 1),
        new(1, 1, 3), new(1, 3, 7), new(1, 7, 100), new(1, 1000, 3), new(1, 20001, 2), new(1, 30001, 9), new(1, 200, 300), new(1, 2, 9001),
        new(1, 9, 5000), new(1, 1000, 257), new(4, 50, 9), new(1000, 3, 5), new(3, 130, 70), new(4, 600, 33),
        new(9, 4, 1000), new(2, 700, 17), new(5, 2000, 2), new(64, 64, 8),
        new(3, 63, 1), new(3, 64, 1), new(3, 65, 1), new(2, 143, 1), new(2, 128, 64), new(2, 129, 64), new(2, 9, 127), new(2, 8, 15), new(3, 7, 17),
    ];

    private enum Form
    {
        Contiguous,
        Padded,
        Permuted,
        Repeated,
        Computed,
        ComputedPermuted,
    }

    public static IEnumerable<TestCaseData> KindsAndTypes =>
        from kind in Enum.GetValues<Reduction>()
        from dtype in Enum.GetValues<DType>()
        where dtype != DType.Bool || kind is not (Reduction.Sum or Reduction.Product)
        select new TestCaseData((int)kind, dtype).SetArgDisplayNames(kind.ToString(), dtype.Name());

    public static IEnumerable<TestCaseData> Extremes =>
        from kind in new[] { Reduction.Max, Reduction.Min, Reduction.ArgMax, Reduction.ArgMin }
        from dtype in new[] { DType.Float32, DType.Float64, DType.Float16, DType.BFloat16 }
        select new TestCaseData((int)kind, dtype).SetArgDisplayNames(kind.ToString(), dtype.Name());

    [TestCaseSource(nameof(KindsAndTypes))]
    public void AgreesWithPlainLoops(int kindNumber, DType dtype)
    {
        var kind = (Reduction)kindNumber;
        foreach (var shape in Shapes)
        {
            foreach (var form in Enum.GetValues<Form>())
            {
                bool isLarge = shape.Results * shape.Reduced > 20000;
                bool hasSquare = dtype != DType.Bool;
                if ((!hasSquare && form is Form.Computed or Form.ComputedPermuted)
                    || (isLarge && form is Form.Padded or Form.Permuted or Form.Repeated))
                {
                    continue;
                }

                var random = new Random((int)(shape.Outer * 31 + shape.Reduced * 17 + shape.Inner));
                var input = Input.Create(dtype, shape, form, _ => Draw(random, kind, dtype));
                Check(kind, dtype, shape, form, input, input.Reduce(kind, shape));
            }
        }
    }

    [TestCase((int)Reduction.Sum, DType.Float32)]
    [TestCase((int)Reduction.Max, DType.Float32)]
    [TestCase((int)Reduction.Min, DType.UInt8)]
    [NonParallelizable]
    public void TheRuntimesVectorsAgreeToo(int kindNumber, DType dtype)
    {
        HostMatMul.Width = HostVectorWidth.V128;
        try
        {
            AgreesWithPlainLoops(kindNumber, dtype);
        }
        finally
        {
            HostMatMul.Width = HostMatMul.Widest;
        }
    }

    [TestCaseSource(nameof(Extremes))]
    public void NanWins(int kindNumber, DType dtype)
    {
        var kind = (Reduction)kindNumber;
        foreach (var shape in Shapes)
        {
            var random = new Random(3);
            double rate = 0.7 / shape.Reduced;
            var input = Input.Create(dtype, shape, Form.Contiguous, _ => random.NextDouble() < rate ? double.NaN : random.Next(-9, 9));
            Check(kind, dtype, shape, Form.Contiguous, input, input.Reduce(kind, shape));
        }
    }

    [TestCase(DType.Float32)]
    [TestCase(DType.Float64)]
    public void InfinitiesAreElements(DType dtype)
    {
        foreach (var shape in Shapes)
        {
            var input = Input.Create(dtype, shape, Form.Contiguous, _ => double.NegativeInfinity);
            Assert.That(input.Reduce(Reduction.Max, shape), Is.All.EqualTo(double.NegativeInfinity), $"Max {shape}");
            Assert.That(input.Reduce(Reduction.ArgMax, shape), Is.All.EqualTo(0), $"ArgMax {shape}");
            input = Input.Create(dtype, shape, Form.Contiguous, _ => double.PositiveInfinity);
            Assert.That(input.Reduce(Reduction.Min, shape), Is.All.EqualTo(double.PositiveInfinity), $"Min {shape}");
            Assert.That(input.Reduce(Reduction.ArgMin, shape), Is.All.EqualTo(0), $"ArgMin {shape}");
        }
    }

    [Test]
    public void IntegersReachTheirLimits()
    {
        foreach (var (dtype, low, high) in new[] { (DType.Int32, int.MinValue, (double)int.MaxValue), (DType.UInt8, 0, byte.MaxValue) })
        {
            foreach (var shape in Shapes)
            {
                var input = Input.Create(dtype, shape, Form.Contiguous, _ => low);
                Assert.That(input.Reduce(Reduction.Max, shape), Is.All.EqualTo(low), $"Max {dtype} {shape}");
                input = Input.Create(dtype, shape, Form.Contiguous, _ => high);
                Assert.That(input.Reduce(Reduction.Min, shape), Is.All.EqualTo(high), $"Min {dtype} {shape}");
            }
        }
    }

    [Test]
    public void ThreadsDoNotChangeABit()
    {
        int threads = HostParallel.ThreadCount;
        try
        {
            ReductionShape[] shapes =
            [
                new(1, 300007, 1), new(300, 1003, 1), new(1, 3001, 100), new(1, 100003, 3), new(9, 701, 40), new(5000, 6, 9),
                new(1, 20, 9000),
            ];
            foreach (var shape in shapes)
            {
                foreach (var form in new[] { Form.Contiguous, Form.Computed, Form.ComputedPermuted })
                {
                    foreach (var kind in Enum.GetValues<Reduction>())
                    {
                        var random = new Random(1);
                        var (low, range) = kind == Reduction.Product ? (0.999, 2e-3) : (-0.3, 1);
                        var input = Input.Create(DType.Float32, shape, form, _ => low + range * random.NextDouble());
                        HostParallel.ThreadCount = 1;
                        var alone = input.Reduce(kind, shape);
                        for (HostParallel.ThreadCount = 2; HostParallel.ThreadCount < 5; HostParallel.ThreadCount++)
                        {
                            string what = $"{kind} {shape} {form}, {HostParallel.ThreadCount} threads";
                            Assert.That(input.Reduce(kind, shape), Is.EqualTo(alone), what);
                        }
                    }
                }
            }
        }
        finally
        {
            HostParallel.ThreadCount = threads;
        }
    }

    [TestCase(1, 100_000_000, 1)]
    [TestCase(1, 25_000_000, 4)]
    [TestCase(1, 100_000, 1000)]
    [TestCase(4, 25_000_000, 1)]
    public void OnesAddUp(long outer, long reduced, long inner)
    {
        var shape = new ReductionShape(outer, reduced, inner);
        var input = Input.Repeat(DType.Float32, shape, 1);
        Assert.That(input.Reduce(Reduction.Sum, shape), Is.All.EqualTo((double)reduced));
    }

    [TestCase(1, 2_000_000, 1)]
    [TestCase(1, 500_000, 4)]
    [TestCase(1, 20_000, 100)]
    [TestCase(20, 100_000, 1)]
    public void SumsOfTenthsKeepTheirDigits(long outer, long reduced, long inner)
    {
        // 0.1 rounds in binary, so lanes drift; added one after the other, two million of them would be off by 1e-2 relatively.
        // Lanes of half as many bits add up twice as many of them.
        double tolerance = Vector<float>.Count >= 8 ? 4e-7 : 8e-7;
        var shape = new ReductionShape(outer, reduced, inner);
        var input = Input.Repeat(DType.Float32, shape, 0.1);
        foreach (double sum in input.Reduce(Reduction.Sum, shape))
        {
            Assert.That(sum, Is.EqualTo(reduced * (double)0.1f).Within(tolerance * reduced * 0.1));
        }
    }

    [Test]
    public void NothingGivesTheNeutralElement([Values] DType dtype)
    {
        var shape = new ReductionShape(3, 0, 5);
        var input = Input.Create(dtype, shape, Form.Contiguous, _ => 0);
        if (dtype == DType.Bool)
        {
            Assert.That(() => input.Reduce(Reduction.Sum, shape), Throws.TypeOf<DTypeException>().With.Message.Contains("int64"));
        }
        else
        {
            Assert.That(input.Reduce(Reduction.Sum, shape), Has.Length.EqualTo(15).And.All.EqualTo(0));
            Assert.That(input.Reduce(Reduction.Product, shape), Has.Length.EqualTo(15).And.All.EqualTo(1));
        }

        foreach (var kind in new[] { Reduction.Max, Reduction.Min, Reduction.ArgMax, Reduction.ArgMin })
        {
            Assert.That(() => input.Reduce(kind, shape), Throws.TypeOf<ShapeException>().With.Message.Contains($"[{kind}]"));
        }

        Assert.That(Input.Create(dtype, new(0, 4, 5), Form.Contiguous, _ => 0).Reduce(Reduction.Max, new(0, 4, 5)), Is.Empty);
    }

    [Test]
    public void SmallReductionsDoNotAllocate()
    {
        foreach (var shape in new ReductionShape[] { new(1, 4, 1), new(2, 2, 1), new(1, 2, 2), new(3, 100, 20), new(1, 20000, 3) })
        {
            var input = Input.Create(DType.Float32, shape, Form.Contiguous, i => i);
            var (_, run) = input.Prepare(Reduction.Sum, shape);
            run();
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 100; i++)
            {
                run();
            }

            // What the executor itself allocates for a launch (the layout of its output) does not grow with the reduction.
            Assert.That((GC.GetAllocatedBytesForCurrentThread() - before) / 100, Is.LessThan(200), $"{shape}");
        }
    }

    private static double Draw(Random random, Reduction kind, DType dtype)
    {
        if (dtype == DType.Bool)
        {
            return random.Next(2);
        }

        // So that long products keep their digits and stay in range.
        bool isWide = dtype is DType.Float32 or DType.Float64;
        return (kind, dtype.IsFloatingPoint()) switch
        {
            (Reduction.Product, true) when isWide => 1 + (random.NextDouble() - 0.5) * 1e-2,
            (Reduction.Product, true) => random.Next(20000) == 0 ? -1.25 : 1,
            (Reduction.Product, false) => dtype == DType.UInt8 ? random.Next(1, 4) : random.Next(100) == 0 ? -3 : 1,
            (Reduction.Sum, true) => random.NextDouble() * 2 - 1,
            (_, true) => Math.Round(random.NextDouble() * 200) / 8 - 12,
            _ => dtype == DType.UInt8 ? random.Next(0, 16) : random.Next(-1000, 1000),
        };
    }

    private static void Check(Reduction kind, DType dtype, ReductionShape shape, Form form, Input input, double[] actual)
    {
        for (long o = 0; o < shape.Outer; o++)
        {
            for (long i = 0; i < shape.Inner; i++)
            {
                var (expected, tolerance) = Expect(kind, dtype, shape, input, o, i);
                double value = actual[o * shape.Inner + i];
                if (!(Math.Abs(value - expected) <= tolerance) && !value.Equals(expected))
                {
                    Assert.Fail($"{kind} {dtype} {shape} {form}: [{o}, {i}] is {value:R}, expected {expected:R} within {tolerance:R}");
                }
            }
        }
    }

    private static (double Value, double Tolerance) Expect(Reduction kind, DType dtype, ReductionShape shape, Input input, long o, long i)
    {
        // Compensated, or the plain loop would be the less accurate of the two.
        double sum = 0, lost = 0, magnitude = 0, product = 1, best = double.NaN;
        long integerSum = 0, integerProduct = 1, index = -1;
        for (long r = 0; r < shape.Reduced; r++)
        {
            double x = input.Elements[(o * shape.Reduced + r) * shape.Inner + i];
            double next = sum + x;
            lost += Math.Abs(sum) >= Math.Abs(x) ? sum - next + x : x - next + sum;
            sum = next;
            magnitude += Math.Abs(x);
            product *= x;
            bool replaces = kind is Reduction.Max or Reduction.ArgMax ? x > best : x < best;
            if (r == 0 || (!double.IsNaN(best) && (double.IsNaN(x) || replaces)))
            {
                (best, index) = (x, r);
            }

            if (!dtype.IsFloatingPoint())
            {
                integerSum += (long)x;
                integerProduct *= (long)x;
            }
        }

        sum = double.IsFinite(sum) ? sum + lost : sum;
        var (unit, loss) = dtype switch
        {
            DType.Float64 => (1e-15, 1e-12),
            DType.Float32 => (4e-7, 4e-4),
            DType.Float16 => (5e-4, 5e-4),
            _ => (4e-3, 4e-3),
        };
        return kind switch
        {
            Reduction.Sum when dtype is DType.Float32 or DType.Float64 => (sum, unit * magnitude),
            Reduction.Sum when dtype.IsFloatingPoint() => (sum, unit * Math.Abs(sum) + 4e-7 * magnitude),
            Reduction.Product when dtype.IsFloatingPoint() => (product, loss * Math.Abs(product) + double.Epsilon),
            Reduction.Sum => (Wrap(integerSum, dtype), 0),
            Reduction.Product => (Wrap(integerProduct, dtype), 0),
            Reduction.Max or Reduction.Min => (best, 0),
            _ => (index, 0),
        };
    }

    private static double Wrap(long value, DType dtype) => dtype switch
    {
        DType.UInt8 => (byte)value,
        DType.Int32 => (int)value,
        _ => value,
    };

    /// <summary>An expression made by hand, and its elements in row-major order.</summary>
    private sealed class Input(Func<Expression> create, double[] elements)
    {
        public double[] Elements { get; } = elements;

        /// <summary>The same number everywhere, from one element in memory.</summary>
        public static Input Repeat(DType dtype, ReductionShape shape, double value)
        {
            var block = Store(dtype, [value]);
            var layout = Layout.Strided(ShapeOf(shape), [0, 0, 0], 0);
            return new Input(() => new BufferExpression(block, dtype, layout), []);
        }

        public static Input Create(DType dtype, ReductionShape shape, Form form, Func<long, double> draw)
        {
            var (outer, reduced, inner) = (shape.Outer, shape.Reduced, shape.Inner);
            long[] strides = form switch
            {
                Form.Padded => [reduced * (inner + 3), inner + 3, 1],
                Form.Permuted or Form.ComputedPermuted => [1, outer * inner, outer],
                Form.Repeated => [reduced, 1, 0],
                _ => [reduced * inner, inner, 1],
            };
            long last = shape.Results * reduced == 0 ? 0 : strides[0] * (outer - 1) + strides[1] * (reduced - 1) + strides[2] * (inner - 1);
            var memory = new double[SourceSlack + last + 1];
            for (long i = 0; i < memory.Length; i++)
            {
                memory[i] = Round(draw(i), dtype);
            }

            bool isSquared = form is Form.Computed or Form.ComputedPermuted;
            var elements = new double[outer * reduced * inner];
            for (long e = 0; e < elements.Length; e++)
            {
                var (o, r, i) = (e / (reduced * inner), e / inner % reduced, e % inner);
                double x = memory[SourceSlack + o * strides[0] + r * strides[1] + i * strides[2]];
                elements[e] = isSquared ? Round(dtype == DType.UInt8 ? (byte)(x * x) : x * x, dtype) : x;
            }

            var block = Store(dtype, memory);
            var layout = Layout.Strided(ShapeOf(shape), strides, SourceSlack);
            Func<Expression> create = () => new BufferExpression(block, dtype, layout);
            return new Input(isSquared ? () => Square(create()) : create, elements);
        }

        public double[] Reduce(Reduction kind, ReductionShape shape)
        {
            var (result, run) = Prepare(kind, shape);
            run();
            return Load(result.Block, result.DType, shape.Results);
        }

        public (BufferExpression Result, Action Run) Prepare(Reduction kind, ReductionShape shape)
        {
            var expression = create();
            var dtype = kind is Reduction.ArgMax or Reduction.ArgMin ? DType.Int64 : expression.DType;
            var block = Device.Cpu.Allocate(shape.Results * dtype.Size());
            var result = new BufferExpression(block, dtype, Layout.Contiguous([shape.Outer, shape.Inner]));
            return (result, () =>
            {
                using (Device.Cpu.Gate.Enter())
                {
                    Executor.Of(Device.Cpu).Reduce(kind, expression, shape, result);
                }
            }
            );
        }

        private static ApplyExpression Square(Expression x) =>
            new(SquareFunction.Instance, x.DType, Layout.Contiguous(x.Shape), x, null, null, Weight.Of(1, 1, 0));

        private static Shape ShapeOf(ReductionShape shape) => [shape.Outer, shape.Reduced, shape.Inner];
    }

    private sealed class SquareFunction : PointwiseFunction
    {
        private SquareFunction()
            : base("TestSquare", 1)
        {
        }

        public static SquareFunction Instance { get; } = new();

        public static T Invoke<T>(T x) where T : INumber<T> => x * x;

        public static Vector<T> Invoke<T>(Vector<T> x) => x * x;
    }

    private static double Round(double value, DType dtype) => dtype switch
    {
        DType.Float32 => (float)value,
        DType.Float16 => (double)(Half)(float)value,
        DType.BFloat16 => HalfConversion.RoundToBFloat16((float)value),
        _ => value,
    };

    private static global::Autograd.Gpu.Devices.Block Store(DType dtype, double[] values)
    {
        var block = Device.Cpu.Allocate(values.Length * dtype.Size());
        switch (dtype)
        {
            case DType.Bool or DType.UInt8:
                Copy(v => (byte)v);
                break;
            case DType.Int32:
                Copy(v => (int)v);
                break;
            case DType.Int64:
                Copy(v => (long)v);
                break;
            case DType.Float16:
                Copy(v => (Half)v);
                break;
            case DType.BFloat16:
                Copy(v => HalfConversion.FloatToBFloat16((float)v));
                break;
            case DType.Float32:
                Copy(v => (float)v);
                break;
            default:
                Copy(v => v);
                break;
        }

        return block;

        void Copy<T>(Func<double, T> convert) where T : unmanaged =>
            block.CopyFrom(MemoryMarshal.AsBytes<T>(Array.ConvertAll(values, v => convert(v))));
    }

    private static double[] Load(global::Autograd.Gpu.Devices.Block block, DType dtype, long count)
    {
        return dtype switch
        {
            DType.Bool or DType.UInt8 => Copy<byte>(v => v),
            DType.Int32 => Copy<int>(v => v),
            DType.Int64 => Copy<long>(v => v),
            DType.Float16 => Copy<Half>(v => (double)v),
            DType.BFloat16 => Copy<ushort>(v => HalfConversion.BFloat16ToFloat(v)),
            DType.Float32 => Copy<float>(v => v),
            _ => Copy<double>(v => v),
        };

        double[] Copy<T>(Func<T, double> convert) where T : unmanaged
        {
            var elements = new T[count];
            block.CopyTo(MemoryMarshal.AsBytes(elements.AsSpan()));
            return Array.ConvertAll(elements, v => convert(v));
        }
    }
}
