using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Tests;

internal sealed partial class ProgramWriter
{
    private bool Reduction()
    {
        if (NotEmpty() is not { } a)
        {
            return false;
        }

        bool keep = _random.Next(2) == 0;
        int[] dims = a.Rank == 0 || _random.Next(3) == 0 ? [] : a.Rank > 1 && _random.Next(3) == 0 ? [0, a.Rank - 1] : [Dim(a)];
        return _random.Next(8) switch
        {
            0 or 1 => One(a, Kind.Linear, x => x.Sum(dims, keep), (dims, keep)),
            2 => One(a, Kind.Linear, x => x.Mean(dims, keep), (dims, keep)),
            3 => One(a, Kind.Computed, x => x.LogSumExp(dims, keep), (dims, keep)),
            4 => One(a, Kind.Linear, x => x.NanSum(dims, keep), (dims, keep)),
            5 => One(a, Kind.Computed, x => (x * 0.5).Prod(dims, keep), (dims, keep)),
            6 => AreDistinct(a) && One(a, Kind.Computed, x => x.Amax(dims, keep), (dims, keep)),
            _ => AreDistinct(a) && One(a, Kind.Computed, x => x.Amin(dims, keep), (dims, keep)),
        };
    }

    private bool Moment()
    {
        if (NotEmpty(v => v.Rank > 0 && v.Count > 1) is not { } a)
        {
            return false;
        }

        int dim = Dim(a);
        return _random.Next(3) switch
        {
            0 => One(a, Kind.Computed, x => x.Var(dim, correction: 0), dim),
            1 => One(a, Kind.Computed, x => (x.Var([dim], 0, true) + 0.25).Sqrt(), dim),
            _ => IsOff(a, 0, 0.1) && One(a, Kind.Computed, x => x.Norm(2, [dim]), dim),
        };
    }

    private bool Best()
    {
        if (NotEmpty(v => v.Rank > 0 && AreDistinct(v)) is not { } a)
        {
            return false;
        }

        int dim = Dim(a);
        return _random.Next(8) switch
        {
            0 => One(a, Kind.Computed, x => x.Max(dim).Values, dim),
            1 => One(a, Kind.Computed, x => x.Min(dim, keepDim: true).Values, dim),
            2 => One(a, Kind.Linear, x => x.ArgMax(dim), dim),
            3 => One(a, Kind.Linear, x => x.ArgMin(dim, keepDim: true), dim),
            4 => One(a, Kind.Computed, x => x.Median(dim).Values, dim),
            5 => One(a, Kind.Computed, x => x.CumMax(dim).Values, dim),
            6 => One(a, Kind.Computed, x => x.Max()),
            _ => One(a, Kind.Linear, x => x.CountNonZero([dim]), dim),
        };
    }

    private bool Scan()
    {
        if (Float(v => v.Rank > 0) is not { } a)
        {
            return false;
        }

        int dim = Dim(a);
        return _random.Next(3) switch
        {
            0 => One(a, Kind.Linear, x => x.CumSum(dim), dim),
            1 => One(a, Kind.Computed, x => x.Tanh().CumProd(dim), dim),
            _ => One(a, Kind.Computed, x => x.LogCumSumExp(dim), dim),
        };
    }

    private bool Sorted()
    {
        if (NotEmpty(v => v.Rank > 0 && AreDistinct(v)) is not { } a)
        {
            return false;
        }

        int dim = Dim(a);
        long k = 1 + _random.NextInt64(SizeOf(a, dim));
        bool flag = _random.Next(2) == 0;
        return _random.Next(4) switch
        {
            0 => One(a, Kind.Computed, x => x.Sort(dim, flag).Values, (dim, flag)),
            1 => One(a, Kind.Linear, x => x.ArgSort(dim, flag), (dim, flag)),
            2 => One(a, Kind.Computed, x => x.TopK(k, dim, flag).Values, (k, dim, flag)),
            _ => One(a, Kind.Computed, x => x.KthValue(k, dim, flag).Values, (k, dim, flag)),
        };
    }

    private bool Softmax()
    {
        if (Float() is not { } a)
        {
            return false;
        }

        int dim = Dim(a);
        return _random.Next(2) == 0 ? One(a, Kind.Computed, x => x.Softmax(dim), dim) : One(a, Kind.Computed, x => x.LogSoftmax(dim), dim);
    }

    private bool Product()
    {
        if (Float(v => v.Rank > 0) is not { } a)
        {
            return false;
        }

        var b = Float(v => v.Rank > 0 && v.Shape[Math.Max(0, v.Rank - 2)] == a.Shape[a.Rank - 1] && (v.Rank < 3 || a.Rank < 3));
        return b is not null ? Two(a, b, Kind.Computed, (x, y) => x.MatMul(y))
            : a.Rank > 1 && _random.Next(2) == 0 ? One(a, Kind.Computed, x => x.MatMul(x.MT))
            : a.Rank == 2 && One(a, Kind.Computed, x => Functional.Linear(x, x));
    }

