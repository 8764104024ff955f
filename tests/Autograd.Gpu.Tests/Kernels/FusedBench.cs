using System.Numerics;
using System.Runtime.InteropServices;
using Autograd.Gpu.Devices;
using Autograd.Gpu.Lazy;
using Autograd.Gpu.Lazy.Ilgpu;

namespace Autograd.Gpu.Tests.Kernels;

/// <summary>
/// Expressions built by hand, run by an executor of their own on the kernels of the GPU, and read back as doubles. Whole numbers below 2^11
/// are exact in each dtype, so most tests compare exactly.
/// </summary>
internal sealed class FusedBench
{
    private readonly List<Block> _blocks = [];

    public Device Device { get; } = Device.CpuKernels;

    public IlgpuExecutor Executor { get; } = new(Device.CpuKernels);

    public static Layout Whole(params long[] sizes) => Layout.Contiguous(Shape.Create(sizes));

    public BufferExpression Buffer(DType dtype, Layout layout, params double[] elements)
    {
        var block = Device.Allocate(elements.Length * dtype.Size());
        block.CopyFrom(Encode(dtype, elements));
        _blocks.Add(block);
        return new BufferExpression(block, dtype, layout);
    }

    public BufferExpression Empty(DType dtype, Layout layout, double fill = -77)
    {
        var elements = new double[layout.Count];
        Array.Fill(elements, fill);
        return Buffer(dtype, layout, elements);
    }

    public static ConstantExpression Constant(Scalar value, DType dtype, Layout layout) => new(value, dtype, layout);

    public static ApplyExpression Apply(PointwiseFunction function, DType dtype, Expression in0, Expression? in1 = null, Expression? in2 = null)
    {
        ApplyExpression.Retain(in0);
        if (in1 is not null)
            ApplyExpression.Retain(in1);
        if (in2 is not null)
            ApplyExpression.Retain(in2);
        return new ApplyExpression(function, dtype, Layout.Contiguous(in0.Shape), in0, in1, in2, Weight.Of(1, 1, 1)) { References = 1 };
    }

    public double[] Run(Expression expression)
    {
        var output = Empty(expression.DType, Layout.Contiguous(expression.Shape));
        Run(expression, output);
        return Read(output);
    }

    public void Run(Expression expression, params BufferExpression[] outputs) =>
        Run(expression, [.. outputs.Select(o => (expression, o))]);

    /// <summary>Computes the graph below <paramref name="root"/> and stores some of its values.</summary>
    public void Run(Expression root, (Expression Value, BufferExpression Target)[] outputs)
    {
        using (Device.Gate.Enter())
        {
            Executor.Graph.Load(root);
            foreach (var (value, target) in outputs)
                Executor.Graph.AddOutput(value.VisitIndex, target.Block, target.DType, target.Layout);
            Executor.Launch(CutReason.Read);
        }
    }

    public double[] Reduce(Reduction reduction, Expression input, ReductionShape shape)
    {
        var dtype = reduction is Reduction.ArgMax or Reduction.ArgMin ? DType.Int64 : input.DType;
        var result = Empty(dtype, Whole(shape.Results));
        using (Device.Gate.Enter())
        {
            Executor.Reduce(reduction, input, shape, result);
        }

        return Read(result);
    }

    /// <summary>All elements of the block, in memory order.</summary>
    public double[] Read(BufferExpression buffer)
    {
        Device.Synchronize();
        var bytes = new byte[buffer.Block.Bytes];
        buffer.Block.CopyTo(bytes);
        return Decode(buffer.DType, bytes);
    }

    /// <summary>The elements that a layout names, in row-major order.</summary>
    public static double[] Walk(Layout layout, double[] memory)
    {
        var result = new double[layout.Count];
        for (long i = 0; i < result.Length; i++)
        {
            long at = layout.Offset, rest = i;
            for (int d = layout.Rank - 1; d >= 0; d--)
            {
                at += rest % layout.Shape[d] * layout.Strides[d];
                rest /= layout.Shape[d];
            }

            result[i] = memory[at];
        }

        return result;
    }

    private static byte[] Encode(DType dtype, double[] elements) => dtype switch
    {
        DType.Bool => Bytes(elements, v => (byte)(v != 0 ? 1 : 0)),
        DType.UInt8 => Bytes(elements, v => (byte)v),
        DType.Int32 => Bytes(elements, v => (int)v),
        DType.Int64 => Bytes(elements, v => (long)v),
        DType.Float16 => Bytes(elements, v => (Half)v),
        DType.BFloat16 => Bytes(elements, v => (ushort)(BitConverter.SingleToUInt32Bits((float)v) >> 16)),
        DType.Float32 => Bytes(elements, v => (float)v),
        _ => Bytes(elements, v => v),
    };

    private static double[] Decode(DType dtype, byte[] bytes) => dtype switch
    {
        DType.Bool or DType.UInt8 => Doubles<byte>(bytes, v => v),
        DType.Int32 => Doubles<int>(bytes, v => v),
        DType.Int64 => Doubles<long>(bytes, v => v),
        DType.Float16 => Doubles<Half>(bytes, v => (double)v),
        DType.BFloat16 => Doubles<ushort>(bytes, v => BitConverter.UInt32BitsToSingle((uint)v << 16)),
        DType.Float32 => Doubles<float>(bytes, v => v),
        _ => Doubles<double>(bytes, v => v),
    };

    private static byte[] Bytes<T>(double[] elements, Func<double, T> convert) where T : unmanaged =>
        MemoryMarshal.AsBytes<T>(Array.ConvertAll(elements, v => convert(v))).ToArray();

    private static double[] Doubles<T>(byte[] bytes, Func<T, double> convert) where T : unmanaged =>
        Array.ConvertAll(MemoryMarshal.Cast<byte, T>(bytes).ToArray(), v => convert(v));

    internal sealed class Plus() : PointwiseFunction("Plus", 2)
    {
        public static Plus Instance { get; } = new();

        internal static T Invoke<T>(T a, T b) where T : unmanaged, INumber<T> => a + b;
    }

    internal sealed class Times() : PointwiseFunction("Times", 2)
    {
        public static Times Instance { get; } = new();

        internal static T Invoke<T>(T a, T b) where T : unmanaged, INumber<T> => a * b;
    }

    internal sealed class Over() : PointwiseFunction("Over", 2)
    {
        public static Over Instance { get; } = new();

        internal static float Invoke(float a, float b) => a / b;

        internal static double Invoke(double a, double b) => a / b;
    }

    internal sealed class Root() : PointwiseFunction("Root", 1)
    {
        public static Root Instance { get; } = new();

        internal static float Invoke(float a) => MathF.Sqrt(a);

        internal static double Invoke(double a) => Math.Sqrt(a);
    }

    /// <summary>Allocates, which no kernel can.</summary>
    internal sealed class Unsupported() : PointwiseFunction("Unsupported", 1)
    {
        public static Unsupported Instance { get; } = new();

        internal static float Invoke(float a) => a + new string('x', (int)a).Length;
    }

    internal sealed class Less() : PointwiseFunction("Less", 2)
    {
        public static Less Instance { get; } = new();

        public override bool IsPredicate => true;

        internal static bool Invoke<T>(T a, T b) where T : unmanaged, INumber<T> => a < b;
    }

    internal sealed class Choose() : PointwiseFunction("Choose", 3)
    {
        public static Choose Instance { get; } = new();

        public override bool TakesCondition => true;

        internal static T Invoke<T>(bool condition, T a, T b) where T : unmanaged, INumber<T> => condition ? a : b;

        internal static bool Invoke(bool condition, bool a, bool b) => condition ? a : b;
    }
}
