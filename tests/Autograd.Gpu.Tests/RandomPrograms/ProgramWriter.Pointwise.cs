namespace Autograd.Gpu.Tests;

internal sealed partial class ProgramWriter
{
    private static readonly (string Name, Func<Tensor, Tensor> Apply)[] s_smooth =
    [
        ("Sin", x => x.Sin()), ("Cos", x => x.Cos()), ("Tanh", x => x.Tanh()), ("Sigmoid", x => x.Sigmoid()), ("Neg", x => x.Neg()), ("Square", x => x.Square()),
        ("Atan", x => x.Atan()), ("Asinh", x => x.Asinh()), ("Erf", x => x.Erf()), ("Erfc", x => x.Erfc()), ("Softplus", x => x.Softplus()), ("Silu", x => x.Silu()),
        ("Gelu", x => x.Gelu()), ("Mish", x => x.Mish()), ("LogSigmoid", x => x.LogSigmoid()), ("Exp", x => x.Exp()), ("Expm1", x => x.Expm1()), ("Exp2", x => x.Exp2()),
        ("Sinh", x => x.Sinh()), ("Cosh", x => x.Cosh()), ("Tanhshrink", x => x.Tanhshrink()), ("Sinc", x => x.Sinc()),
    ];

    private static readonly (string Name, Func<Tensor, Tensor> Apply)[] s_ofPositive =
    [
        ("Log", x => x.Log()), ("Log1p", x => x.Log1p()), ("Log2", x => x.Log2()), ("Sqrt", x => x.Sqrt()), ("Rsqrt", x => x.Rsqrt()), ("Reciprocal", x => x.Reciprocal()),
        ("Lgamma", x => x.Lgamma()), ("Digamma", x => x.Digamma()), ("Acosh", x => (x + 1).Acosh()), ("Log10", x => x.Log10()),
    ];

    // With a kink, or a step, at 0.
    private static readonly (string Name, Func<Tensor, Tensor> Apply)[] s_kinked =
    [
        ("Relu", x => x.Relu()), ("Abs", x => x.Abs()), ("LeakyRelu", x => x.LeakyRelu()), ("Elu", x => x.Elu()), ("Selu", x => x.Selu()), ("Celu", x => x.Celu()),
        ("Softsign", x => x.Softsign()), ("Sign", x => x.Sign()),
    ];

    private Func<bool>[] Operations() =>
    [
        Smooth, Smooth, Smooth, OfPositive, Kinked, Rounded, Binary, Binary, Binary, Binary, WithNumber, WithNumber, Quotient, Extreme, Ternary, Ternary, Compare, Compare,
        Logic, Select, Select, Cast, Clamped,
        Reduction, Reduction, Reduction, Moment, Best, Scan, Sorted, Softmax, Product, Product, Loss,
        View, View, View, View, Slice, Slice, Spread, Copied, Copied, Join, Join, Cut,
        Picked, Picked, Placed, Placed, Masked, Whole, Repeated,
        WriteAll, WriteAll, WriteAll, WritePart, WritePart, WritePart, CloneToWrite, CloneToWrite, Detached,
    ];

    private bool Smooth()
    {
        var (name, apply) = s_smooth[_random.Next(s_smooth.Length)];
        return Float() is { } a && Add($"{a}.{name}()", Kind.Computed, x => apply(x[0]), a);
    }

    private bool OfPositive()
    {
        var (name, apply) = s_ofPositive[_random.Next(s_ofPositive.Length)];
        return Float() is { } a && Add($"({a}.Square() + 0.5).{name}()", Kind.Computed, x => apply(x[0].Square() + 0.5), a);
    }

    private bool Kinked()
    {
        var (name, apply) = s_kinked[_random.Next(s_kinked.Length)];
        return Float(v => IsOff(v, 0)) is { } a && Add($"{a}.{name}()", Kind.Computed, x => apply(x[0]), a);
    }

    private bool Rounded()
    {
        if (Float(v => v.Numbers.All(n => Math.Abs(n - Math.Round(n)) > _margin && Math.Abs(n - Math.Floor(n) - 0.5) > _margin)) is not { } a)
        {
            return false;
        }

        return _random.Next(5) switch
        {
            0 => One(a, Kind.Computed, x => x.Floor()),
            1 => One(a, Kind.Computed, x => x.Ceil() * 0.5),
            2 => One(a, Kind.Computed, x => x.Frac()),
            3 => One(a, Kind.Computed, x => x.Remainder(1) - x.Trunc()),
            _ => AsHalf(a, _dtype),
        };
    }

