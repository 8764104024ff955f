using System.Security.Cryptography;
using Spectre.Console;

namespace Autograd.Gpu.Samples.Digits;

/// <summary>A file to be had from the mirrors.</summary>
internal sealed record RemoteFile(string Name, long Size, string Sha256);

/// <summary>Where MNIST comes from: a folder that the user names, or the cache, filled from the public mirrors on first use.</summary>
/// <param name="mirrors">Folders to be tried in order, each with a slash at its end.</param>
/// <param name="files">What must lie in the cache.</param>
/// <param name="console">Shows the progress of a download.</param>
/// <param name="patience">How long a mirror may take to connect, and then to send its next bytes.</param>
internal sealed class MnistSource(IReadOnlyList<Uri> mirrors, IReadOnlyList<RemoteFile> files, IAnsiConsole console, TimeSpan patience)
{
    private static readonly Uri[] PublicMirrors =
    [
        new("https://ossci-datasets.s3.amazonaws.com/mnist/"),
        new("https://storage.googleapis.com/cvdf-datasets/mnist/"),
    ];

    private static readonly RemoteFile[] PublicFiles =
    [
        new("train-images-idx3-ubyte.gz", 9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        new("train-labels-idx1-ubyte.gz", 28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        new("t10k-images-idx3-ubyte.gz", 1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        new("t10k-labels-idx1-ubyte.gz", 4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    ];

    public MnistSource(IAnsiConsole console)
        : this(PublicMirrors, PublicFiles, console, TimeSpan.FromSeconds(15))
    {
    }

    /// <summary><c>$XDG_CACHE_HOME/autograd-gpu/mnist</c>, else <c>autograd-gpu/mnist</c> in the user's local application data.</summary>
    public static string DefaultCache()
    {
        var root = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        if (!Path.IsPathFullyQualified(root ?? ""))
            root = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return Path.Combine(string.IsNullOrEmpty(root) ? Path.GetTempPath() : root, "autograd-gpu", "mnist");
    }

    /// <summary>Reads MNIST from <paramref name="folder"/>; where that is null, from the cache, which is completed first.</summary>
    /// <exception cref="DataException">The files are not in the folder, not to be had from any mirror, or damaged.</exception>
    public async Task<Mnist> LoadAsync(string? folder, string cache)
    {
        if (folder is not null) return Mnist.Read(folder);
        var missing = files.Where(file => !IsComplete(file, Path.Combine(cache, file.Name))).ToArray();
        if (missing.Length > 0) await DownloadAsync(missing, cache);
        return Mnist.Read(cache);
    }

    private static bool IsComplete(RemoteFile file, string path) => new FileInfo(path) is { Exists: true } info && info.Length == file.Size;

    private async Task DownloadAsync(RemoteFile[] missing, string cache)
    {
        try
        {
            Directory.CreateDirectory(cache);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"MNIST cannot be kept in {cache}: {error.Message}", error);
        }

        using var client = new HttpClient(new SocketsHttpHandler { ConnectTimeout = patience }) { Timeout = Timeout.InfiniteTimeSpan };
        await console.Progress()
            .Columns(
                new TaskDescriptionColumn { Alignment = Justify.Left },
                new ProgressBarColumn(),
                new PercentageColumn(),
                new DownloadedColumn(),
                new TransferSpeedColumn())
            .StartAsync(async progress =>
            {
                var tasks = missing.Select(file => progress.AddTask(Markup.Escape(file.Name), maxValue: file.Size)).ToArray();
                for (var i = 0; i < missing.Length; i++) await DownloadAsync(client, missing[i], cache, tasks[i]);
            });
    }

    private async Task DownloadAsync(HttpClient client, RemoteFile file, string cache, ProgressTask task)
    {
        var failures = new List<string>();
        foreach (var mirror in mirrors)
        {
            var address = new Uri(mirror, file.Name);
            // Another process may be at the same file, hence a name of our own; the rename makes it whole or absent.
            var partial = Path.Combine(cache, $"{file.Name}.{Guid.NewGuid():N}.part");
            try
            {
                task.Value = 0;
                await ReceiveAsync(client, address, file, partial, task);
                File.Move(partial, Path.Combine(cache, file.Name), overwrite: true);
                return;
            }
            catch (Exception error)
                when (error is HttpRequestException or IOException or UnauthorizedAccessException or OperationCanceledException)
            {
                var reason = error is OperationCanceledException ? $"no answer within {patience.TotalSeconds:0.#} s" : error.Message;
                failures.Add($"{address} ({reason.TrimEnd('.')})");
            }
            finally
            {
                File.Delete(partial);
            }
        }

        throw new DataException(
            $"MNIST is not in {cache} and could not be downloaded from {string.Join(" or ", failures)}: "
            + "connect to the network, or name a folder that holds its four files with --data FOLDER.");
    }

    private async Task ReceiveAsync(HttpClient client, Uri address, RemoteFile file, string partial, ProgressTask task)
    {
        using var stalled = new CancellationTokenSource(patience);
        using var response = await client.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, stalled.Token);
        response.EnsureSuccessStatusCode();

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        long received = 0;
        await using (var source = await response.Content.ReadAsStreamAsync(stalled.Token))
        await using (var target = new FileStream(partial, FileMode.CreateNew, FileAccess.Write))
        {
            var buffer = new byte[1 << 16];
            while (true)
            {
                stalled.CancelAfter(patience);
                var read = await source.ReadAsync(buffer, stalled.Token);
                if (read == 0) break;
                received += read;
                if (received > file.Size) break;
                hash.AppendData(buffer, 0, read);
                await target.WriteAsync(buffer.AsMemory(0, read), stalled.Token);
                task.Increment(read);
            }
        }

        if (received != file.Size)
            throw new IOException($"expected {file.Size} bytes, found {(received > file.Size ? "more" : received.ToString("0"))}");
        var sum = Convert.ToHexStringLower(hash.GetHashAndReset());
        if (sum != file.Sha256) throw new IOException($"expected SHA-256 {file.Sha256}, found {sum}");
    }
}
