using TorchSharp.Modules;
using static TorchSharp.torch;

namespace AutogradRatio.Workloads;

/// <summary>Recurrent networks: a step of a small cell, which is overhead, and a layered sequence, which is many small products in a row.</summary>
internal static partial class Recurrent
{
    public const string Cell = "LSTM cell step, hidden 32";
    public const string Sequence = "LSTM 2x128, sequence 64, fwd+bwd";

    private const int CellBatch = 8;
    private const int CellSize = 32;
    private const int Batch = 16;
    private const int Size = 128;
    private const int Layers = 2;
    private const int Time = 64;

    public static void Add(Table table)
    {
        const string Group = "recurrent";
        table.Add(new Workload(Group, Cell) { Peer = PeerCell });
        table.Add(new Workload(Group, Sequence)
        {
            Peer = PeerSequence,
            IsTrainingStep = true,
            // Two products a layer and step, forward, for the weights and for the inputs; the first layer's inputs have no gradient.
            Flops = 2.0 * Time * Batch * 4 * Size * Size * (3 * 2 * Layers - 1),
        });
        AddOurs(table);
    }

    static partial void AddOurs(Table table);

    /// <summary>The parameters of a cell or of layers, in PyTorch's order: two weights and two biases for each layer.</summary>
    private static IEnumerable<(float[] Values, long[] Shape)> Parameters(int size, int layers)
    {
        for (var i = 0; i < layers; i++)
        {
            yield return (Data.Weights(10 + i, 4 * size, size), [4 * size, size]);
            yield return (Data.Weights(20 + i, 4 * size, size), [4 * size, size]);
            yield return (Data.Uniform(30 + i, 4 * size, -0.1f, 0.1f), [4 * size]);
            yield return (Data.Uniform(40 + i, 4 * size, -0.1f, 0.1f), [4 * size]);
        }
    }

    private static void Fill(IEnumerable<Parameter> parameters, int size, int layers)
    {
        using var mode = no_grad();
        foreach (var (parameter, (values, shape)) in parameters.Zip(Parameters(size, layers)))
            parameter.copy_(Peer.Of(values, shape));
    }

    private static Step PeerCell()
    {
        var cell = nn.LSTMCell(CellSize, CellSize);
        Parameter[] parameters = [.. cell.parameters()];
        Fill(parameters, CellSize, 1);
        var x = Peer.Of(Data.Uniform(1, CellBatch * CellSize), CellBatch, CellSize);
        var h = Peer.Of(Data.Uniform(2, CellBatch * CellSize), CellBatch, CellSize);
        var c = Peer.Of(Data.Uniform(3, CellBatch * CellSize), CellBatch, CellSize);
        return probe =>
        {
            using var scope = NewDisposeScope();
            foreach (var parameter in parameters)
                parameter.grad = null;
            var (hidden, memory) = cell.call(x, (h, c));
            var loss = (hidden * memory).sum();
            loss.backward();
            probe?.Take(loss);
            probe?.Take(parameters[1].grad!);
        };
    }

    private static Step PeerSequence()
    {
        var lstm = nn.LSTM(Size, Size, Layers);
        Parameter[] parameters = [.. lstm.parameters()];
        Fill(parameters, Size, Layers);
        var x = Peer.Of(Data.Uniform(1, Time * Batch * Size), Time, Batch, Size);
        return probe =>
        {
            using var scope = NewDisposeScope();
            foreach (var parameter in parameters)
                parameter.grad = null;
            var (output, _, _) = lstm.call(x);
            var loss = (output * output).sum();
            loss.backward();
            probe?.Take(loss);
            probe?.Take(parameters[1].grad!);
        };
    }
}
