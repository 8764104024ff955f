namespace Autograd.Gpu.Lazy;

/// <summary>Distances in elements between the matrices of a stack, the rows and the columns.</summary>
internal readonly record struct MatrixStrides(long Batch, long Row, long Column);

/// <summary>A stack of products [M, K] x [K, N], written contiguously as [Batch, M, N].</summary>
internal readonly record struct MatrixProduct(long Batch, long M, long N, long K, MatrixStrides A, MatrixStrides B);
