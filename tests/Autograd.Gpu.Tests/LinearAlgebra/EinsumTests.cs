using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Tests;

/// <summary>Einsum against loops over all labels: every form of the notation, dtypes, orders of contraction, and what it costs.</summary>
internal sealed class EinsumTests
{
    private static IEnumerable<TestCaseData> Equations()
    {
        static TestCaseData Case(string equation, string meaning, params Shape[] shapes) => new TestCaseData(equation, meaning, shapes).SetArgDisplayNames(equation);
        yield return Case("i", "i->i", [3]);
        yield return Case("i->", "i->", [3]);
        yield return Case("ba", "ba->ab", [2, 3]);
        yield return Case("ii", "ii->", [3, 3]);
        yield return Case("ii->i", "ii->i", [3, 3]);
        yield return Case("iji->j", "iji->j", [2, 3, 2]);
        yield return Case("iiji", "iiji->j", [2, 2, 3, 2]);
        yield return Case(",", ",->", [], []);
        yield return Case(",i->i", ",i->i", [], [2]);
        yield return Case("i,i->i", "i,i->i", [3], [3]);
        yield return Case("bi,bi->b", "bi,bi->b", [2, 3], [2, 3]);
        yield return Case(" i j , j k -> k i ", "ij,jk->ki", [2, 3], [3, 4]);
        yield return Case("aB,Bc", "aB,Bc->ac", [2, 3], [3, 2]);
        yield return Case("aB", "aB->Ba", [2, 3]);
        yield return Case("abcd,dcbe->ea", "abcd,dcbe->ea", [2, 3, 2, 2], [2, 2, 3, 2]);
        yield return Case("bhid,bhjd->bhij", "bhid,bhjd->bhij", [2, 2, 3, 2], [2, 2, 2, 2]);
        yield return Case("...", "ab->ab", [2, 3]);
        yield return Case("...->", "ab->", [2, 3]);
        yield return Case("i...->...", "iab->ab", [2, 3, 2]);
        yield return Case("...ij,...jk", "abij,bjk->abik", [2, 3, 2, 2], [3, 2, 1]);
        yield return Case("...ij,...jk->k...i", "abij,bjk->kabi", [2, 1, 2, 2], [3, 2, 2]);
        yield return Case("i...j,...j->...i", "ibj,abj->abi", [2, 3, 2], [2, 1, 2]);
        yield return Case("ij,i...->...j", "ij,ia->aj", [2, 3], [2, 2]);
        yield return Case("ij,ij->ij", "ij,ij->ij", [2, 1], [1, 3]);
        yield return Case("ij,jk,kl,lm->im", "ij,jk,kl,lm->im", [2, 3], [3, 1], [1, 3], [3, 2]);
        yield return Case("i,j,k->kji", "i,j,k->kji", [2], [3], [2]);
        yield return Case("i,i,i,i,i,i,i,i,i,ij->j", "i,i,i,i,i,i,i,i,i,ij->j", [2], [2], [2], [2], [2], [2], [2], [2], [2], [2, 3]);
        yield return Case("ij,jk->ik", "ij,jk->ik", [2, 0], [0, 3]);
        yield return Case("ij,jk->ik", "ij,jk->ik", [0, 2], [2, 3]);
    }

    [TestCaseSource(nameof(Equations))]
    public void AgreesWithLoops(string equation, string meaning, Shape[] shapes)
    {
        foreach (var dtype in new[] { DType.Float64, DType.Float32, DType.Int32 })
        {
            Tensor[] operands = [.. shapes.Select((s, i) => Numbers.Of(Numbers.Uniform(i, s.NumElements, -4, 4), s, dtype, Device.Cpu))];
            var result = Tensor.Einsum(equation, operands);
            var expected = LinearAlgebraTable.Contract(meaning, [.. operands.Select(x => new NdArray(x.Shape.ToArray(), x.Doubles()))]);
            Assert.That(result.Shape.ToArray(), Is.EqualTo(expected.Shape));
            Assert.That(result.DType, Is.EqualTo(dtype));
            double scale = 1 + expected.Values.Select(Math.Abs).DefaultIfEmpty().Max();
            Assert.That(result.Doubles(), Is.EqualTo(expected.Values).Within((dtype == DType.Float32 ? 3e-6 : 1e-14) * scale));
        }
    }

