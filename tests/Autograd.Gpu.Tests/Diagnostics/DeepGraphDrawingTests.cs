using System.Diagnostics;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Autograd.Gpu.Diagnostics;

namespace Autograd.Gpu.Tests.Diagnostics;

/// <summary>Drawing a graph as deep as a long chain of operations makes it.</summary>
internal sealed class DeepGraphDrawingTests
{
    [Test]
    public void AGraphOfAHundredThousandNodesIsDrawnWithoutRecursion()
    {
        const int depth = 100_000;
        var x = Tensor.Ones([1], device: Device.Cpu, requiresGrad: true);
        var y = x;
        for (int i = 0; i < depth; i++)
        {
            y = i % 100 == 0 ? y * x : y * 1.5;
        }

        var watch = Stopwatch.StartNew();
        int nodes = 0;
        string dot = "", mermaid = "", svg = "", tree = "";

        // A small stack: a walk that recurses would end the process.
        var thread = new Thread(
            () =>
            {
                var graph = AutogradGraph.Of(y, [("x", x)], new GraphOptions { MaxNodes = int.MaxValue });
                nodes = graph.TotalNodes;
                (dot, mermaid, svg, tree) = (graph.ToDot(), graph.ToMermaid(), graph.ToSvg(), graph.ToTree());
            },
            256 * 1024);
        thread.Start();
        thread.Join();
        Assert.That(nodes, Is.EqualTo(depth + 1));
        Assert.That(Regex.Count(dot, "label="), Is.EqualTo(depth + 2));
        Assert.That(Regex.Count(mermaid, ":::operation"), Is.EqualTo(depth));
        Assert.That(XDocument.Parse(svg).Root!.Elements(XName.Get("g", "http://www.w3.org/2000/svg")).Count(g => g.Attribute("id") is not null), Is.EqualTo(depth + 2));
        Assert.That(tree, Does.Contain(" (100001) x = AccumulateGrad [1] float32\n"));
        Assert.That(tree.Length, Is.LessThan(250 * depth));
        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(60)));
    }
}
