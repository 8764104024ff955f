namespace Autograd.Gpu.Nn;

public static partial class Functional
{
    /// <summary>
    /// The tables of rotary position embedding (J. Su and others, RoFormer, 2021): cos and sin of position * theta^(-2 i / width), each [length, width / 2].
    /// </summary>
    /// <exception cref="ShapeException">The width is odd, or a size is negative.</exception>
    /// <exception cref="ArgumentException"><paramref name="theta"/> is not a positive number.</exception>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    public static (Tensor Cos, Tensor Sin) RotaryTables(long length, long width, double theta = 10000, DType dtype = DType.Float32, Device? device = null)
    {
        if (width < 0 || width % 2 != 0 || length < 0)
        {
            throw new ShapeException($"RotaryTables: expected a length and an even width that are not negative, but got {length} and {width}.");
        }

        if (!(theta > 0 && double.IsFinite(theta)))
        {
            throw new ArgumentException($"RotaryTables: expected a base above 0, but got {theta}.", nameof(theta));
        }

        if (!dtype.IsFloatingPoint())
        {
            throw new DTypeException($"RotaryTables: expected a floating-point dtype, but got {dtype.Name()}.");
        }

        using var mode = Tape.GradMode.Set(false);
        var position = Tensor.Arange(length, DType.Float64, device).Unsqueeze(1);
        var frequency = (Tensor.Arange(width / 2, DType.Float64, device) * (-2 * Math.Log(theta) / Math.Max(1, width))).Exp();
        var angle = (position * frequency).Materialize();
        return (angle.Cos().To(dtype).Materialize(), angle.Sin().To(dtype).Materialize());
    }

    /// <summary>
    /// Turns each pair of elements of x [.., length, width] by the angle of its position: of elements i and i + width / 2, or of neighbours 2 i and 2 i + 1 where
    /// <paramref name="interleaved"/>. Products of turned rows depend on the distance of their positions alone.
    /// </summary>
    /// <param name="input">Queries or keys.</param>
    /// <param name="cos">From <see cref="RotaryTables"/>, [length, width / 2], or anything that broadcasts to [.., length, width / 2].</param>
    /// <param name="sin">The same.</param>
    /// <param name="interleaved">Which elements form pairs.</param>
    /// <exception cref="ShapeException">The tables do not fit the input.</exception>
    public static Tensor ApplyRotary(Tensor input, Tensor cos, Tensor sin, bool interleaved = false)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(cos);
        ArgumentNullException.ThrowIfNull(sin);
        if (input.Rank < 2 || input.Shape[-1] % 2 != 0 || cos.Rank == 0 || cos.Shape[-1] * 2 != input.Shape[-1] || sin.Shape != cos.Shape
            || (cos.Rank > 1 && cos.Shape[-2] != input.Shape[-2]))
        {
            throw new ShapeException(
                $"ApplyRotary: expected input [.., length, width] of an even width and tables [length, width / 2], but got {input.Shape}, {cos.Shape} and {sin.Shape}.");
        }

        if (interleaved)
        {
            var pairs = input.Unflatten(-1, input.Shape[-1] / 2, 2);
            var (even, odd) = (pairs.Select(-1, 0), pairs.Select(-1, 1));
            return Tensor.Stack([even * cos - odd * sin, odd * cos + even * sin], -1).Flatten(-2, -1);
        }

        long half = input.Shape[-1] / 2;
        var (first, second) = (input.Narrow(-1, 0, half), input.Narrow(-1, half, half));
        return Tensor.Cat([first * cos - second * sin, second * cos + first * sin], -1);
    }
}
