using Autograd.Gpu.Operations;

namespace Autograd.Gpu;

public sealed partial class Tensor
{
    private const double Ln2 = 0.69314718055994530941723212145818;

    /// <summary>
    /// The larger of two elements, a number rather than nan. Shapes broadcast, dtypes promote. Of two that are equal the first gets the gradient, as in PyTorch.
    /// </summary>
    public Tensor Fmax(Tensor other) => Where(Detach().Ge(NotNull(other).Detach()) | other.IsNan(), this, other);

    /// <summary>The smaller of two elements, a number rather than nan; see <see cref="Fmax"/>.</summary>
    public Tensor Fmin(Tensor other) => Where(Detach().Le(NotNull(other).Detach()) | other.IsNan(), this, other);

    /// <summary>log2(2^a + 2^b) at each place, without overflow. Shapes broadcast, dtypes promote, integers become float32.</summary>
    public Tensor LogAddExp2(Tensor other)
    {
        ArgumentNullException.ThrowIfNull(other);
        var (dtype, x, y) = RealPair(this, other);
        return ((x * Ln2).LogAddExp(y * Ln2) / Ln2).To(dtype);
    }

    /// <summary>
    /// x ln(1 + y) at each place: 0 where x is 0, unless y is nan. Shapes broadcast, dtypes promote, integers become float32. Where x is 0 and y not above -1 no
    /// gradient flows.
    /// </summary>
    public Tensor Xlog1py(Tensor other)
    {
        ArgumentNullException.ThrowIfNull(other);
        var (dtype, x, y) = RealPair(this, other);
        var isNothing = (x.Detach() == 0) & ((y.Detach() <= -1) | y.IsPosInf());
        return (x * Where(isNothing, 0.0, y).Log1p()).To(dtype);
    }

    /// <summary>Each element to the power of the exponent at its place, computed and returned in float64 whatever the dtypes are.</summary>
    public Tensor FloatPower(Tensor exponent) => To(DType.Float64).Pow(NotNull(exponent).To(DType.Float64));

    /// <inheritdoc cref="FloatPower(Tensor)"/>
    public Tensor FloatPower(Scalar exponent) => To(DType.Float64).Pow(exponent);

    /// <summary>x 2^y at each place. Shapes broadcast; integers become float32.</summary>
    public Tensor Ldexp(Tensor other)
    {
        ArgumentNullException.ThrowIfNull(other);
        var (dtype, x, y) = RealPair(this, other);
        return (x * y.Exp2()).To(dtype);
    }

    /// <summary>Each angle in degrees as radians; integers become float32.</summary>
    public Tensor Deg2Rad() => this * (Math.PI / 180);

    /// <summary>Each angle in radians as degrees; integers become float32.</summary>
    public Tensor Rad2Deg() => this * (180 / Math.PI);

    /// <summary>Whether the sign bit of each element is set, as a bool tensor: of negative numbers and -0.</summary>
    public Tensor SignBit() => DType.IsFloatingPoint() ? OnesLike(this).Copysign(Detach()) < 0 : Lt(0);

    /// <summary>Whether each element is one of <paramref name="testElements"/>, as a bool tensor (or is none, with <paramref name="invert"/>); nan is not.</summary>
    /// <param name="testElements">Elements of any shape; dtypes promote.</param>
    /// <param name="invert">Whether the answer is turned round.</param>
    /// <exception cref="DeviceMismatchException">The devices differ.</exception>
    public Tensor IsIn(Tensor testElements, bool invert = false)
    {
        ArgumentNullException.ThrowIfNull(testElements);
        if (testElements.NumElements == 0)
        {
            return Full(Shape, invert, DType.Bool, Device);
        }

        var dtype = Promotion.ResultType(this, testElements);
        var (x, sorted) = (Detach().To(dtype), testElements.Detach().To(dtype).Flatten().Sort(0).Values);
        var place = sorted.SearchSorted(x).Clamp(0, sorted.NumElements - 1);
        var found = sorted.Take(place).Eq(x);
        return invert ? ~found : found;
    }

    /// <summary>The distance of two tensors: the <paramref name="p"/>-norm of their difference. Shapes broadcast.</summary>
    /// <exception cref="DTypeException">The promoted dtype is not floating-point.</exception>
    public Tensor Dist(Tensor other, double p = 2) => (this - NotNull(other)).Norm(p);

    /// <summary>The slices along a dimension, those whose <paramref name="p"/>-norm is above <paramref name="maxNorm"/> scaled down to it.</summary>
    /// <exception cref="ShapeException">There are less than two dimensions, or not this one.</exception>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    /// <exception cref="ArgumentOutOfRangeException">p is not positive, or the norm is negative.</exception>
    public Tensor Renorm(double p, int dim, double maxNorm)
    {
        CheckFloating("Renorm");
        if (Rank < 2)
        {
            throw new ShapeException($"Renorm: renorm: input needs at least 2 dimensions, got {Rank} dimensions (shape {Shape}).");
        }

        int d = Shape.WrapDim(dim, "Renorm");
        if (!(p > 0) || !(maxNorm >= 0))
        {
            throw new ArgumentOutOfRangeException(
                p > 0 ? nameof(maxNorm) : nameof(p), $"Renorm: renorm: non-positive-norm not supported, and maxnorm must be >= 0, but got p {p} and maxnorm {maxNorm}.");
        }

        int[] others = [.. Enumerable.Range(0, Rank).Where(k => k != d)];
        var norm = Real("Renorm").Norm(p, others, keepDim: true);
        return Rounded(Real("Renorm") * Where(norm.Detach() > maxNorm, maxNorm / (norm + 1e-7), 1.0));
    }

    /// <inheritdoc cref="Renorm"/>
    public Tensor Renorm_(double p, int dim, double maxNorm) => Pointwise.AssignInPlace("Renorm_", this, x => x.Renorm(p, dim, maxNorm));

    /// <summary>The result's dtype, and two tensors in the dtype in which it is computed: half types in float32, whole numbers as float32.</summary>
    private static (DType DType, Tensor A, Tensor B) RealPair(Tensor a, Tensor b)
    {
        var dtype = Promotion.ResultType(a, b);
        dtype = dtype.IsFloatingPoint() ? dtype : DType.Float32;
        var compute = dtype.ComputeType();
        return (dtype, a.To(compute), b.To(compute));
    }
}
