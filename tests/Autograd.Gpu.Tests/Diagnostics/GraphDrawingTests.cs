using System.Xml.Linq;
using Autograd.Gpu.Diagnostics;
using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Tests.Diagnostics;

/// <summary>Graphs as data and as text.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
[Category(Laziness.Both)]
internal sealed class GraphDrawingTests(Device device, bool lazy)
{
    private static readonly XNamespace s_svg = "http://www.w3.org/2000/svg";

    private Laziness _laziness = null!;

    [SetUp]
    public void SetLaziness() => _laziness = Laziness.Set(lazy);

    [TearDown]
    public void RestoreLaziness() => _laziness.Dispose();

    [Test]
    public void TheGraphIsDataWithNamesShapesAndSavedTensors()
    {
        var (x, w, loss) = Small();
        var graph = AutogradGraph.Of(loss, [("x", x), ("w", w), ("loss", loss)]);
        Assert.That(graph.Nodes.Select(n => (n.Kind, n.Title, n.Name)), Is.EqualTo(new (GraphNodeKind, string, string?)[]
        {
            (GraphNodeKind.Output, "loss", null),
            (GraphNodeKind.Operation, "MeanBackward0", null),
            (GraphNodeKind.Operation, "MulBackward0", null),
            (GraphNodeKind.Operation, "AddBackward0", null),
            (GraphNodeKind.Leaf, "AccumulateGrad", "x"),
            (GraphNodeKind.Leaf, "AccumulateGrad", "w"),
        }));
        Assert.That(graph.Nodes.Select(n => n.Id), Is.EqualTo(Enumerable.Range(0, 6)));
        Assert.That(graph.Edges.Select(e => (e.From, e.To)), Is.EqualTo(new[] { (1, 0), (2, 1), (3, 2), (3, 2), (4, 3), (5, 3) }));
        Assert.That(graph.TotalNodes, Is.EqualTo(5));
        Assert.That(graph.Nodes[1].Function, Is.SameAs(loss.GradFn));
        Assert.That(graph.Nodes[3].Values, Is.EqualTo(new[] { (Shape.Create([2, 3]), DType.Float64) }));
        Assert.That(graph.Nodes[4].Values, Is.EqualTo(new[] { (Shape.Create([2, 1]), DType.Float64) }));
        Assert.That(
            graph.Nodes[2].SavedTensors.Select(s => s.ToString()),
            Is.EqualTo(new[] { new SavedTensorSummary("input0", [2, 3], DType.Float64).ToString(), new SavedTensorSummary("input1", [2, 3], DType.Float64).ToString() }));

        loss.Backward();
        Assert.That(AutogradGraph.Of(loss).Nodes[2].SavedTensors, Is.Empty, "the pass lets go of them");
    }

    [Test]
    public void DotIsAsItWas()
    {
        var (x, w, loss) = Small();
        Assert.That(Body(AutogradGraph.Of(loss, [("x", x), ("w", w), ("loss", loss)]).ToDot()), Is.EqualTo("""
              n0 [label="loss\n[] float64", style=filled, fillcolor="#c8e6c9"];
              n1 [label="MeanBackward0\n[] float64"];
              n2 [label="MulBackward0\n[2, 3] float64"];
              n3 [label="AddBackward0\n[2, 3] float64"];
              n4 [label="x\nAccumulateGrad\n[2, 1] float64", style=filled, fillcolor="#bbdefb"];
              n5 [label="w\nAccumulateGrad\n[3] float64", style=filled, fillcolor="#bbdefb"];
              n1 -> n0;
              n2 -> n1;
              n3 -> n2;
              n3 -> n2;
              n4 -> n3;
              n5 -> n3;

            """.ReplaceLineEndings("\n")));

        static string Body(string dot)
        {
            var lines = dot.Split('\n');
            Assert.That((lines[0], lines[^2], lines[^1]), Is.EqualTo(("digraph autograd {", "}", "")));
            return string.Join('\n', lines[4..^2]) + "\n";
        }
    }

    [Test]
    public void MermaidIsAsItWas()
    {
        var (x, w, loss) = Small();
        var options = new GraphOptions { ShowDTypes = false, ShowSavedTensors = true };
        Assert.That(AutogradGraph.Of(loss, [("x", x), ("w", w)], options).ToMermaid(), Is.EqualTo("""
            flowchart TD
              n0(["output<br/>[]"]):::output
              n1("MeanBackward0<br/>[]"):::operation
              n2("MulBackward0<br/>[2, 3]<br/>saves input0 [2, 3]<br/>saves input1 [2, 3]"):::operation
              n3("AddBackward0<br/>[2, 3]"):::operation
              n4["x<br/>AccumulateGrad<br/>[2, 1]"]:::leaf
              n5["w<br/>AccumulateGrad<br/>[3]"]:::leaf
              n1 --> n0
              n2 --> n1
              n3 --> n2
              n3 --> n2
              n4 --> n3
              n5 --> n3
              classDef operation fill:#eceff1,stroke:#57606a,color:#1f2328
              classDef leaf fill:#bbdefb,stroke:#57606a,color:#1f2328
              classDef output fill:#c8e6c9,stroke:#57606a,color:#1f2328
              classDef elided fill:#ffffff,stroke:#57606a,color:#1f2328

            """.ReplaceLineEndings("\n")));
    }

