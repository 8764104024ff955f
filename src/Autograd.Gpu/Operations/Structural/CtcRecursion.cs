using Autograd.Gpu.Lazy;
using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Operations;

/// <summary>
/// The negative logarithm of the probability of targets, summed over all their alignments (Graves et al. 2006). Inputs: emissions, [time, batch, states], the
/// log-probability of each state's label in double; which states may follow the last but one, [batch, states], 0 or -inf; input and target lengths, [batch, 2].
/// </summary>
/// <param name="zeroInfinity">Whether the caller puts zeros in the place of infinite losses: they then have no gradient, elsewhere it is nan.</param>
internal sealed class CtcRecursion(bool zeroInfinity) : ComposedOperation("CtcLoss")
{
    /// <summary>Stands for the logarithm of 0 in the composition: sums of some of these are still less than any logarithm of a probability, and finite.</summary>
    private const double Lowest = -1e250;

    private Storage? _keptFor;
    private Tensor? _alpha;
    private Tensor? _losses;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        var (losses, alpha) = Run(inputs[0], inputs[1], inputs[2]);
        if (Recorder.Wants(inputs[0]))
        {
            (_keptFor, _alpha, _losses) = (inputs[0].Storage, alpha, losses);
        }

        // The caller's is another: it may be written.
        return losses.ShareValue();
    }

    protected override void VjpOnce(Tensor gradient, Tensor[] inputs, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        var (emissions, skips, lengths) = (inputs[0], inputs[1], inputs[2]);
        var device = emissions.Device;
        using var mode = GradMode.Set(false);
        using (device.Gate.Enter())
        {
            var (losses, alpha) = ReferenceEquals(_keptFor, emissions.Storage) ? (_losses!, _alpha!) : Run(emissions, skips, lengths);
            (_keptFor, _losses, _alpha) = (null, null, null);
            long time = emissions.Shape[0], batch = emissions.Shape[1], states = emissions.Shape[2];
            var result = New(device, emissions.Shape);
            if (emissions.NumElements > 0)
            {
                var buffers = new CtcBuffers(
                    Whole(emissions), Whole(skips), Whole(lengths), Whole(alpha), Whole(losses), New(device, [2, batch, states + 2]), Whole(gradient), result);
                Executor.Of(device).Run(new CtcCall(buffers, time, batch, states), emissions.Shape);
            }

            inputGradients[0] = Tensor.FromNewBuffer(device, result);
            alpha.Dispose();
        }
    }

    protected override Tensor Compose(IReadOnlyList<Tensor> inputs)
    {
        var emissions = inputs[0].Clamp((Scalar)(Lowest * 1e-50));
        var skips = inputs[1].Clamp((Scalar)Lowest);
        var (times, labels) = (inputs[2].Narrow(1, 0, 1), inputs[2].Narrow(1, 1, 1));
        long batch = emissions.Shape[1], states = emissions.Shape[2];
        Tensor Nothing(long count) => Tensor.Full([batch, count], Lowest, DType.Float64, emissions.Device);
        Tensor After(Tensor alpha, long places) => states <= places
            ? Nothing(states)
            : Tensor.Cat([Nothing(places), alpha.Narrow(1, 0, states - places)], 1);

        var sum = states <= 2 ? emissions[0] : Tensor.Cat([emissions[0].Narrow(1, 0, 2), Nothing(states - 2)], 1);
        for (long t = 1; t < emissions.Shape[0]; t++)
        {
            var next = emissions[t] + sum.LogAddExp(After(sum, 1)).LogAddExp(After(sum, 2) + skips);
            sum = Tensor.Where(times > t, next, sum);
        }

        var last = sum.Gather(1, labels * 2);
        var other = Tensor.Where(labels > 0, sum.Gather(1, (labels * 2 - 1).Clamp((Scalar)0)), Lowest);
        var loss = -last.LogAddExp(other);
        var isImpossible = loss > Lowest * -1e-100;
        loss = zeroInfinity
            ? Tensor.Where(isImpossible, 0.0, loss)
            : loss * Tensor.Where(isImpossible, double.PositiveInfinity, Tensor.OnesLike(loss));
        var empty = Tensor.Where(labels > 0, double.PositiveInfinity, Tensor.ZerosLike(loss));
        return Tensor.Where(times == 0, empty, loss).Squeeze(1);
    }

    private static (Tensor Losses, Tensor Alpha) Run(Tensor emissions, Tensor skips, Tensor lengths)
    {
        var device = emissions.Device;
        using (device.Gate.Enter())
        {
            long time = emissions.Shape[0], batch = emissions.Shape[1], states = emissions.Shape[2];
            var (alpha, losses) = (New(device, [batch, time, states + 2]), New(device, [batch]));
            if (batch > 0)
            {
                var buffers = new CtcBuffers(Whole(emissions), Whole(skips), Whole(lengths), alpha, losses);
                Executor.Of(device).Run(new CtcCall(buffers, time, batch, states), emissions.Shape);
            }

            return (Tensor.FromNewBuffer(device, losses), Tensor.FromNewBuffer(device, alpha));
        }
    }

    private static BufferExpression New(Device device, Shape shape) =>
        new(device.Allocate(shape.NumElements * sizeof(double)), DType.Float64, Layout.Contiguous(shape));

    /// <summary>The tensor's elements from the start of a block.</summary>
    private static BufferExpression Whole(Tensor tensor) => tensor.ContiguousBuffer() is { Layout.Offset: 0 } buffer
        ? buffer
        : Fuser.Copy(tensor.Device, tensor.StridedBuffer(), CutReason.Operand);
}
