using Autograd.Gpu.Tests.Support;

namespace Autograd.Gpu.Tests;

/// <summary>
/// The rows of the structural table in the dtypes in which they are not compared with their oracles: half types compute in float32 and round once, or once for each operation of the
/// row; whole numbers give what their doubles give. What a row's operation refuses is refused.
/// </summary>
internal sealed class OtherDTypeTests
{
    /// <summary>Rows whose result for whole numbers is not that for doubles, and why.</summary>
    private static readonly Dictionary<string, string> s_otherForWholeNumbers = new()
    {
        ["ScatterReduce Mean"] = "a mean of whole numbers is rounded down",
        ["ScatterReduce Mean, without self"] = "a mean of whole numbers is rounded down",
        ["IndexReduce Mean"] = "a mean of whole numbers is rounded down",
        ["PadSequence"] = "the padding is cast",
        ["creation"] = "what is made is cast before it is added up",
    };

    /// <summary>The rows that call public operations; what these are made of need not take every dtype. There are many, so that on the kernels it is a sample.</summary>
    private static IEnumerable<(Sample Sample, Device Device)> Rows =>
        from device in new[] { Device.Cpu, Device.CpuKernels }
        from row in StructuralTable.Samples.Where(s => CallGraph.Closure(s.Apply).Any(m => m.DeclaringType is { } owner && PublicOperations.Owners.Contains(owner))).Select((s, i) => (Sample: s, Index: i))
        where device == Device.Cpu || row.Index % 30 == 0
        select (row.Sample, device);

    [Test]
    public void HalfTypesComputeInFloat32([Values(DType.Float16, DType.BFloat16)] DType dtype)
    {
        double unit = dtype == DType.Float16 ? 1.0 / 1024 : 1.0 / 128;
        var wrong = new List<string>();
        int compared = 0;
        foreach (var (sample, device) in Rows)
        {
            Tensor[] inputs = [.. sample.Shapes.Select((shape, i) => Numbers.Double(3 + i, shape, sample.Domain.Low, sample.Domain.High, device).To(dtype))];
            if (Apply(sample, inputs) is not { } half)
            {
                continue;
            }

            var single = sample.Apply([.. inputs.Select(x => x.To(DType.Float32))]);
            compared++;
            Compare(wrong, sample, device, half, half.DType == dtype ? single.To(dtype) : single, half.DType == DType.Int64 ? 0 : 8 * unit);
        }

        Assert.That(compared, Is.GreaterThan(400));
        Assert.That(wrong, Is.Empty, string.Join('\n', wrong));
    }

    [Test]
    public void WholeNumbersGiveWhatTheirDoublesGive([Values(DType.Int64, DType.Int32)] DType dtype)
    {
        var wrong = new List<string>();
        int compared = 0;
        foreach (var (sample, device) in Rows)
        {
            // Small numbers of both signs, none of them zero; where the row's domain is above zero, of one.
            bool isPositive = sample.Domain.Low > 0;
            Tensor[] inputs =
            [
                .. sample.Shapes.Select((shape, i) => Numbers.Of(
                    Array.ConvertAll(Numbers.Uniform(3 + i, shape.NumElements, -4, 4), v => isPositive ? Math.Ceiling(Math.Abs(v)) : Math.Sign(v) * Math.Ceiling(Math.Abs(v))), shape, DType.Float64, device)),
            ];
            if (s_otherForWholeNumbers.ContainsKey(sample.Name) || Apply(sample, [.. inputs.Select(x => x.To(dtype))]) is not { } whole)
            {
                continue;
            }

            compared++;
            Compare(wrong, sample, device, whole, sample.Apply(inputs), whole.DType.IsFloatingPoint() ? 1e-5 : 0);
        }

        Assert.That(compared, Is.GreaterThan(200));
        Assert.That(wrong, Is.Empty, string.Join('\n', wrong));
    }

    private static Tensor? Apply(Sample sample, Tensor[] inputs)
    {
        try
        {
            return sample.Apply(inputs).Materialize();
        }
        catch (Exception e) when (e is AutogradException or ArgumentException)
        {
            return null;
        }
    }

    private static void Compare(List<string> wrong, Sample sample, Device device, Tensor actual, Tensor expected, double tolerance)
    {
        var (a, e) = (actual.Doubles(), expected.Doubles());
        double scale = 1 + e.Where(double.IsFinite).Select(Math.Abs).DefaultIfEmpty().Max();
        if (actual.Shape != expected.Shape || a.Zip(e).Any(p => !p.First.Equals(p.Second) && !(Math.Abs(p.First - p.Second) <= tolerance * scale)))
        {
            wrong.Add($"{sample.Name} on {device}: {actual.DType} {actual.Shape} [{string.Join(", ", a.Take(6))}], expected {expected.Shape} [{string.Join(", ", e.Take(6))}]");
        }
    }
}
