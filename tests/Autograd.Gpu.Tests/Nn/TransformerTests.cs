using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Tests;

/// <summary>Multi-head attention against its formula; the layers above it; rotary embedding.</summary>
internal sealed class TransformerTests
{
    private static Tensor Input(int seed, params long[] shape) =>
        Tensor.FromArray(Array.ConvertAll(Numbers.Uniform(seed, shape.Aggregate(1L, (a, b) => a * b), -1, 1), v => (float)v), shape);

    private static Dictionary<string, Tensor> Parameters(Module module) => module.NamedParameters().ToDictionary(p => p.Name, p => p.Tensor.Detach());

    /// <summary>One head after the other, for [n, length, size], with a mask that is added.</summary>
    private static (Tensor Output, Tensor Weights) Reference(Tensor q, Tensor k, Tensor v, int heads, Tensor? added)
    {
        long size = q.Shape[-1] / heads;
        var (outputs, weights) = (new List<Tensor>(), new List<Tensor>());
        for (int h = 0; h < heads; h++)
        {
            Tensor Part(Tensor x) => x.Narrow(-1, h * size, size);
            var scores = Part(q).MatMul(Part(k).Transpose(-2, -1)) / Math.Sqrt(size);
            weights.Add((added is null ? scores : scores + added).Softmax(-1));
            outputs.Add(weights[^1].MatMul(Part(v)));
        }

        return (Tensor.Cat(outputs, -1), Tensor.Stack(weights, 1));
    }

    [Test]
    public void AgreesWithTheFormula([Values] bool batchFirst, [Values] bool masked)
    {
        var layer = new MultiheadAttention(6, 2, batchFirst: batchFirst);
        foreach (var parameter in layer.Parameters())
        {
            using var mode = Autodiff.NoGrad();
            parameter.Add_(0.1);
        }

        var p = Parameters(layer);
        var x = Input(1, 2, 4, 6);
        var projected = Functional.Linear(x, p["in_proj_weight"], p["in_proj_bias"]).Chunk(3, -1);
        var leftOut = Tensor.FromArray(new[,] { { false, true, false, false }, { false, false, false, true } });
        var added = Tensor.Where(leftOut.Unsqueeze(1), Tensor.Full([], -1e30), Tensor.Zeros([])) + Tensor.Ones([4, 4]).Triu(1) * -1e30;
        var (output, weights) = Reference(projected[0], projected[1], projected[2], 2, masked ? added : null);
        var expected = Functional.Linear(output, p["out_proj.weight"], p["out_proj.bias"]);
        var given = batchFirst ? x : x.Transpose(0, 1);
        var causal = masked ? Tensor.Ones([4, 4]).Triu(1) > 0 : null;
        foreach (bool needWeights in new[] { false, true })
        {
            var (actual, actualWeights) = layer.Forward(given, given, given, masked ? leftOut : null, needWeights, causal, averageAttnWeights: false);
            Close(batchFirst ? actual : actual.Transpose(0, 1), expected);
            Assert.That(actualWeights is not null, Is.EqualTo(needWeights));
            if (needWeights)
            {
                Close(actualWeights!, weights);
            }
        }

        Close(layer.Forward(given, given, given, masked ? leftOut : null, true, causal).Weights!, weights.Mean(1));
        if (masked)
        {
            Close(layer.Forward(given, given, given, leftOut, false, isCausal: true).Output, batchFirst ? expected : expected.Transpose(0, 1));
        }
    }

    [Test]
    public void KeysAndValuesMayHaveOtherSizes()
    {
        var layer = new MultiheadAttention(4, 2, kdim: 3, vdim: 5, bias: false, batchFirst: true);
        Assert.That(layer.NamedParameters().Select(p => $"{p.Name} {p.Tensor.Shape}"), Is.EqualTo(new[]
        {
            "q_proj_weight [4, 4]", "k_proj_weight [4, 3]", "v_proj_weight [4, 5]", "out_proj.weight [4, 4]",
        }));
        var p = Parameters(layer);
        var (q, k, v) = (Input(1, 1, 2, 4), Input(2, 1, 3, 3), Input(3, 1, 3, 5));
        var (output, weights) = layer.Forward(q, k, v);
        var (expected, _) = Reference(Functional.Linear(q, p["q_proj_weight"]), Functional.Linear(k, p["k_proj_weight"]), Functional.Linear(v, p["v_proj_weight"]), 2, null);
        Close(output, Functional.Linear(expected, p["out_proj.weight"]));
        Assert.That(weights!.Sum(-1).Doubles(), Is.All.EqualTo(1).Within(1e-6));
        Close(layer.Forward(q[0], k[0], v[0], needWeights: false).Output, output[0]);
    }

    [Test]
    public void AnEncoderLayerIsItsFormula([Values] bool normFirst)
    {
        var layer = new TransformerEncoderLayer(4, 2, 8, activation: TransformerActivation.Gelu, batchFirst: true, normFirst: normFirst);
        Assert.That(layer.NamedParameters().Select(x => x.Name), Is.EqualTo(new[]
        {
            "self_attn.in_proj_weight", "self_attn.in_proj_bias", "self_attn.out_proj.weight", "self_attn.out_proj.bias", "linear1.weight", "linear1.bias",
            "linear2.weight", "linear2.bias", "norm1.weight", "norm1.bias", "norm2.weight", "norm2.bias",
        }));
        var x = Input(1, 2, 3, 4);
        Assert.That(layer.Forward(x).Doubles(), Is.Not.EqualTo(layer.Forward(x).Doubles()), "dropout while training");
        layer.Eval();
        var p = Parameters(layer);
        Tensor Norm(Tensor t)
        {
            var centred = t - t.Mean([-1], keepDim: true);
            return centred / ((centred * centred).Mean([-1], keepDim: true) + 1e-5).Sqrt();
        }

        Tensor Attend(Tensor t)
        {
            var parts = Functional.Linear(t, p["self_attn.in_proj_weight"]).Chunk(3, -1);
            return Functional.Linear(Reference(parts[0], parts[1], parts[2], 2, null).Output, p["self_attn.out_proj.weight"]);
        }

        Tensor Feed(Tensor t) => Functional.Linear(Functional.Linear(t, p["linear1.weight"], p["linear1.bias"]).Gelu(), p["linear2.weight"], p["linear2.bias"]);
        var y = normFirst ? x + Attend(Norm(x)) : Norm(x + Attend(x));
        y = normFirst ? y + Feed(Norm(y)) : Norm(y + Feed(y));
        Close(layer.Forward(x), y);
    }

