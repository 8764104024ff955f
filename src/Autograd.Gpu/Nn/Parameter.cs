namespace Autograd.Gpu.Nn;

/// <summary>A place of a module that holds a tensor it learns. What the module computes with is <see cref="Value"/>, read anew at each call.</summary>
public sealed class Parameter
{
    [ThreadStatic]
    private static Dictionary<Parameter, Tensor>? s_replaced;

    private readonly Tensor _tensor;

    internal Parameter(Tensor tensor) => _tensor = tensor;

    /// <summary>The tensor; inside <c>Autodiff.FunctionalCall</c>, on the thread that made the call, the one given in its place.</summary>
    public Tensor Value => s_replaced is { } replaced && replaced.TryGetValue(this, out var tensor) ? tensor : _tensor;

    /// <summary>Puts other tensors in the places of these parameters, for this thread, until the result is disposed.</summary>
    internal static Replacement Replace(IEnumerable<KeyValuePair<Parameter, Tensor>> tensors)
    {
        var previous = s_replaced;
        var replaced = previous is null ? [] : new Dictionary<Parameter, Tensor>(previous);
        foreach (var (parameter, tensor) in tensors)
        {
            replaced[parameter] = tensor;
        }

        s_replaced = replaced;
        return new Replacement(previous);
    }

    /// <summary>Restores what was there.</summary>
    internal readonly struct Replacement(Dictionary<Parameter, Tensor>? previous) : IDisposable
    {
        public void Dispose() => s_replaced = previous;
    }
}
