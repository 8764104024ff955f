using System.Diagnostics;
using TorchSharp;

namespace AutogradRatio;

/// <summary>What one side took: seconds an iteration in each round, managed bytes an iteration, rounds that other processes disturbed.</summary>
internal sealed record Samples(double[] Seconds, double ManagedBytes, int Disturbed)
{
    public double Median => Quantile(Seconds, 0.5);

    /// <summary>Linear interpolation between the order statistics.</summary>
    public static double Quantile(double[] values, double q)
    {
        var sorted = values.Order().ToArray();
        var at = q * (sorted.Length - 1);
        var below = (int)at;
        var above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
    }
}

/// <param name="Row">The workload.</param>
/// <param name="Ours">Our samples, if this side ran.</param>
/// <param name="Peer">The peer's.</param>
/// <param name="Bounds">What the machine could do at best in the moment of each round, in seconds; null for a row without a bound.</param>
/// <param name="Failure">Why the row has no samples.</param>
internal sealed record Result(Workload Row, Samples? Ours, Samples? Peer, double[]? Bounds = null, string? Failure = null)
{
    /// <summary>Peer's time over ours, round by round; null unless both sides ran.</summary>
    public double[]? Ratios => Ours is null || Peer is null ? null : [.. Peer.Seconds.Zip(Ours.Seconds, (peer, ours) => peer / ours)];

    public double? Bound => Bounds is null ? null : Samples.Quantile(Bounds, 0.5);

    /// <summary>The median over the rounds of the bound's share in a side's time.</summary>
    public double? ShareOfBound(Samples? side) =>
        Bounds is null || side is null ? null : Samples.Quantile([.. Bounds.Zip(side.Seconds, (bound, seconds) => bound / seconds)], 0.5);
}

/// <summary>
/// Warms both sides up, then alternates them: each round takes one sample of each side, the order changing from round to round,
/// with a rest before each sample (an OpenMP worker spins for some 8 ms after its work and would take a core from the other side),
/// and ends by measuring what bounds the row.
/// </summary>
internal static class Runner
{
    private const double WarmUpSeconds = 0.25;
    private const double ShortStep = 50e-6;
    private const int MoreTurns = 3;
    private const double TolerableWait = 0.03;
    private const double PatienceSeconds = 2;
    private const int BoundGoes = 4;

    public static Result Run(Workload row, Options options, Machine machine, Gauge gauge)
    {
        // What the row before left to finalisers is not to be this row's cost.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();

        using var scope = torch.NewDisposeScope();
        try
        {
            var peer = options.Only == Only.Ours ? null : new Side(row.Peer(), options);
            var ours = options.Only == Only.Peer || row.Ours is null ? null : new Side(row.Ours(), options);

            if (ours is not null && peer is not null && ours.Results(row).Difference(peer.Results(row), row.Tolerance) is { } difference)
                return new Result(row, null, null, null, $"the sides disagree: {difference}");

            peer?.WarmUp();
            ours?.WarmUp();
            var bounds = machine.Bound(row) is null ? null : new double[options.Rounds];
            for (var round = 0; round < options.Rounds; round++)
            {
                var (first, second) = round % 2 == 0 ? (ours, peer) : (peer, ours);
                first?.Sample();
                second?.Sample();
                if (bounds is null)
                    continue;
                bounds[round] = Bound(row, options, machine, gauge);
            }

            return new Result(row, ours?.Samples(), peer?.Samples(), bounds);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // One row that fails is reported (and fails the run) without losing the others.
            return new Result(row, null, null, null, e.ToString());
        }
    }

    /// <summary>The row's bound in this moment: the least of some measurements, until none of the threads waited for a core.</summary>
    private static double Bound(Workload row, Options options, Machine machine, Gauge gauge)
    {
        var least = double.MaxValue;
        var isClean = false;
        for (var go = 0; go < BoundGoes && !isClean; go++)
        {
            Thread.Sleep(options.PauseMilliseconds);
            var waited = Contention.Waited();
            var start = Stopwatch.GetTimestamp();
            least = Math.Min(least, machine.Now(gauge, row).Bound(row)!.Value);
            isClean = Contention.Waited() - waited <= TolerableWait * Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        return least;
    }

    private sealed class Side(Step step, Options options)
    {
        private readonly List<double> seconds = [];
        private readonly List<double> bytes = [];
        private int batch = 1;
        private int disturbed;
        private double retried;

        public Probe Results(Workload row)
        {
            var probe = new Probe();
            for (var i = 1; i < row.CheckSteps; i++)
                step(null);
            step(probe);
            return probe;
        }

        /// <summary>Runs long enough for tiered compilation to settle, then chooses how many iterations fill a sample.</summary>
        public void WarmUp()
        {
            var fastest = Spend(WarmUpSeconds);
            Thread.Sleep(150); // The background compiler's turn.
            for (var turn = 0; turn < MoreTurns && fastest < ShortStep; turn++)
            {
                // A method is compiled twice, to count and to last, each time only when nothing new has run for a while; a short step has hundreds of them.
                Spend(WarmUpSeconds / 4);
                Thread.Sleep(150);
            }

            batch = Math.Max(1, (int)Math.Ceiling(options.SampleSeconds / Spend(WarmUpSeconds)));
        }

        /// <summary>The shortest iteration in that time, of at least three.</summary>
        private double Spend(double limit)
        {
            var best = double.MaxValue;
            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < 3 || Stopwatch.GetElapsedTime(start).TotalSeconds < limit; i++)
            {
                var begin = Stopwatch.GetTimestamp();
                step(null);
                best = Math.Min(best, Stopwatch.GetElapsedTime(begin).TotalSeconds);
            }

            return best;
        }

        /// <summary>Takes one sample, again while other processes take cores from it; when the row's patience is spent, it counts as disturbed.</summary>
        public void Sample()
        {
            var pause = options.PauseMilliseconds;
            while (true)
            {
                Thread.Sleep(pause);
                step(null); // Wakes the workers and brings this side's data back to the caches.
                var waited = Contention.Waited();
                var allocated = GC.GetAllocatedBytesForCurrentThread();
                var start = Stopwatch.GetTimestamp();
                for (var i = 0; i < batch; i++)
                    step(null);
                var elapsed = Stopwatch.GetElapsedTime(start).TotalSeconds;
                var managed = GC.GetAllocatedBytesForCurrentThread() - allocated;
                var clean = Contention.Waited() - waited <= TolerableWait * elapsed;
                if (!clean && retried < PatienceSeconds)
                {
                    pause = Math.Clamp(2 * pause, 20, 500);
                    retried += elapsed + pause / 1e3;
                    continue;
                }

                if (!clean)
                    disturbed++;
                seconds.Add(elapsed / batch);
                bytes.Add(managed / (double)batch);
                return;
            }
        }

        public Samples Samples() => new([.. seconds], AutogradRatio.Samples.Quantile([.. bytes], 0.5), disturbed);
    }
}