    [Test]
    public void NumbersStandForLetters()
    {
        Tensor a = Numbers.Double(1, [2, 3, 3], -1, 1, Device.Cpu), b = Numbers.Double(2, [3, 4], -1, 1, Device.Cpu);
        Close.AreEqual(Tensor.Einsum(a, [7, 0, 1], b, [1, 51], [51, 7]), Tensor.Einsum("xij,jk->kx", a, b), "two");
        Close.AreEqual(Tensor.Einsum(a, [-1, 30, 2], b, [2, 5]), Tensor.Einsum("...eC,CF", a, b), "without a result");
        Close.AreEqual(Tensor.Einsum(a, [0, 1, 1], [0]), Tensor.Einsum("iab->i", a * Tensor.Eye(3, null, DType.Float64)), "one");
        Close.AreEqual(Tensor.Einsum([(a, [0, 1, 2]), (b, [2, 3]), (b, [1, 3])], []), Tensor.Einsum("xij,jk,ik->", a, b, b), "three");
        Assert.That(Assert.Throws<ShapeException>(() => Tensor.Einsum(a, [0, 1, 52]))!.Message, Does.Contain("subscript 52 in subscript list is not within the valid range [0, 52)"));
        Assert.That(Assert.Throws<ShapeException>(() => Tensor.Einsum(a, [0, 1], b, [0, 1]))!.Message, Does.Contain("does not match the number of dimensions (3) for operand 0"));
        Assert.That(Assert.Throws<ArgumentNullException>(() => Tensor.Einsum([(a, null!)]))!.ParamName, Is.EqualTo("operands[0].Subscripts"));
    }

    [Test]
    public void TheBestOrderOfContractionIsFound()
    {
        // (10 x 100)(100 x 5)(5 x 50): left first costs 7,500 multiplications, right first 75,000.
        double[] sizes = [10, 100, 5, 50];
        UInt128[] chain = [0b0011, 0b0110, 0b1100];
        Assert.That(new ContractionPath(chain, 0b1001, l => sizes[l]).Find(), Is.EqualTo(new[] { (0, 1), (0, 1) }));
        sizes = [50, 5, 100, 10];
        Assert.That(new ContractionPath(chain, 0b1001, l => sizes[l]).Find(), Is.EqualTo(new[] { (1, 2), (0, 1) }));

        // Nine operands take the greedy way: a long chain costs no more than from left to right.
        var many = Enumerable.Range(0, 9).Select(i => (UInt128)0b11 << i).ToArray();
        var path = new ContractionPath(many, 0b1 | (UInt128)1 << 9, _ => 4).Find();
        Assert.That(path, Has.Count.EqualTo(8));
    }

    [Test]
    public void PermutedOperandsAreNotCopied()
    {
        var a = Tensor.Rand([3, 4, 5]);
        var b = Tensor.Rand([6, 5]);
        a.Materialize();
        b.Materialize();
        using var log = new KernelLog();
        Tensor.Einsum("ijk,lk->ijl", a, b).Materialize();
        Assert.That(log.Count, Is.EqualTo(1), log.ToString());
        log.Clear();
        Tensor.Einsum("jki,lk->ijl", a.Permute(1, 2, 0), b).Materialize();
        Assert.That(log.Count, Is.EqualTo(1), log.ToString());
    }

