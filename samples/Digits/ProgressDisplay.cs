using Spectre.Console;

namespace Autograd.Gpu.Samples.Digits;

/// <summary>Shows how the training stands: a bar that moves on a terminal, a line an epoch anywhere else.</summary>
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
                bar.Description = $"epoch {state.Epoch}  {Figures(state)}";
                bar.MaxValue = state.Steps;
                bar.Value = state.Step;
            });
        });

    /// <summary>Takes reports and writes those at an epoch's end.</summary>
    public static Action<TrainingState> WriteEpochs(TextWriter output)
    {
        TrainingState? last = null;
        return state =>
        {
            if (last is { } previous && previous.Epoch != state.Epoch) Write(previous);
            if (state.Step == state.Steps) Write(state);
            last = state;
        };

        void Write(TrainingState state) => output.WriteLine($"epoch {state.Epoch}: {Figures(state)}");
    }

    private static string Figures(TrainingState state) =>
        $"loss {state.Loss:F4}, accuracy {100 * state.Accuracy:F1} %, {state.StepsPerSecond:F0} steps/s";
}
