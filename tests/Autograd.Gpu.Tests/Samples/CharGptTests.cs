using Autograd.Gpu.Samples.CharGpt;

namespace Autograd.Gpu.Tests.Samples;

public sealed class CharGptTests
{
    private const string Verse = "the cat sat on the mat and the dog sat on the log; ";

    private static string Text => string.Concat(Enumerable.Repeat(Verse, 30));

    [Test]
    public void ASmallNetworkLearnsARepeatedSentence()
    {
        var corpus = Corpus.Of("a sentence", Text, 18);
        var training = new Training(corpus, new GptSizes(16, 32, 2, 1), Device.Cpu, seed: 1);
        var before = training.Validate();
        Assert.That(before, Is.EqualTo(Math.Log(corpus.Characters.Length)).Within(0.7), "it knows nothing at first");
        var states = new List<TrainingState>();
        var steps = training.Fit(new TrainingPlan(60, TimeSpan.FromMinutes(1), Batch: 8, LearningRate: 1e-2, StepsBetweenChecks: 30), states.Add);
        Assert.That(steps, Is.EqualTo(60));
        Assert.That(training.Validate(), Is.LessThan(0.5 * before));
        Assert.That(states[^1].Loss, Is.LessThan(states[0].Loss));
        Assert.That(states.Where(s => s.IsCheck).Select(s => s.Step), Is.EqualTo(new[] { 30, 60 }));
        var written = training.Write("the cat ", 40, temperature: 0.1);
        Assert.That(written, Has.Length.EqualTo(40));
        Assert.That(written, Does.Contain("the ").Or.Contain("sat "));

        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "loss.png");
        LossChart.Save(path, states);
        Assert.That(File.ReadAllBytes(path)[..8], Is.EqualTo(new byte[] { 0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A }));
    }

    [Test]
    public void TheTimeEndsTheTraining()
    {
        var training = new Training(Corpus.Of("a sentence", Text, 18), new GptSizes(16, 8, 2, 1), Device.Cpu, seed: 1);
        Assert.That(training.Fit(new TrainingPlan(1000, TimeSpan.Zero), _ => { }), Is.Zero);
    }

    [Test]
    public void ACorpusIsCutAtNineTenths()
    {
        var corpus = Corpus.Of("letters", "abcabcabcabcabcabcab", 2);
        Assert.That((corpus.Train.Length, corpus.Validation.Length), Is.EqualTo((18, 2)));
        Assert.That(corpus.Characters, Is.EqualTo(new[] { 'a', 'b', 'c' }));
        Assert.That(corpus.Encode("cz?a"), Is.EqualTo(new long[] { 2, 0 }));
        Assert.That(() => Corpus.Of("letters", "abc", 2), Throws.TypeOf<DataException>().With.Message.Contains("at least 20 characters, found 3"));
    }

    [Test]
    public void TheChartFollowsTheValues()
    {
        var lines = LossChart.Draw([4, 3, 2, 1], 4, 2);
        Assert.That(lines, Has.Length.EqualTo(2));
        Assert.That(lines[0], Does.StartWith("  4.00 ┤").And.Match(@"[\u2801-\u28FF]"));
        Assert.That(lines[1], Does.StartWith("  1.00 ┤"));
        Assert.That(LossChart.Draw([], 4, 2), Is.Empty);
        Assert.That(LossChart.Draw([2, 2], 4, 2), Has.Length.EqualTo(2));
    }

    [Test]
    public void TheProgramTrainsWritesAndDraws()
    {
        using var folder = new TemporaryFolder();
        var text = folder.Write("verse.txt", System.Text.Encoding.UTF8.GetBytes(Text));
        var chart = Path.Combine(folder.Path, "loss.png");
        var result = SampleProcess.Run(
            "CharGpt", "--data", text, "--device", "cpu", "--steps", "20", "--context", "16", "--width", "16", "--heads", "2", "--layers", "1", "--batch", "4", "--length", "30",
            "--prompt", "the dog", "--chart", chart);
        Assert.That((result.ExitCode, result.Error), Is.EqualTo((0, "")));
        Assert.That(result.Output, Does.StartWith("1377 characters of verse.txt to learn, 153 to judge by, 14 different ones, on cpu ("));
        Assert.That(result.Output, Does.Contain("step 20: loss ").And.Contain("the dog"));
        Assert.That(result.Output, Does.Match(@"\nvalidation loss \d\.\d{3} nats a character\n$"));
        Assert.That(File.Exists(chart));
        result = SampleProcess.Run("CharGpt", "--data", Path.Combine(folder.Path, "nothing.txt"));
        Assert.That(result.ExitCode, Is.EqualTo(2));
        Assert.That(result.Error, Does.Contain("nothing.txt cannot be read"));
    }
}