    private bool AsHalf(Value a, DType dtype) => _random.Next(2) == 0
        ? One(a, Kind.Computed, x => x.Round().To(DType.Float16).To(dtype), dtype)
        : One(a, Kind.Computed, x => x.Round().To(DType.BFloat16).To(dtype), dtype);

    private bool Binary()
    {
        if (Pair() is not var (a, b))
        {
            return false;
        }

        return _random.Next(8) switch
        {
            0 => Two(a, b, Kind.Linear, (x, y) => x + y),
            1 => Two(a, b, Kind.Linear, (x, y) => x - y),
            2 => Two(a, b, Kind.Computed, (x, y) => x * y),
            3 => Two(a, b, Kind.Linear, (x, y) => x.Add(y, -0.5)),
            4 => Two(a, b, Kind.Computed, (x, y) => x.LogAddExp(y)),
            5 => Two(a, b, Kind.Computed, (x, y) => x.Lerp(y, 0.3)),
            6 => Two(a, b, Kind.Computed, (x, y) => (x.Square() + 0.5).Pow(y)),
            _ => Two(a, b, Kind.Computed, (x, y) => x.Xlogy(y.Square() + 0.5)),
        };
    }

    private bool Quotient()
    {
        if (Pair() is not var (a, b) || !IsOff(b, 0, 0.3))
        {
            return false;
        }

        return _random.Next(3) switch
        {
            0 => Two(a, b, Kind.Computed, (x, y) => x / y),
            1 => Two(a, b, Kind.Computed, (x, y) => x.Atan2(y)),
            _ => Two(a, b, Kind.Computed, (x, y) => x.Hypot(y)),
        };
    }

    private bool Extreme()
    {
        // Of one tensor with itself there are ties everywhere, which share the gradient alike in every run.
        if (Pair() is not var (a, b) || (a != b && !AreApart(a, b)))
        {
            return false;
        }

        return _random.Next(2) == 0
            ? Two(a, b, Kind.Computed, (x, y) => Tensor.Maximum(x, y))
            : Two(a, b, Kind.Computed, (x, y) => Tensor.Minimum(x, y));
    }

    private bool WithNumber()
    {
        double n = Math.Round(0.25 + (1.5 * _random.NextDouble()), 2);
        if (Float() is not { } a)
        {
            return false;
        }

        return _random.Next(5) switch
        {
            0 => One(a, Kind.Linear, x => x + n, n),
            1 => One(a, Kind.Linear, x => x * n, n),
            2 => One(a, Kind.Linear, x => n - x, n),
            3 => One(a, Kind.Linear, x => x / n, n),
            _ => One(a, Kind.Computed, x => x.Pow(2) * n, n),
        };
    }

    private bool Ternary()
    {
        if (Pair() is not var (a, b) || Float(v => BroadcastOf(v.Shape, a.Shape, b.Shape) is not null) is not { } c)
        {
            return false;
        }

        return _random.Next(3) switch
        {
            0 => Three(a, b, c, Kind.Computed, (x, y, z) => x.Addcmul(y, z, 0.5)),
            1 => Three(a, b, c, Kind.Computed, (x, y, z) => x.Addcdiv(y, z.Square() + 1, 2)),
            _ => Three(a, b, c, Kind.Computed, (x, y, z) => x.Lerp(y, z.Sigmoid() * 0.4)),
        };
    }

    private bool Compare()
    {
        if (Pair() is not var (a, b) || !AreApart(a, b))
        {
            return false;
        }

        return _random.Next(4) switch
        {
            0 => Two(a, b, Kind.Linear, (x, y) => x > y),
            1 => Two(a, b, Kind.Linear, (x, y) => x <= y),
            2 => Two(a, b, Kind.Linear, (x, y) => x != y),
            _ => One(a, Kind.Linear, x => x.IsFinite()),
        };
    }

    private bool Logic()
    {
        if (Of(DType.Bool) is not { } a)
        {
            return false;
        }

        return Of(DType.Bool, v => BroadcastOf(a.Shape, v.Shape) is not null) is not { } b ? false : _random.Next(4) switch
        {
            0 => Two(a, b, Kind.Linear, (x, y) => x & y),
            1 => Two(a, b, Kind.Linear, (x, y) => x | y),
            2 => Two(a, b, Kind.Linear, (x, y) => x.LogicalXor(y)),
            _ => One(a, Kind.Linear, x => ~x),
        };
    }

