using Autograd.Gpu.Transforms;

namespace Autograd.Gpu.LinearAlgebra;

/// <summary>
/// How a function that reads elements runs inside <c>Vmap</c>: its operands are stacks of matrices already, so that the batch of a map is one more leading dimension. What
/// a map wraps is unwrapped, computed for all samples at once, and wrapped again.
/// </summary>
internal static class HostForward
{
    /// <summary>The results of a function of one tensor.</summary>
    public static Tensor[] Run(Tensor a, Func<Tensor, Tensor[]> function) =>
        a.Wrapper is { } wrapper ? Array.ConvertAll(Run(wrapper.Inner, function), wrapper.Rewrap) : function(a);

    /// <summary>The result of a function of two tensors whose leading dimensions broadcast.</summary>
    public static Tensor Run(Tensor a, Tensor b, Func<Tensor, Tensor, Tensor> function)
    {
        if (Level.Innermost([a, b]) is not { } level)
        {
            return function(a, b);
        }

        int rank = Math.Max(a.Rank, b.Rank);
        var wrapper = level.Wraps(a) ? a.Wrapper! : b.Wrapper!;
        return wrapper.Rewrap(Run(Aligned(level, a, rank), Aligned(level, b, rank), function));
    }

    /// <summary>What is inside, with dimensions of size 1 behind the batch, so that those of both operands mean the same.</summary>
    private static Tensor Aligned(Level level, Tensor sample, int rank)
    {
        var inner = level.Unwrap(sample);
        if (!level.Wraps(sample) || sample.Rank == rank)
        {
            return inner;
        }

        var sizes = new long[rank + 1];
        Array.Fill(sizes, 1);
        sizes[0] = inner.Shape[0];
        inner.Shape.AsSpan()[1..].CopyTo(sizes.AsSpan(rank + 1 - sample.Rank));
        return inner.Reshape(sizes);
    }
}
