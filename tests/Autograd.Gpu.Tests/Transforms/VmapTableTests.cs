namespace Autograd.Gpu.Tests;

/// <summary>Every operation mapped over a batch computes what a loop over the samples does, alone, nested and with derivatives.</summary>
internal sealed class VmapTableTests
{
    [TestCaseSource(typeof(TransformTable), nameof(TransformTable.All))]
    public void AMapIsTheStackedLoop(TransformRow row, Device device)
    {
        foreach (bool[] batched in Combinations(row.Count))
        {
            CheckMap(row, device, 2, batched, dim: 0);
        }
    }

    [TestCaseSource(typeof(TransformTable), nameof(TransformTable.AllOnHost))]
    public void TheBatchMayBeAnyDimension(TransformRow row, Device device)
    {
        foreach (bool[] batched in Combinations(row.Count))
        {
            CheckMap(row, device, 3, batched, dim: -1);
            CheckMap(row, device, 2, batched, dim: 1);
        }
    }

    [TestCaseSource(typeof(TransformTable), nameof(TransformTable.AllOnHost))]
    public void ABatchMayHaveOneSampleOrNone(TransformRow row, Device device)
    {
        foreach (bool[] batched in Combinations(row.Count))
        {
            CheckMap(row, device, 1, batched, dim: 0);
            var inputs = Batches(row, device, 0, batched, 0);
            var result = Autodiff.Vmap(x => [row.Apply(x)], Dims(batched, 0))(inputs)[0];
            var sample = row.Apply(row.Inputs(device));
            Assert.That((result.Shape, result.DType), Is.EqualTo((Shape.Create([0, .. sample.Shape]), sample.DType)));
        }
    }

    [TestCaseSource(typeof(TransformTable), nameof(TransformTable.AllOnHost))]
    public void MapsNest(TransformRow row, Device device)
    {
        // Each input has the batch of the outer map, of the inner one, of both or of none.
        foreach (bool[] outer in Combinations(row.Count))
        {
            foreach (bool[] inner in Combinations(row.Count))
            {
                var inputs = Enumerable.Range(0, row.Count).Select(i => row.Input(i, device, 3, [.. Size(outer[i], 2), .. Size(inner[i], 3)])).ToArray();
                var result = Autodiff.Vmap(a => Autodiff.Vmap(b => [row.Apply(b)], Dims(inner, 0))(a), Dims(outer, 0))(inputs)[0];
                var expected = Loop(2, i => Loop(3, j => row.Apply([.. inputs.Select((x, k) => At(At(x, outer[k], i), inner[k], j))])));
                Close.AreEqual(result, expected, $"outer {Show(outer)}, inner {Show(inner)}");
            }
        }
    }

    [TestCaseSource(typeof(TransformTable), nameof(TransformTable.Differentiable))]
    public void GradientsPerSampleAreThoseOfALoop(TransformRow row, Device device)
    {
        bool[] all = [.. Enumerable.Repeat(true, row.Count + 1)];
        foreach (bool[] batched in device == Device.Cpu ? Combinations(row.Count).Append(new bool[row.Count]) : [all[..^1]])
        {
            var inputs = Batches(row, device, 2, batched, 0);
            var sample = row.Apply([.. inputs.Select((x, k) => At(x, batched[k], 0))]);
            foreach (bool uBatched in batched.Contains(true) && device == Device.Cpu ? new[] { true, false } : [true])
            {
                var u = Numbers.Double(9, [.. Size(uBatched, 2), .. sample.Shape], -1, 1, device);
                var gradients = Autodiff.Vmap(a => Gradients(row, a.Take(row.Count).ToArray(), a[^1]), [.. Dims(batched, 0), uBatched ? 0 : null])([.. inputs, u]);
                for (int k = 0; k < gradients.Length; k++)
                {
                    int index = k;
                    var expected = Loop(2, i => Gradients(row, [.. inputs.Select((x, j) => At(x, batched[j], i))], At(u, uBatched, i))[index]);
                    Close.AreEqual(gradients[k], expected, $"gradient {k}, batched {Show(batched)}{(uBatched ? "" : ", one gradient for all")}");
                }
            }
        }
    }

