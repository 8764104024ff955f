using System.Diagnostics;

namespace Autograd.Gpu.Tests.Samples;

/// <summary>Runs a sample, which lies beside the tests, as a process of its own.</summary>
internal static class SampleProcess
{
    public sealed record Result(int ExitCode, string Output, string Error);

    /// <summary>Starts the sample and waits for it; line ends are those of the source.</summary>
    /// <exception cref="TimeoutException">It has not ended within a minute.</exception>
    public static Result Run(string name, params string[] args)
    {
        var runtime = Path.GetDirectoryName(typeof(object).Assembly.Location) ?? "";
        if (runtime.Length == 0 || runtime == Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory))
        {
            Assert.Ignore("The tests are published self-contained: the samples lie beside them as libraries and cannot be started.");
        }

        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, name + (OperatingSystem.IsWindows() ? ".exe" : "")), args)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // The tests may have been started by a dotnet that is not where the sample would look for it.
        start.Environment["DOTNET_ROOT"] = Path.GetFullPath(Path.Combine(runtime, "..", "..", ".."));
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(TimeSpan.FromMinutes(1)))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{name} {string.Join(' ', args)} has not ended within a minute.");
        }

        return new Result(process.ExitCode, output.Result.ReplaceLineEndings("\n"), error.Result.ReplaceLineEndings("\n"));
    }
}