    [Test]
    public void TheTreeIsAsItWas()
    {
        var (x, w, loss) = Small();
        Assert.That(AutogradGraph.Of(loss, new Dictionary<string, Tensor> { ["x"] = x, ["w"] = w }).ToTree(), Is.EqualTo("""
            output [] float64
            └─ MeanBackward0 [] float64
               └─ MulBackward0 [2, 3] float64
                  ├─ AddBackward0 #1 [2, 3] float64
                  │  ├─ x = AccumulateGrad [2, 1] float64
                  │  └─ w = AccumulateGrad [3] float64
                  └─ AddBackward0 #1 (seen above)

            """.ReplaceLineEndings("\n")));
        var plain = new GraphOptions { ShowShapes = false, ShowDTypes = false };
        Assert.That(AutogradGraph.Of([loss, x + 1], options: plain).ToTree(), Is.EqualTo("""
            output 0
            └─ MeanBackward0
               └─ MulBackward0
                  ├─ AddBackward0 #1
                  │  ├─ AccumulateGrad
                  │  └─ AccumulateGrad
                  └─ AddBackward0 #1 (seen above)
            output 1
            └─ AddBackward0
               └─ AccumulateGrad (seen above)

            """.ReplaceLineEndings("\n")));
    }

    [Test]
    public void SvgIsValidXmlWithABoxForEachNodeAndNoneOnAnother()
    {
        var model = new Sequential(new Linear(4, 8, device: device), new ReLU(), new Linear(8, 3, device: device));
        var input = Tensor.Ones([5, 4], device: device);
        var hidden = model.Call(input);
        var loss = (hidden * hidden).Mean() + hidden.Sum();
        var graph = AutogradGraph.Of(loss, model.NamedParameters(), new GraphOptions { ShowSavedTensors = true });
        var svg = XDocument.Parse(graph.ToSvg()).Root!;
        Assert.That(svg.Name, Is.EqualTo(s_svg + "svg"));
        var boxes = svg.Elements(s_svg + "g").Where(g => g.Attribute("id") is not null).Select(g => g.Element(s_svg + "rect")!).Select(Box).ToArray();
        Assert.That(boxes, Has.Length.EqualTo(graph.Nodes.Count));
        Assert.That(svg.Descendants(s_svg + "path").Count(p => p.Attribute("marker-end") is not null), Is.EqualTo(graph.Edges.Count));
        Assert.That(svg.Descendants(s_svg + "text").Select(t => t.Value), Is.SupersetOf(new[] { "0.weight", "2.bias", "[3, 8] float32" }));
        var (width, height) = ((double)svg.Attribute("width")!, (double)svg.Attribute("height")!);
        for (int i = 0; i < boxes.Length; i++)
        {
            Assert.That(boxes[i].Left >= 0 && boxes[i].Top >= 0 && boxes[i].Right <= width && boxes[i].Bottom <= height, $"box {i} is inside");
            for (int j = 0; j < i; j++)
            {
                bool apart = boxes[i].Left > boxes[j].Right || boxes[j].Left > boxes[i].Right || boxes[i].Top > boxes[j].Bottom || boxes[j].Top > boxes[i].Bottom;
                Assert.That(apart, $"boxes {i} and {j} overlap: {boxes[i]}, {boxes[j]}");
            }
        }

        foreach (var edge in graph.Edges)
        {
            Assert.That(boxes[edge.From].Bottom, Is.LessThan(boxes[edge.To].Top), "inputs stand above those who read them");
        }
    }

    [Test]
    public void NamesAreEscaped()
    {
        var x = Tensor.Ones([2], device: device, requiresGrad: true);
        const string name = "a\"b\\n <i>&amp;</i> #1; `c`\n\t\u0001 \uD800 é 重";
        var graph = AutogradGraph.Of(x.Exp(), [(name, x)]);

        Assert.That(graph.ToDot(), Does.Contain("label=\"a\\\"b\\\\n <i>&amp;amp;</i> #1; `c`  \uFFFD \uFFFD é 重\\nAccumulateGrad"));
        Assert.That(graph.ToMermaid(), Does.Contain("[\"a#34;b#92;n #60;i#62;#38;amp#59;#60;/i#62; #35;1#59; #96;c#96;  \uFFFD \uFFFD é 重<br/>AccumulateGrad"));
        Assert.That(graph.ToTree(), Does.Contain("└─ a\"b\\n <i>&amp;</i> #1; `c`  \uFFFD \uFFFD é 重 = AccumulateGrad [2] float32\n"));
        var texts = XDocument.Parse(graph.ToSvg()).Descendants(s_svg + "text").Select(t => t.Value);
        Assert.That(texts, Does.Contain("a\"b\\n <i>&amp;</i> #1; `c`  \uFFFD \uFFFD é 重"));
    }

