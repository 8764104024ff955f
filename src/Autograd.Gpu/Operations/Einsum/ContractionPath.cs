namespace Autograd.Gpu.Operations;

/// <summary>
/// The order in which tensors are contracted in pairs. Up to <see cref="MaxOptimal"/> tensors it is the best one, found by dynamic programming over the subsets (Pfeifer,
/// Haegeman, Verstraete 2014); beyond that the pair is taken whose result is smallest beside the two.
/// </summary>
internal sealed class ContractionPath(UInt128[] operands, UInt128 output, Func<int, double> sizeOf)
{
    /// <summary>The subsets of so many tensors are split in 3^8 ways, which is some microseconds.</summary>
    public const int MaxOptimal = 8;

    /// <summary>The pairs: positions in a list from which both are taken out and to whose end the result goes.</summary>
    public List<(int First, int Second)> Find() => operands.Length <= MaxOptimal ? Optimal() : Greedy();

    private double Size(UInt128 labels)
    {
        double size = 1;
        for (int label = 0; labels != 0; label++, labels >>= 1)
        {
            if ((labels & 1) != 0)
            {
                size *= sizeOf(label);
            }
        }

        return size;
    }

    private List<(int First, int Second)> Optimal()
    {
        int all = (1 << operands.Length) - 1;
        var inside = new UInt128[all + 1];
        for (int set = 1; set <= all; set++)
        {
            int lowest = int.TrailingZeroCount(set);
            inside[set] = inside[set & (set - 1)] | operands[lowest];
        }

        // What the contraction of a subset has left: labels that the result or the other tensors need.
        UInt128 Left(int set) => inside[set] & (output | inside[all & ~set]);
        var cost = new double[all + 1];
        var split = new int[all + 1];
        for (int set = 1; set <= all; set++)
        {
            if (int.PopCount(set) < 2)
            {
                continue;
            }

            cost[set] = double.PositiveInfinity;
            for (int part = (set - 1) & set; part > (set & ~part); part = (part - 1) & set)
            {
                int rest = set & ~part;
                double total = cost[part] + cost[rest] + Size(Left(part) | Left(rest));
                if (total < cost[set])
                {
                    (cost[set], split[set]) = (total, part);
                }
            }
        }

        var path = new List<(int, int)>();
        var list = Enumerable.Range(0, operands.Length).Select(i => 1 << i).ToList();
        void Emit(int set)
        {
            if (int.PopCount(set) < 2)
            {
                return;
            }

            int part = split[set], rest = set & ~part;
            Emit(part);
            Emit(rest);
            int first = list.IndexOf(rest), second = list.IndexOf(part);
            (first, second) = (Math.Min(first, second), Math.Max(first, second));
            path.Add((first, second));
            list.RemoveAt(second);
            list.RemoveAt(first);
            list.Add(set);
        }

        Emit(all);
        return path;
    }

    private List<(int First, int Second)> Greedy()
    {
        var path = new List<(int, int)>();
        var list = operands.ToList();
        while (list.Count > 1)
        {
            var best = (Growth: double.PositiveInfinity, Cost: double.PositiveInfinity, First: 0, Second: 1);
            for (int i = 0; i < list.Count; i++)
            {
                for (int j = i + 1; j < list.Count; j++)
                {
                    var result = Result(list, i, j);
                    double growth = Size(result) - Size(list[i]) - Size(list[j]), own = Size(list[i] | list[j]);
                    if (growth < best.Growth || (growth == best.Growth && own < best.Cost))
                    {
                        best = (growth, own, i, j);
                    }
                }
            }

            var contracted = Result(list, best.First, best.Second);
            path.Add((best.First, best.Second));
            list.RemoveAt(best.Second);
            list.RemoveAt(best.First);
            list.Add(contracted);
        }

        return path;
    }

    private UInt128 Result(List<UInt128> list, int first, int second)
    {
        var needed = output;
        for (int k = 0; k < list.Count; k++)
        {
            needed |= k == first || k == second ? 0 : list[k];
        }

        return (list[first] | list[second]) & needed;
    }
}
