using System.Reflection;
using Autograd.Gpu.Tests.Support;

namespace Autograd.Gpu.Tests;

/// <summary>Every public operation refuses what it cannot do with an exception meant for the caller, and is seen to refuse three different things where it can.</summary>
internal sealed class BadInputTests
{
    private const int Least = 3;

    /// <summary>Operations that refuse less than three of the inputs that are tried, and why.</summary>
    private static readonly Dictionary<string, string> s_fewer = new()
    {
        ["EmptyLike"] = "takes any tensor",
        ["NanToNum"] = "takes any numbers",
        ["Round"] = "takes any numbers",
        ["Threshold"] = "takes any numbers",
        ["Functional.Threshold"] = "takes any numbers",
        ["Detach_"] = "refuses views only",
        ["DiagFlat"] = "takes any numbers",
        ["Elu"] = "refuses whole numbers and bool only",
        ["LeakyRelu"] = "refuses whole numbers and bool only",
        ["Softplus"] = "refuses whole numbers and bool only",
        ["Polygamma"] = "refuses negative orders only",
        ["FullLike"] = "takes any tensor and number",
        ["TypeAs"] = "takes any two tensors",
    };

    /// <summary>What the calls that two tests look at threw; they are many.</summary>
    private static readonly Lazy<(PublicOperation Operation, string Call, Exception? Thrown, string? Missing)[]> s_attempts = new(() =>
    [
        .. from operation in PublicOperations.All
           from method in operation.Overloads.Where(BadInputs.CanBeCalled)
           from attempt in BadInputs.Try(method)
           select (operation, attempt.Call, attempt.Thrown, attempt.Missing),
    ]);

    private static readonly Tensor X = Tensor.Ones([2, 3]);

