namespace Autograd.Gpu.Tests;

/// <summary>What picking, placing, reshaping, scanning and sorting refuse, and that the message says what was wrong.</summary>
internal sealed class IndexErrorTests
{
    private static readonly Tensor X = Tensor.Zeros([2, 3]);
    private static readonly Tensor Whole = Tensor.Zeros([2, 3], DType.Int64);
    private static readonly Tensor Other = Tensor.Zeros([2, 3], DType.Float64);
    private static readonly Tensor Elsewhere = Tensor.Zeros([2, 3], DType.Int64, Device.CpuKernels);
    private static readonly Tensor Mask = Tensor.Zeros([2, 3], DType.Bool);

    private static Tensor At(params long[] index) => Tensor.FromArray(index);

    internal static IEnumerable<TestCaseData> Cases()
    {
        static TestCaseData Case<T>(string what, Func<object> call, params string[] says) where T : Exception =>
            new TestCaseData(typeof(T), call, says).SetArgDisplayNames(what);

        yield return Case<ShapeException>("Gather out of range", () => X.Gather(0, Whole + 2), "index 2 is out of bounds for dimension 0 with size 2");
        yield return Case<ShapeException>("Gather below", () => X.Gather(1, Whole - 1), "index -1 is out of bounds for dimension 1 with size 3");
        yield return Case<ShapeException>("Gather of another rank", () => X.Gather(0, At(0)), "Index tensor must have the same number of dimensions as input tensor", "[2, 3]");
        yield return Case<ShapeException>("Gather of larger sizes", () => X.Gather(0, Tensor.Zeros([2, 4], DType.Int64)), "Size does not match at dimension 1 expected index [2, 4] to be no larger than self [2, 3]");
        yield return Case<DTypeException>("Gather by floats", () => X.Gather(0, X), "Expected dtype int64 for index", "float32");
        yield return Case<DeviceMismatchException>("Gather elsewhere", () => X.Gather(0, Elsewhere), "cpu-kernels");
        yield return Case<ShapeException>("Gather dim", () => X.Gather(2, Whole), "Dimension out of range");
        yield return Case<ShapeException>("IndexSelect out of range", () => X.IndexSelect(1, At(0, 3)), "IndexSelect: index 3 is out of bounds for dimension 1 with size 3");
        yield return Case<ShapeException>("IndexSelect of rows out of range", () => X.IndexSelect(0, At(0, 1, 2)), "IndexSelect: index 2 is out of bounds for dimension 0 with size 2");
        yield return Case<ShapeException>("IndexSelect of rows below", () => X.IndexSelect(0, At(0, -1)), "IndexSelect: index -1 is out of bounds for dimension 0 with size 2");
        yield return Case<ShapeException>("IndexSelect of rows of nothing", () => X[..0].IndexSelect(0, At(0)), "index 0 is out of bounds for dimension 0 with size 0");
        yield return Case<ShapeException>("IndexSelect by a matrix", () => X.IndexSelect(1, Whole), "Index is supposed to be a vector");
        yield return Case<DTypeException>("IndexSelect by a mask", () => X.IndexSelect(1, Mask[0]), "bool");
        yield return Case<ShapeException>("TakeAlongDim of another rank", () => X.TakeAlongDim(At(0), 0), "should have the same number of dimensions");
        yield return Case<ShapeException>("TakeAlongDim that does not broadcast", () => X.TakeAlongDim(Tensor.Zeros([2, 2], DType.Int64), 0), "non-singleton dimension");
        yield return Case<ShapeException>("TakeAlongDim out of range", () => X.TakeAlongDim(At(6)), "index 6 is out of bounds for dimension 0 with size 6");
        yield return Case<ShapeException>("Take out of range", () => X.Take(At(-7)), "index -7 is out of bounds", "[-6, 6)");
        yield return Case<DTypeException>("Take by floats", () => X.Take(X), "int64");
        yield return Case<DeviceMismatchException>("Take elsewhere", () => X.Take(Elsewhere), "cpu-kernels");
        yield return Case<DTypeException>("MaskedSelect by numbers", () => X.MaskedSelect(Whole), "expected BoolTensor for mask");
        yield return Case<ShapeException>("MaskedSelect that does not broadcast", () => X.MaskedSelect(Mask[0][..2]), "must match the size");
        yield return Case<DeviceMismatchException>("MaskedSelect elsewhere", () => X.MaskedSelect(Elsewhere > 0), "cpu-kernels");
        yield return Case<ShapeException>("MaskedScatter of too little", () => X.MaskedScatter(Mask == false, Tensor.Zeros([5])), "at least as many elements", "6", "5");
        yield return Case<DTypeException>("MaskedScatter of another dtype", () => X.MaskedScatter(Mask, Other), "float64");
        yield return Case<DTypeException>("MaskedScatter by numbers", () => X.MaskedScatter(X, X), "float32");
        yield return Case<ShapeException>("x[index] out of range", () => X[At(0, 2)], "index 2 is out of bounds for dimension 0 with size 2", "[-2, 2)");
        yield return Case<ShapeException>("x[a, b] out of range", () => X[At(0), At(-4)], "index -4 is out of bounds for dimension 1 with size 3");
        yield return Case<ShapeException>("x[a, b] that do not broadcast", () => X[At(0, 1), At(0, 1, 2)], "indexing tensors could not be broadcast together with shapes [2], [3]");
        yield return Case<ShapeException>("x[mask] of another shape", () => X[Tensor.Zeros([3], DType.Bool)], "The shape of the mask [3] at index 0 does not match the shape of the indexed tensor [2, 3] at index 0");
        yield return Case<DTypeException>("x[floats]", () => X[X], "tensors used as indices must be long, int, byte or bool tensors");
        yield return Case<ShapeException>("x[a, b, c]", () => X[At(0), At(0), At(0)], "too many indices for tensor of dimension 2");
        yield return Case<DeviceMismatchException>("x[elsewhere]", () => X[Elsewhere], "same device");
        yield return Case<ShapeException>("IndexPut that does not broadcast", () => X.IndexPut([At(0, 1)], Tensor.Zeros([2, 2])), "shape mismatch: value tensor of shape [2, 2] cannot be broadcast to indexing result of shape [2, 3]");
        yield return Case<DTypeException>("IndexPut of another dtype", () => X.IndexPut([At(0)], Other), "Index put requires the source and destination dtypes match");
        yield return Case<ShapeException>("IndexPut nowhere", () => X.IndexPut([null], X), "at least one index tensor");
        yield return Case<ShapeException>("Scatter out of range", () => X.Scatter(0, Whole + 2, X), "Scatter: index 2 is out of bounds for dimension 0 with size 2");
        yield return Case<ShapeException>("Scatter of too little", () => X.Scatter(0, Whole, X[..1]), "to be no larger size than src [1, 3]");
        yield return Case<DTypeException>("Scatter of another dtype", () => X.Scatter(0, Whole, Other), "Expected self.dtype to be equal to src.dtype");
        yield return Case<ShapeException>("ScatterAdd out of range", () => X.ScatterAdd(1, Whole - 1, X), "index -1 is out of bounds");
        yield return Case<ShapeException>("ScatterAdd into nothing", () => X[0][..0].ScatterAdd(0, At(0, 1), Tensor.Ones([2])), "index 0 is out of bounds for dimension 0 with size 0");
        yield return Case<ShapeException>("Scatter into empty rows", () => X[.., ..0].Scatter(1, Whole, X), "out of bounds for dimension 1 with size 0");
        yield return Case<ShapeException>("Gather from nothing", () => X[.., ..0].Gather(1, Whole), "out of bounds for dimension 1 with size 0");
        yield return Case<ShapeException>("ScatterAdd of another rank", () => X.ScatterAdd(1, At(0), X), "same number of dimensions");
        yield return Case<DTypeException>("ScatterAdd by floats", () => X.ScatterAdd(1, X, X), "int64");
        yield return Case<ShapeException>("ScatterReduce out of range", () => X.ScatterReduce(0, Whole + 5, X, ScatterReduction.Amax), "index 5 is out of bounds");
        yield return Case<DTypeException>("ScatterReduce of another dtype", () => X.ScatterReduce(0, Whole, Other, ScatterReduction.Sum), "float64");
        yield return Case<ShapeException>("ScatterReduce of another rank", () => X.ScatterReduce(0, At(1), X, ScatterReduction.Prod), "same number of dimensions");
        yield return Case<ShapeException>("IndexAdd of other counts", () => X.IndexAdd(0, At(0, 1, 0), X), "Number of indices (3) should be equal to source.size(dim) (2)");
        yield return Case<ShapeException>("IndexAdd of other slices", () => X.IndexAdd(0, At(0, 1), Tensor.Zeros([2, 2])), "same slice shapes");
        yield return Case<ShapeException>("IndexAdd out of range", () => X.IndexAdd(0, At(0, 2), X), "index 2 is out of bounds");
        yield return Case<ShapeException>("IndexCopy out of range", () => X.IndexCopy(0, At(0, -1), X), "IndexCopy: index -1 is out of bounds");
        yield return Case<DTypeException>("IndexCopy of another dtype", () => X.IndexCopy(0, At(0, 1), Other), "float64");
        yield return Case<ShapeException>("IndexCopy of other slices", () => X.IndexCopy(0, At(0), X), "Number of indices (1)");
        yield return Case<ShapeException>("IndexFill of a vector", () => X.IndexFill(0, At(0), At(0)), "only supports a 0-dimensional value tensor");
        yield return Case<ShapeException>("IndexFill out of range", () => X.IndexFill(0, At(-3), 1), "index -3 is out of bounds");
        yield return Case<DTypeException>("IndexFill by floats", () => X.IndexFill(0, X[0], 1), "int64");
        yield return Case<ShapeException>("TopK of too many", () => X.TopK(4), "selected index k out of range", "size 3");
        yield return Case<ShapeException>("TopK of less than none", () => X.TopK(-1), "k is -1");
        yield return Case<ShapeException>("TopK dim", () => X.TopK(1, 2), "Dimension out of range");
        yield return Case<ShapeException>("KthValue from 0", () => X.KthValue(0), "selected number k out of range");
        yield return Case<ShapeException>("Median of nothing", () => X[..0].Median(0), "non-zero size");
        yield return Case<ShapeException>("Mode dim", () => X.Mode(-3), "Dimension out of range");
        yield return Case<ShapeException>("SearchSorted of other lines", () => X.SearchSorted(Tensor.Zeros([3, 2])), "boundaries tensor should be 1 dimension or the first N-1 dimensions");
        yield return Case<DeviceMismatchException>("SearchSorted elsewhere", () => X.SearchSorted(Elsewhere), "cpu-kernels");
        yield return Case<ShapeException>("Bucketize by a matrix", () => X.Bucketize(X), "boundaries tensor must be 1 dimension");
        yield return Case<DTypeException>("BinCount of floats", () => X[0].BinCount(), "float32");
        yield return Case<ShapeException>("BinCount of a matrix", () => Whole.BinCount(), "bincount only supports 1-d non-negative integral inputs");
        yield return Case<ShapeException>("BinCount of negative numbers", () => At(1, -2).BinCount(), "one is -2");
        yield return Case<ShapeException>("Histc of no bins", () => X.Histc(0), "bins must be > 0");
        yield return Case<ShapeException>("Histc backwards", () => X.Histc(2, 3, 1), "max must be larger than min");
        yield return Case<DTypeException>("Histc of numbers", () => Whole.Histc(), "int64");
        yield return Case<DTypeException>("Var of whole numbers", () => Whole.Var(), "std and var only support floating point");
        yield return Case<ShapeException>("Std of a dim twice", () => X.Std([0, -2]), "appears multiple times");
        yield return Case<DTypeException>("Norm of whole numbers", () => Whole.Norm(), "floating point");
        yield return Case<ShapeException>("Norm inf of nothing", () => X[..0].Norm(double.PositiveInfinity), "has no identity");
        yield return Case<DTypeException>("LogSumExp of whole numbers", () => Whole.LogSumExp(0), "floating point");
        yield return Case<ShapeException>("CumSum dim", () => X.CumSum(2), "Dimension out of range");
        yield return Case<DTypeException>("CumProd to bool", () => X.CumProd(0, DType.Bool), "bool");
        yield return Case<ShapeException>("CumMax dim", () => X.CumMax(-3), "Dimension out of range");
        yield return Case<DTypeException>("LogCumSumExp of whole numbers", () => Whole.LogCumSumExp(0), "int64");
        yield return Case<ShapeException>("MT of a vector", () => X[0].MT, "Got 1-D tensor");
        yield return Case<ShapeException>("MoveDim of other counts", () => X.MoveDim([0], [0, 1]), "should contain the same number of dims");
        yield return Case<ShapeException>("MoveDim twice", () => X.MoveDim([0, 0], [0, 1]), "repeated dim");
        yield return Case<ShapeException>("Unflatten", () => X.Unflatten(1, 2, 2), "don't multiply up to the size of dim 1 (3)");
        yield return Case<ShapeException>("Diagonal of one dim", () => X.Diagonal(0, 0, -2), "diagonal dimensions cannot be identical");
        yield return Case<ShapeException>("Diag of a stack", () => X.Unsqueeze(0).Diag(), "Supports 1D or 2D tensors. Got 3D");
        yield return Case<ShapeException>("Unfold of too much", () => X.Unfold(1, 4, 1), "maximum size for tensor at dimension 1 is 3 but size is 4");
        yield return Case<ShapeException>("Unfold on the spot", () => X.Unfold(1, 2, 0), "step is 0 but must be > 0");
        yield return Case<ShapeException>("AsStrided beyond the end", () => X.AsStrided([2, 3], [3, 2]), "requiring a storage size of 8", "storage of size 6");
        yield return Case<ShapeException>("AsStrided backwards", () => X.AsStrided([2], [-1]), "Negative strides are not supported");
        yield return Case<ShapeException>("AsStrided of other counts", () => X.AsStrided([2], [1, 1]), "mismatch in length of strides and shape");
        yield return Case<ShapeException>("Repeat of too few", () => X.Repeat(2), "can not be smaller than number of dimensions of tensor");
        yield return Case<ShapeException>("Repeat of less than none", () => X.Repeat(1, -1), "negative dimension");
        yield return Case<ShapeException>("RepeatInterleave of other counts", () => X.RepeatInterleave(At(1, 2), 1), "repeats must have the same size as input along dim");
        yield return Case<ShapeException>("RepeatInterleave of less than none", () => X.RepeatInterleave(At(1, -2), 0), "repeats can not be negative");
        yield return Case<ShapeException>("Flip twice", () => X.Flip(0, -2), "appears multiple times");
        yield return Case<ShapeException>("Roll of other counts", () => X.Roll([1], [0, 1]), "shifts and dimensions must align");
        yield return Case<ShapeException>("Rot90 of one dim", () => X.Rot90(1, 0, 0), "rotation dims to be different");
        yield return Case<ShapeException>("Tril of a vector", () => X[0].Tril(), "at least 2 dimensions");
        yield return Case<ShapeException>("Meshgrid of a matrix", () => Tensor.Meshgrid([X]), "Expected 0D or 1D tensor");
        yield return Case<DTypeException>("Meshgrid of two dtypes", () => Tensor.Meshgrid([X[0], Other[0]]), "same dtype");
        yield return Case<ShapeException>("CartesianProd of a matrix", () => Tensor.CartesianProd(X), "Expect a 1D vector");
        yield return Case<ShapeException>("HStack of other sizes", () => Tensor.HStack(X, X.T), "Sizes of tensors must match except in dimension 1");
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
