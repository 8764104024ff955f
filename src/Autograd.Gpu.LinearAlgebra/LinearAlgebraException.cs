namespace Autograd.Gpu.LinearAlgebra;

/// <summary>A decomposition that a matrix does not have: it is singular, not positive-definite, or holds nan or infinities. PyTorch's <c>torch.linalg.LinAlgError</c>.</summary>
public sealed class LinearAlgebraException : AutogradException
{
    internal LinearAlgebraException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
