namespace Autograd.Gpu.LinearAlgebra;

/// <summary>What <see cref="Linalg.Qr"/> computes of a matrix [m, n]; k is the smaller of m and n.</summary>
public enum QrMode
{
    /// <summary>Q [m, k] and R [k, n].</summary>
    Reduced,

    /// <summary>Q [m, m] and R [m, n]; not differentiable where m is larger than n.</summary>
    Complete,

    /// <summary>R [k, n] alone, with an empty Q; not differentiable.</summary>
    R,
}

/// <summary>How <see cref="Linalg.Lstsq"/> solves.</summary>
public enum LstsqDriver
{
    /// <summary>By singular values: any rank; of several solutions the one with the smallest norm (LAPACK's gelsd).</summary>
    Gelsd,

    /// <summary>By QR: a third of the work, for matrices of full rank alone (LAPACK's gels).</summary>
    Gels,
}
