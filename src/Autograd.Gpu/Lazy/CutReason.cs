namespace Autograd.Gpu.Lazy;

/// <summary>Why a pending expression was computed.</summary>
internal enum CutReason
{
    /// <summary>The program read the values.</summary>
    Read,

    /// <summary>An operation that does not fuse needs the buffer.</summary>
    Operand,

    /// <summary>A view other than the whole is read.</summary>
    View,

    /// <summary>A part is about to be written in place.</summary>
    ViewWrite,

    /// <summary>A smaller tensor is broadcast: computed once instead of for each element.</summary>
    Broadcast,

    /// <summary>The expression would have had too many nodes.</summary>
    Nodes,

    /// <summary>The expression would have read too many buffers.</summary>
    Inputs,

    /// <summary>The expression would have held too many constants and random streams.</summary>
    Numbers,

    /// <summary>The expression would have kept too many bytes from being reused.</summary>
    Bytes,

    /// <summary>Kernels computed the value again and again without keeping it.</summary>
    Recomputed,

    /// <summary>A copy to another device.</summary>
    Transfer,

    /// <summary>Laziness is switched off.</summary>
    Eager,

    /// <summary>Nothing was pending: an optimiser's step on values that are all in memory.</summary>
    Update,
}
