using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Tests;

/// <summary>Every pointwise operation against its oracle. A new operation is tested without a change here; it only needs a row of the oracle table.</summary>
internal sealed class PointwiseForwardTests
{
    private static IEnumerable<TestCaseData> All => PointwiseTable.CasesOnDevices(PointwiseTable.TakesFloats);

    private static IEnumerable<TestCaseData> OnHost => PointwiseTable.Cases(PointwiseTable.TakesFloats);

    private static IEnumerable<TestCaseData> OnIntegers => PointwiseTable.CasesOnDevices(o => o.Supports(DType.Int64));

    [Test]
    public void EveryOperationHasAnOracleAndEveryOracleAnOperation()
    {
        Assert.That(PointwiseTable.Operations, Has.Count.GreaterThanOrEqualTo(61));
        Assert.That(PointwiseTable.Operations.Where(o => !PointwiseTable.HasOracle(o)).Select(o => o.Name), Is.Empty, "operations without an oracle");
        Assert.That(PointwiseTable.OraclesWithoutOperation(), Is.Empty, "oracles without an operation");
        foreach (var operation in PointwiseTable.Operations.Where(o => o.Supports(DType.Int64)))
        {
            Assert.That(PointwiseTable.OracleOf(operation).Whole, Is.Not.Null, $"{operation.Name} takes integers and its oracle does not");
        }
    }

    [TestCaseSource(nameof(All))]
    [Category(Laziness.Both)]
    public void FloatsAgreeWithTheOracle(PointwiseOperation operation, Device device)
    {
        foreach (var dtype in PointwiseTable.Floats)
        {
            var inputs = Special(operation, dtype);
            foreach (bool lazy in new[] { true, false })
            {
                using var mode = Laziness.Set(lazy);
                Check(operation, dtype, inputs, Run(operation, dtype, inputs, device), $"{device}, {TestDevices.ModeName(lazy)}");
            }
        }
    }

    [TestCaseSource(nameof(OnIntegers))]
    [Category(Laziness.Both)]
    public void IntegersAndBoolsAgreeWithTheOracle(PointwiseOperation operation, Device device)
    {
        foreach (var dtype in PointwiseTable.WholeNumbers)
        {
            if (!operation.Supports(dtype))
            {
                continue;
            }

            long[] sample = dtype switch
            {
                DType.Bool => [0, 1],
                DType.Int32 => [0, 1, -1, 2, -3, 7, 40, int.MaxValue, int.MinValue],
                _ => [0, 1, -1, 2, -3, 7, 40, 1L << 33, (1L << 52) + 1],
            };

            // Exponents stay small, so that the oracle's loop ends.
            var inputs = Product(operation, sample, operation.Name == "Pow" ? [0, 1, -1, 2, -3, 7, 40] : sample, v => v);
            var oracle = PointwiseTable.OracleOf(operation).Whole!;
            foreach (bool lazy in new[] { true, false })
            {
                using var mode = Laziness.Set(lazy);
                var tensors = inputs.Select((column, i) => Whole(column, i == 0 && operation.TakesCondition ? DType.Bool : dtype, device)).ToArray();
                var actual = PointwiseTable.Apply(operation, tensors).To(DType.Int64).ToArray<long>();
                for (int i = 0; i < actual.Length; i++)
                {
                    long expected = oracle(inputs[0][i], At(inputs, 1, i), At(inputs, 2, i));
                    expected = dtype == DType.Int32 && !operation.IsPredicate ? (int)expected
                        : dtype != DType.Bool ? expected
                        : operation is BitwiseOperation ? expected & 1
                        : expected != 0 ? 1 : 0;
                    Assert.That(
                        actual[i], Is.EqualTo(expected), $"{operation.Name}({string.Join(", ", inputs.Select(c => c[i]))}) of {dtype} on {device}, {TestDevices.ModeName(lazy)}");
                }
            }
        }
    }

    [TestCaseSource(nameof(OnHost))]
    public void EveryLengthOfTailIsComputed(PointwiseOperation operation)
    {
        foreach (var dtype in PointwiseTable.Floats)
        {
            for (int count = 0; count <= 40; count++)
            {
                var inputs = Draw(operation, dtype, count, count);
                Check(operation, dtype, inputs, Run(operation, dtype, inputs, Device.Cpu), $"{count} elements");
            }
        }
    }