    private static IEnumerable<TestCaseData> Phrases()
    {
        static TestCaseData Case<T>(string what, Func<object> call, string says) where T : Exception => new TestCaseData(typeof(T), call, says).SetArgDisplayNames(what);
        yield return Case<ShapeException>("Sum over a dim that is not there", () => X.Sum(2), "Dimension out of range (expected to be in range of [-2, 1], but got 2)");
        yield return Case<ShapeException>("Sum over a dim twice", () => X.Sum([0, -2]), "appears multiple times in the list of dims");
        yield return Case<DTypeException>("Mean of whole numbers", () => X.To(DType.Int64).Mean(), "int64");
        yield return Case<ShapeException>("Max of nothing", () => X[..0].Max(), "Expected reduction dim to have non-zero size");
        yield return Case<ShapeException>("Reshape to other counts", () => X.Reshape(4, 2), "shape '[4, 2]' is invalid for input of size 6");
        yield return Case<ShapeException>("View of a transpose", () => X.T.View(6), "view size is not compatible with input tensor's size and stride");
        yield return Case<ShapeException>("MatMul of sizes that do not meet", () => X.MatMul(X), "mat1 and mat2 shapes cannot be multiplied");
        yield return Case<ShapeException>("TensorSplit into none", () => X.TensorSplit(0), "number of sections must be larger than 0, got 0");
        yield return Case<ShapeException>("TensorSplit of a number", () => X.Sum().TensorSplit(2), "at least a 1-dimensional tensor");
        yield return Case<ShapeException>("HSplit that does not divide", () => X.HSplit(2), "the size of the dimension 3 is not divisible by the split_size 2");
        yield return Case<ShapeException>("VSplit of a vector", () => X[0].VSplit(1), "requires a tensor with at least 2 dimension, but got a tensor with 1 dimensions");
        yield return Case<ShapeException>("DSplit of a matrix", () => X.DSplit(1), "requires a tensor with at least 3 dimension");
        yield return Case<ShapeException>("FlipLR of a vector", () => X[0].FlipLR(), "Input must be >= 2-d");
        yield return Case<ShapeException>("FlipUD of a number", () => X.Sum().FlipUD(), "Input must be >= 1-d");
        yield return Case<ShapeException>("Triu of a vector", () => X[0].Triu(), "at least 2 dimensions");
        yield return Case<ShapeException>("Combinations of a matrix", () => X.Combinations(), "Expect a 1D vector");
        yield return Case<ShapeException>("Put of other counts", () => X.Put(Tensor.FromArray([0L]), X), "Expected source and index to have the same number of elements");
        yield return Case<DTypeException>("Put by floats", () => X.Put(X, X), "int64");
        yield return Case<ShapeException>("Put out of range", () => X.Put(Tensor.FromArray([6L]), Tensor.Ones([1])), "index 6 is out of bounds");
        yield return Case<DeviceMismatchException>("Kron of two devices", () => X.Kron(X.To(Device.CpuKernels)), "same device");
        yield return Case<ShapeException>("SelectScatter of another shape", () => X.SelectScatter(X, 0, 0), "src size = [2, 3], slice size = [3]");
        yield return Case<ShapeException>("SliceScatter of another shape", () => X.SliceScatter(X, 1, 1), "slice size = [2, 2]");
        yield return Case<ShapeException>("DiagonalScatter of another shape", () => X.DiagonalScatter(X), "slice size = [2]");
        yield return Case<ShapeException>("TrilIndices of less than none", () => Tensor.TrilIndices(-1, 2), "row and col must be non-negative");
        yield return Case<ShapeException>("Diff of a number", () => X.Sum().Diff(), "at least one-dimensional");
        yield return Case<ShapeException>("Gradient of too few", () => X.Gradient(1, [0], 2), "expected each dimension size to be at least edge_order+1 (3)");
        yield return Case<ArgumentOutOfRangeException>("Gradient of edge order 3", () => X.Gradient(1, [0], 3), "only supports edge_order=1 and edge_order=2");
        yield return Case<ShapeException>("Trapezoid at other places", () => X.Trapezoid(Tensor.Ones([2])), "There must be one `x` value for each sample point");
        yield return Case<ArgumentOutOfRangeException>("Quantile beyond 1", () => X.Quantile(1.5), "q values must be in the range [0, 1], but one is 1.5");
        yield return Case<DTypeException>("Quantile of whole numbers", () => X.To(DType.Int64).Quantile(0.5), "input tensor must be either float or double dtype");
        yield return Case<ShapeException>("Cov of a stack", () => X.Unsqueeze(0).Cov(), "expected input to have two or fewer dimensions but got an input with 3 dimensions");
        yield return Case<DTypeException>("Cov with fractions", () => X.Cov(1, X[0]), "expected fweights to have integral dtype");
        yield return Case<ShapeException>("Cov with too few weights", () => X.Cov(1, null, X[0][..2]), "same numel as there are observations");
        yield return Case<ShapeException>("Renorm of a vector", () => X[0].Renorm(2, 0, 1), "input needs at least 2 dimensions");
        yield return Case<ArgumentOutOfRangeException>("Renorm by 0", () => X.Renorm(0, 0, 1), "non-positive-norm not supported");
        yield return Case<DTypeException>("Renorm of whole numbers", () => X.To(DType.Int64).Renorm(2, 0, 1), "floating point");
        yield return Case<ShapeException>("Unique over a dim that is not there", () => X.Unique(2), "Dimension out of range");
        yield return Case<ShapeException>("UniqueConsecutive over a dim of a number", () => X.Sum().UniqueConsecutive(0), "at least a 1-dimensional tensor");
        yield return Case<DeviceMismatchException>("IsIn elsewhere", () => X.IsIn(X.To(Device.CpuKernels)), "same device");
        yield return Case<ShapeException>("BroadcastTensors that do not", () => Tensor.BroadcastTensors(X, Tensor.Ones([4])), "must match the size of tensor b (4) at non-singleton dimension 1");
        yield return Case<ArgumentException>("Hardtanh of bytes below zero", () => X.To(DType.UInt8).Hardtanh(), "cannot do hardtanh on an unsigned type with negative limits");
        yield return Case<DTypeException>("Hardtanh of bools", () => (X > 0).Hardtanh(), "Bool inputs not supported for hardtanh");
        yield return Case<ArgumentException>("Functional.Hardtanh turned round", () => Nn.Functional.Hardtanh(X, 2, 1), "min_val cannot be greater than max_val, but got 2 and 1");
        yield return Case<DTypeException>("Hardshrink of whole numbers", () => X.To(DType.Int32).Hardshrink(), "int32");
        foreach (var (name, fill) in new (string, Func<Tensor, Tensor>)[] { ("Init.Ones_", t => Nn.Init.Ones_(t)), ("Init.Zeros_", t => Nn.Init.Zeros_(t)), ("Init.Constant_", t => Nn.Init.Constant_(t, 2)) })
        {
            yield return Case<ShapeException>($"{name} of an expanded tensor", () => fill(X[..1].Expand(2, 3)), "more than one element of the written-to tensor refers to a single memory location");
            yield return Case<GradientException>($"{name} of an inference tensor", () => fill(Inference()), "Inplace update to inference tensor outside InferenceMode is not allowed");
        }

        static Tensor Inference()
        {
            using var mode = Autodiff.InferenceMode();
            return Tensor.Ones([2]);
        }

        yield return Case<ShapeException>("Eq_ that grows", () => Tensor.Ones([3]).Eq_(X), "doesn't match the broadcast shape [2, 3]");
    }

