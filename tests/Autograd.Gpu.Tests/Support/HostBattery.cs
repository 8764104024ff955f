using System.Runtime.InteropServices;
using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Tests.Support;

/// <summary>
/// One use or two of each family of host kernels, as functions of a size: what must come out the same with any number of threads and within rounding
/// with any width of vectors. Sizes are odd, so that tiles, vectors and chunks have remainders.
/// </summary>
internal static class HostBattery
{
    public static IReadOnlyList<(string Name, Func<int, Tensor[]> Run)> Cases { get; } =
    [
        ("sums", n => Reductions(n, (x, dims) => x.Sum(dims))),
        ("means of float64", n => Reductions(n, (x, dims) => x.To(DType.Float64).Mean(dims))),
        ("sums of fused chains", n => Reductions(n, (x, dims) => (x.Tanh() * x + 1).Sum(dims))),
        ("largest", n => Reductions(n, (x, dims) => x.Amax(dims))),
        ("variances", n => Reductions(n, (x, dims) => x.Var(dims))),
        ("sums of int32", n => Reductions(n, (x, dims) => (x * 1000).To(DType.Int32).Sum(dims))),
        ("places of the largest", n => [Floats(n, 63).ArgMax(), Floats(n, 63).ArgMax(0), Floats(n, 63).ArgMax(1)]),
        ("softmax", n => Both(x => x.Softmax(1), Leaf(n / 129, 129))),
        ("log softmax", n => Both(x => x.LogSoftmax(0), Leaf(n / 129, 129))),
        ("cross entropy", n => Both(x => Functional.CrossEntropy(x, Indices(n / 129, 129)), Leaf(n / 129, 129))),
        ("layer norm", n => Both(x => Functional.LayerNorm(x, [101], Floats(101), Floats(101)), Leaf(n / 101, 101))),
        ("batch norm", n => Both(x => Functional.BatchNorm(x, null, null, training: true), Leaf(n / 175, 25, 7))),
        ("matrix product", n => Both((a, b) => a.MatMul(b), Leaf(Root(n), 67), Leaf(67, Root(n)))),
        ("matrix product of float64", n => [Floats(Root(n), 67).To(DType.Float64).MatMul(Floats(Root(n), 67).To(DType.Float64).T)]),
        ("matrix and vector", n => Both((a, b) => a.MatMul(b), Leaf(n / 129, 129), Leaf(129, 1))),
        ("stack of products", n => Both((a, b) => a.MatMul(b), Leaf(n / 340, 17, 20), Leaf(n / 340, 20, 13))),
        ("convolution", n => Both((x, w) => Functional.Conv2d(x, w, padding: 1), Leaf(Root(n) / 20 + 1, 11, 15, 17), Leaf(19, 11, 3, 3))),
        ("convolution of groups, stride 2", n => Both((x, w) => Functional.Conv2d(x, w, stride: 2, groups: 11), Leaf(Root(n) / 20 + 1, 11, 15, 17), Leaf(11, 1, 3, 3))),
        ("pooling", n => Both(x => Functional.MaxPool2d(x, 3, 2) + Functional.AvgPool2d(x, 3, 2), Leaf(n / 900 + 1, 3, 15, 17))),
        ("attention", n => Attention(n / 1000 + 1, 33)),
        ("attention of one long head", n => Attention(1, Root(n))),
        ("sums along", n => [Floats(n).CumSum(0), Floats(n / 63, 63).CumSum(0), Floats(n / 63, 63).CumSum(1), Floats(n / 63, 63).LogCumSumExp(1)]),
        ("sort", n => [.. Pair(Floats(n).Sort()), .. Pair(Floats(n / 63, 63).Sort(0)), .. Pair(Floats(n / 63, 63).TopK(5, 1))]),
        ("random", n => Random(n)),
        ("dropout", n => Both(x => Functional.Dropout(x, 0.3, generator: new Generator(5)), Leaf(n))),
        ("scatter and index add", n => Scatters(n)),
        ("gather and index select", n => [Floats(n / 63, 63).Gather(0, Indices(n / 63 * 63, n / 63).Reshape(n / 63, 63)), Floats(n / 63, 63).IndexSelect(1, Indices(40, 63))]),
        ("embedding", n => Both(w => Functional.Embedding(Indices(n / 31, 57), w), Leaf(57, 31))),
        ("pointwise", n => Both((a, b) => a * b + (a - b).Abs() / (b * b + 1) - Tensor.Maximum(a, b).Abs().Sqrt(), Leaf(n), Leaf(n))),
        ("exponentials", n => Both((a, b) => (a.Exp() + b.Sigmoid()).Log() + a.Tanh() + (a + 2).Pow(b) + b.Expm1(), Leaf(n), Leaf(n))),
        ("angles", n => Both((a, b) => a.Sin() * b.Cos() + (a * 0.5).Asin() + a.Atan2(b) + b.Tan(), Leaf(n), Leaf(n))),
        ("special functions", n => Both(a => a.Erf() + (a + 3).Lgamma() + (a * 0.5).Erfinv() + (a + 3).Digamma(), Leaf(n / 4))),
        ("functions of float64", n => [Doubles(n).Exp() + Doubles(n).Sin() * (Doubles(n) + 2).Log(), Doubles(n).Tanh() + (Doubles(n) + 2).Pow(1.7), Doubles(n).Erf()]),
        ("half types", n => [(Floats(n).To(DType.Float16) * 3).Tanh(), (Floats(n).To(DType.BFloat16) + 1).Exp().Sum(), Floats(n).To(DType.Float16).Sum()]),
        ("casts and masks", n => [Tensor.Where(Floats(n) > 0.2, Floats(n), 2), (Floats(n) * 100).To(DType.Int64), (Floats(n) * 100).To(DType.UInt8), (Floats(n) > 0).To(DType.Float32), (Floats(n) < 0.1).All()]),
        ("strided and broadcast", n => [(Floats(n / 63, 63).T * Floats(n / 63) + Floats(63, 1)).Contiguous(), Floats(n)[TensorIndex.Slice(1, null, 3)].Tanh(), Floats(n / 63, 1).Expand(n / 63, 63).Sum(0)]),
        ("recurrent cells", n => Recurrent(n)),
    ];

