using Autograd.Gpu.Tape;

namespace Autograd.Gpu;

public sealed partial class Tensor
{
    /// <summary>Another handle on this value, without history: a view that shows all of it.</summary>
    internal Tensor Alias()
    {
        var alias = WithoutHistory();
        alias._view = new ViewInfo(_view?.Base ?? this, Operations.Aliased.Instance, _view, ViewOrigin.Function, Versions.Version);
        return alias;
    }

    /// <summary>The same elements in a storage of its own that shares its block until one of the two is written, strided views too.</summary>
    internal Tensor ShareStorage() => Wrapper is { } wrapper ? wrapper.Rewrap(wrapper.Inner.ShareStorage()) : new(Storage.Share(), Layout);

    /// <summary>Another handle on this value, whose gradient goes along <paramref name="edge"/>.</summary>
    internal Tensor WithEdge(Edge edge)
    {
        var tensor = WithoutHistory();
        if (edge.Function is AccumulateGrad accumulator)
        {
            tensor._requiresGrad = true;
            tensor._accumulator = accumulator;
        }
        else if (edge.Function is { } node)
        {
            tensor.SetHistory(node, edge.OutputNumber);
        }

        return tensor;
    }
}
