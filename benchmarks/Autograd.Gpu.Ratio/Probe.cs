using TorchSharp;

namespace AutogradRatio;

/// <summary>Takes copies of what a step computed.</summary>
internal sealed partial class Probe
{
    private readonly List<float[]> taken = [];

    public void Take(torch.Tensor result)
    {
        using var scope = torch.NewDisposeScope();
        taken.Add(result.detach().contiguous().data<float>().ToArray());
    }

    /// <summary>Null where each result is within the tolerance of the peer's, else the worst difference in words.</summary>
    public string? Difference(Probe peer, double tolerance)
    {
        if (taken.Count != peer.taken.Count)
            return $"ours gave {taken.Count} results, the peer {peer.taken.Count}";
        for (var i = 0; i < taken.Count; i++)
        {
            float[] a = taken[i], b = peer.taken[i];
            if (a.Length != b.Length)
                return $"result {i} has {a.Length} elements in ours, {b.Length} in the peer's";
            double scale = 0;
            foreach (var value in b)
                scale = Math.Max(scale, Math.Abs(value));
            for (var j = 0; j < a.Length; j++)
                if (!(Math.Abs((double)a[j] - b[j]) <= tolerance * scale))
                    return $"result {i}, element {j}: ours {a[j]:G9}, peer {b[j]:G9} (tolerance {tolerance:G2} of {scale:G4})";
        }

        return null;
    }
}