    private bool Loss()
    {
        if (Float(v => v.Rank == 2 && v.Count > 0) is not { } a)
        {
            return false;
        }

        long classes = a.Shape[1];
        long[] target = [.. Enumerable.Range(0, (int)a.Shape[0]).Select(_ => _random.NextInt64(classes))];
        var reduction = (LossReduction)_random.Next(3);
        return _random.Next(3) > 0
            ? One(a, Kind.Computed, x => Functional.CrossEntropy(x, Tensor.FromArray(target, x.Device), reduction: reduction), (target, reduction))
            : Float(v => v.Shape == a.Shape) is { } b && Two(a, b, Kind.Computed, (x, y) => Functional.MseLoss(x, y, reduction), reduction);
    }

    private bool View()
    {
        if (Float() is not { } a)
        {
            return false;
        }

        int d = Dim(a), e = Dim(a), at = _random.Next(-a.Rank - 1, a.Rank + 1);
        int[] order = [.. Enumerable.Range(0, a.Rank).OrderBy(_ => _random.Next())];
        return _random.Next(8) switch
        {
            0 => One(a, Kind.Linear, x => x.Unsqueeze(at), at),
            1 => One(a, Kind.Linear, x => x.Squeeze()),
            2 => a.Rank > 1 && One(a, Kind.Linear, x => x.Transpose(d, e), (d, e)),
            3 => a.Rank > 1 && One(a, Kind.Linear, x => x.Permute(order), order),
            4 => One(a, Kind.Linear, x => x.Flatten()),
            5 => a.Rank > 1 && One(a, Kind.Linear, x => x.Diagonal(0, 0, 1)),
            6 => a.Rank > 1 && One(a, Kind.Linear, x => x.MoveDim(d, e), (d, e)),
            _ => Reshaped(a),
        };
    }

    private bool Reshaped(Value a)
    {
        foreach (long by in new long[] { 3, 2, 4 }.OrderBy(_ => _random.Next()))
        {
            if (a.Count % by == 0 && a.Count > 0)
            {
                return One(a, Kind.Linear, x => x.Reshape(by, -1), by);
            }
        }

        return false;
    }

    private bool Slice()
    {
        if (Float(v => v.Rank > 0) is not { } a)
        {
            return false;
        }

        int d = _random.Next(a.Rank);
        long size = a.Shape[d], start = size == 0 ? 0 : _random.NextInt64(size), length = _random.Next(12) == 0 ? 0 : Math.Min(size - start, 1 + _random.NextInt64(3));
        return _random.Next(4) switch
        {
            0 => One(a, Kind.Linear, x => x.Narrow(d, start, length), (d, start, length)),
            1 => size > 0 && One(a, Kind.Linear, x => x.Select(d, start), (d, start)),
            2 => One(a, Kind.Linear, x => x[TensorIndex.Slice(step: 2)]),
            _ => One(a, Kind.Linear, x => x[TensorIndex.Ellipsis, TensorIndex.Slice(1)]),
        };
    }

    /// <summary>Views in which elements share memory.</summary>
    private bool Spread()
    {
        if (Float() is not { } a)
        {
            return false;
        }

        long n = 2 + _random.Next(2);
        int d = Dim(a);
        bool added = _random.Next(3) switch
        {
            0 => One(a, Kind.Linear, x => x.Unsqueeze(0).Expand([n, .. x.Shape]), n),
            1 => a.Rank > 0 && a.Shape[a.Rank - 1] == 1 && One(a, Kind.Linear, x => x.Expand([.. x.Shape.ToArray()[..^1], n]), n),
            _ => a.Rank > 0 && SizeOf(a, d) >= 2 && One(a, Kind.Linear, x => x.Unfold(d, 2, 1), d),
        };
        if (added)
        {
            _values[^1].MayBeWritten = false;
        }

        return added;
    }

    private bool Copied()
    {
        if (Float(v => v.Rank > 0) is not { } a)
        {
            return false;
        }

        int d = Dim(a), n = _random.Next(-2, 3);
        return _random.Next(6) switch
        {
            0 => One(a, Kind.Linear, x => x.Flip(d), d),
            1 => One(a, Kind.Linear, x => x.Roll(n, d), (n, d)),
            2 => a.Rank > 1 && One(a, Kind.Linear, x => x.Tril(n), n),
            3 => a.Rank > 1 && One(a, Kind.Linear, x => x.Triu(n), n),
            4 => a.Rank > 1 && One(a, Kind.Linear, x => x.MT.Contiguous()),
            _ => a.Rank == 1 && One(a, Kind.Linear, x => x.DiagEmbed()),
        };
    }

