using System.Diagnostics;
using Autograd.Gpu.Nn;
using Autograd.Gpu.Optim;

namespace Autograd.Gpu.Samples.CharGpt;

/// <summary>How the training goes.</summary>
/// <param name="Steps">Updates; fewer if the time is over before.</param>
/// <param name="Budget">The longest time.</param>
/// <param name="Batch">Pieces of text in each update.</param>
/// <param name="LearningRate">The highest learning rate.</param>
/// <param name="StepsBetweenChecks">Steps between looks at the validation loss.</param>
internal sealed record TrainingPlan(int Steps, TimeSpan Budget, int Batch = 16, double LearningRate = 2e-3, int StepsBetweenChecks = 100);

/// <summary>How the training stands. The validation loss is that of the last look, nan before the first.</summary>
internal readonly record struct TrainingState(int Step, int Steps, double Loss, double ValidationLoss, double Seconds, bool IsCheck);

/// <summary>Trains a <see cref="Gpt"/> on a <see cref="Corpus"/> and lets it write.</summary>
internal sealed class Training
{
    /// <summary>Reading the loss waits for the device, so only each so many-th step is looked at.</summary>
    private const int StepsBetweenLooks = 10;

    /// <summary>Pieces of the validation text for a look; the last judgement takes all of it.</summary>
    private const int PiecesOfALook = 64;

    private readonly Corpus _corpus;
    private readonly Device _device;
    private readonly Random _random;

    public Training(Corpus corpus, GptSizes sizes, Device device, int seed)
    {
        Tensor.ManualSeed((ulong)seed);
        (_corpus, _device, _random) = (corpus, device, new Random(seed));
        Network = new Gpt(sizes, corpus.Characters.Length, device);
    }

    public Gpt Network { get; }

    /// <summary>Updates the network until the steps or the time are over; the learning rate rises for a twentieth of the way and falls along a cosine.</summary>
    /// <returns>Steps that were done.</returns>
    public int Fit(TrainingPlan plan, Action<TrainingState> report)
    {
        var parameters = Network.Parameters();
        var optimizer = new AdamW(parameters, plan.LearningRate, beta2: 0.99, weightDecay: 0.1);
        var warmup = Math.Max(1, plan.Steps / 20);
        var schedule = new CosineAnnealingLR(optimizer, Math.Max(1, plan.Steps - warmup), etaMin: plan.LearningRate / 20, warmupSteps: warmup);
        var start = Stopwatch.GetTimestamp();
        var (step, looks, loss, validation) = (0, 0, 0.0, double.NaN);
        while (step < plan.Steps && Stopwatch.GetElapsedTime(start) < plan.Budget)
        {
            var (input, target) = Batch(plan.Batch);
            var batchLoss = Loss(input, target);
            optimizer.ZeroGrad();
            batchLoss.Backward();
            Utils.ClipGradNorm_(parameters, 1);
            optimizer.Step();
            schedule.Step();
            step++;
            var isCheck = step % plan.StepsBetweenChecks == 0 || step == plan.Steps;
            if (step % StepsBetweenLooks != 0 && !isCheck) continue;

            // A running mean, for the loss of one batch jumps about.
            var now = batchLoss.Item<float>();
            loss = looks++ == 0 ? now : loss + ((now - loss) * Math.Max(0.1, 1.0 / looks));
            if (isCheck) validation = Validate(PiecesOfALook);
            report(new TrainingState(step, plan.Steps, loss, validation, Stopwatch.GetElapsedTime(start).TotalSeconds, isCheck));
        }

        return step;
    }

    /// <summary>The mean loss a character on the validation text, in nats: of all of it, or of so many pieces at equal distances.</summary>
    public double Validate(int? pieces = null)
    {
        using var mode = Autodiff.NoGrad();
        var (context, text) = (Network.Sizes.Context, _corpus.Validation);
        var all = (text.Length - 1) / context;
        var count = Math.Min(all, pieces ?? all);
        var sum = 0.0;
        foreach (var batch in Enumerable.Range(0, count).Select(i => (int)((long)i * all / count) * context).Chunk(64))
        {
            var (input, target) = Pieces(text, batch);
            sum += Loss(input, target).Item<float>() * batch.Length;
        }

        return sum / count;
    }

    /// <summary>Continues a text by so many characters, each drawn from what the network holds possible.</summary>
    /// <param name="prompt">The text's beginning.</param>
    /// <param name="length">Characters to add.</param>
    /// <param name="temperature">Below 1 the likely is chosen more often.</param>
    public string Write(string prompt, int length, double temperature = 0.8)
    {
        using var mode = Autodiff.NoGrad();
        List<long> text = [.. _corpus.Encode(prompt)];
        if (text.Count == 0) text.Add(_corpus.Encode("\n") is [var line] ? line : 0);
        var first = text.Count;
        for (var i = 0; i < length; i++)
        {
            var seen = text[^Math.Min(text.Count, Network.Sizes.Context)..].ToArray();
            var logits = Network.Call(Tensor.FromArray(seen, [1, seen.Length], _device));
            var weights = (logits[0, ^1] / temperature).Softmax(0).ToArray<float>();
            text.Add(Draw(weights));
        }

        return new string([.. text[first..].Select(number => _corpus.Characters[number])]);
    }

    private int Draw(float[] weights)
    {
        var at = _random.NextDouble() * weights.Sum();
        for (var i = 0; i < weights.Length - 1; i++)
        {
            at -= weights[i];
            if (at < 0) return i;
        }

        return weights.Length - 1;
    }

    private Tensor Loss(Tensor input, Tensor target) =>
        Functional.CrossEntropy(Network.Call(input).Flatten(0, 1), target.Flatten());

    private (Tensor Input, Tensor Target) Batch(int count)
    {
        var starts = new int[count];
        for (var i = 0; i < count; i++) starts[i] = _random.Next(_corpus.Train.Length - Network.Sizes.Context);
        return Pieces(_corpus.Train, starts);
    }

    /// <summary>Pieces of a text that begin at these places, and the same moved on by one.</summary>
    private (Tensor Input, Tensor Target) Pieces(long[] text, int[] starts)
    {
        var context = Network.Sizes.Context;
        var (input, target) = (new long[starts.Length * context], new long[starts.Length * context]);
        for (var i = 0; i < starts.Length; i++)
        {
            text.AsSpan(starts[i], context).CopyTo(input.AsSpan(i * context));
            text.AsSpan(starts[i] + 1, context).CopyTo(target.AsSpan(i * context));
        }

        return (Tensor.FromArray(input, [starts.Length, context], _device), Tensor.FromArray(target, [starts.Length, context], _device));
    }
}