    [Test]
    public void AnIntermediateResultAndATensorOfTwoNamesAreNamed()
    {
        var x = Tensor.Ones([2], device: device, requiresGrad: true);
        var h = x.Exp();
        var graph = AutogradGraph.Of((h * 2).Sum(), [("x", x), ("h", h), ("tied", x), ("unrelated", Tensor.Ones([1], device: device))]);
        Assert.That(graph.Nodes.Where(n => n.Name is not null).Select(n => (n.Title, n.Name)), Is.EqualTo(new[] { ("ExpBackward0", "h"), ("AccumulateGrad", "x, tied") }));
    }

    [Test]
    public void ALeafIsAGraphAndATensorWithoutHistoryIsAnError()
    {
        var x = Tensor.Ones([0, 2], device: device, requiresGrad: true);
        Assert.That(AutogradGraph.Of(x, [("x", x)]).ToTree(), Is.EqualTo("x [0, 2] float32\n└─ x = AccumulateGrad [0, 2] float32\n"));
        var error = Assert.Throws<GradientException>(() => AutogradGraph.Of([x, x.Detach()]))!;
        Assert.That(error.Message, Does.Contain("AutogradGraph.Of: element 1 of tensors does not require grad and does not have a grad_fn"));
        Assert.Throws<ArgumentOutOfRangeException>(() => AutogradGraph.Of(x, options: new GraphOptions { MaxNodes = 0 }));
    }

    [Test]
    public void InsideATransformTheTapeOfThatTransformIsDrawn()
    {
        var x = Tensor.Ones([3], device: device, requiresGrad: true);
        string inner = "", batched = "";
        var gradient = Autodiff.Grad(v =>
        {
            var y = (v * x).Sum();
            inner = AutogradGraph.Of(y, [("v", v), ("x", x)], new GraphOptions { ShowDTypes = false }).ToTree();
            return y;
        })(Tensor.Ones([3], device: device));
        Assert.That(inner, Is.EqualTo("output []\n└─ SumBackward0 []\n   └─ MulBackward0 [3]\n      └─ v = AccumulateGrad [3]\n"));
        Assert.That(AutogradGraph.Of(gradient, [("x", x)]).ToTree(), Does.EndWith("─ x = AccumulateGrad [3] float32\n"));

        Autodiff.Vmap((Tensor v) =>
        {
            batched = AutogradGraph.Of(x * 2, [("x", x), ("v", v)]).ToTree();
            var error = Assert.Throws<GradientException>(() => AutogradGraph.Of((v * x).Sum()))!;
            Assert.That(error.Message, Does.Contain("no place on the tape"));
            return v;
        })(Tensor.Ones([2, 3], device: device) * x);
        Assert.That(batched, Does.EndWith("└─ x = AccumulateGrad [3] float32\n"));
    }

    [Test]
    public void AFunctionOfSeveralOutputsAndWhatItSavesAreDrawn()
    {
        var x = Tensor.Ones([6, 2], device: device, requiresGrad: true);
        var rows = new Rows().Apply(x);
        var graph = AutogradGraph.Of(rows[5] + rows[2], [("last", rows[5])], new GraphOptions { ShowSavedTensors = true });
        Assert.That(graph.Edges.Select(e => (e.From, e.To, e.OutputNumber)), Is.EqualTo(new (int, int, int?)[] { (1, 0, null), (2, 1, 5), (2, 1, 2), (3, 2, null) }));
        Assert.That(graph.ToDot(), Does.Contain("  n2 -> n1 [label=\"5\"];\n  n2 -> n1 [label=\"2\"];\n"));
        Assert.That(graph.ToDot(), Does.Contain(
            "label=\"last\\nRowsBackward\\noutput 0: [2] float32\\noutput 1: [2] float32\\noutput 2: [2] float32\\noutput 3: [2] float32\\nand 2 more outputs\\n"
            + "saves saved0 [6, 2] float32\\nsaves saved2 [2] float32\""));
        Assert.That(graph.ToMermaid(), Does.Contain("  n2 -->|5| n1\n  n2 -->|2| n1\n"));
        Assert.That(graph.ToTree(), Does.Contain("   ├─ output 5 of last = RowsBackward #1, output 0: [2] float32, ").And.Contain("   └─ output 2 of last = RowsBackward #1 (seen above)\n"));
        Assert.That(XDocument.Parse(graph.ToSvg()).Descendants(s_svg + "text").Select(t => t.Value), Is.SupersetOf(new[] { "5", "2" }));
        Assert.That(AutogradGraph.Of(rows[1]).Edges[0].OutputNumber, Is.EqualTo(1));
        (rows[5] + rows[2]).Sum().Backward();
        Assert.That(AutogradGraph.Of(rows[1]).Nodes[1].SavedTensors, Is.Empty, "the pass lets go of them");
    }

