using Autograd.Gpu.Lazy;
using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Tests;

/// <summary>Rows of the structural table: recurrent layers over packed rows, each cell against its formulas in plain loops.</summary>
internal static class RecurrentTable
{
    public static IEnumerable<Sample> Samples()
    {
        yield return Row(RecurrentKind.Tanh, 2, [2, 1], reverse: false);
        yield return Row(RecurrentKind.Relu, 1, [2, 2], reverse: true);
        yield return Row(RecurrentKind.Lstm, 1, [2, 1], reverse: false);
        yield return Row(RecurrentKind.Lstm, 2, [1, 1], reverse: true);
        yield return Row(RecurrentKind.Gru, 2, [2, 1], reverse: true);
        yield return Row(RecurrentKind.Gru, 1, [2, 2], reverse: false);
    }

    private static Sample Row(RecurrentKind kind, int width, long[] sizes, bool reverse)
    {
        long batch = sizes[0], gates = kind switch { RecurrentKind.Lstm => 4, RecurrentKind.Gru => 3, _ => 1 };
        long states = kind switch { RecurrentKind.Lstm => 2 * batch, RecurrentKind.Gru => batch + 1, _ => batch };
        return new(
            $"{kind} of [{string.Join(", ", sizes)}] rows of {width}{(reverse ? ", from the end" : "")}",
            [[sizes.Sum(), gates * width], [gates * width, width], [states, width]],
            x => Structural.Apply(new RecurrentSequence(kind, new SequenceSteps(sizes, reverse), batch), [.. x]),
            x => Loops(kind, width, sizes, reverse, x));
    }

    private static NdArray Loops(RecurrentKind kind, int width, long[] sizes, bool reverse, NdArray[] x)
    {
        static double Sigmoid(double v) => 1 / (1 + Math.Exp(-v));
        long batch = sizes[0], rows = sizes.Sum();
        bool hasCell = kind == RecurrentKind.Lstm;
        var output = new double[rows + (hasCell ? 2 : 1) * batch, width];
        for (long n = 0; n < batch * (hasCell ? 2 : 1); n++)
        {
            for (int j = 0; j < width; j++)
            {
                output[rows + n, j] = x[2][n, j];
            }
        }

        var order = Enumerable.Range(0, sizes.Length);
        foreach (int t in reverse ? order.Reverse() : order)
        {
            for (long n = 0; n < sizes[t]; n++)
            {
                long row = sizes.Take(t).Sum() + n;
                double Hidden(int gate, int j) => Enumerable.Range(0, width).Sum(k => x[1][gate * width + j, k] * output[rows + n, k]);
                double Gate(int gate, int j) => x[0][row, gate * width + j] + Hidden(gate, j);
                var next = Enumerable.Range(0, width).Select(j =>
                {
                    double before = output[rows + n, j];
                    switch (kind)
                    {
                        case RecurrentKind.Lstm:
                            double cell = Sigmoid(Gate(1, j)) * output[rows + batch + n, j] + Sigmoid(Gate(0, j)) * Math.Tanh(Gate(2, j));
                            return (Sigmoid(Gate(3, j)) * Math.Tanh(cell), cell);
                        case RecurrentKind.Gru:
                            double z = Sigmoid(Gate(1, j));
                            return ((1 - z) * Math.Tanh(x[0][row, 2 * width + j] + Sigmoid(Gate(0, j)) * (Hidden(2, j) + x[2][batch, j])) + z * before, 0.0);
                        default:
                            return (kind == RecurrentKind.Tanh ? Math.Tanh(Gate(0, j)) : Math.Max(0, Gate(0, j)), 0.0);
                    }
                }).ToArray();
                for (int j = 0; j < width; j++)
                {
                    output[row, j] = output[rows + n, j] = next[j].Item1;
                    if (hasCell)
                    {
                        output[rows + batch + n, j] = next[j].Item2;
                    }
                }
            }
        }

        return NdArray.Generate([output.GetLength(0), width], i => output[i[0], i[1]]);
    }
}
