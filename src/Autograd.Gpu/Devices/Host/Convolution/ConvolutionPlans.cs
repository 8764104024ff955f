using Autograd.Gpu.Kernels.Convolution;

namespace Autograd.Gpu.Devices.Host;

/// <summary>The plans of the last shapes of convolutions, so that a training step makes none. A key has every argument of the plan's constructor.</summary>
internal static class ConvolutionPlans
{
    /// <summary>The shapes of one kind that are kept for sure: more than the distinct layers of most networks.</summary>
    internal const int Most = 128;

    private static readonly PlanCache<Key, ConvolutionPlan> s_sums = new(Most);
    private static readonly PlanCache<Key, DepthwisePlan?> s_depthwise = new(Most);
    private static readonly PlanCache<Key, OuterGradientPlan> s_outer = new(Most);
    private static readonly PlanCache<Key, WeightGradientPlan> s_dots = new(Most);

    /// <summary>A convolution, or its transpose.</summary>
    public static ConvolutionPlan Sum(in ConvolutionShape shape, bool isTransposed, int elementSize, int lanes, bool hasManyRegisters, int threads) =>
        s_sums.Get(
            new Key(shape, elementSize, isTransposed, lanes, hasManyRegisters, threads),
            0,
            static (k, _) => new ConvolutionPlan(k.Shape, k.IsTransposed, k.ElementSize, k.Lanes, k.HasManyRegisters, k.Threads));

    /// <summary>Groups of one input channel each, or null where the shape is none of these.</summary>
    public static DepthwisePlan? Depthwise(in ConvolutionShape shape, bool isTransposed, int elementSize) => DepthwisePlan.Fits(shape)
        ? s_depthwise.Get(new Key(shape, elementSize, isTransposed), 0, static (k, _) => DepthwisePlan.TryMake(k.Shape, k.IsTransposed, k.ElementSize))
        : null;

    /// <summary>The gradient of a weight as outer products.</summary>
    public static OuterGradientPlan Outer(in ConvolutionShape shape, int elementSize, int lanes) =>
        s_outer.Get(new Key(shape, elementSize, Lanes: lanes), 0, static (k, _) => new OuterGradientPlan(k.Shape, k.ElementSize, k.Lanes));

    /// <summary>The gradient of a weight as dot products.</summary>
    public static WeightGradientPlan Dots(in ConvolutionShape shape, int elementSize, int lanes) =>
        s_dots.Get(new Key(shape, elementSize, Lanes: lanes), 0, static (k, _) => new WeightGradientPlan(k.Shape, k.ElementSize, k.Lanes));

    private readonly record struct Key(
        ConvolutionShape Shape, int ElementSize, bool IsTransposed = false, int Lanes = 0, bool HasManyRegisters = false, int Threads = 0);
}
