namespace Autograd.Gpu.Lazy;

/// <summary>Computes a function of constants at once, with the function's own scalar form.</summary>
internal static class ConstantFolder
{
    public static ConstantExpression? TryFold(
        PointwiseFunction function, DType dtype, Layout layout, Expression in0, Expression? in1, Expression? in2)
    {
        if (in0 is not ConstantExpression a || in1 is not (null or ConstantExpression) || in2 is not (null or ConstantExpression))
        {
            return null;
        }

        if (function is CastFunction)
        {
            return new ConstantExpression(a.Value, dtype, layout);
        }

        var inputType = (in2 ?? in1 ?? in0).DType.ComputeType();
        var evaluate = function.Evaluators[(int)inputType] ??= Evaluator(function, inputType);
        var value = evaluate(a.Value, (in1 as ConstantExpression)?.Value ?? default, (in2 as ConstantExpression)?.Value ?? default);
        return new ConstantExpression(value, dtype, layout);
    }

    private static Func<Scalar, Scalar, Scalar, Scalar> Evaluator(PointwiseFunction function, DType dtype) => dtype switch
    {
        DType.Bool => Typed<bool>(function, dtype, s => s.ToInt64() != 0, v => v),
        DType.Int32 => Typed<int>(function, dtype, s => (int)s.ToInt64(), v => v),
        DType.Int64 => Typed<long>(function, dtype, s => s.ToInt64(), v => v),
        DType.Float32 => Typed<float>(function, dtype, s => (float)s.ToDouble(), v => v),
        _ => Typed<double>(function, dtype, s => s.ToDouble(), v => v),
    };

    private static Func<Scalar, Scalar, Scalar, Scalar> Typed<T>(
        PointwiseFunction function, DType dtype, Func<Scalar, T> from, Func<T, Scalar> to)
    {
        var method = function.HostScalarMethod(dtype);
        if (function.TakesCondition)
        {
            var select = method.CreateDelegate<Func<bool, T, T, T>>();
            return (a, b, c) => to(select(a.ToInt64() != 0, from(b), from(c)));
        }

        if (method.ReturnType == typeof(bool) && typeof(T) != typeof(bool))
        {
            if (function.Arity == 1)
            {
                var test = method.CreateDelegate<Func<T, bool>>();
                return (a, _, _) => test(from(a));
            }

            var compare = method.CreateDelegate<Func<T, T, bool>>();
            return (a, b, _) => compare(from(a), from(b));
        }

        switch (function.Arity)
        {
            case 1:
                var unary = method.CreateDelegate<Func<T, T>>();
                return (a, _, _) => to(unary(from(a)));
            case 2:
                var binary = method.CreateDelegate<Func<T, T, T>>();
                return (a, b, _) => to(binary(from(a), from(b)));
            default:
                var ternary = method.CreateDelegate<Func<T, T, T, T>>();
                return (a, b, c) => to(ternary(from(a), from(b), from(c)));
        }
    }
}
