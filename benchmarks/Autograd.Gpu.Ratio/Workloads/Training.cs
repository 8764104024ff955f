using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AutogradRatio.Workloads;

/// <summary>
/// Whole training steps: gradients cleared, forward, backward, update. The layers are called as functions on both sides, which spares the
/// peer what its modules add to each call.
/// </summary>
internal static partial class Training
{
    public const string Mlp = "784-512-512-10 Adam step, batch 128";
    public const string MlpLibrary = "the same with TorchSharp's own Adam";
    public const string Tiny = "2-16-1 SGD step, batch 4";

    private const int Batch = 128;
    private const int Inputs = 784;
    private const int Hidden = 512;
    private const int Classes = 10;
    private const double AdamRate = 1e-3;
    private const double SgdRate = 0.1;

    private static readonly float[] XorInputs = [0, 0, 0, 1, 1, 0, 1, 1];
    private static readonly float[] XorTargets = [0, 1, 1, 0];

    public static void Add(Table table)
    {
        const string Group = "training";
        const double First = (double)Inputs * Hidden;
        const double Rest = (double)Hidden * Hidden + Hidden * Classes;
        const double Parameters = First + Rest + 2 * Hidden + Classes;
        var mlp = new Workload(Group, Mlp)
        {
            Peer = () => PeerMlp(library: false),
            // Products: forward, the gradient of each weight, the gradient of each input but the first.
            Flops = 2 * Batch * (2 * (First + Rest) + Rest),
            // Adam reads parameter, gradient and two moments, and writes all but the gradient.
            Bytes = 28 * Parameters,
            CheckSteps = 3,
        };
        table.Add(mlp);
        table.Add(mlp with { Name = MlpLibrary, Peer = () => PeerMlp(library: true) });
        table.Add(new Workload(Group, Tiny) { Peer = PeerTiny, CheckSteps = 3 });
        AddOurs(table);
    }

    static partial void AddOurs(Table table);

    private static Step PeerMlp(bool library)
    {
        var w1 = Peer.Weight(Data.Weights(1, Hidden, Inputs), Hidden, Inputs);
        var w2 = Peer.Weight(Data.Weights(2, Hidden, Hidden), Hidden, Hidden);
        var w3 = Peer.Weight(Data.Weights(3, Classes, Hidden), Classes, Hidden);
        var b1 = Peer.Weight(new float[Hidden], Hidden);
        var b2 = Peer.Weight(new float[Hidden], Hidden);
        var b3 = Peer.Weight(new float[Classes], Classes);
        Parameter[] parameters = [w1, b1, w2, b2, w3, b3];
        var x = Peer.Of(Data.Uniform(4, Batch * Inputs, 0, 1), Batch, Inputs);
        var labels = tensor(Data.Labels(5, Batch, Classes), [Batch]);
        var update = library ? PeerLibraryAdam(parameters) : PeerAdam(parameters);
        return probe =>
        {
            using var scope = NewDisposeScope();
            ClearGradients(parameters);
            var h1 = F.linear(x, w1, b1).relu();
            var h2 = F.linear(h1, w2, b2).relu();
            var loss = F.cross_entropy(F.linear(h2, w3, b3), labels);
            loss.backward();
            update();
            probe?.Take(loss);
        };
    }

    private static Action PeerLibraryAdam(Parameter[] parameters)
    {
        // TorchSharp's default for beta2 is 0.99, PyTorch's is 0.999.
        var adam = optim.Adam(parameters, AdamRate, beta1: 0.9, beta2: 0.999);
        return () => adam.step();
    }

    /// <summary>Adam (Kingma and Ba 2015, algorithm 1) in libtorch's in-place operations, the fewest that do it.</summary>
    internal static Action PeerAdam(Parameter[] parameters)
    {
        var means = Array.ConvertAll(parameters, parameter => zeros_like(parameter).requires_grad_(false));
        var squares = Array.ConvertAll(parameters, parameter => zeros_like(parameter).requires_grad_(false));
        var step = 0;
        return () =>
        {
            using var mode = no_grad();
            step++;
            var rate = AdamRate / (1 - Math.Pow(0.9, step));
            var root = Math.Sqrt(1 - Math.Pow(0.999, step));
            for (var i = 0; i < parameters.Length; i++)
            {
                using var grad = parameters[i].grad!;
                means[i].lerp_(grad, 0.1);
                squares[i].mul_(0.999).addcmul_(grad, grad, 0.001);
                using var scale = squares[i].sqrt();
                scale.div_(root).add_(1e-8);
                parameters[i].addcdiv_(means[i], scale, -rate);
            }
        };
    }

    /// <summary>Dropping the gradients is faster than the optimizer's zero_grad, which fills them with zeros to be added to.</summary>
    private static void ClearGradients(Parameter[] parameters)
    {
        foreach (var parameter in parameters)
            parameter.grad = null;
    }

    private static Step PeerTiny()
    {
        var w1 = Peer.Weight(Data.Weights(1, 16, 2), 16, 2);
        var w2 = Peer.Weight(Data.Weights(2, 1, 16), 1, 16);
        var b1 = Peer.Weight(new float[16], 16);
        var b2 = Peer.Weight(new float[1], 1);
        var x = Peer.Of(XorInputs, 4, 2);
        var target = Peer.Of(XorTargets, 4, 1);
        Parameter[] parameters = [w1, b1, w2, b2];
        var sgd = optim.SGD(parameters, SgdRate);
        return probe =>
        {
            using var scope = NewDisposeScope();
            ClearGradients(parameters);
            var loss = F.mse_loss(F.linear(F.linear(x, w1, b1).tanh(), w2, b2), target);
            loss.backward();
            sgd.step();
            probe?.Take(loss);
            probe?.Take(w1);
        };
    }
}
