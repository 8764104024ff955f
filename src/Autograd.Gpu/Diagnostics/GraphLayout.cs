using System.Runtime.InteropServices;

namespace Autograd.Gpu.Diagnostics;

/// <summary>
/// Places the nodes of a graph in rows: every node stands above those that read it, as near to them as that allows. Within a row the order is
/// found by sweeps that put each node at the mean place of its neighbours, and the positions by a least-squares fit that keeps the order and the gaps.
/// </summary>
internal sealed class GraphLayout
{
    public const double LineHeight = 16;
    public const double Padding = 8;
    private const double CharacterWidth = 7.3;
    private const double ColumnGap = 24;
    private const double RowGap = 36;
    private const double PassWidth = 10;
    private const int Sweeps = 4;

    /// <summary>An edge over more rows than this goes straight instead of around the nodes between, so that the work stays linear in the graph.</summary>
    private const int MaxRouted = 24;

    private readonly AutogradGraph _graph;
    private readonly int[] _rowOf;
    private readonly List<Item> _items = [];
    private readonly List<List<Item>> _rows = [];

    public GraphLayout(AutogradGraph graph)
    {
        _graph = graph;
        _rowOf = FindRows(out int rows);
        for (int r = 0; r < rows; r++)
        {
            _rows.Add([]);
        }

        foreach (var node in graph.Nodes)
        {
            string[] lines = [.. node.Lines(graph.Options)];
            var item = new Item
            {
                Lines = lines,
                Width = lines.Max(line => line.Length) * CharacterWidth + 2 * Padding,
                Height = lines.Length * LineHeight + 2 * Padding,
            };
            _items.Add(item);
            Place(item, _rowOf[node.Id]);
        }

        Paths = [.. graph.Edges.Select(Route)];
        OrderRows();
        Position();
    }

    public IReadOnlyList<Item> Items => _items;

    /// <summary>For each edge what it passes, its two ends included.</summary>
    public IReadOnlyList<Item[]> Paths { get; }

    public double Width { get; private set; }

    public double Height { get; private set; }

    /// <summary>The row of each node, counted from the outputs: the longest way to one.</summary>
    private int[] FindRows(out int count)
    {
        var waiting = new int[_graph.Nodes.Count];
        foreach (var edge in _graph.Edges)
        {
            // The box of the nodes that are not drawn may be read by any; it has no inputs of its own.
            waiting[edge.From]++;
        }

        var rows = new int[waiting.Length];
        var ready = new Queue<int>();
        for (int i = 0; i < waiting.Length; i++)
        {
            if (waiting[i] == 0)
            {
                ready.Enqueue(i);
            }
        }

        count = 0;
        while (ready.TryDequeue(out int node))
        {
            count = Math.Max(count, rows[node] + 1);
            foreach (var edge in _graph.InputsOf(node))
            {
                rows[edge.From] = Math.Max(rows[edge.From], rows[node] + 1);
                if (--waiting[edge.From] == 0)
                {
                    ready.Enqueue(edge.From);
                }
            }
        }

        return rows;
    }

    private void Place(Item item, int row)
    {
        item.Row = row;
        item.Order = _rows[row].Count;
        _rows[row].Add(item);
    }

    private Item[] Route(GraphEdge edge)
    {
        var (from, to) = (_items[edge.From], _items[edge.To]);
        int passes = from.Row - to.Row - 1;
        if (passes > MaxRouted)
        {
            return [from, to];
        }

        var path = new Item[passes + 2];
        path[0] = from;
        path[^1] = to;
        for (int i = 1; i <= passes; i++)
        {
            path[i] = new Item { Lines = [], Width = PassWidth };
            Place(path[i], from.Row - i);
        }

        for (int i = 1; i < path.Length; i++)
        {
            path[i - 1].Below.Add(path[i]);
            path[i].Above.Add(path[i - 1]);
        }

        return path;
    }