    [TestCaseSource(typeof(TransformTable), nameof(TransformTable.DifferentiableOnHost))]
    public void TangentsPerSampleAreThoseOfALoop(TransformRow row, Device device)
    {
        foreach (bool[] batched in Combinations(row.Count).Append(new bool[row.Count]))
        {
            var inputs = Batches(row, device, 2, batched, 0);
            var v = row.Directions(device, 7, [2]);
            IReadOnlyList<Tensor> Tangents(IReadOnlyList<Tensor> a) =>
                Autodiff.Jvp(x => [row.Of([.. a])(x)], row.Smooth([.. a.Take(row.Count)]), [.. a.Skip(row.Count)]).Tangents;
            var tangents = Autodiff.Vmap(Tangents, [.. Dims(batched, 0), .. v.Select(_ => (int?)0)])([.. inputs, .. v])[0];
            var expected = Loop(2, i => Tangents([.. inputs.Select((x, k) => At(x, batched[k], i)), .. v.Select(t => t.Select(0, i))])[0]);
            Close.AreEqual(tangents, expected, $"batched {Show(batched)}");
        }
    }

    [TestCaseSource(typeof(TransformTable), nameof(TransformTable.DifferentiableOnHost))]
    public void SecondDerivativesPerSampleAreThoseOfALoop(TransformRow row, Device device)
    {
        bool[] batched = [.. Enumerable.Repeat(true, row.Count)];
        var inputs = Batches(row, device, 2, batched, 0);
        var (v, u) = (row.Directions(device, 7, [2]), Numbers.Double(9, row.Apply(row.Inputs(device)).Shape, -1, 1, device));
        foreach (bool forward in new[] { true, false })
        {
            IReadOnlyList<Tensor> Second(IReadOnlyList<Tensor> a)
            {
                var (x, direction) = (row.Smooth([.. a.Take(row.Count)]), a.Skip(row.Count).ToArray());
                IReadOnlyList<Tensor> Reverse(IReadOnlyList<Tensor> b) => Gradients(row, [.. a.Take(row.First), .. b], u);
                return forward ? Autodiff.Jvp(Reverse, x, direction).Tangents : Autodiff.Vjp(Reverse, x).Pullback(direction);
            }

            var second = Autodiff.Vmap(Second, [.. Dims(batched, 0), .. v.Select(_ => (int?)0)])([.. inputs, .. v]);
            for (int k = 0; k < second.Length; k++)
            {
                int index = k;
                var expected = Loop(2, i => Second([.. inputs.Select(x => x.Select(0, i)), .. v.Select(t => t.Select(0, i))])[index]);
                Close.AreEqual(second[k], expected, $"{(forward ? "forward" : "reverse")} over reverse, input {k}", 1e-11);
            }
        }
    }

