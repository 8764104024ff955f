using Spectre.Console;

namespace Autograd.Gpu.Samples.CharGpt;

/// <summary>Shows how the training stands: a bar that moves on a terminal, a line for each look at the validation loss anywhere else.</summary>
internal static class ProgressDisplay
{
    /// <summary>Runs <paramref name="work"/>, whose reports move a bar.</summary>
    public static void ShowBar(IAnsiConsole console, Action<Action<TrainingState>> work) => console.Progress()
        .Columns(new ProgressBarColumn { Width = 20 }, new PercentageColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
        .Start(progress =>
        {
            var bar = progress.AddTask("starting");
            work(state =>
            {
                bar.Description = Figures(state);
                bar.MaxValue = state.Steps;
                bar.Value = state.Step;
            });
        });

    /// <summary>Takes reports and writes those with a look at the validation loss.</summary>
    public static Action<TrainingState> WriteChecks(TextWriter output) => state =>
    {
        if (state.IsCheck) output.WriteLine($"step {state.Step}: {Figures(state)}");
    };

    private static string Figures(TrainingState state) =>
        $"loss {state.Loss:F3}, validation {state.ValidationLoss:F3}, {state.Seconds:F0} s, {1000 * state.Seconds / state.Step:F0} ms a step";
}
