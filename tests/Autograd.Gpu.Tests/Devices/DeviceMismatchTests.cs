using System.Reflection;
using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Tests;

/// <summary>Operations on tensors of two devices: each says so, with PyTorch's words.</summary>
internal sealed class DeviceMismatchTests
{
    private const string Phrase = "Expected all tensors to be on the same device, but found at least two devices, ";

    /// <summary>What takes another tensor's shape, dtype or device, or copies from any device.</summary>
    private static readonly HashSet<string> Allowed = ["Copy_", "To", "TypeAs", "ExpandAs", "ReshapeAs", "ViewAs", "Backward", "SetData"];

    /// <summary>Methods of a tensor that can be called with one other tensor.</summary>
    private static IEnumerable<TestCaseData> Methods() =>
        from method in typeof(Tensor).GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
        let parameters = method.GetParameters()
        where method.ReturnType == typeof(Tensor) && parameters.Length > 0 && parameters[0].ParameterType == typeof(Tensor)
            && parameters.Skip(1).All(p => p.IsOptional) && !Allowed.Contains(method.Name)
        select new TestCaseData(method).SetArgDisplayNames(method.Name, parameters.Length.ToString(System.Globalization.CultureInfo.InvariantCulture));

    [TestCaseSource(nameof(Methods))]
    public void AMethodRefusesATensorFromElsewhere(MethodInfo method)
    {
        DType[] types = [DType.Float32, DType.Int64, DType.Bool];
        var messages = new List<string>();
        foreach (var (own, other) in from own in types from other in types select (own, other))
        {
            // Some ask for a matrix, some for a vector, for stacks, or for three numbers.
            foreach (var (shape, otherShape) in s_shapes)
            {
                var x = Tensor.Zeros(shape, own, Device.Cpu);
                object?[] arguments = [Tensor.Zeros(otherShape, other, Device.CpuKernels), .. method.GetParameters().Skip(1).Select(p => p.DefaultValue)];
                var error = Assert.Throws<TargetInvocationException>(() => method.Invoke(x, arguments), $"{own} and {other}")!.InnerException!;
                Assert.That(error, Is.InstanceOf<AutogradException>(), $"{own} and {other}");
                if (error is DeviceMismatchException)
                {
                    messages.Add(error.Message);
                }
            }
        }

        Assert.That(messages, Is.Not.Empty, "no combination of dtypes says that the devices differ");
        Assert.That(messages, Has.All.Contains(Phrase).And.All.Contains("cpu-kernels"));
    }

    private static readonly (Shape, Shape)[] s_shapes = [([2, 2], [2, 2]), ([2], [2]), ([2, 2], [2]), ([1, 2, 2], [1, 2, 2]), ([3], [3])];

    private static IEnumerable<TestCaseData> Calls()
    {
        Tensor x = Tensor.Ones([2, 2]), y = Tensor.Ones([2, 2], device: Device.CpuKernels);
        Tensor at = Tensor.Zeros([2], DType.Int64), there = Tensor.Zeros([2], DType.Int64, Device.CpuKernels);
        Tensor at2 = Tensor.Zeros([2, 2], DType.Int64), there2 = Tensor.Zeros([2, 2], DType.Int64, Device.CpuKernels);
        static TestCaseData Case(string what, Func<object> call) => new TestCaseData(call).SetArgDisplayNames(what);
        yield return Case("+", () => x + y);
        yield return Case("-", () => x - y);
        yield return Case("*", () => x * y);
        yield return Case("/", () => y / x);
        yield return Case("%", () => y % x);
        yield return Case("==", () => x == y);
        yield return Case("&", () => at & there);
        yield return Case("0-d", () => x + y[0, 0]);
        yield return Case("Maximum", () => Tensor.Maximum(x, y));
        yield return Case("Minimum", () => Tensor.Minimum(x, y));
        yield return Case("Where, condition", () => Tensor.Where(y > 0, x, x));
        yield return Case("Where, value", () => Tensor.Where(x > 0, x, y));
        yield return Case("Addcmul", () => x.Addcmul(x, y));
        yield return Case("Addcdiv_", () => x.Clone().Addcdiv_(y, x));
        yield return Case("Lerp", () => x.Lerp(y, 0.5));
        yield return Case("Lerp by a tensor", () => x.Lerp(x, y));
        yield return Case("Clamp", () => x.Clamp(x, y));
        yield return Case("Cat", () => Tensor.Cat([x, y]));
        yield return Case("Stack", () => Tensor.Stack([x, y]));
        yield return Case("HStack", () => Tensor.HStack(x, y));
        yield return Case("VStack", () => Tensor.VStack(x, y));
        yield return Case("Meshgrid", () => Tensor.Meshgrid([x[0], y[0]]));
        yield return Case("CartesianProd", () => Tensor.CartesianProd(x[0], y[0]));
        yield return Case("Gather", () => x.Gather(0, there2));
        yield return Case("IndexSelect", () => x.IndexSelect(0, there));
        yield return Case("Scatter, index", () => x.Scatter(0, there2, x));
        yield return Case("Scatter, source", () => x.Scatter(0, at2, y));
        yield return Case("ScatterAdd", () => x.ScatterAdd(0, at2, y));
        yield return Case("ScatterReduce", () => x.ScatterReduce(0, at2, y, ScatterReduction.Prod));
        yield return Case("IndexAdd, index", () => x.IndexAdd(0, there, x));
        yield return Case("IndexAdd, source", () => x.IndexAdd(0, at, y));
        yield return Case("IndexCopy", () => x.IndexCopy(0, at, y));
        yield return Case("IndexFill", () => x.IndexFill(0, there, 1));
        yield return Case("IndexFill, value", () => x.IndexFill(0, at, y[0, 0]));
        yield return Case("IndexPut", () => x.IndexPut([there], x));
        yield return Case("x[index]", () => x[there]);
        yield return Case("x[mask]", () => x[y > 0]);
        yield return Case("MaskedFill, value", () => x.MaskedFill(x > 0, y[0, 0]));
        yield return Case("MaskedScatter, mask", () => x.MaskedScatter(y > 0, x));
        yield return Case("MaskedScatter, source", () => x.MaskedScatter(x > 0, y));
        yield return Case("BinCount", () => at.BinCount(y[0]));
        yield return Case("Histogram", () => x.Histogram(2, null, y));
        yield return Case("Linear, weight", () => Functional.Linear(x, y));
        yield return Case("Linear, bias", () => Functional.Linear(x, x, y[0]));
        yield return Case("MseLoss", () => Functional.MseLoss(x, y));
        yield return Case("CrossEntropy", () => Functional.CrossEntropy(x, there));
        yield return Case("Embedding", () => Functional.Embedding(there, x));
        yield return Case("EmbeddingBag, offsets", () => Functional.EmbeddingBag(at, x, there));
        yield return Case("EmbeddingBag, weights", () => Functional.EmbeddingBag(at, x, at, EmbeddingBagMode.Sum, y[0]));
        yield return Case("Normal", () => Tensor.Normal(x, y));
        yield return Case("Binomial", () => Tensor.Binomial(x, y));
        yield return Case("Bernoulli_", () => x.Clone().Bernoulli_(y));
    }

    [TestCaseSource(nameof(Calls))]
    public void ACallSaysWhichDevices(Func<object> call)
    {
        string message = Assert.Throws<DeviceMismatchException>(() => call())!.Message;
        Assert.That(message, Does.Contain(Phrase).And.Contain("cpu-kernels").And.Contain("To(device)"));
    }
}
