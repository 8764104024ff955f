using ILGPU;

namespace Autograd.Gpu.Kernels.Recurrent;

/// <summary>
/// The recursions of connectionist temporal classification over states, labels with blanks between and around them. Sample n has
/// <c>Lengths[2 n]</c> steps and 2 <c>Lengths[2 n + 1]</c> + 1 states. All are logarithms in double.
/// </summary>
public struct CtcArguments
{
    /// <summary>[time, batch, states]: of the probability of each state's label.</summary>
    public ArrayView<double> Emissions;

    /// <summary>[batch, states]: 0 where the state may follow the last but one, elsewhere -inf.</summary>
    public ArrayView<double> Skips;

    /// <summary>[batch, 2].</summary>
    public ArrayView<long> Lengths;

    /// <summary>[batch, time, states + 2], the first two not in use: of the probability of all that leads to a state.</summary>
    public ArrayView<double> Alpha;

    /// <summary>[batch]: the negative logarithm of the target's probability.</summary>
    public ArrayView<double> Losses;

    /// <summary>[2, batch, states], for the times by turns: of the probability of all that follows, from a state on.</summary>
    public ArrayView<double> Next;

    /// <summary>[batch]: the gradients of the losses.</summary>
    public ArrayView<double> Gradient;

    /// <summary>[time, batch, states]: the gradients of the emissions.</summary>
    public ArrayView<double> Result;

    /// <summary>Steps.</summary>
    public long Time;

    /// <summary>Samples.</summary>
    public long Batch;

    /// <summary>States of the longest target.</summary>
    public long States;

    /// <summary>The step of this launch.</summary>
    public long Step;
}

/// <summary>The recursions (Graves et al. 2006) with a launch for each step, one thread for each state.</summary>
public static class CtcKernels
{
    /// <summary>log(exp(a) + exp(b) + exp(c)).</summary>
    public static double LogSum(double a, double b, double c)
    {
        double largest = a > b ? a : b;
        largest = c > largest ? c : largest;
        return largest == double.NegativeInfinity
            ? a + b + c
            : largest + DeviceMath.Log(DeviceMath.Exp(a - largest) + DeviceMath.Exp(b - largest) + DeviceMath.Exp(c - largest));
    }

    /// <summary>What leads to the states of a step.</summary>
    public static void Forward(Index1D thread, CtcArguments x)
    {
        long n = thread.X / x.States, s = thread.X - n * x.States, t = x.Step;
        if (t >= x.Lengths[2 * n])
        {
            return;
        }

        long row = x.States + 2, at = (n * x.Time + t) * row + 2 + s;
        double sum = s < 2 ? 0 : double.NegativeInfinity;
        if (t > 0)
        {
            long before = at - row;
            double second = double.NegativeInfinity, third = double.NegativeInfinity;
            if (s > 0)
            {
                second = x.Alpha[before - 1];
            }

            if (s > 1)
            {
                third = x.Alpha[before - 2] + x.Skips[n * x.States + s];
            }

            sum = LogSum(x.Alpha[before], second, third);
        }

        x.Alpha[at] = s < 2 * x.Lengths[2 * n + 1] + 1 ? sum + x.Emissions[(t * x.Batch + n) * x.States + s] : double.NegativeInfinity;
    }

    /// <summary>The losses, one thread for each sample.</summary>
    public static void Loss(Index1D thread, CtcArguments x)
    {
        long n = thread.X, time = x.Lengths[2 * n], labels = x.Lengths[2 * n + 1];
        double loss = labels == 0 ? 0 : double.PositiveInfinity;
        if (time > 0)
        {
            long last = (n * x.Time + time - 1) * (x.States + 2) + 2 + 2 * labels;
            double other = double.NegativeInfinity;
            if (labels > 0)
            {
                other = x.Alpha[last - 1];
            }

            loss = -LogSum(x.Alpha[last], other, double.NegativeInfinity);
        }

        x.Losses[n] = loss;
    }

    /// <summary>What follows the states of a step, and the gradients of its emissions.</summary>
    public static void Back(Index1D thread, CtcArguments x)
    {
        long n = thread.X / x.States, s = thread.X - n * x.States, t = x.Step;
        long time = x.Lengths[2 * n], last = 2 * x.Lengths[2 * n + 1], at = (t * x.Batch + n) * x.States + s;
        double gradient = 0;
        if (t < time && s <= last)
        {
            double sum = s >= last - 1 ? 0 : double.NegativeInfinity;
            if (t < time - 1)
            {
                long next = ((t + 1) % 2 * x.Batch + n) * x.States + s;
                double second = double.NegativeInfinity, third = double.NegativeInfinity;
                if (s + 1 <= last)
                {
                    second = x.Next[next + 1];
                }

                if (s + 2 <= last)
                {
                    third = x.Next[next + 2] + x.Skips[n * x.States + s + 2];
                }

                sum = LogSum(x.Next[next], second, third);
            }

            x.Next[(t % 2 * x.Batch + n) * x.States + s] = sum + x.Emissions[at];
            gradient = Slope(x.Gradient[n], x.Losses[n], x.Alpha[(n * x.Time + t) * (x.States + 2) + 2 + s] + sum);
        }

        x.Result[at] = gradient;
    }

    /// <summary>
    /// The gradient of an emission: the probability of its state, given the target. What cannot be aligned has none, unless the gradient of its loss is 0.
    /// </summary>
    public static double Slope(double gradient, double loss, double sum) =>
        loss < double.PositiveInfinity ? -gradient * DeviceMath.Exp(sum + loss) : gradient == 0 ? 0 : double.NaN;
}
