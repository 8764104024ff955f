namespace Autograd.Gpu.LinearAlgebra;

/// <summary>Small formulas that the derivatives share. T stands for the transpose, as in the papers.</summary>
internal static class Matrices
{
    public static Tensor Diag(Tensor a) => a.Diagonal(0, -2, -1);

    /// <summary>Numbers [..] that multiply matrices [.., m, n].</summary>
    public static Tensor Scales(Tensor numbers) => numbers.Unsqueeze(-1).Unsqueeze(-1);

    public static Tensor Eye(Tensor like, long n) => Tensor.Eye(n, null, like.DType, like.Device);

    /// <summary>The lower triangle with half of the diagonal: the Phi of Murray 2016.</summary>
    public static Tensor HalfLower(Tensor a) => a.Tril() - (Diag(a) * 0.5).DiagEmbed();

    /// <summary>The lower or upper triangle, without the diagonal if that counts as ones.</summary>
    public static Tensor Triangle(Tensor a, bool upper, bool unit) => upper ? a.Triu(unit ? 1 : 0) : a.Tril(unit ? -1 : 0);

    /// <summary>The sum of the products of elements of each pair of matrices, trace(A^T B).</summary>
    public static Tensor Dot(Tensor a, Tensor b) => (a * b).Sum([-2, -1]);

    /// <summary>trace(A B).</summary>
    public static Tensor TraceOf(Tensor a, Tensor b) => Dot(a.MT, b);

    public static Tensor? Plus(Tensor? a, Tensor? b) => a is null ? b : b is null ? a : a + b;
}
