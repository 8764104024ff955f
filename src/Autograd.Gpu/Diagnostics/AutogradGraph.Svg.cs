using System.Text;
using System.Xml;

namespace Autograd.Gpu.Diagnostics;

public sealed partial class AutogradGraph
{
    /// <summary>Inputs of one node arrive side by side, the first at the left, so far apart.</summary>
    private const double PortDistance = 14;

    /// <summary>
    /// The graph as an SVG document that needs nothing else: leaves at the top, outputs at the bottom. Browsers show it as it is.
    /// </summary>
    public string ToSvg()
    {
        var layout = new GraphLayout(this);
        var text = new StringBuilder();
        using (var svg = XmlWriter.Create(text, new XmlWriterSettings { OmitXmlDeclaration = true, Indent = true, NewLineChars = "\n" }))
        {
            svg.WriteStartElement("svg", "http://www.w3.org/2000/svg");
            svg.WriteAttributeString("width", GraphText.Format(layout.Width));
            svg.WriteAttributeString("height", GraphText.Format(layout.Height));
            svg.WriteAttributeString("viewBox", $"0 0 {GraphText.Format(layout.Width)} {GraphText.Format(layout.Height)}");
            svg.WriteAttributeString("font-family", "DejaVu Sans Mono, Consolas, Menlo, monospace");
            svg.WriteAttributeString("font-size", "12");
            WriteArrow(svg);
            Rectangle(svg, 0, 0, layout.Width, layout.Height, 0, "#ffffff", "none");
            WriteEdges(svg, layout);
            foreach (var node in _nodes)
            {
                WriteNode(svg, node, layout.Items[node.Id]);
            }

            svg.WriteEndElement();
        }

        return text.Append('\n').ToString();
    }

    private static void WriteArrow(XmlWriter svg)
    {
        svg.WriteStartElement("defs");
        svg.WriteStartElement("marker");
        foreach (var (name, value) in new[]
        {
            ("id", "arrow"), ("viewBox", "0 0 8 8"), ("refX", "8"), ("refY", "4"), ("markerWidth", "7"), ("markerHeight", "7"), ("orient", "auto"),
        })
        {
            svg.WriteAttributeString(name, value);
        }

        svg.WriteStartElement("path");
        svg.WriteAttributeString("d", "M0,0 L8,4 L0,8 z");
        svg.WriteAttributeString("fill", "#57606a");
        svg.WriteEndElement();
        svg.WriteEndElement();
        svg.WriteEndElement();
    }

    private static void Rectangle(XmlWriter svg, double x, double y, double width, double height, double radius, string fill, string stroke)
    {
        svg.WriteStartElement("rect");
        svg.WriteAttributeString("x", GraphText.Format(x));
        svg.WriteAttributeString("y", GraphText.Format(y));
        svg.WriteAttributeString("width", GraphText.Format(width));
        svg.WriteAttributeString("height", GraphText.Format(height));
        svg.WriteAttributeString("rx", GraphText.Format(radius));
        svg.WriteAttributeString("fill", fill);
        svg.WriteAttributeString("stroke", stroke);
        svg.WriteEndElement();
    }

    private void WriteEdges(XmlWriter svg, GraphLayout layout)
    {
        svg.WriteStartElement("g");
        svg.WriteAttributeString("fill", "none");
        svg.WriteAttributeString("stroke", "#57606a");
        for (int i = 0; i < _edges.Count; i++)
        {
            var edge = _edges[i];
            int inputs = _inputs[edge.To + 1] - _inputs[edge.To];
            var to = layout.Items[edge.To];
            double distance = Math.Min(PortDistance, to.Width / (inputs + 1));
            double port = to.X + (i - _inputs[edge.To] - (inputs - 1) / 2.0) * distance;
            svg.WriteStartElement("path");
            svg.WriteAttributeString("d", Curve(layout.Paths[i], port));
            svg.WriteAttributeString("marker-end", "url(#arrow)");
            svg.WriteEndElement();
            if (edge.OutputNumber is { } number)
            {
                svg.WriteStartElement("text");
                svg.WriteAttributeString("x", GraphText.Format(port + 4));
                svg.WriteAttributeString("y", GraphText.Format(to.Top - 12));
                svg.WriteAttributeString("fill", "#57606a");
                svg.WriteAttributeString("stroke", "none");
                svg.WriteAttributeString("font-size", "10");
                svg.WriteString(XmlConvert.ToString(number));
                svg.WriteEndElement();
            }
        }

        svg.WriteEndElement();
    }

    /// <summary>From the bottom of the first item to the top of the last, straight down through those between.</summary>
    private static string Curve(GraphLayout.Item[] path, double end)
    {
        var text = new StringBuilder();
        var (x, y) = (path[0].X, path[0].Bottom);
        text.Append('M').Append(Point(x, y));
        for (int i = 1; i < path.Length; i++)
        {
            double toX = i == path.Length - 1 ? end : path[i].X;
            double middle = (y + path[i].Top) / 2;
            text.Append(" C").Append(Point(x, middle)).Append(' ').Append(Point(toX, middle)).Append(' ').Append(Point(toX, path[i].Top));
            (x, y) = (toX, path[i].Bottom);
            if (i < path.Length - 1)
            {
                text.Append(" L").Append(Point(x, y));
            }
        }

        return text.ToString();

        static string Point(double x, double y) => $"{GraphText.Format(x)},{GraphText.Format(y)}";
    }

    private static void WriteNode(XmlWriter svg, GraphNode node, GraphLayout.Item item)
    {
        svg.WriteStartElement("g");
        svg.WriteAttributeString("id", $"n{XmlConvert.ToString(node.Id)}");
        svg.WriteAttributeString("text-anchor", "middle");
        double radius = node.Kind switch { GraphNodeKind.Output => item.Height / 2, GraphNodeKind.Operation => 6, _ => 0 };
        Rectangle(svg, item.X - item.Width / 2, item.Top, item.Width, item.Height, radius, Fill(node.Kind), "#57606a");
        for (int i = 0; i < item.Lines.Count; i++)
        {
            svg.WriteStartElement("text");
            svg.WriteAttributeString("x", GraphText.Format(item.X));
            svg.WriteAttributeString("y", GraphText.Format(item.Top + GraphLayout.Padding + (i + 0.75) * GraphLayout.LineHeight));
            if (i == 0)
            {
                svg.WriteAttributeString("font-weight", "bold");
            }

            svg.WriteAttributeString("xml", "space", null, "preserve");
            svg.WriteString(item.Lines[i]);
            svg.WriteEndElement();
        }

        svg.WriteEndElement();
    }
}