    [TestCaseSource(nameof(All))]
    public void StridedAndBroadcastInputsAreRead(PointwiseOperation operation, Device device)
    {
        foreach (var dtype in PointwiseTable.Floats)
        {
            // Each input in turn has one of the layouts, the others the next ones.
            for (int turn = 0; turn < Layouts.Length; turn++)
            {
                var views = new Tensor[operation.Arity];
                var columns = new double[operation.Arity][];
                for (int i = 0; i < views.Length; i++)
                {
                    var memory = Draw(operation, dtype, 60, turn + 7 * i)[i];
                    var type = i == 0 && operation.TakesCondition ? DType.Bool : dtype;
                    views[i] = Layouts[(turn + i) % Layouts.Length](Numbers.Of(memory, [60], type, device));
                    columns[i] = Gather(memory, views[i], [4, 3]);
                }

                var result = PointwiseTable.Apply(operation, views);
                if (result.Shape != views[0].Shape || views.Length == 1)
                {
                    Assert.That(result.Shape, Is.EqualTo(views.Select(v => v.Shape).Aggregate(Broadcast)));
                }

                Check(operation, dtype, columns, Gather(result.Doubles(), result.Contiguous(), [4, 3]), $"{device}, layout {turn}");
            }
        }
    }

    [TestCaseSource(nameof(All))]
    public void EmptyTensorsAndNumbersWithoutDimensionsWork(PointwiseOperation operation, Device device)
    {
        foreach (var shape in new Shape[] { [0], [0, 3], [2, 0, 4], [] })
        {
            var inputs = Draw(operation, DType.Float32, (int)shape.NumElements, 5);
            var tensors = Tensors(operation, DType.Float32, inputs, shape, device);
            var result = PointwiseTable.Apply(operation, tensors);
            Assert.That(result.Shape, Is.EqualTo(shape));
            Check(operation, DType.Float32, inputs, result.Doubles(), $"{device}, shape {shape}");
        }
    }

    [TestCaseSource(nameof(All))]
    [Category(Laziness.Both)]
    public void ResultsInPlaceAreThoseOutOfPlace(PointwiseOperation operation, Device device)
    {
        foreach (bool lazy in new[] { true, false })
        {
            using var mode = Laziness.Set(lazy);
            var inputs = Draw(operation, DType.Float32, 6, 3);
            var tensors = Tensors(operation, DType.Float32, inputs, [2, 3], device);
            if (operation.TakesCondition || operation.IsPredicate)
            {
                Assert.Throws<DTypeException>(() => PointwiseTable.ApplyInPlace(operation, tensors[0], tensors[1..]));
                continue;
            }

            var expected = PointwiseTable.Apply(operation, tensors).Doubles();
            var target = tensors[0].Clone();
            var view = target.Reshape(6);
            var returned = PointwiseTable.ApplyInPlace(operation, target, tensors[1..]);
            Assert.That(returned, Is.SameAs(target));
            Assert.That((target.Version, view.Version), Is.EqualTo((1, 1)));
            Assert.That(target.Doubles(), Is.EqualTo(expected));
            Assert.That(view.Doubles(), Is.EqualTo(expected), "a view sees the write");
            Assert.That(tensors[0].Doubles(), Is.EqualTo(inputs[0]), "the clone's source does not");

            // Through a transposed view, whose elements lie at other places.
            var matrix = tensors[0].Reshape(3, 2).T.Clone().T;
            var others = tensors[1..].Select(t => t.Reshape(3, 2)).ToArray();
            PointwiseTable.ApplyInPlace(operation, matrix, others);
            Assert.That(matrix.Doubles(), Is.EqualTo(expected), "written through strides");
        }
    }

    private static readonly Func<Tensor, Tensor>[] Layouts =
    [
        t => t.Narrow(0, 0, 12).Reshape(4, 3),
        t => t.Narrow(0, 12, 12).Reshape(3, 4).T,
        t => t.Reshape(5, 12)[TensorIndex.Slice(0, 4), TensorIndex.Slice(1, null, 4)],
        t => t[5..8],
        t => t[1..5].Reshape(4, 1),
        t => t[^1],
        t => t.Reshape(10, 6)[TensorIndex.Slice(1, 9, 2), TensorIndex.Slice(0, 6, 2)],
        t => t[..4].Unsqueeze(1).Expand(4, 3),
    ];

    /// <summary>The elements of a view of <paramref name="memory"/>, by its strides, broadcast to a shape.</summary>
    private static double[] Gather(double[] memory, Tensor view, long[] shape)
    {
        var result = new List<double>();
        int lead = shape.Length - view.Rank;
        for (long i = 0; i < shape[0]; i++)
        {
            for (long j = 0; j < shape[1]; j++)
            {
                long[] index = [i, j];
                long at = view.StorageOffset;
                for (int d = 0; d < view.Rank; d++)
                {
                    at += view.Shape[d] == 1 ? 0 : index[lead + d] * view.Strides[d];
                }

                result.Add(memory[at]);
            }
        }

        return [.. result];
    }

