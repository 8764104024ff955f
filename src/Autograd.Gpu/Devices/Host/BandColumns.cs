using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// How vectors take the elements of a result's rows from the sums of the input's rows: the band matrix along the width as steps, each of which picks a vector's lanes from two
/// vectors side by side and multiplies them by weights. Several short rows, one after the other, count as one. For windows that follow one another regularly
/// most steps are alike, so that their lanes stay in the first-level cache.
/// </summary>
/// <remarks>Holds unmanaged addresses of its own arrays, which are pinned: keep it alive while a kernel uses it.</remarks>
internal sealed unsafe class BandColumns
{
    /// <summary>Rows that are taken together at most, and the elements that they may have.</summary>
    private const int MostRows = 16;
    private const int MostElements = 1 << 12;

    /// <summary>A step takes at least so much of a vector's lanes on average; picking fewer is slower than taking them one by one.</summary>
    private const double LeastShare = 0.25;

    /// <summary>After so many steps a plan that takes fewer lanes is given up.</summary>
    private const int StepsToJudge = 1 << 9;

    /// <summary>The share of lanes that may be computed twice.</summary>
    private const double MostWaste = 0.04;

    private readonly Step[] _steps;
    private readonly Block[] _blocks;
    private readonly int[] _lanes;

    private BandColumns(int vector, int rows, List<Step> steps, List<Block> blocks, List<int> lanes)
    {
        (Vector, Rows) = (vector, rows);
        _steps = Pinned(steps);
        _blocks = Pinned(blocks);
        _lanes = Pinned(lanes);
        BlockCount = blocks.Count;
        Steps = Address(_steps);
        Blocks = Address(_blocks);
        Lanes = Address(_lanes);
    }

    /// <summary>The lanes of a vector.</summary>
    public int Vector { get; }

    /// <summary>Rows of the result that are taken together.</summary>
    public int Rows { get; }

    public int BlockCount { get; }

    public Block* Blocks { get; }

    public Step* Steps { get; }

    /// <summary>For each kind of step the positions of its lanes, from 0 up to twice the lanes or -1 where there is none, and their weights.</summary>
    public int* Lanes { get; }

    /// <summary>The elements behind the rows that may be read and are not used.</summary>
    public int Margin => 2 * Vector;

    /// <summary>One vector of the result.</summary>
    /// <param name="Target">Where it goes in the rows.</param>
    /// <param name="End">Behind the last of its steps.</param>
    /// <param name="IsFull">Whether each of its steps has all lanes.</param>
    public readonly record struct Block(int Target, int End, bool IsFull);

    /// <summary>A product that is added to a block.</summary>
    /// <param name="Source">Where the two vectors begin in the sums.</param>
    /// <param name="Kind">Where its lanes stand in <see cref="Lanes"/>.</param>
    public readonly record struct Step(int Source, int Kind);

    /// <summary>The plan for a band matrix; null where vectors are of no use.</summary>
    /// <param name="bands">For each column of the result its first position, how many weights it has and where they stand.</param>
    /// <param name="weights">The weights.</param>
    /// <param name="width">The columns that the matrix is applied to.</param>
    /// <param name="vector">The lanes of a vector.</param>
    public static BandColumns? Of(ReadOnlySpan<int> bands, ReadOnlySpan<float> weights, int width, int vector)
    {
        int columns = bands.Length / 3, rows = width == 0 ? 0 : RowsFor(columns, width, vector);
        if (rows == 0)
        {
            return null;
        }

        var steps = new List<Step>();
        var blocks = new List<Block>();
        var lanes = new List<int>();
        var kinds = new Dictionary<string, int>();
        long products = 0;
        Span<int> sources = stackalloc int[vector], picks = stackalloc int[2 * vector];
        for (int done = 0; done < rows * columns; done += vector)
        {
            int target = Math.Min(done, rows * columns - vector);
            bool isFull = true;
            for (int tap = 0; ; tap++)
            {
                int left = 0;
                for (int lane = 0; lane < vector; lane++)
                {
                    var (row, column) = Math.DivRem(target + lane, columns);
                    bool has = tap < bands[3 * column + 1];
                    sources[lane] = has ? row * width + bands[3 * column] + tap : -1;
                    left += has ? 1 : 0;
                }

                if (left == 0)
                {
                    break;
                }

                if (steps.Count > StepsToJudge && products < LeastShare * vector * steps.Count)
                {
                    return null;
                }

                products += left;
                while (left > 0)
                {
                    int first = int.MaxValue, taken = 0;
                    foreach (int source in sources)
                    {
                        first = source >= 0 ? Math.Min(first, source) : first;
                    }

                    for (int lane = 0; lane < vector; lane++)
                    {
                        bool isIn = sources[lane] >= 0 && sources[lane] - first < 2 * vector;
                        int column = (target + lane) % columns;
                        picks[lane] = isIn ? sources[lane] - first : -1;
                        picks[vector + lane] = isIn ? BitConverter.SingleToInt32Bits(weights[bands[3 * column + 2] + tap]) : 0;
                        sources[lane] = isIn ? -1 : sources[lane];
                        taken += isIn ? 1 : 0;
                    }

                    left -= taken;
                    isFull &= taken == vector;
                    string key = new(MemoryMarshal.Cast<int, char>(picks));
                    if (!kinds.TryGetValue(key, out int kind))
                    {
                        kinds.Add(key, kind = lanes.Count);
                        lanes.AddRange(picks);
                    }

                    steps.Add(new Step(first, kind));
                }
            }

            blocks.Add(new Block(target, steps.Count, isFull));
        }

        return products >= LeastShare * vector * steps.Count ? new BandColumns(vector, rows, steps, blocks, lanes) : null;
    }

    /// <summary>The fewest rows that make whole vectors, or nearly so; 0 if even the most do not fill one.</summary>
    private static int RowsFor(int columns, int width, int vector)
    {
        int best = 0;
        double least = double.MaxValue;
        for (int rows = 1; rows <= MostRows && (rows == 1 || rows * Math.Max(width, columns) <= MostElements); rows++)
        {
            int elements = rows * columns;
            if (elements < vector)
            {
                continue;
            }

            double waste = (double)((elements + vector - 1) / vector * vector) / elements - 1;
            if (waste < least)
            {
                (best, least) = (rows, waste);
            }

            if (waste <= MostWaste)
            {
                break;
            }
        }

        return best;
    }

    private static T[] Pinned<T>(List<T> list) where T : unmanaged
    {
        // Never empty, so that there is an address.
        var array = GC.AllocateUninitializedArray<T>(Math.Max(1, list.Count), pinned: true);
        list.CopyTo(array);
        return array;
    }

    private static T* Address<T>(T[] pinned) where T : unmanaged => (T*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(pinned));
}
