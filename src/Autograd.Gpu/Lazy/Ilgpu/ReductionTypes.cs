using Autograd.Gpu.Kernels.Fused;

namespace Autograd.Gpu.Lazy.Ilgpu;

/// <summary>The types that close a reduction template: how elements combine and how the result is stored.</summary>
internal readonly record struct ReductionTypes(Type Value, Type State, Type Combiner, Type Store)
{
    /// <summary>The types for elements of <paramref name="dtype"/>.</summary>
    /// <exception cref="DTypeException">Bools have no sum and no product; the caller casts first.</exception>
    public static ReductionTypes For(Reduction reduction, DType dtype)
    {
        if (dtype == DType.Bool && reduction is (Reduction.Sum or Reduction.Product))
        {
            throw new DTypeException($"{reduction}: not implemented for {dtype.Name()}; cast to int64 first.");
        }

        var value = BodyCompiler.ValueType(dtype);
        var positioned = typeof(Positioned<>).MakeGenericType(value);
        return reduction switch
        {
            Reduction.Sum => new(value, value, typeof(SumReduction<>).MakeGenericType(value), StoreOf(dtype)),
            Reduction.Product => new(value, value, typeof(ProductReduction<>).MakeGenericType(value), StoreOf(dtype)),
            Reduction.Max => new(value, value, Ranged(typeof(MaxReduction<,>), dtype), StoreOf(dtype)),
            Reduction.Min => new(value, value, Ranged(typeof(MinReduction<,>), dtype), StoreOf(dtype)),
            Reduction.ArgMax => new(value, positioned, Ranged(typeof(ArgMaxReduction<,>), dtype), typeof(PositionResult<>).MakeGenericType(value)),
            _ => new(value, positioned, Ranged(typeof(ArgMinReduction<,>), dtype), typeof(PositionResult<>).MakeGenericType(value)),
        };
    }

    /// <summary>The same reduction leaving its states to a second pass.</summary>
    public ReductionTypes FirstPass() => this with { Store = typeof(PartialResult<>).MakeGenericType(State) };

    /// <summary>The pass over the states that the first one left.</summary>
    public ReductionTypes SecondPass() => this with
    {
        Value = State,
        Combiner = typeof(MergeReduction<,,>).MakeGenericType(Combiner, Value, State),
    };

    /// <summary>The second pass's prologue.</summary>
    public Type PartialBody() => typeof(PartialStates<>).MakeGenericType(State);

    private static Type Ranged(Type reduction, DType dtype) => dtype.ComputeType() switch
    {
        DType.Bool or DType.Int32 => reduction.MakeGenericType(typeof(int), typeof(Int32Range)),
        DType.Int64 => reduction.MakeGenericType(typeof(long), typeof(Int64Range)),
        DType.Float32 => reduction.MakeGenericType(typeof(float), typeof(Float32Range)),
        _ => reduction.MakeGenericType(typeof(double), typeof(Float64Range)),
    };

    private static Type StoreOf(DType dtype) => dtype switch
    {
        DType.Bool => typeof(BoolResult),
        DType.UInt8 => typeof(UInt8Result),
        DType.Int32 => typeof(Int32Result),
        DType.Int64 => typeof(Int64Result),
        DType.Float16 => typeof(Float16Result),
        DType.BFloat16 => typeof(BFloat16Result),
        DType.Float32 => typeof(Float32Result),
        _ => typeof(Float64Result),
    };
}