    private static Shape Broadcast(Shape a, Shape b)
    {
        var (longer, shorter) = a.Rank >= b.Rank ? (a, b) : (b, a);
        var sizes = longer.ToArray();
        for (int d = 1; d <= shorter.Rank; d++)
        {
            sizes[^d] = Math.Max(sizes[^d], shorter[-d]);
        }

        return sizes;
    }

    private static double[] Run(PointwiseOperation operation, DType dtype, double[][] inputs, Device device) =>
        PointwiseTable.Apply(operation, Tensors(operation, dtype, inputs, [inputs[0].Length], device)).Doubles();

    private static Tensor[] Tensors(PointwiseOperation operation, DType dtype, double[][] inputs, Shape shape, Device device) =>
        [.. inputs.Select((column, i) => Numbers.Of(column, shape, i == 0 && operation.TakesCondition ? DType.Bool : dtype, device))];

    private static void Check(PointwiseOperation operation, DType dtype, double[][] inputs, double[] actual, string where)
    {
        var oracle = PointwiseTable.OracleOf(operation);
        double bound = dtype == DType.Float32 ? oracle.Single : oracle.Double;
        Assert.That(actual, Has.Length.EqualTo(inputs[0].Length));
        for (int i = 0; i < actual.Length; i++)
        {
            double expected = dtype == DType.Float32 && oracle.OverFloats is { } overFloats
                ? overFloats((float)inputs[0][i], (float)At(inputs, 1, i), (float)At(inputs, 2, i))
                : oracle.Real(inputs[0][i], At(inputs, 1, i), At(inputs, 2, i));
            double ulps = oracle.Terms?.Invoke(inputs[0][i], At(inputs, 1, i)) is { } terms && Math.Abs(expected) < terms && double.IsFinite(terms)
                ? Math.Abs(expected - actual[i]) / (dtype == DType.Float32 ? MathF.BitIncrement((float)terms) - (float)terms : Math.BitIncrement(terms) - terms)
                : Numbers.Ulps(expected, actual[i], dtype);
            Assert.That(
                ulps,
                Is.LessThanOrEqualTo(bound),
                $"{operation.Name}({string.Join(", ", inputs.Select(c => c[i].ToString("R")))}) of {dtype} on {where}: expected {expected:R}, got {actual[i]:R}");
        }
    }

    private static T At<T>(T[][] columns, int column, int row) => column < columns.Length ? columns[column][row] : default!;

    /// <summary>All tuples of special numbers (for three inputs of fewer of them), then some random ones.</summary>
    private static double[][] Special(PointwiseOperation operation, DType dtype)
    {
        var values = PointwiseTable.Special(dtype);
        var first = operation.TakesCondition ? [0, 1] : operation.Arity == 3 ? values[..9] : values;
        var columns = Product(operation, first, operation.Arity == 3 ? [.. values[..9], values[20]] : values, v => v);
        var drawn = Draw(operation, dtype, 100, 1);
        return [.. columns.Select((c, i) => (double[])[.. c, .. drawn[i]])];
    }

    private static T[][] Product<T>(PointwiseOperation operation, T[] first, T[] others, Func<T, T> convert)
    {
        var rows = operation.Arity switch
        {
            1 => first.Select(a => new[] { a }),
            2 => from a in first from b in others select new[] { a, b },
            _ => from a in first from b in others from c in others select new[] { a, b, c },
        };
        var all = rows.ToArray();
        return [.. Enumerable.Range(0, operation.Arity).Select(i => all.Select(r => convert(r[i])).ToArray())];
    }

    /// <summary>Random inputs over a range somewhat wider than the operation's domain, as the dtype holds them.</summary>
    private static double[][] Draw(PointwiseOperation operation, DType dtype, int count, int seed)
    {
        var (low, high) = operation.Domain;
        return
        [
            .. Enumerable.Range(0, operation.Arity).Select(i => i == 0 && operation.TakesCondition
                ? Array.ConvertAll(Numbers.Uniform(seed, count, -1, 1), v => v > 0 ? 1.0 : 0.0)
                : Array.ConvertAll(Numbers.Uniform(seed + 100 * i, count, low, high * 2), v => dtype == DType.Float32 ? (float)v : v)),
        ];
    }

    private static Tensor Whole(long[] values, DType dtype, Device device) => dtype switch
    {
        DType.Bool => Tensor.FromArray(Array.ConvertAll(values, v => v != 0), device),
        DType.Int32 => Tensor.FromArray(Array.ConvertAll(values, v => (int)v), device),
        _ => Tensor.FromArray(values, device),
    };
}