    [Test]
    public void APackedTensorIsShownAndNotUnpacked()
    {
        int unpacked = 0;
        var x = Tensor.Ones([3], device: device, requiresGrad: true);
        Tensor y;
        using (Autodiff.SavedTensorHooks(t => t.ToArray<float>(), values =>
        {
            unpacked++;
            return Tensor.FromArray(values, device);
        }))
        {
            y = x.Exp();
        }

        var options = new GraphOptions { ShowSavedTensors = true };
        Assert.That(AutogradGraph.Of(y, options: options).ToTree(), Does.Contain("ExpBackward0 [3] float32, saves output [3] float32\n"));
        Assert.That(unpacked, Is.Zero);
        y.Sum().Backward();
        Assert.That(unpacked, Is.EqualTo(1));
        Assert.That(AutogradGraph.Of(y, options: options).ToTree(), Does.Contain("ExpBackward0 [3] float32\n"));
    }

    [Test]
    public void WhatTheProgramNotedIsShown()
    {
        var y = Tensor.Ones([3], device: device, requiresGrad: true).Exp();
        y.GradFn!.Metadata["layer"] = 7;
        y.GradFn.Metadata["note"] = "a \"b\"\nc";
        y.GradFn.Metadata["nothing"] = null;
        Assert.That(AutogradGraph.Of(y).ToTree(), Does.Contain("ExpBackward0 [3] float32, layer: 7, note: a \"b\" c, nothing: \n"));
        Assert.That(AutogradGraph.Of(y).ToDot(), Does.Contain("\\nlayer: 7\\nnote: a \\\"b\\\" c\\nnothing: \""));
        Assert.That(AutogradGraph.Of(y, options: new GraphOptions { ShowMetadata = false }).ToTree(), Does.Contain("ExpBackward0 [3] float32\n"));
    }

    [Test]
    public void WhatIsBeyondTheLimitIsCounted()
    {
        var (_, _, loss) = Small();
        var graph = AutogradGraph.Of(loss, options: new GraphOptions { MaxNodes = 3 });
        Assert.That(graph.Nodes.Select(n => n.Title), Is.EqualTo(new[] { "output", "MeanBackward0", "MulBackward0", "AddBackward0", "2 more nodes" }));
        Assert.That(graph.Edges.Select(e => (e.From, e.To)), Is.EqualTo(new[] { (1, 0), (2, 1), (3, 2), (3, 2), (4, 3), (4, 3) }));
        Assert.That(graph.TotalNodes, Is.EqualTo(5));
        Assert.That(graph.ToTree(), Does.Contain("   │  ├─ 2 more nodes\n"));
        Assert.That(XDocument.Parse(graph.ToSvg()).Descendants(s_svg + "text").Select(t => t.Value), Does.Contain("2 more nodes"));
        Assert.That(AutogradGraph.Of(loss, options: new GraphOptions { MaxNodes = 4 }).Nodes[^1].Title, Is.EqualTo("1 more node"));
    }

    private static (double Left, double Top, double Right, double Bottom) Box(XElement rect)
    {
        var (x, y) = ((double)rect.Attribute("x")!, (double)rect.Attribute("y")!);
        return (x, y, x + (double)rect.Attribute("width")!, y + (double)rect.Attribute("height")!);
    }

    /// <summary>mean((x + w)^2), x a column and w a row.</summary>
    private (Tensor X, Tensor W, Tensor Loss) Small()
    {
        var x = Tensor.Ones([2, 1], DType.Float64, device, requiresGrad: true);
        var w = Tensor.Ones([3], DType.Float64, device, requiresGrad: true);
        var sum = x + w;
        return (x, w, (sum * sum).Mean());
    }

    /// <summary>The rows of a matrix.</summary>
    private sealed class Rows : NaryFunction
    {
        protected override Tensor[] Forward(ReadOnlySpan<Tensor> inputs)
        {
            var x = inputs[0];
            Tensor[] rows = [.. Enumerable.Range(0, (int)x.Shape[0]).Select(i => x.Select(0, i).Clone())];
            SaveForBackward(x, null, rows[0]);
            return rows;
        }

        protected override Tensor?[] Backward(ReadOnlySpan<Tensor?> gradients) => [Tensor.Stack(gradients.ToArray()!)];
    }
}