    private static int Root(int n) => (int)Math.Sqrt(n);

    private static Tensor Floats(params long[] shape)
    {
        long count = shape.Aggregate(1L, (product, size) => product * size);
        return Tensor.FromArray(Array.ConvertAll(Numbers.Uniform((int)count, count, -1, 1), v => (float)v), shape, Device.Cpu);
    }

    private static Tensor Doubles(long n) => Tensor.FromArray(Numbers.Uniform((int)n, n, -1, 1), [n], Device.Cpu);

    private static Tensor Leaf(params long[] shape) => Floats(shape).RequiresGrad_();

    private static Tensor Indices(int n, int end)
    {
        var random = new Random(end);
        var indices = new long[n];
        for (int i = 0; i < n; i++)
        {
            indices[i] = random.Next(end);
        }

        return Tensor.FromArray(indices, [n], Device.Cpu);
    }

    private static Tensor[] Reductions(int n, Func<Tensor, int[], Tensor> reduce)
    {
        var (matrix, cube) = (Floats(n / 127, 127), Floats(n / 260, 26, 10));
        return [reduce(Floats(n), [0]), reduce(matrix, [1]), reduce(matrix, [0]), reduce(matrix.T, [0]), reduce(cube, [1]), reduce(cube, [0, 1, 2]), reduce(Floats(5, n / 5), [1])];
    }

    /// <summary>What flows into a result: never the numbers that went in, of which a norm's gradient is all rounding.</summary>
    private static Tensor Slopes(Tensor y) => Floats([y.NumElements]).Flip(0).Reshape([.. y.Shape]);

    private static Tensor[] Both(Func<Tensor, Tensor> function, Tensor x)
    {
        var y = function(x);
        y.Backward(Slopes(y));
        return [y.Detach(), x.Grad!];
    }

    private static Tensor[] Both(Func<Tensor, Tensor, Tensor> function, Tensor a, Tensor b)
    {
        var y = function(a, b);
        y.Backward(Slopes(y));
        return [y.Detach(), a.Grad!, b.Grad!];
    }

    private static Tensor[] Attention(int heads, int length)
    {
        var (q, k, v) = (Leaf(heads, length, 24), Leaf(heads, length + 3, 24), Leaf(heads, length + 3, 16));
        var y = Functional.ScaledDotProductAttention(q, k, v);
        y.Backward(Slopes(y));
        return [y.Detach(), q.Grad!, k.Grad!, v.Grad!];
    }

    private static Tensor[] Pair((Tensor Values, Tensor Indices) pair) => [pair.Values, pair.Indices];

    private static Tensor[] Random(int n)
    {
        var generator = new Generator(3);
        return
        [
            Tensor.Rand([n], device: Device.Cpu, generator: generator), Tensor.Randn([n], DType.Float64, Device.Cpu, generator: generator),
            Tensor.RandInt(1000, [n], device: Device.Cpu, generator: generator), Tensor.RandPerm(n, device: Device.Cpu, generator: generator),
            Tensor.Randn([n], device: Device.Cpu, generator: generator),
        ];
    }

    private static Tensor[] Scatters(int n)
    {
        var (few, many) = (Indices(n, 7), Indices(n, n / 3));
        return
        [
            Floats(7).ScatterAdd(0, few, Floats(n)), Floats(n / 3).ScatterAdd(0, many, Floats(n)),
            Floats(50, 63).IndexAdd(0, Indices(n / 63, 50), Floats(n / 63, 63)), Floats(63, 50).IndexAdd(1, Indices(n / 63, 50), Floats(63, n / 63)),
        ];
    }

    private static Tensor[] Recurrent(int n)
    {
        var cells = new Module[] { new LSTMCell(13, 19), new GRUCell(13, 19) };
        var results = new List<Tensor>();
        foreach (RecurrentCell cell in cells)
        {
            foreach (var parameter in cell.Parameters())
            {
                using (Autodiff.NoGrad())
                {
                    parameter.Copy_(Floats([.. parameter.Shape]));
                }
            }

            results.AddRange(Both(x => cell.Forward(x), Leaf(n / 60, 13)));
            results.AddRange(cell.Parameters().Select(p => p.Grad!));
        }

        return [.. results];
    }

    /// <summary>The elements as they lie in memory, in row-major order.</summary>
    public static byte[] Bytes(Tensor tensor) => tensor.DType switch
    {
        DType.Bool => Bytes<bool>(tensor),
        DType.UInt8 => Bytes<byte>(tensor),
        DType.Int32 => Bytes<int>(tensor),
        DType.Int64 => Bytes<long>(tensor),
        DType.Float32 => Bytes<float>(tensor),
        DType.Float64 => Bytes<double>(tensor),
        _ => Bytes<float>(tensor.To(DType.Float32)),
    };

    private static byte[] Bytes<T>(Tensor tensor)
        where T : unmanaged => MemoryMarshal.AsBytes(tensor.Detach().ToArray<T>().AsSpan()).ToArray();
}
