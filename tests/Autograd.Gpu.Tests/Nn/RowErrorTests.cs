using F = Autograd.Gpu.Nn.Functional;

namespace Autograd.Gpu.Tests;

/// <summary>What linear layers, normalisations, cross entropy and activations refuse, and that the message says what was wrong.</summary>
internal sealed class RowErrorTests
{
    private static readonly Tensor X = Tensor.Zeros([2, 3]);
    private static readonly Tensor Wide = Tensor.Zeros([2, 3], DType.Float64);
    private static readonly Tensor Whole = Tensor.Zeros([2, 3], DType.Int64);
    private static readonly Tensor Elsewhere = Tensor.Zeros([2, 3], device: Device.CpuKernels);
    private static readonly Tensor V = Tensor.Zeros([3]);
    private static readonly Tensor Classes = Tensor.FromArray([0L, 2]);

    private static IEnumerable<TestCaseData> Cases()
    {
        static TestCaseData Case<T>(string what, Func<object> call, params string[] says) where T : Exception =>
            new TestCaseData(typeof(T), call, says).SetArgDisplayNames(what);

        yield return Case<ShapeException>("Linear of other sizes", () => F.Linear(X, Tensor.Zeros([4, 2])), "mat1 and mat2 shapes cannot be multiplied ([2, 3] and [4, 2]");
        yield return Case<ShapeException>("Linear of a number", () => F.Linear(X.Sum(), X), "at least 1D");
        yield return Case<ShapeException>("Linear with a bias that does not fit", () => F.Linear(X, X, V), "bias [3]", "[2, 2]");
        yield return Case<DTypeException>("Linear of two dtypes", () => F.Linear(X, Wide), "same dtype", "float64");
        yield return Case<DTypeException>("Linear of whole numbers", () => F.Linear(Whole, Whole), "int64");
        yield return Case<DeviceMismatchException>("Linear elsewhere", () => F.Linear(X, Elsewhere), "cpu-kernels");
        yield return Case<ShapeException>("Bilinear of other batches", () => F.Bilinear(X, X[..1], Tensor.Zeros([2, 3, 3])), "input batch dimensions do not match");
        yield return Case<ShapeException>("Bilinear of other sizes", () => F.Bilinear(X, X, Tensor.Zeros([2, 3, 2])), "[2, 3, 2]");
        yield return Case<ShapeException>("Bilinear bias", () => F.Bilinear(X, X, Tensor.Zeros([2, 3, 3]), V), "bias");
        yield return Case<DTypeException>("Bilinear of two dtypes", () => F.Bilinear(X, Wide, Tensor.Zeros([2, 3, 3])), "float64");
        yield return Case<ShapeException>("LayerNorm of another shape", () => F.LayerNorm(X, [2]), "Given normalized_shape=[2], expected input with shape [*, 2], but got input of size[2, 3]");
        yield return Case<ShapeException>("LayerNorm over nothing", () => F.LayerNorm(X, []), "Expected normalized_shape to be at least 1-dimensional");
        yield return Case<ShapeException>("LayerNorm weight", () => F.LayerNorm(X, [3], V[..2]), "Expected weight to be of same shape as normalized_shape, but got weight of shape [2]");
        yield return Case<ShapeException>("LayerNorm bias", () => F.LayerNorm(X, [3], V, X), "Expected bias");
        yield return Case<DTypeException>("LayerNorm of whole numbers", () => F.LayerNorm(Whole, [3]), "int64");
        yield return Case<ShapeException>("RmsNorm of more dimensions", () => F.RmsNorm(V, [2, 3]), "expected input with shape [*, 2, 3], but got input of size[3]");
        yield return Case<DTypeException>("RmsNorm of two dtypes", () => F.RmsNorm(X, [3], Wide[0]), "float64");
        yield return Case<DeviceMismatchException>("RmsNorm elsewhere", () => F.RmsNorm(X, [3], Elsewhere[0]), "cpu-kernels");
        yield return Case<ShapeException>("CrossEntropy of other batches", () => F.CrossEntropy(X, Tensor.FromArray([0L])), "Expected input batch_size (2) to match target batch_size (1)");
        yield return Case<ShapeException>("CrossEntropy of other images", () => F.CrossEntropy(Tensor.Zeros([2, 3, 4]), Classes), "spatial sizes don't match", "[2, 4]");
        yield return Case<ShapeException>("CrossEntropy out of range", () => F.CrossEntropy(X, Classes + 1), "Target 3 is out of bounds");
        yield return Case<ShapeException>("CrossEntropy below", () => F.CrossEntropy(X, Classes - 1), "Target -1 is out of bounds");
        yield return Case<ShapeException>("CrossEntropy of a number", () => F.CrossEntropy(X.Sum(), Classes[0]), "0-d");
        yield return Case<ShapeException>("CrossEntropy weight", () => F.CrossEntropy(X, Classes, V[..2]), "weight tensor should be defined either for all 3 classes or no classes but got weight tensor of shape: [2]");
        yield return Case<DTypeException>("CrossEntropy weight dtype", () => F.CrossEntropy(X, Classes, Wide[0]), "float64");
        yield return Case<DTypeException>("CrossEntropy of floats for classes", () => F.CrossEntropy(X, V), "int64", "float32");
        yield return Case<DTypeException>("CrossEntropy of whole logits", () => F.CrossEntropy(Whole, Classes), "int64");
        yield return Case<DeviceMismatchException>("CrossEntropy elsewhere", () => F.CrossEntropy(Elsewhere, Classes), "cpu-kernels");
        yield return Case<ArgumentOutOfRangeException>("CrossEntropy smoothing", () => F.CrossEntropy(X, Classes, labelSmoothing: 1.5), "label_smoothing must be between 0.0 and 1.0. Got: 1.5");
        yield return Case<ShapeException>("NllLoss of other batches", () => F.NllLoss(X, Tensor.FromArray([0L])), "Expected input batch_size (2) to match target batch_size (1)");
        yield return Case<DTypeException>("NllLoss of floats", () => F.NllLoss(X, X), "int64");
        yield return Case<ShapeException>("NllLoss out of range", () => F.NllLoss(X, Classes + 5, ignoreIndex: 5), "Target 7 is out of bounds");
        yield return Case<ShapeException>("Prelu of other channels", () => F.Prelu(X, V[..2]), "Found parameter numbers = 2 and channel size = 3");
        yield return Case<ShapeException>("Prelu of a matrix", () => F.Prelu(X, X), "Expected `weight` to be a scalar or 1D tensor, but got: ndim = 2");
        yield return Case<DTypeException>("Prelu of two dtypes", () => F.Prelu(X, Wide[0]), "float64");
        yield return Case<ArgumentOutOfRangeException>("Rrelu backwards", () => F.Rrelu(X, 1, 0), "Lower bound should be less than or equal to the upper bound");
        yield return Case<ArgumentOutOfRangeException>("GumbelSoftmax of no temperature", () => F.GumbelSoftmax(X, 0), "tau");
        yield return Case<DTypeException>("GumbelSoftmax of whole numbers", () => F.GumbelSoftmax(Whole), "int64");
        yield return Case<ShapeException>("GumbelSoftmax dim", () => F.GumbelSoftmax(X, dim: 2), "Dimension out of range");
        yield return Case<ShapeException>("Softmin dim", () => F.Softmin(X, -3), "Dimension out of range");
        yield return Case<DTypeException>("Softmax of whole numbers", () => F.Softmax(Whole, 0), "int64");
        yield return Case<DTypeException>("Logit of whole numbers", () => Whole.Logit(), "int64");
        yield return Case<ShapeException>("Glu of an odd size", () => F.Glu(X), "Halving dimension must be even");
    }

    [TestCaseSource(nameof(Cases))]
    public void IsRefused(Type exception, Func<object> call, string[] says)
    {
        string message = Assert.Throws(exception, () => call())!.Message;
        foreach (string phrase in says)
        {
            Assert.That(message, Does.Contain(phrase));
        }
    }
}