    [Test]
    public void EncoderAndDecoderLearnInAllTheirParts()
    {
        var encoder = new TransformerEncoder(() => new TransformerEncoderLayer(4, 2, 8, batchFirst: true), 2);
        var decoder = new TransformerDecoder(() => new TransformerDecoderLayer(4, 2, 8, batchFirst: true, normFirst: true), 1);
        var memory = encoder.Forward(Input(1, 2, 3, 4));
        var output = decoder.Forward(Input(2, 2, 5, 4), memory, tgtIsCausal: true);
        Assert.That(output.Shape.ToArray(), Is.EqualTo(new long[] { 2, 5, 4 }));
        (output * Input(3, 2, 5, 4)).Sum().Backward();
        foreach (var (name, parameter) in encoder.NamedParameters().Concat(decoder.NamedParameters()))
        {
            Assert.That(parameter.Grad, Is.Not.Null, name);
            Assert.That(parameter.Grad!.Abs().Sum().Item<float>(), Is.Positive, name);
        }

        // A later target changes nothing before it.
        decoder.Eval();
        var target = Input(2, 2, 5, 4);
        var changed = Tensor.Cat([target.Narrow(1, 0, 4), Input(9, 2, 1, 4)], 1);
        Close(decoder.Forward(changed, memory, tgtIsCausal: true).Narrow(1, 0, 4), decoder.Forward(target, memory, tgtIsCausal: true).Narrow(1, 0, 4));
    }

    [Test]
    public void RotationsDependOnDistancesAlone([Values] bool interleaved)
    {
        var (cos, sin) = Functional.RotaryTables(8, 6);
        var (q, k) = (Input(1, 6).Expand(8, 6), Input(2, 6).Expand(8, 6));
        var products = Functional.ApplyRotary(q, cos, sin, interleaved).MatMul(Functional.ApplyRotary(k, cos, sin, interleaved).T);
        Close(products[1.., 1..], products[..^1, ..^1]);
        Assert.That(products[0, 0].Item<float>(), Is.EqualTo((q[0] * k[0]).Sum().Item<float>()).Within(1e-5));
        Assert.That(products[0, 3].Item<float>(), Is.Not.EqualTo(products[0, 0].Item<float>()).Within(1e-3));
        var turned = Functional.ApplyRotary(Tensor.FromArray(new float[,] { { 1, 0 }, { 1, 0 } }), cos[..2, ..1], sin[..2, ..1], interleaved);
        Assert.That(turned[1].Doubles(), Is.EqualTo(new[] { Math.Cos(1), Math.Sin(1) }).Within(1e-6));
    }

    private static IEnumerable<TestCaseData> Refused()
    {
        static TestCaseData Case<T>(string what, Func<object> call, params string[] says) where T : Exception =>
            new TestCaseData(typeof(T), call, says).SetArgDisplayNames(what);

        var layer = new MultiheadAttention(4, 2);
        Tensor x = Tensor.Zeros([3, 2, 4]);
        yield return Case<ArgumentException>("heads", () => new MultiheadAttention(4, 3), "divisible", "3");
        yield return Case<ArgumentException>("dropout", () => new MultiheadAttention(4, 2, 2), "between 0 and 1");
        yield return Case<ShapeException>("size", () => layer.Forward(Tensor.Zeros([3, 2, 5])), "[3, 2, 5]");
        yield return Case<ShapeException>("ranks", () => layer.Forward(x, x[0], x), "2D");
        yield return Case<ShapeException>("batches", () => layer.Forward(x, x[.., ..1], x), "one size");
        yield return Case<ShapeException>("padding", () => layer.Forward(x, x, x, Tensor.Zeros([3, 2], DType.Bool)), "[2, 3]", "[3, 2]");
        yield return Case<ShapeException>("mask", () => layer.Forward(x, x, x, attnMask: Tensor.Zeros([2, 2])), "[3, 3] or [4, 3, 3]");
        yield return Case<DTypeException>("mask's dtype", () => layer.Forward(x, x, x, needWeights: false, attnMask: Tensor.Zeros([3, 3], DType.Int64)), "int64");
        yield return Case<ShapeException>("rotary width", () => Functional.RotaryTables(3, 5), "even width");
        yield return Case<ShapeException>("rotary tables", () => Functional.ApplyRotary(x, Tensor.Zeros([2, 3]), Tensor.Zeros([2, 3])), "[2, 3]");
    }

    [TestCaseSource(nameof(Refused))]
    public void IsRefused(Type exception, Func<object> call, string[] says)
    {
        string message = Assert.Throws(exception, () => call())!.Message;
        foreach (string phrase in says)
        {
            Assert.That(message, Does.Contain(phrase));
        }
    }

    private static void Close(Tensor actual, Tensor expected)
    {
        Assert.That(actual.Shape, Is.EqualTo(expected.Shape));
        Assert.That(actual.Doubles(), Is.EqualTo(expected.Doubles()).Within(2e-5));
    }
}
