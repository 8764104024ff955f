using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Devices.Host;

/// <summary>What row kernels do with one row. Rows with nan, with inf or of -inf alone give nan without further ado: inf - inf is nan.</summary>
internal static unsafe class RowBodies<T, TVector, TOps>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where TVector : struct
    where TOps : struct, IRowVector<T, TVector>
{
    /// <summary>exp(x) / sum(exp(x)), or x - log(sum(exp(x))).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Softmax(in RowProblem<T> p, nint row)
    {
        nint n = p.Length, lanes = TOps.Lanes, i = 0;
        T* x = p.Input + row * n, y = p.Result + row * n;
        var largest = RowLoops<T, TVector, TOps>.Largest(x, n, y);
        var sum = RowLoops<T, TVector, TOps>.SumOfExponentials(x, largest, p.Flag ? null : y, n);
        if (p.Flag)
        {
            var log = T.Log(sum);
            TVector minus = TOps.Of(largest), logarithm = TOps.Of(log);
            for (; i + lanes <= n; i += lanes)
            {
                TOps.Store(TOps.Subtract(TOps.Subtract(TOps.Load(x + i), minus), logarithm), y + i);
            }

            for (; i < n; i++)
            {
                y[i] = x[i] - largest - log;
            }

            return;
        }

        // Division takes many cycles; the inverse and one step of correction give the same quotients.
        TVector inverse = TOps.Of(T.One / sum), minusSum = TOps.Of(-sum);
        for (; i + lanes <= n; i += lanes)
        {
            var e = TOps.Load(y + i);
            var quotient = TOps.Multiply(e, inverse);
            TOps.Store(TOps.MultiplyAdd(TOps.MultiplyAdd(quotient, minusSum, e), inverse, quotient), y + i);
        }

        for (; i < n; i++)
        {
            y[i] /= sum;
        }
    }

    /// <summary>y (g - sum(g y)), or for the logarithm g - exp(y) sum(g).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SoftmaxGradient(in RowProblem<T> p, nint row)
    {
        nint n = p.Length, lanes = TOps.Lanes, i = 0;
        T* g = p.Gradient + row * n, y = p.Output + row * n, result = p.Result + row * n;
        double total = p.Flag ? RowLoops<T, TVector, TOps>.Sum(g, n, result) : RowLoops<T, TVector, TOps>.Dot(g, y, n, result);
        var sum = T.CreateTruncating(total);
        var factor = TOps.Of(sum);
        if (p.Flag)
        {
            if (n < lanes)
            {
                LogGradientRest(g, y, factor, result, n);
                return;
            }

            for (; i < n; i += lanes)
            {
                // The last vector may repeat elements.
                i = Math.Min(i, n - lanes);
                TOps.Store(TOps.Subtract(TOps.Load(g + i), TOps.Multiply(TOps.Exp(TOps.Load(y + i)), factor)), result + i);
                RowAhead.FetchNext(g + n + i);
                RowAhead.FetchNext(y + n + i);
            }

            return;
        }

        for (; i + lanes <= n; i += lanes)
        {
            TOps.Store(TOps.Multiply(TOps.Load(y + i), TOps.Subtract(TOps.Load(g + i), factor)), result + i);
        }

        for (; i < n; i++)
        {
            result[i] = y[i] * (g[i] - sum);
        }
    }

    /// <summary>(x - mean) / sqrt(variance + epsilon) * weight + bias; without centring the mean counts as 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Norm(in RowProblem<T> p, nint row)
    {
        nint n = p.Length, lanes = TOps.Lanes, i = 0;
        T* x = p.Input + row * n, y = p.Result + row * n, weight = p.Weight, bias = p.Bias;
        var mean = p.Flag ? T.CreateTruncating(RowLoops<T, TVector, TOps>.Sum(x, n, y) / n) : T.Zero;
        double variance = RowLoops<T, TVector, TOps>.SumOfSquares(x, mean, n, p.Flag ? x : y) / n;
        var scale = T.CreateTruncating(1 / Math.Sqrt(variance + p.Epsilon));
        p.Moments[row] = mean;
        p.Moments[p.Rows + row] = scale;
        TVector minus = TOps.Of(mean), times = TOps.Of(scale);
        for (; i + lanes <= n; i += lanes)
        {
            var value = TOps.Multiply(TOps.Subtract(TOps.Load(x + i), minus), times);
            if (weight is not null)
            {
                value = TOps.Multiply(value, TOps.Load(weight + i));
            }

            if (bias is not null)
            {
                value = TOps.Add(value, TOps.Load(bias + i));
            }

            TOps.Store(value, y + i);
        }

        for (; i < n; i++)
        {
            var value = (x[i] - mean) * scale;
            value = weight is null ? value : value * weight[i];
            y[i] = bias is null ? value : value + bias[i];
        }
    }

    /// <summary>With h = g * weight and y the normalised row: scale (h - mean(h) - y mean(h y)); without centring mean(h) counts as 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void NormGradient(in RowProblem<T> p, nint row)
    {
        nint n = p.Length, lanes = TOps.Lanes, i = 0;
        T* x = p.Input + row * n, g = p.Gradient + row * n, result = p.Result + row * n, weight = p.Weight;
        T mean = p.Moments[row], scale = p.Moments[p.Rows + row];
        TVector minus = TOps.Of(mean), times = TOps.Of(scale);
        NormMeans(p, row, out T first, out T second);
        TVector sumMean = TOps.Of(first), productMean = TOps.Of(second);
        for (; i + lanes <= n; i += lanes)
        {
            var h = weight is null ? TOps.Load(g + i) : TOps.Multiply(TOps.Load(g + i), TOps.Load(weight + i));
            var y = TOps.Multiply(TOps.Subtract(TOps.Load(x + i), minus), times);
            TOps.Store(TOps.Multiply(TOps.Subtract(TOps.Subtract(h, sumMean), TOps.Multiply(y, productMean)), times), result + i);
        }

        for (; i < n; i++)
        {
            var h = weight is null ? g[i] : g[i] * weight[i];
            result[i] = scale * (h - first - (x[i] - mean) * scale * second);
        }
    }

    /// <summary>The means over a row that its gradient takes: of h, and of h y. Fetches the lines of the result.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void NormMeans(in RowProblem<T> p, nint row, out T first, out T second)
    {
        nint n = p.Length, lanes = TOps.Lanes, i = 0;
        T* x = p.Input + row * n, g = p.Gradient + row * n, result = p.Result + row * n, weight = p.Weight;
        T mean = p.Moments[row], scale = p.Moments[p.Rows + row];
        TVector minus = TOps.Of(mean), times = TOps.Of(scale);
        double sum = 0, product = 0;
        while (i + lanes <= n)
        {
            nint end = Math.Min(n - lanes, i + 31 * lanes);
            TVector sums = default, products = default;
            for (; i <= end; i += lanes)
            {
                var h = weight is null ? TOps.Load(g + i) : TOps.Multiply(TOps.Load(g + i), TOps.Load(weight + i));
                sums = TOps.Add(sums, h);
                products = TOps.MultiplyAdd(h, TOps.Multiply(TOps.Subtract(TOps.Load(x + i), minus), times), products);
                RowAhead.FetchNext(result + i);
            }

            sum += double.CreateTruncating(TOps.Sum(sums));
            product += double.CreateTruncating(TOps.Sum(products));
        }

        for (; i < n; i++)
        {
            var h = weight is null ? g[i] : g[i] * weight[i];
            sum += double.CreateTruncating(h);
            product += double.CreateTruncating(h) * double.CreateTruncating((x[i] - mean) * scale);
        }

        first = p.Flag ? T.CreateTruncating(sum / n) : T.Zero;
        second = T.CreateTruncating(product / n);
    }

    /// <summary>log(sum(exp(x))) - x[class]: 0 for the class to ignore, nan for one that there is not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void CrossEntropy(in RowProblem<T> p, nint row)
    {
        nint n = p.Length;
        T* x = p.Input + row * n;
        var largest = RowLoops<T, TVector, TOps>.Largest(x, n, x);
        var logarithm = T.Log(RowLoops<T, TVector, TOps>.SumOfExponentials(x, largest, null, n));
        long target = p.Target[row];

        // The largest logit and the logarithm stay apart: beside a large logit their sum would lose the digits of the logarithm.
        p.Moments[row] = largest;
        p.Moments[p.Rows + row] = logarithm;
        p.Result[row] = target == p.IgnoreIndex ? T.Zero : (ulong)target < (ulong)n ? logarithm - (x[target] - largest) : T.NaN;
    }

    /// <summary>(softmax(x) - 1 at the class) times the row's gradient.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void CrossEntropyGradient(in RowProblem<T> p, nint row)
    {
        nint n = p.Length, lanes = TOps.Lanes, i = 0;
        T* x = p.Input + row * n, result = p.Result + row * n;
        long target = p.Target[row];
        if (target == p.IgnoreIndex)
        {
            new Span<T>(result, checked((int)n)).Clear();
            return;
        }

        T largest = p.Moments[row], logarithm = p.Moments[p.Rows + row], factor = p.Gradient is null ? p.Factor : p.Gradient[row * p.GradientStride];
        TVector first = TOps.Of(largest), second = TOps.Of(logarithm), times = TOps.Of(factor);
        if (n < lanes)
        {
            ProbabilitiesRest(x, first, second, times, result, n);
        }
        else
        {
            for (; i < n; i += lanes)
            {
                i = Math.Min(i, n - lanes);
                TOps.Store(TOps.Multiply(TOps.Exp(TOps.Subtract(TOps.Subtract(TOps.Load(x + i), first), second)), times), result + i);
                RowAhead.FetchNext(x + n + i);
                RowAhead.FetchNext(result + n + i);
            }
        }

        if ((ulong)target < (ulong)n)
        {
            // Subtracted before the factor comes in, for near a probability of 1 nothing else keeps the digits.
            result[target] = factor * (Probability(x[target] - largest - logarithm) - T.One);
        }
    }

    // Rows shorter than a vector, in methods of their own: exp is long, and the compiler inlines only so much into each.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void LogGradientRest(T* g, T* y, TVector factor, T* result, nint count)
    {
        var exponential = TOps.Exp(RowLoops<T, TVector, TOps>.Part(y, count, T.Zero));
        var rest = TOps.Subtract(RowLoops<T, TVector, TOps>.Part(g, count, T.Zero), TOps.Multiply(exponential, factor));
        RowLoops<T, TVector, TOps>.StorePart(rest, result, count);
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void ProbabilitiesRest(T* x, TVector first, TVector second, TVector times, T* result, nint count)
    {
        var rest = TOps.Exp(TOps.Subtract(TOps.Subtract(RowLoops<T, TVector, TOps>.Part(x, count, T.Zero), first), second));
        RowLoops<T, TVector, TOps>.StorePart(TOps.Multiply(rest, times), result, count);
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static T Probability(T exponent)
    {
        T* each = stackalloc T[TOps.Lanes];
        TOps.Store(TOps.Exp(TOps.Of(exponent)), each);
        return each[0];
    }
}