    private bool Select()
    {
        if (Of(DType.Bool) is not { } mask || Pair() is not var (a, b) || BroadcastOf(mask.Shape, a.Shape, b.Shape) is null)
        {
            return false;
        }

        return _random.Next(3) switch
        {
            0 => Two(mask, a, Kind.Linear, (m, x) => Tensor.Where(m, x, 0.5)),
            1 => Two(a, mask, Kind.Linear, (x, m) => x.MaskedFill(m, -0.25)),
            _ => Three(mask, a, b, Kind.Linear, (m, x, y) => Tensor.Where(m, x, y)),
        };
    }

    private bool Cast()
    {
        var dtype = _dtype;
        return _random.Next(3) switch
        {
            0 => Of(DType.Bool) is { } a && One(a, Kind.Linear, x => x.To(dtype), dtype),
            1 => Of(DType.Int64) is { } a && One(a, Kind.Linear, x => x.To(dtype) * 0.25, dtype),
            _ => _dtype == DType.Float32 && Float() is { } a && One(a, Kind.Linear, x => (x.To(DType.Float64) * 0.75).To(dtype), dtype),
        };
    }

    private bool Clamped()
    {
        double low = -1 + (0.5 * _random.NextDouble()), high = 0.5 + _random.NextDouble();
        if (Float(v => IsOff(v, low) && IsOff(v, high)) is not { } a)
        {
            return false;
        }

        return _random.Next(3) switch
        {
            0 => One(a, Kind.Computed, x => x.Clamp(low, high), (low, high)),
            1 => One(a, Kind.Computed, x => x.Hardtanh(low, high), (low, high)),
            _ => One(a, Kind.Computed, x => x.Threshold(low, high), (low, high)),
        };
    }

    /// <summary>A value of the program's dtype, of the latest lines more often.</summary>
    private Value? Float(Func<Value, bool>? filter = null) => Of(_dtype, filter);

    private Value? NotEmpty(Func<Value, bool>? filter = null) => Of(_dtype, v => v.Count > 0 && (filter is null || filter(v)));

    private Value? Of(DType dtype, Func<Value, bool>? filter = null)
    {
        int from = _random.Next(3) == 0 ? 0 : Math.Max(0, _values.Count - 6);
        for (int attempt = 0; attempt < 6; attempt++)
        {
            var value = _values[_random.Next(from, _values.Count)];
            if (value.Tensor.DType == dtype && (filter is null || filter(value)))
            {
                return value;
            }
        }

        return null;
    }

    /// <summary>Two values whose shapes broadcast; sometimes the same one.</summary>
    private (Value, Value)? Pair() =>
        Float() is { } a && Float(v => BroadcastOf(a.Shape, v.Shape) is not null) is { } b ? _random.Next(2) == 0 ? (a, b) : (b, a) : null;

    private static long[]? BroadcastOf(params Shape[] shapes)
    {
        var result = new long[shapes.Max(s => s.Rank)];
        Array.Fill(result, 1);
        foreach (var shape in shapes)
        {
            for (int d = 0; d < shape.Rank; d++)
            {
                ref long size = ref result[result.Length - shape.Rank + d];
                if (shape[d] != 1 && size != 1 && size != shape[d])
                {
                    return null;
                }

                size = shape[d] == 1 ? size : shape[d];
            }
        }

        return result;
    }

    private bool IsOff(Value a, double place, double margin = 0) => a.Numbers.All(n => Math.Abs(n - place) > Math.Max(margin, _margin));

    /// <summary>Whether elements that meet differ by more than rounding.</summary>
    private bool AreApart(Value a, Value b)
    {
        var difference = (a.Tensor.Detach() - b.Tensor.Detach()).Doubles();
        return difference.All(n => Math.Abs(n) > _margin);
    }

    /// <summary>Whether all elements differ by more than rounding, so that their order is the same in every run.</summary>
    private bool AreDistinct(Value a)
    {
        var sorted = a.Numbers;
        Array.Sort(sorted);
        for (int i = 1; i < sorted.Length; i++)
        {
            if (sorted[i] - sorted[i - 1] <= _margin)
            {
                return false;
            }
        }

        return true;
    }

    private int Dim(Value a) => a.Rank == 0 ? 0 : _random.Next(-a.Rank, a.Rank);

    private static long SizeOf(Value a, int dim) => a.Rank == 0 ? 1 : a.Shape[(dim + a.Rank) % a.Rank];
}