    [TestCaseSource(typeof(TransformTable), nameof(TransformTable.DifferentiableOnHost))]
    public void DerivativesOfAMapAreThoseOfTheLoop(TransformRow row, Device device)
    {
        foreach (bool[] batched in Combinations(row.Count))
        {
            var inputs = Batches(row, device, 2, batched, 0);
            Tensor Mapped(IReadOnlyList<Tensor> a) => Autodiff.Vmap(x => [row.Apply(x)], Dims(batched, 0))(a)[0];
            Tensor Looped(IReadOnlyList<Tensor> a) => Loop(2, i => row.Apply([.. a.Select((x, k) => At(x, batched[k], i))]));
            var u = Numbers.Double(9, Mapped(inputs).Shape, -1, 1, device);
            var v = inputs.Skip(row.First).Select((x, i) => Numbers.Double(7 + i, x.Shape, -1, 1, device)).ToArray();
            IReadOnlyList<Tensor> Condition = [.. inputs.Take(row.First)];
            var actual = Autodiff.Vjp(a => [Mapped([.. Condition, .. a])], row.Smooth(inputs)).Pullback([u]);
            var expected = Autodiff.Vjp(a => [Looped([.. Condition, .. a])], row.Smooth(inputs)).Pullback([u]);
            for (int k = 0; k < actual.Length; k++)
            {
                Close.AreEqual(actual[k], expected[k], $"gradient {k}, batched {Show(batched)}");
            }

            Close.AreEqual(
                Autodiff.Jvp(a => [Mapped([.. Condition, .. a])], row.Smooth(inputs), v).Tangents[0],
                Autodiff.Jvp(a => [Looped([.. Condition, .. a])], row.Smooth(inputs), v).Tangents[0],
                $"tangent, batched {Show(batched)}");

            // The tape outside of the map records it as it would the loop.
            var leaves = inputs.Select((x, k) => k < row.First ? x : x.Detach().RequiresGrad_()).ToArray();
            Mapped(leaves).Backward(u);
            for (int k = 0; k < actual.Length; k++)
            {
                Close.AreEqual(leaves[k + row.First].Grad!, expected[k], $"the leaf's gradient {k}, batched {Show(batched)}");
            }
        }
    }

    private static IReadOnlyList<Tensor> Gradients(TransformRow row, Tensor[] inputs, Tensor u) =>
        Autodiff.Vjp(x => [row.Of(inputs)(x)], row.Smooth(inputs)).Pullback([u]);

    private static void CheckMap(TransformRow row, Device device, int size, bool[] batched, int dim)
    {
        var inputs = Batches(row, device, size, batched, dim);
        var sample = row.Apply(row.Inputs(device));
        int outDim = Math.Min(dim, sample.Rank);
        var dims = Dims(row, batched, dim);
        var result = Autodiff.Vmap(x => [row.Apply(x)], dims, [outDim])(inputs)[0];
        var first = inputs.Select((x, k) => batched[k] ? x.MoveDim(dims[k]!.Value, 0) : x).ToArray();
        var expected = Loop(size, i => row.Apply([.. first.Select((x, k) => At(x, batched[k], i))])).MoveDim(0, outDim);
        Close.AreEqual(result, expected, $"batched {Show(batched)} along {dim}");
    }

    /// <summary>Inputs with the batch as dimension <paramref name="dim"/>, or the last one that there is, where they are batched.</summary>
    private static Tensor[] Batches(TransformRow row, Device device, int size, bool[] batched, int dim)
    {
        var dims = Dims(row, batched, dim);
        return [.. Enumerable.Range(0, row.Count).Select(i => batched[i] ? row.Input(i, device, 3, [size]).MoveDim(0, dims[i]!.Value) : row.Input(i, device))];
    }

    private static int?[] Dims(TransformRow row, bool[] batched, int dim) => [.. batched.Select((b, i) => b ? Math.Min(dim, row.Shapes[i].Rank) : (int?)null)];

    private static int?[] Dims(bool[] batched, int dim) => Array.ConvertAll(batched, b => b ? dim : (int?)null);

    private static long[] Size(bool batched, long size) => batched ? [size] : [];

    private static Tensor At(Tensor x, bool batched, int index) => batched ? x.Select(0, index) : x;

    private static Tensor Loop(int size, Func<int, Tensor> sample) => Tensor.Stack([.. Enumerable.Range(0, size).Select(sample)]);

    /// <summary>Every choice of inputs that have a batch, but the empty one.</summary>
    private static IEnumerable<bool[]> Combinations(int count)
    {
        for (int mask = 1; mask < 1 << count; mask++)
        {
            int bits = mask;
            yield return [.. Enumerable.Range(0, count).Select(i => (bits >> i & 1) != 0)];
        }
    }

    private static string Show(bool[] batched) => string.Concat(batched.Select(b => b ? 'b' : '-'));
}
