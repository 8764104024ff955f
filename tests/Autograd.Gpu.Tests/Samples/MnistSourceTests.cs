using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Autograd.Gpu.Samples.Digits;
using Spectre.Console;

namespace Autograd.Gpu.Tests.Samples;

public sealed class MnistSourceTests
{
    private static readonly (string Name, byte[] Content)[] Digits =
    [
        ("train-images-idx3-ubyte.gz", IdxTests.Gzip(IdxTests.Bytes([3, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]))),
        ("train-labels-idx1-ubyte.gz", IdxTests.Gzip(IdxTests.Bytes([3], [7, 8, 9]))),
        ("t10k-images-idx3-ubyte.gz", IdxTests.Gzip(IdxTests.Bytes([1, 2, 2], [13, 14, 15, 16]))),
        ("t10k-labels-idx1-ubyte.gz", IdxTests.Gzip(IdxTests.Bytes([1], [5]))),
    ];

    private static MnistSource Source(TimeSpan patience, params Uri[] mirrors)
    {
        var files = Digits.Select(file => new RemoteFile(
            file.Name, file.Content.Length, Convert.ToHexStringLower(SHA256.HashData(file.Content))));
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(TextWriter.Null),
        });
        return new MnistSource(mirrors, [.. files], console, patience);
    }

    private static MnistSource Source(params Uri[] mirrors) => Source(TimeSpan.FromSeconds(20), mirrors);

    private static void AssertIsDigits(Mnist mnist)
    {
        Assert.That(mnist.Train.Labels, Is.EqualTo(new byte[] { 7, 8, 9 }));
        Assert.That(mnist.Train.Image(1).ToArray(), Is.EqualTo(new byte[] { 5, 6, 7, 8 }));
        Assert.That((mnist.Test.Count, mnist.Test.Rows, mnist.Test.Columns), Is.EqualTo((1, 2, 2)));
        Assert.That(mnist.Test.Labels, Is.EqualTo(new byte[] { 5 }));
    }

    private static Uri ClosedPort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/mnist/");
    }

    [Test]
    public async Task TheFirstUseFillsTheCacheAndTheSecondAsksNobody()
    {
        using var folder = new TemporaryFolder();
        var cache = Path.Combine(folder.Path, "deep", "cache");
        using var mirror = new Mirror(name => Digits.Single(file => file.Name == name).Content);

        AssertIsDigits(await Source(mirror.Address).LoadAsync(null, cache));
        Assert.That(mirror.Requests, Is.EqualTo(Digits.Select(file => file.Name)));
        Assert.That(Directory.GetFiles(cache).Select(Path.GetFileName), Is.EquivalentTo(Digits.Select(file => file.Name)));

        AssertIsDigits(await Source(mirror.Address).LoadAsync(null, cache));
        Assert.That(mirror.Requests, Has.Count.EqualTo(4));
    }

    [Test]
    public async Task AFileOfTheWrongSizeInTheCacheIsFetchedAgain()
    {
        using var cache = new TemporaryFolder();
        foreach (var (name, content) in Digits) cache.Write(name, content);
        cache.Write(Digits[1].Name, Digits[1].Content[..^1]);
        using var mirror = new Mirror(name => Digits.Single(file => file.Name == name).Content);

        AssertIsDigits(await Source(mirror.Address).LoadAsync(null, cache.Path));
        Assert.That(mirror.Requests, Is.EqualTo(new[] { Digits[1].Name }));
    }

    [Test]
    public async Task WhatOneMirrorLacksOrDamagesComesFromTheNext()
    {
        using var cache = new TemporaryFolder();
        using var bad = new Mirror(name => name switch
        {
            "train-images-idx3-ubyte.gz" => null,
            "train-labels-idx1-ubyte.gz" => [1, 2, 3],
            "t10k-images-idx3-ubyte.gz" => new byte[5000],
            _ => [.. Digits[3].Content.Reverse()],
        });
        using var good = new Mirror(name => Digits.Single(file => file.Name == name).Content);

        AssertIsDigits(await Source(ClosedPort(), bad.Address, good.Address).LoadAsync(null, cache.Path));
        Assert.That(bad.Requests, Has.Count.EqualTo(4));
        Assert.That(good.Requests, Has.Count.EqualTo(4));
        Assert.That(Directory.GetFiles(cache.Path), Has.Length.EqualTo(4));
    }

    [Test]
    public void DamagedFilesFromEveryMirrorLeaveNothingBehind()
    {
        using var cache = new TemporaryFolder();
        using var mirror = new Mirror(name => [.. Digits.Single(file => file.Name == name).Content.Reverse()]);
        Assert.That(
            () => Source(mirror.Address).LoadAsync(null, cache.Path),
            Throws.TypeOf<DataException>().With.Message.Contains("expected SHA-256").And.Message.Contains(mirror.Address.ToString()));
        Assert.That(Directory.GetFiles(cache.Path), Is.Empty);
    }

    [Test]
    public void WithoutANetworkOneSentenceSaysWhatToDo()
    {
        using var cache = new TemporaryFolder();
        var (first, second) = (ClosedPort(), ClosedPort());
        Assert.That(
            () => Source(first, second).LoadAsync(null, cache.Path),
            Throws.TypeOf<DataException>()
                .With.Message.StartsWith($"MNIST is not in {cache.Path} and could not be downloaded from {first}")
                .And.Message.Contains(second.ToString())
                .And.Message.EndsWith("with --data FOLDER.")
                .And.Message.Not.Contains("\n"));
    }

    [Test]
    public void AMirrorThatStopsAnsweringIsGivenUp()
    {
        using var cache = new TemporaryFolder();
        using var silent = new Mirror(_ => null, answers: false);
        Assert.That(
            () => Source(TimeSpan.FromSeconds(0.3), silent.Address).LoadAsync(null, cache.Path),
            Throws.TypeOf<DataException>().With.Message.Contains("no answer within 0.3 s"));
    }

    [Test]
    public async Task AFolderThatTheUserNamesIsReadAndNotFilled()
    {
        using var folder = new TemporaryFolder();
        foreach (var (name, content) in Digits) folder.Write(name, content);
        using var empty = new TemporaryFolder();

        AssertIsDigits(await Source().LoadAsync(folder.Path, empty.Path));
        Assert.That(
            () => Source().LoadAsync(empty.Path, folder.Path),
            Throws.TypeOf<DataException>().With.Message.StartsWith($"{empty.Path} does not hold MNIST"));
    }

    [Test]
    public void LabelsThatDoNotBelongToTheImagesAreRefused()
    {
        using var folder = new TemporaryFolder();
        foreach (var (name, content) in Digits) folder.Write(name, content);
        var path = folder.Write("train-labels-idx1-ubyte.gz", IdxTests.Bytes([2], [1, 2]));
        Assert.That(() => Mnist.Read(folder.Path), Throws.TypeOf<DataException>().With.Message.Contains("expected 3 labels, found 2"));
        folder.Write("train-labels-idx1-ubyte.gz", IdxTests.Bytes([3], [1, 2, 10]));
        Assert.That(
            () => Mnist.Read(folder.Path),
            Throws.TypeOf<DataException>().With.Message.StartsWith(path).And.Message.Contains("found 10 at 2"));
    }

    [Test]
    public void RealDigitsAreRead()
    {
        var folder = Environment.GetEnvironmentVariable("AUTOGRAD_MNIST");
        if (string.IsNullOrEmpty(folder)) Assert.Ignore("AUTOGRAD_MNIST names no folder with MNIST in it.");
        var mnist = Mnist.Read(folder);
        foreach (var set in new[] { mnist.Train, mnist.Test })
        {
            Assert.That((set.Rows, set.Columns), Is.EqualTo((28, 28)));
            Assert.That(set.Labels.Distinct(), Is.EquivalentTo(Enumerable.Range(0, 10)));
            // The published mean of MNIST is 0.1307 of full ink.
            Assert.That(set.Images.Average(pixel => pixel / 255.0), Is.EqualTo(0.1307).Within(0.01));
        }
    }

    [Test]
    public void TheProgramAnswersABadFolderWithOneLineAndExitCodeTwo()
    {
        using var folder = new TemporaryFolder();
        var before = Console.Error;
        var error = new StringWriter();
        Console.SetError(error);
        try
        {
            var code = typeof(MnistSource).Assembly.EntryPoint!.Invoke(null, [new[] { "--data", folder.Path }]);
            Assert.That(code, Is.EqualTo(2));
        }
        finally
        {
            Console.SetError(before);
        }

        Assert.That(error.ToString(), Does.StartWith($"{folder.Path} does not hold MNIST").And.EndsWith("." + Environment.NewLine));
        Assert.That(error.ToString().Trim(), Does.Not.Contain("\n"));
    }

    /// <summary>A web server on a loopback port that answers /mnist/name, with 404 for null.</summary>
    private sealed class Mirror : IDisposable
    {
        private readonly HttpListener _listener = new();
        private readonly List<HttpListenerContext> _unanswered = [];
        private readonly Func<string, byte[]?> _content;
        private readonly bool _answers;
        private readonly Task _serving;

        public Mirror(Func<string, byte[]?> content, bool answers = true)
        {
            _content = content;
            _answers = answers;
            Address = ClosedPort();
            _listener.Prefixes.Add(Address.ToString());
            _listener.Start();
            _serving = ServeAsync();
        }

        public Uri Address { get; }

        public List<string> Requests { get; } = [];

        public void Dispose()
        {
            _listener.Close();
            _serving.Wait();
        }

        private async Task ServeAsync()
        {
            while (true)
            {
                HttpListenerContext context;
                try
                {
                    context = await _listener.GetContextAsync();
                }
                catch (Exception error) when (error is HttpListenerException or ObjectDisposedException)
                {
                    return; // Closed by Dispose.
                }

                var name = context.Request.Url!.Segments[^1];
                Requests.Add(name);
                if (!_answers)
                {
                    _unanswered.Add(context);
                    continue;
                }

                var content = _content(name);
                context.Response.StatusCode = content is null ? 404 : 200;
                context.Response.Close(content ?? [], willBlock: true);
            }
        }
    }
}
