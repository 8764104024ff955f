using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AutogradRatio.Workloads;

/// <summary>
/// Training steps of the digits network of PyTorch's examples without its dropout: two convolutions of 3x3 with rectifiers, max pooling, two linear layers. The layers are called as functions.
/// </summary>
internal static partial class ConvolutionNetworks
{
    public const string Adam = "conv 1-32-64, pool, linear 9216-128-10, Adam step, 64x28x28";
    public const string Sgd = "conv 1-32-64, pool, linear 9216-10, SGD step, 64x28x28";

    private const int Batch = 64;
    private const int Size = 28;
    private const int First = 32;
    private const int Second = 64;
    private const int Features = Second * 12 * 12;
    private const int Hidden = 128;
    private const int Classes = 10;
    private const double AdamRate = 1e-3;
    private const double SgdRate = 0.01;

    public static void Add(Table table)
    {
        // Forward, and the gradients of weight and input; the first layer's input has none.
        const double Convolutions = (2.0 * 9 * First * 26 * 26) + (3.0 * 9 * First * Second * 24 * 24);
        const double Parameters = 9 * First + First + 9.0 * First * Second + Second;
        var adam = new Workload("training", Adam)
        {
            Peer = () => PeerStep(hidden: Hidden),
            Flops = 2.0 * Batch * (Convolutions + 3.0 * (Features * Hidden + Hidden * Classes)),
            Bytes = 28 * (Parameters + Features * Hidden + Hidden + Hidden * Classes + Classes),
            CheckSteps = 2,
        };
        table.Add(adam);
        table.Add(adam with
        {
            Name = Sgd,
            Peer = () => PeerStep(hidden: 0),
            Flops = 2.0 * Batch * (Convolutions + 3.0 * Features * Classes),
            Bytes = 12 * (Parameters + Features * Classes + Classes),
        });
        AddOurs(table);
    }

    static partial void AddOurs(Table table);

    private static Step PeerStep(int hidden)
    {
        var (k1, k2) = (Peer.Weight(Data.Weights(1, First, 9), First, 1, 3, 3), Peer.Weight(Data.Weights(2, Second, 9 * First), Second, First, 3, 3));
        var (c1, c2) = (Peer.Weight(new float[First], First), Peer.Weight(new float[Second], Second));
        int last = hidden > 0 ? hidden : Features;
        var (w, b) = (Peer.Weight(Data.Weights(3, Classes, last), Classes, last), Peer.Weight(new float[Classes], Classes));
        List<Parameter> parameters = [k1, c1, k2, c2, w, b];
        var (v, a) = (k1, k1);
        if (hidden > 0)
        {
            (v, a) = (Peer.Weight(Data.Weights(4, hidden, Features), hidden, Features), Peer.Weight(new float[hidden], hidden));
            parameters.AddRange([v, a]);
        }

        var x = Peer.Of(Data.Uniform(5, Batch * Size * Size, 0, 1), Batch, 1, Size, Size);
        var labels = tensor(Data.Labels(6, Batch, Classes), [Batch]);
        Action update;
        if (hidden > 0)
        {
            update = Training.PeerAdam([.. parameters]);
        }
        else
        {
            var sgd = optim.SGD(parameters, SgdRate);
            update = () => sgd.step();
        }

        return probe =>
        {
            using var scope = NewDisposeScope();
            foreach (var parameter in parameters)
                parameter.grad = null;
            var h = F.max_pool2d(F.conv2d(F.conv2d(x, k1, c1).relu(), k2, c2).relu(), [2, 2]).flatten(1);
            if (hidden > 0)
                h = F.linear(h, v, a).relu();
            var loss = F.cross_entropy(F.linear(h, w, b), labels);
            loss.backward();
            update();
            probe?.Take(loss);
        };
    }
}
