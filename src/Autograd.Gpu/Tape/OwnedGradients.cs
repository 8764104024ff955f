using Autograd.Gpu.Diagnostics;

namespace Autograd.Gpu.Tape;

/// <summary>
/// Gives the memory of intermediate gradients back as soon as the node that reads them has run, instead of with a garbage collection: it is still in the cache then.
/// </summary>
/// <remarks>
/// A gradient belongs to the pass if a node of the library made it, nothing that a program wrote has seen it, and it goes to one place. So the tensors that a
/// pass is given, those that hooks or functions of the program have seen, and those that a node hands on to several inputs are left to the collector.
/// A pass that is recorded owns nothing: its gradients are saved.
/// </remarks>
internal static class OwnedGradients
{
    private const int Most = 64;

    /// <summary>Gives back the gradients that <paramref name="node"/> has read.</summary>
    /// <param name="node">The node that has just run.</param>
    /// <param name="owned">A bit for each of the gradients that belongs to the pass.</param>
    /// <param name="gradients">What the node has read.</param>
    /// <param name="results">What it made.</param>
    /// <returns>A bit for each of the results that belongs to the pass.</returns>
    public static ulong Settle(Node node, ulong owned, ReadOnlySpan<Tensor?> gradients, ReadOnlySpan<Tensor?> results)
    {
        if (!node.ForgetsGradients || node.Hooks is not null || gradients.Length > Most || results.Length > Most)
        {
            return 0;
        }

        if (gradients.Length == 1 && results.Length <= 2)
        {
            return SettleFew(owned, gradients[0], results.Length > 0 ? results[0] : null, results.Length > 1 ? results[1] : null);
        }

        ulong made = 0;
        for (int i = 0; i < results.Length; i++)
        {
            if (results[i] is { } result && IndexOf(results[(i + 1)..], result) < 0 && IndexOf(results[..i], result) < 0)
            {
                int read = IndexOf(gradients, result);
                made |= read < 0 || Has(owned, read) ? Bit(i) : 0;
            }
        }

        for (int i = 0; i < gradients.Length; i++)
        {
            if (gradients[i] is not { } gradient)
            {
                continue;
            }

            if (gradient.Wrapper is not null)
            {
                // What it stands for may be among the results.
                return 0;
            }

            if (Has(owned, i) && IndexOf(results, gradient) < 0)
            {
                gradient.Dispose();
            }
        }

        return made;
    }

    /// <summary>The same for one gradient and up to two results, which is what most nodes have.</summary>
    private static ulong SettleFew(ulong owned, Tensor? gradient, Tensor? first, Tensor? second)
    {
        bool isOwned = (owned & 1) != 0;
        if (gradient is not null)
        {
            if (gradient.Wrapper is not null)
            {
                return 0;
            }

            if (isOwned && !ReferenceEquals(first, gradient) && !ReferenceEquals(second, gradient))
            {
                gradient.Dispose();
            }
        }

        if (ReferenceEquals(first, second))
        {
            // One tensor for two inputs belongs to neither.
            return 0;
        }

        ulong made = first is not null && (isOwned || !ReferenceEquals(first, gradient)) ? Bit(0) : 0;
        return made | (second is not null && (isOwned || !ReferenceEquals(second, gradient)) ? Bit(1) : 0);
    }

    /// <summary>
    /// Makes the gradient that belongs to the pass that of the leaf at which it ends, if the leaf has none yet and nothing else asks for it: as it is, where it would be a clone of what is
    /// given back next.
    /// </summary>
    /// <returns>Whether that was done; if not, nothing was.</returns>
    public static bool TryHandOver(Node node, ulong owned, ReadOnlySpan<Tensor?> gradients)
    {
        // Who watches the pass sees the node run.
        bool isWatched = Anomaly.IsEnabled || Profiler.IsOn || node.Hooks is not null;
        return !isWatched && node is AccumulateGrad leaf && Has(owned, 0) && gradients[0] is { IsUnshared: true } gradient && leaf.TryTake(gradient);
    }

    /// <summary>Gives back the gradients of a node at which the pass ends; the caller's are clones.</summary>
    public static void Drop(Node node, ulong owned, ReadOnlySpan<Tensor?> gradients)
    {
        if (node.Hooks is not null)
        {
            return;
        }

        for (int i = 0; i < gradients.Length; i++)
        {
            if (Has(owned, i))
            {
                gradients[i]?.Dispose();
            }
        }
    }

    public static bool Has(ulong owned, int index) => (owned & Bit(index)) != 0;

    /// <summary>The bit of a gradient; of those beyond 64 nobody keeps account.</summary>
    public static ulong Bit(int index) => index < Most ? 1ul << index : 0;

    private static int IndexOf(ReadOnlySpan<Tensor?> tensors, Tensor tensor)
    {
        for (int i = 0; i < tensors.Length; i++)
        {
            if (ReferenceEquals(tensors[i], tensor))
            {
                return i;
            }
        }

        return -1;
    }
}