    private void OrderRows()
    {
        for (int sweep = 0; sweep < Sweeps; sweep++)
        {
            for (int r = 1; r < _rows.Count; r++)
            {
                Order(_rows[r], item => item.Below);
            }

            for (int r = _rows.Count - 2; r >= 0; r--)
            {
                Order(_rows[r], item => item.Above);
            }
        }
    }

    private static void Order(List<Item> row, Func<Item, List<Item>> neighbours)
    {
        if (row.Count < 2)
        {
            return;
        }

        foreach (var item in row)
        {
            var beside = neighbours(item);
            item.Key = beside.Count == 0 ? item.Order : beside.Average(n => (double)n.Order);
        }

        row.Sort((a, b) => a.Key != b.Key ? a.Key.CompareTo(b.Key) : a.Order.CompareTo(b.Order));
        for (int i = 0; i < row.Count; i++)
        {
            row[i].Order = i;
        }
    }

    private void Position()
    {
        foreach (var row in _rows)
        {
            double x = 0;
            foreach (var item in row)
            {
                item.X = x + item.Width / 2;
                x += item.Width + ColumnGap;
            }
        }

        for (int sweep = 0; sweep < Sweeps; sweep++)
        {
            for (int r = 1; r < _rows.Count; r++)
            {
                Fit(_rows[r], item => item.Below);
            }

            for (int r = _rows.Count - 1; r >= 0; r--)
            {
                Fit(_rows[r], item => item.Above);
            }
        }

        double y = ColumnGap;
        for (int r = _rows.Count - 1; r >= 0; r--)
        {
            double height = _rows[r].Max(item => item.Height);
            foreach (var item in _rows[r])
            {
                (item.Top, item.Bottom) = item.Lines.Count > 0 ? (y + (height - item.Height) / 2, y + (height + item.Height) / 2) : (y, y + height);
            }

            y += height + RowGap;
        }

        double left = _rows.Count == 0 ? 0 : _rows.Min(row => row.Min(item => item.X - item.Width / 2)) - ColumnGap;
        foreach (var item in _rows.SelectMany(row => row))
        {
            item.X -= left;
            Width = Math.Max(Width, item.X + item.Width / 2 + ColumnGap);
        }

        Height = y - RowGap + ColumnGap;
    }

    /// <summary>
    /// Moves the items of a row as near as can be to the mean of their neighbours, without changing their order: with the gaps taken off, that is the
    /// nearest ascending sequence, which pooling neighbours that are out of order finds.
    /// </summary>
    private static void Fit(List<Item> row, Func<Item, List<Item>> neighbours)
    {
        var pools = new List<(double Sum, int Count)>(row.Count);
        double offset = 0;
        for (int i = 0; i < row.Count; i++)
        {
            var item = row[i];
            offset += i == 0 ? 0 : (row[i - 1].Width + item.Width) / 2 + ColumnGap;
            item.Key = offset;
            var beside = neighbours(item);
            var pool = (Sum: (beside.Count == 0 ? item.X : beside.Average(n => n.X)) - offset, Count: 1);
            while (pools.Count > 0 && pools[^1].Sum / pools[^1].Count >= pool.Sum / pool.Count)
            {
                pool = (pool.Sum + pools[^1].Sum, pool.Count + pools[^1].Count);
                pools.RemoveAt(pools.Count - 1);
            }

            pools.Add(pool);
        }

        int at = 0;
        foreach (var (sum, count) in CollectionsMarshal.AsSpan(pools))
        {
            for (int end = at + count; at < end; at++)
            {
                row[at].X = sum / count + row[at].Key;
            }
        }
    }

    /// <summary>A box, or a place without lines where an edge passes a row.</summary>
    internal sealed class Item
    {
        public required IReadOnlyList<string> Lines { get; init; }

        public List<Item> Above { get; } = [];

        public List<Item> Below { get; } = [];

        public double Width { get; init; }

        public double Height { get; init; }

        public int Row { get; set; }

        public int Order { get; set; }

        /// <summary>What the sweep in progress sorts by or counts from.</summary>
        public double Key { get; set; }

        /// <summary>The middle.</summary>
        public double X { get; set; }

        public double Top { get; set; }

        public double Bottom { get; set; }
    }
}