    [Test]
    public void HalfTypesAreSummedInSingle()
    {
        var x = Tensor.Ones([4096], DType.Float16);
        Assert.That(Tensor.Einsum("i,i", x, x).To(DType.Float32).Item<float>(), Is.EqualTo(4096));
        var m = Tensor.Full([2, 4096], 1.0, DType.BFloat16);
        Assert.That(Tensor.Einsum("ik,jk->ij", m, m).Doubles(), Is.All.EqualTo(4096));
        Assert.That(m.MatMul(m.T).DType, Is.EqualTo(DType.BFloat16));
        Assert.That(x.Dot(x).Doubles(), Is.All.EqualTo(4096));
    }

    [Test]
    public void ASingleOperandIsAnotherTensor()
    {
        var x = Tensor.Rand([2, 3], requiresGrad: true);
        var same = Tensor.Einsum("ij", x);
        Assert.That(same, Is.Not.SameAs(x));
        Assert.That(same.IsLeaf, Is.False);
    }

    private static readonly Tensor X = Tensor.Zeros([2, 3]), Y = Tensor.Zeros([2, 2]);

    private static IEnumerable<TestCaseData> Errors()
    {
        static TestCaseData Case<T>(string what, Func<object> call, string says) where T : Exception => new TestCaseData(typeof(T), call, says).SetArgDisplayNames(what);
        yield return Case<ShapeException>("none", () => Tensor.Einsum("", []), "einsum(): must provide at least one operand");
        yield return Case<ShapeException>("too few operands", () => Tensor.Einsum("ij,jk", X), "fewer operands were provided than specified in the equation");
        yield return Case<ShapeException>("too many operands", () => Tensor.Einsum("ij", X, X), "more operands were provided than specified in the equation");
        yield return Case<ShapeException>("too few subscripts", () => Tensor.Einsum("i", X), "the number of subscripts in the equation (1) does not match the number of dimensions (2) for operand 0 and no ellipsis was given");
        yield return Case<ShapeException>("too many subscripts", () => Tensor.Einsum("...ijk", X), "the number of subscripts in the equation (3) is more than the number of dimensions (2) for operand 0");
        yield return Case<ShapeException>("sizes", () => Tensor.Einsum("ij,ji", X, Y), "subscript j has size 2 for operand 1 which does not broadcast with previously seen size 3");
        yield return Case<ShapeException>("a diagonal", () => Tensor.Einsum("ii", X), "subscript i is repeated for operand 0 but the sizes don't match, 3 != 2");
        yield return Case<ShapeException>("a digit", () => Tensor.Einsum("i1", X), "invalid subscript given at index 1 in the equation string, subscripts must be in [a-zA-Z]");
        yield return Case<ShapeException>("dots", () => Tensor.Einsum("i..", X), "found '.' for operand 0 that is not part of any ellipsis");
        yield return Case<ShapeException>("two ellipses", () => Tensor.Einsum("......", X), "found '.' for operand 0 for which an ellipsis was already found");
        yield return Case<ShapeException>("dots in the output", () => Tensor.Einsum("ij->.", X), "found '.' for output that is not part of any ellipsis");
        yield return Case<ShapeException>("a repeated output", () => Tensor.Einsum("ij->ii", X), "output subscript i appears more than once in the output");
        yield return Case<ShapeException>("an unknown output", () => Tensor.Einsum("ij->k", X), "output subscript k does not appear in the equation for any input operand");
        yield return Case<DTypeException>("dtypes", () => Tensor.Einsum("ij,ij", X, X.To(DType.Float64)), "float64");
        yield return Case<DTypeException>("bool", () => Tensor.Einsum("ij->", X > 0), "bool");
        yield return Case<DeviceMismatchException>("devices", () => Tensor.Einsum("ij,ij", X, X.To(Device.CpuKernels)), "same device");
    }

    [TestCaseSource(nameof(Errors))]
    public void IsRefused(Type exception, Func<object> call, string says) => Assert.That(Assert.Throws(exception, () => call())!.Message, Does.Contain(says));
}