    private bool Repeated()
    {
        if (Float(v => v.Rank > 0) is not { } a)
        {
            return false;
        }

        int d = Dim(a);
        return _random.Next(3) switch
        {
            0 => One(a, Kind.Linear, x => x.Tile(2)),
            1 => One(a, Kind.Linear, x => x.RepeatInterleave(2, d), d),
            _ => a.Rank > 1 && One(a, Kind.Linear, x => x.Rot90(1, 0, 1)),
        };
    }

    private bool Join()
    {
        if (Float(v => v.Rank > 0) is not { } a)
        {
            return false;
        }

        int d = _random.Next(a.Rank);
        if (_random.Next(2) == 0)
        {
            return Float(v => v.Shape == a.Shape) is { } same && Two(a, same, Kind.Linear, (x, y) => Tensor.Stack([x, y], d), d);
        }

        return Float(v => v.Rank == a.Rank && Enumerable.Range(0, a.Rank).All(k => k == d || v.Shape[k] == a.Shape[k])) is { } b
            && Two(a, b, Kind.Linear, (x, y) => Tensor.Cat([x, y], d), d);
    }

    /// <summary>One of several views that one node makes; these, and what they are of, are not written.</summary>
    private bool Cut()
    {
        if (Float(v => v.Rank > 0 && v.Count > 0) is not { } a)
        {
            return false;
        }

        int d = Dim(a);
        int part = _random.Next((int)Math.Min(2, SizeOf(a, d)));
        _frozen.Add(a.Family);
        return _random.Next(3) switch
        {
            0 => One(a, Kind.Linear, x => x.Split(1, d)[part], (d, part)),
            1 => One(a, Kind.Linear, x => x.Chunk(2, d)[part], (d, part)),
            _ => One(a, Kind.Linear, x => x.Unbind(d)[part], (d, part)),
        };
    }

    /// <summary>Positions along a dimension, with repetitions or without.</summary>
    private long[] Positions(long size, bool differ) => differ
        ? [.. Enumerable.Range(0, (int)size).OrderBy(_ => _random.Next()).Take(1 + _random.Next((int)size)).Select(i => (long)i)]
        : [.. Enumerable.Range(0, 1 + _random.Next(3)).Select(_ => _random.NextInt64(size))];

    private bool Picked()
    {
        if (Float(v => v.Rank > 0 && v.Count > 0) is not { } a)
        {
            return false;
        }

        int d = _random.Next(a.Rank);
        var at = Positions(a.Shape[d], differ: false);
        switch (_random.Next(5))
        {
            case 0:
                return One(a, Kind.Linear, x => x.IndexSelect(d, Tensor.FromArray(at, x.Device)), (d, at));
            case 1:
                var first = Positions(a.Shape[0], differ: false);
                return One(a, Kind.Linear, x => x[Tensor.FromArray(first, x.Device)], first);
            case 2:
                var all = Positions(a.Count, differ: false);
                return One(a, Kind.Linear, x => x.Take(Tensor.FromArray(all, x.Device)), all);
            case 3:
                return AreDistinct(a) && One(a, Kind.Computed, x => x.Gather(d, x.ArgSort(d)), d);
            default:
                return a.Rank == 2 && One(a, Kind.Linear, x => x[TensorIndex.Ellipsis, Tensor.FromArray(Array.ConvertAll(at, i => i % x.Shape[1]), x.Device)], at);
        }
    }

    private bool Placed()
    {
        if (Float(v => v.Rank > 0 && v.Count > 0) is not { } a)
        {
            return false;
        }

        int d = _random.Next(a.Rank);
        long[] lines = Positions(a.Shape[d], differ: true), doubled = Positions(a.Shape[0], differ: false);
        switch (_random.Next(7))
        {
            case 0 when Float(v => v.Shape == a.Shape) is { } b && AreDistinct(b):
                return Two(a, b, Kind.Computed, (x, y) => x.Scatter(d, y.ArgSort(d), y), d);
            case 1 when Float(v => v.Shape == a.Shape) is { } b && AreDistinct(b):
                return Two(a, b, Kind.Computed, (x, y) => x.ScatterAdd(d, y.ArgMax(d, keepDim: true), y), d);
            case 2 when Float(v => v.Shape == a.Shape) is { } b && AreDistinct(b) && AreDistinct(a) && AreApart(a, b):
                return Two(a, b, Kind.Computed, (x, y) => x.ScatterReduce(d, y.ArgSort(d), y, ScatterReduction.Amax), d);
            case 3 when Float(v => v.Shape == a.Shape) is { } b:
                return Two(a, b, Kind.Computed, (x, y) => x.IndexCopy(d, Tensor.FromArray(lines, x.Device), y.Narrow(d, 0, lines.Length)), (d, lines));
            case 4 when Float(v => v.Shape == a.Shape) is { } b:
                return Two(a, b, Kind.Computed, (x, y) => x.IndexAdd(d, Tensor.FromArray(lines, x.Device), y.Narrow(d, 0, lines.Length), 0.5), (d, lines));
            case 5:
                return One(a, Kind.Computed, x => x.IndexFill(d, Tensor.FromArray(lines, x.Device), 0.5), (d, lines));
            default:
                return One(a, Kind.Computed, x => x.IndexPut([Tensor.FromArray(doubled, x.Device)], x.Select(0, 0), true), doubled);
        }
    }

