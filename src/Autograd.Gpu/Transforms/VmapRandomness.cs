namespace Autograd.Gpu;

/// <summary>What random numbers drawn inside <c>Autodiff.Vmap</c> mean.</summary>
public enum VmapRandomness
{
    /// <summary>Drawing them is an error.</summary>
    Error,

    /// <summary>Each sample gets numbers of its own.</summary>
    Different,

    /// <summary>All samples get the same numbers.</summary>
    Same,
}