    [TestCaseSource(nameof(Phrases))]
    public void TheMessageSaysWhatUsersSearchFor(Type exception, Func<object> call, string says) =>
        Assert.That(Assert.Throws(exception, () => call())!.Message, Does.Contain(says));

    [Test]
    public void PairsRefuseOtherDevicesAndShapes()
    {
        foreach (var operation in PointwiseTable.Operations.Where(o => o.Arity > 1))
        {
            var dtype = operation.Supports(DType.Float32) ? DType.Float32 : DType.Int64;
            Tensor Of(Shape shape, Device? device = null) => Tensor.Ones(shape, dtype, device ?? Device.Cpu);
            Tensor[] Inputs(Tensor last) => [operation.TakesCondition ? Of([2, 3]) > 0 : Of([2, 3]), .. Enumerable.Repeat(Of([2, 3]), operation.Arity - 2), last];
            var elsewhere = Assert.Throws<DeviceMismatchException>(() => PointwiseTable.Apply(operation, Inputs(Of([2, 3], Device.CpuKernels))), operation.Name);
            Assert.That(elsewhere!.Message, Does.StartWith(operation.Name + ": Expected all tensors to be on the same device, but found at least two devices, cpu and cpu-kernels"));
            var shapes = Assert.Throws<ShapeException>(() => PointwiseTable.Apply(operation, Inputs(Of([4]))), operation.Name);
            Assert.That(shapes!.Message, Does.Contain("The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1"));
            if (!operation.TakesCondition)
            {
                var grown = Assert.Throws<ShapeException>(() => PointwiseTable.ApplyInPlace(operation, Of([1, 3]), Inputs(Of([2, 3]))[1..]), operation.Name);
                Assert.That(grown!.Message, Does.Contain("output with shape [1, 3] doesn't match the broadcast shape [2, 3]"));
            }
        }
    }