    private bool Masked()
    {
        if (Float(v => v.Count > 0 && IsOff(v, 0.1)) is not { } a)
        {
            return false;
        }

        return _random.Next(4) switch
        {
            0 => One(a, Kind.Computed, x => x.MaskedSelect(x > 0.1)),
            1 => One(a, Kind.Linear, x => (x > 0.1).NonZero()),
            2 => a.Rank > 0 && One(a, Kind.Computed, x => x[x < 0.1]),
            _ => a.Rank > 0 && Float(v => v.Shape == a.Shape) is { } b && Two(a, b, Kind.Computed, (x, y) => x.MaskedScatter(x > 0.1, y)),
        };
    }

    private bool Whole() => Of(DType.Int64) is { } a && _random.Next(5) switch
    {
        0 => One(a, Kind.Linear, x => x % 3),
        1 => One(a, Kind.Linear, x => (x * 2) - 1),
        2 => One(a, Kind.Linear, x => x.Clamp(0, 2)),
        3 => One(a, Kind.Linear, x => x > 0),
        _ => One(a, Kind.Linear, x => x.Sum()),
    };

    private Value? Target() => Float(v => v.MayBeWritten && !_frozen.Contains(v.Family));

    private bool CloneToWrite() => Float() is { } a && One(a, Kind.Linear, x => x.Clone());

    private bool Detached() => _random.Next(3) == 0 && Float() is { } a && One(a, Kind.Linear, x => x.Detach().Clone());

    private bool WriteAll()
    {
        if (Target() is not { } a)
        {
            return false;
        }

        var b = Float(v => BroadcastOf(a.Shape, v.Shape) is { } s && a.Shape.AsSpan().SequenceEqual(s) && v.Family != a.Family);
        double n = Math.Round(0.25 + (0.5 * _random.NextDouble()), 2);
        return _random.Next(9) switch
        {
            0 => b is not null && Write(a, b, Kind.Linear, (x, y) => x.Add_(y)),
            1 => b is not null && Write(a, b, Kind.Linear, (x, y) => x.Sub_(y, 0.5)),
            2 => b is not null && Write(a, b, Kind.Computed, (x, y) => x.Mul_(y)),
            3 => b is not null && Write(a, b, Kind.Linear, (x, y) => x.Copy_(y)),
            4 => Write(a, null, Kind.Linear, (x, _) => x.Mul_(n), n),
            5 => Write(a, null, Kind.Linear, (x, _) => x.Add_(n), n),
            6 => Write(a, null, Kind.Computed, (x, _) => x.Tanh_()),
            7 => Write(a, null, Kind.Linear, (x, _) => x.Neg_()),
            _ => Write(a, null, Kind.Linear, (x, _) => x.Fill_(n), n),
        };
    }

    private bool WritePart()
    {
        if (Target() is not { Rank: > 0, Count: > 0 } a)
        {
            return false;
        }

        int d = _random.Next(a.Rank);
        long at = _random.NextInt64(a.Shape[d]);
        var part = a.Tensor.Select(d, at).Shape;
        var lines = Positions(a.Shape[0], differ: true);
        double n = Math.Round(_random.NextDouble(), 2);
        var b = Float(v => v.Family != a.Family && BroadcastOf(part, v.Shape) is { } s && part.AsSpan().SequenceEqual(s));
        return _random.Next(6) switch
        {
            0 => b is not null && Write(a, b, Kind.Linear, (x, y) => x.Select(d, at).Copy_(y), (d, at)),
            1 => b is not null && Write(a, b, Kind.Linear, (x, y) => x.Select(d, at).Add_(y), (d, at)),
            2 => Write(a, null, Kind.Linear, (x, _) => x.Select(d, at).Mul_(n), (d, at, n)),
            3 => Write(a, null, Kind.Linear, (x, _) => x.Narrow(d, at, 1).Fill_(n), (d, at, n)),
            4 => Write(a, null, Kind.Linear, (x, _) => x.IndexFill_(0, Tensor.FromArray(lines, x.Device), n), (lines, n)),
            _ => IsOff(a, n) && Write(a, null, Kind.Linear, (x, _) => x.MaskedFill_(x > n, n), n),
        };
    }
}
