using System.Runtime.CompilerServices;

namespace Autograd.Gpu;

// beta input + alpha (a product): the product is one kernel, and the sum a pending value that fuses with what follows.
public sealed partial class Tensor
{
    /// <summary>beta input + alpha mat1 mat2, for matrices [m, k] and [k, n]; this tensor, the input, broadcasts to [m, n].</summary>
    /// <param name="mat1">The left factor.</param>
    /// <param name="mat2">The right factor.</param>
    /// <param name="beta">Factor of the input, 1 by default; with 0 the input's elements are not read, and its nan and infinities do not count.</param>
    /// <param name="alpha">Factor of the product, 1 by default.</param>
    /// <exception cref="ShapeException">The factors are no matrices that fit, or the input does not broadcast to the product.</exception>
    /// <exception cref="DTypeException">The dtypes differ, or whole numbers are to be scaled by a fraction.</exception>
    public Tensor Addmm(Tensor mat1, Tensor mat2, Scalar? beta = null, Scalar? alpha = null)
    {
        CheckRank("Addmm", "mat1 must be a matrix", mat1, 2);
        CheckRank("Addmm", "mat2 must be a matrix", mat2, 2);
        return ScaledSum("Addmm", mat1, mat2, beta, alpha, static (a, b) => a.MatMul(b));
    }

    /// <summary>beta input + alpha mat vec, for a matrix [m, k] and a vector [k]; this tensor broadcasts to [m].</summary>
    /// <inheritdoc cref="Addmm"/>
    public Tensor Addmv(Tensor mat, Tensor vec, Scalar? beta = null, Scalar? alpha = null)
    {
        ArgumentNullException.ThrowIfNull(mat);
        return ScaledSum("Addmv", mat, vec, beta, alpha, static (a, b) => a.Mv(b));
    }

    /// <summary>beta input + alpha sum_i batch1[i] batch2[i], for stacks [b, m, k] and [b, k, n]; this tensor broadcasts to [m, n]. One product, whose inner size is b k.</summary>
    /// <inheritdoc cref="Addmm"/>
    public Tensor Addbmm(Tensor batch1, Tensor batch2, Scalar? beta = null, Scalar? alpha = null)
    {
        CheckStacks("Addbmm", batch1, batch2);
        return ScaledSum("Addbmm", batch1, batch2, beta, alpha, static (a, b) => a.Tensordot(b, [0, 2], [0, 1]));
    }

    /// <summary>beta input + alpha batch1 batch2, for stacks [b, m, k] and [b, k, n]; this tensor broadcasts to [b, m, n].</summary>
    /// <inheritdoc cref="Addmm"/>
    public Tensor Baddbmm(Tensor batch1, Tensor batch2, Scalar? beta = null, Scalar? alpha = null)
    {
        CheckStacks("Baddbmm", batch1, batch2);
        return ScaledSum("Baddbmm", batch1, batch2, beta, alpha, static (a, b) => a.MatMul(b));
    }

    /// <summary>beta input + alpha vec1 vec2^T, for vectors [m] and [n]; this tensor broadcasts to [m, n].</summary>
    /// <inheritdoc cref="Addmm"/>
    public Tensor Addr(Tensor vec1, Tensor vec2, Scalar? beta = null, Scalar? alpha = null)
    {
        CheckVector("Addr", "vec1", vec1);
        CheckVector("Addr", "vec2", vec2);
        return ScaledSum("Addr", vec1, vec2, beta, alpha, static (a, b) => a.Outer(b));
    }

    private Tensor ScaledSum(
        string operation, Tensor a, Tensor b, Scalar? beta, Scalar? alpha, Func<Tensor, Tensor, Tensor> product, [CallerArgumentExpression(nameof(b))] string? nameOfB = null)
    {
        ArgumentNullException.ThrowIfNull(b, nameOfB);
        CheckSame(operation, a, b);
        CheckSame(operation, this, a);
        CheckNumbers(operation);
        CheckFactor(operation, "beta", beta);
        CheckFactor(operation, "alpha", alpha);
        if (Operations.Contraction.IsHalf(DType))
        {
            return To(DType.Float32).ScaledSum(operation, a.To(DType.Float32), b.To(DType.Float32), beta, alpha, product).To(DType);
        }

        var result = product(a, b);
        if (!Shape.IsExpandableTo(result.Shape))
        {
            throw new ShapeException(
                $"{operation}: the input of shape {Shape} does not broadcast to the product's shape {result.Shape}: The expanded size of the tensor must match the existing size.");
        }

        if (alpha is { } factor)
        {
            result *= factor;
        }

        if (beta is not { } weight)
        {
            return this + result;
        }

        // 0 times nan would be nan; the branch that is not taken leaves the input a gradient of zeros.
        return weight.ToDouble() != 0 ? weight * this + result
            : RequiresGrad || Wrapper is not null ? Where(Wrap(true, Device), 0, this) + result
            : result;
    }

    private void CheckFactor(string operation, string name, Scalar? value)
    {
        if (value is { IsFloatingPoint: true } && !DType.IsFloatingPoint())
        {
            throw new DTypeException($"{operation}: For integral input tensors, argument {name} must not be a floating point number, but it is {value} (dtype {DType.Name()}).");
        }
    }
}