    [Test]
    public void InPlaceFormsRefuseLeavesAndDTypesThatCannotHoldTheResult()
    {
        foreach (var operation in PointwiseTable.Operations.Where(o => o.Supports(DType.Float32) && !o.TakesCondition && !o.IsPredicate))
        {
            Tensor[] others = [.. Enumerable.Range(1, operation.Arity - 1).Select(_ => Tensor.Ones([3]))];
            var leaf = Assert.Throws<GradientException>(() => PointwiseTable.ApplyInPlace(operation, Tensor.Ones([3]).RequiresGrad_(), others), operation.Name);
            Assert.That(leaf!.Message, Does.Contain("a leaf Variable that requires grad is being used in an in-place operation"));
            if ((others.Length > 0 || !operation.Supports(DType.Int64)) && operation.Refusal(DType.Int64) is null)
            {
                var whole = Assert.Throws<DTypeException>(() => PointwiseTable.ApplyInPlace(operation, Tensor.Ones([3], DType.Int64), others), operation.Name);
                Assert.That(whole!.Message, Does.Contain("result type float32 can't be cast to the desired output type int64"));
            }
        }
    }

    [Test]
    public void EveryRefusalIsMeantForTheCaller()
    {
        string[] wrong =
        [
            .. from attempt in s_attempts.Value
               where !IsRight(attempt.Thrown, attempt.Missing) || (attempt.Thrown is null && attempt.Call.EndsWith(": undefined)", StringComparison.Ordinal))
               select $"{attempt.Operation.Owner}.{attempt.Call}: {attempt.Thrown?.GetType().Name}: {attempt.Thrown?.Message}",
        ];
        Assert.That(wrong, Is.Empty, string.Join('\n', wrong));
    }

    /// <summary>
    /// Whether a call may end so: with an answer or an exception meant for the caller; where an argument is missing with an exception, and the one for null has to name it.
    /// </summary>
    private static bool IsRight(Exception? thrown, string? missing) =>
        thrown is null ? missing is null
        : BadInputs.IsMeant(thrown) && (missing is null || thrown is not ArgumentNullException { ParamName: var name } || name?.StartsWith(missing, StringComparison.Ordinal) == true);

    [Test]
    public void EveryOperationIsSeenToRefuseThreeThings()
    {
        // By hand: the cases of the error tables that call the operation. By reflection: different messages for unusual arguments.
        var cases = ErrorTables().SelectMany(t => (IEnumerable<TestCaseData>)t.Invoke(null, null)!)
            .Select(c => c.Arguments.OfType<Delegate>().SelectMany(call => CallGraph.Closure(call).OfType<MethodInfo>()).ToHashSet()).ToArray();
        Assert.That(cases, Has.Length.GreaterThan(300));
        var few = new List<string>();
        var refusals = s_attempts.Value.Where(a => a.Thrown is not null).ToLookup(a => a.Operation, a => a.Thrown!.Message);
        foreach (var operation in PublicOperations.All.Where(o => !IsExcused(o)))
        {
            int byHand = cases.Count(called => operation.Overloads.Any(m => called.Contains(m)));
            var messages = refusals[operation].ToHashSet();
            if (byHand + messages.Count < Least != s_fewer.ContainsKey(operation.Shown))
            {
                few.Add($"{operation.Shown} ({byHand} by hand, {messages.Count} by reflection)");
            }
        }

        Assert.That(few, Is.Empty, $"add cases to Phrases, or a reason to s_fewer, or take it away: {string.Join(", ", few)}");
    }

    /// <summary>The methods that list bad calls for a test of their messages.</summary>
    private static IEnumerable<MethodInfo> ErrorTables() =>
        from type in typeof(BadInputTests).Assembly.GetTypes()
        from method in type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
        where method.ReturnType == typeof(IEnumerable<TestCaseData>) && method.GetParameters().Length == 0
        where method.Name is "Phrases" or "Refused" or "Refusals" or "Errors" || (method.Name == "Cases" && type.Name.EndsWith("ErrorTests", StringComparison.Ordinal))
        select method;

    /// <summary>What takes nothing but its tensor, and writes nothing into it, has less than three ways to be called wrongly.</summary>
    private static bool IsExcused(PublicOperation operation) => !operation.IsInPlace && operation.Overloads.All(m => m.GetParameters().Length == (m.IsStatic ? 1 : 0));
}
