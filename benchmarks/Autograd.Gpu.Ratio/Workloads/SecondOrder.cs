using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AutogradRatio.Workloads;

/// <summary>Derivatives of derivatives, and backward passes from many threads: what an engine does beside one step of training.</summary>
internal static partial class SecondOrder
{
    public const string Rosenbrock = "Hessian of a 16-variable Rosenbrock function";
    public const string Penalty = "Grad with createGraph of a 3-layer network, backward of the gradient's norm";
    public const string Threads = "1,000 small backward passes from eight threads";

    private const int Variables = 16;
    private const int Batch = 32;
    private const int Inputs = 16;
    private const int Hidden = 64;
    private const int ThreadCount = 8;
    private const int PassesPerThread = 125;

    public static void Add(Table table)
    {
        const string Group = "autograd";
        table.Add(new Workload(Group, Rosenbrock) { Peer = PeerRosenbrock });
        table.Add(new Workload(Group, Penalty) { Peer = PeerPenalty });
        table.Add(new Workload(Group, Threads) { Peer = PeerThreads });
        AddOurs(table);
    }

    static partial void AddOurs(Table table);

    /// <summary>TorchSharp has no Hessian: a gradient that is recorded, then a backward pass for each of its elements.</summary>
    private static Step PeerRosenbrock()
    {
        var x = Peer.Leaf(Data.Uniform(1, Variables), Variables);
        return probe =>
        {
            using var scope = NewDisposeScope();
            var head = x.narrow(0, 0, Variables - 1);
            var tail = x.narrow(0, 1, Variables - 1);
            var valley = tail - head * head;
            var slope = 1 - head;
            var value = (valley * valley * 100 + slope * slope).sum();
            var gradient = autograd.grad([value], [x], retain_graph: true, create_graph: true)[0];
            var rows = new Tensor[Variables];
            for (var i = 0; i < Variables; i++)
                rows[i] = autograd.grad([gradient[i]], [x], retain_graph: true)[0];
            var hessian = stack(rows);
            probe?.Take(hessian);
        };
    }

    private static Step PeerPenalty()
    {
        var w1 = Peer.Weight(Data.Weights(1, Hidden, Inputs), Hidden, Inputs);
        var w2 = Peer.Weight(Data.Weights(2, Hidden, Hidden), Hidden, Hidden);
        var w3 = Peer.Weight(Data.Weights(3, 1, Hidden), 1, Hidden);
        var b1 = Peer.Weight(new float[Hidden], Hidden);
        var b2 = Peer.Weight(new float[Hidden], Hidden);
        Parameter[] parameters = [w1, b1, w2, b2, w3];
        var x = Peer.Leaf(Data.Uniform(4, Batch * Inputs), Batch, Inputs);
        return probe =>
        {
            using var scope = NewDisposeScope();
            x.grad = null;
            foreach (var parameter in parameters)
                parameter.grad = null;
            var h1 = F.linear(x, w1, b1).tanh();
            var h2 = F.linear(h1, w2, b2).tanh();
            var value = F.linear(h2, w3).sum();
            var gradient = autograd.grad([value], [x], retain_graph: true, create_graph: true)[0];
            var norm = (gradient * gradient).sum().sqrt();
            norm.backward();
            probe?.Take(norm);
            foreach (var parameter in parameters)
            {
                var grad = parameter.grad;
                probe?.Take(grad!);
            }
        };
    }

    private static Step PeerThreads()
    {
        var leaves = new Tensor[ThreadCount];
        for (var i = 0; i < ThreadCount; i++)
            leaves[i] = Peer.Leaf(Data.Uniform(i, 4), 2, 2);
        return probe =>
        {
            OnThreads(i =>
            {
                for (var pass = 0; pass < PassesPerThread; pass++)
                {
                    using var scope = NewDisposeScope();
                    leaves[i].grad = null;
                    var y = leaves[i] + 2;
                    (y * y * 3).mean().backward();
                }
            });
            foreach (var leaf in leaves)
                probe?.Take(leaf.grad!);
        };
    }

    private static void OnThreads(Action<int> work)
    {
        var threads = new Thread[ThreadCount];
        for (var i = 0; i < ThreadCount; i++)
        {
            var number = i;
            threads[i] = new Thread(() => work(number));
            threads[i].Start();
        }

        foreach (var thread in threads)
            thread.Join();
    }
}
