namespace Autograd.Gpu.Nn;

public static partial class Functional
{
    /// <summary>[.., C r^2, H, W] as [.., C, H r, W r]: the channels become pixels.</summary>
    /// <exception cref="ShapeException">There are fewer than 3 dimensions, the factor is not positive, or its square does not divide the channels.</exception>
    public static Tensor PixelShuffle(Tensor input, int upscaleFactor)
    {
        long r = CheckShuffle("PixelShuffle", "upscale_factor", input, upscaleFactor);
        long channels = input.Shape[-3], height = input.Shape[-2], width = input.Shape[-1];
        if (channels % (r * r) != 0)
        {
            throw new ShapeException(
                $"PixelShuffle: pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, but input.size(-3)={channels} is not divisible by {r * r} (shape {input.Shape}).");
        }

        var lead = input.Shape.AsSpan()[..^3];
        int n = lead.Length;
        return input.Reshape([.. lead, channels / (r * r), r, r, height, width])
            .Permute([.. Enumerable.Range(0, n + 1), n + 3, n + 1, n + 4, n + 2])
            .Reshape([.. lead, channels / (r * r), height * r, width * r]);
    }

    /// <summary>[.., C, H r, W r] as [.., C r^2, H, W]: the opposite of <see cref="PixelShuffle"/>.</summary>
    /// <exception cref="ShapeException">There are fewer than 3 dimensions, the factor is not positive, or it does not divide height and width.</exception>
    public static Tensor PixelUnshuffle(Tensor input, int downscaleFactor)
    {
        long r = CheckShuffle("PixelUnshuffle", "downscale_factor", input, downscaleFactor);
        long channels = input.Shape[-3], height = input.Shape[-2], width = input.Shape[-1];
        if (height % r != 0 || width % r != 0)
        {
            var (what, dim) = height % r != 0 ? ("height", -2) : ("width", -1);
            throw new ShapeException(
                $"PixelUnshuffle: pixel_unshuffle expects {what} to be divisible by downscale_factor, but input.size({dim})={input.Shape[dim]} is not divisible by {r} (shape {input.Shape}).");
        }

        var lead = input.Shape.AsSpan()[..^3];
        int n = lead.Length;
        return input.Reshape([.. lead, channels, height / r, r, width / r, r])
            .Permute([.. Enumerable.Range(0, n + 1), n + 2, n + 4, n + 1, n + 3])
            .Reshape([.. lead, channels * r * r, height / r, width / r]);
    }

    /// <summary>The channels of [N, C, ...] in another order: those of all groups one after the other, as ShuffleNet mixes its groups.</summary>
    /// <exception cref="ShapeException">There are fewer than 3 dimensions, or the groups do not divide the channels.</exception>
    public static Tensor ChannelShuffle(Tensor input, int groups)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (input.Rank < 3)
        {
            throw new ShapeException($"ChannelShuffle: channel_shuffle expects input with > 2 dims, but got input with sizes {input.Shape}.");
        }

        if (groups <= 0 || input.Shape[1] % groups != 0)
        {
            throw new ShapeException(
                $"ChannelShuffle: Number of channels must be divisible by groups, which must be positive. Got {input.Shape[1]} channels and {groups} groups.");
        }

        return input.Unflatten(1, groups, input.Shape[1] / groups).Transpose(1, 2).Reshape(input.Shape);
    }

    private static long CheckShuffle(string operation, string what, Tensor input, int factor)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (input.Rank < 3)
        {
            throw new ShapeException($"{operation}: expects input to have at least 3 dimensions, but got input with {input.Rank} dimension(s).");
        }

        return factor > 0 ? factor : throw new ShapeException($"{operation}: expects a positive {what}, but got {factor}.");
    }
}

/// <summary><see cref="Functional.PixelShuffle"/> as a layer.</summary>
public sealed class PixelShuffle(int upscaleFactor) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.PixelShuffle(input, upscaleFactor);
}

/// <summary><see cref="Functional.PixelUnshuffle"/> as a layer.</summary>
public sealed class PixelUnshuffle(int downscaleFactor) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.PixelUnshuffle(input, downscaleFactor);
}

/// <summary><see cref="Functional.ChannelShuffle"/> as a layer.</summary>
public sealed class ChannelShuffle(int groups) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.ChannelShuffle(input, groups);
}
