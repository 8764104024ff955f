using Autograd.Gpu.Transforms;

namespace Autograd.Gpu;

public static partial class Autodiff
{
    /// <summary>
    /// The function that applies <paramref name="function"/>, written for one sample, to each sample of a batch, as one run of each operation on the
    /// whole batch: <c>torch.vmap</c>.
    /// </summary>
    /// <param name="function">A function of one sample.</param>
    /// <param name="inDim">The dimension of the argument along which the samples lie.</param>
    /// <param name="outDim">The dimension of the result along which they shall lie.</param>
    /// <param name="randomness">What random numbers drawn inside mean.</param>
    /// <param name="chunkSize">Samples for one run; null for all.</param>
    /// <exception cref="ShapeException">The argument has no such dimension.</exception>
    public static Func<Tensor, Tensor> Vmap(
        Func<Tensor, Tensor> function, int inDim = 0, int outDim = 0, VmapRandomness randomness = VmapRandomness.Error, long? chunkSize = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        return x => BatchMap.Run(a => [function(a[0])], [x], [inDim], [outDim], randomness, chunkSize)[0];
    }

    /// <summary>The same for a function of two tensors; null in <paramref name="inDims"/> for one that all samples share, by default both are mapped over dimension 0.</summary>
    public static Func<Tensor, Tensor, Tensor> Vmap(
        Func<Tensor, Tensor, Tensor> function,
        (int? First, int? Second)? inDims = null,
        int outDim = 0,
        VmapRandomness randomness = VmapRandomness.Error,
        long? chunkSize = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        var dims = inDims ?? (0, 0);
        return (x, y) => BatchMap.Run(a => [function(a[0], a[1])], [x, y], [dims.First, dims.Second], [outDim], randomness, chunkSize)[0];
    }

    /// <summary>The same for a function of three tensors.</summary>
    public static Func<Tensor, Tensor, Tensor, Tensor> Vmap(
        Func<Tensor, Tensor, Tensor, Tensor> function,
        (int? First, int? Second, int? Third)? inDims = null,
        int outDim = 0,
        VmapRandomness randomness = VmapRandomness.Error,
        long? chunkSize = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        var dims = inDims ?? (0, 0, 0);
        return (x, y, z) => BatchMap.Run(
            a => [function(a[0], a[1], a[2])], [x, y, z], [dims.First, dims.Second, dims.Third], [outDim], randomness, chunkSize)[0];
    }

    /// <summary>The same for a function of any number of tensors with any number of results.</summary>
    public static Func<IReadOnlyList<Tensor>, Tensor[]> Vmap(
        Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> function,
        IReadOnlyList<int?> inDims,
        IReadOnlyList<int>? outDims = null,
        VmapRandomness randomness = VmapRandomness.Error,
        long? chunkSize = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        ArgumentNullException.ThrowIfNull(inDims);
        return x => BatchMap.Run(function, x, inDims, outDims, randomness, chunkSize);
    }
}
