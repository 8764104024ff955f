using Autograd.Gpu.Kernels;

namespace Autograd.Gpu.Tests.Maths.Straight;

/// <summary>A format of numbers.</summary>
internal interface IFormat
{
    static abstract bool IsWide { get; }
}

internal readonly struct SingleFormat : IFormat
{
    public static bool IsWide => false;
}

internal readonly struct DoubleFormat : IFormat
{
    public static bool IsWide => true;
}

/// <summary>
/// A lane whose arithmetic writes down what <see cref="SingleVectorLane"/> or <see cref="DoubleVectorLane"/> would compute. Functions trace on one thread at a time.
/// </summary>
internal readonly struct TracingLane<TFormat> : ILane<Traced, Traced, Traced>, ITableLane<Traced, Traced>
    where TFormat : struct, IFormat
{
    /// <summary>What constants are added to.</summary>
    [ThreadStatic]
    public static Trace? Current;

    private static string ToIntegers => Wide ? "Vector.AsVectorInt64({0})" : "Vector.AsVectorInt32({0})";
    private static string ToNumbers => Wide ? "Vector.AsVectorDouble({0})" : "Vector.AsVectorSingle({0})";
    private static string Integer => TFormat.IsWide ? "long" : "int";

    public static bool Wide => TFormat.IsWide;
    public static Traced C(double value) => Current!.Constant(value);
    public static Traced C(double single, double wide) => Current!.Constant(Wide ? wide : single);
    public static Traced N(int single, long wide) => Current!.Constant(single, wide);
    public static Traced Add(Traced a, Traced b) => a.Trace.Value("{0} + {1}", a, b);
    public static Traced Sub(Traced a, Traced b) => a.Trace.Value("{0} - {1}", a, b);
    public static Traced Mul(Traced a, Traced b) => a.Trace.Value("{0} * {1}", a, b);
    public static Traced Div(Traced a, Traced b) => a.Trace.Value("{0} / {1}", a, b);
    public static Traced Fma(Traced a, Traced b, Traced c) => a.Trace.Value("Vector.FusedMultiplyAdd({0}, {1}, {2})", a, b, c);
    public static Traced Mul(Traced a, double b) => Mul(a, C(b));
    public static Traced Fma(Traced a, Traced b, double c) => Fma(a, b, C(c));
    public static Traced Less(Traced a, double b) => Less(a, C(b));
    public static Traced Equal(Traced a, double b) => Equal(a, C(b));
    public static Traced Neg(Traced a) => a.Trace.Value("-{0}", a);
    public static Traced Abs(Traced a) => a.Trace.Value("Vector.Abs({0})", a);
    public static Traced Sqrt(Traced a) => a.Trace.Value("Vector.SquareRoot({0})", a);
    public static Traced Clamp(Traced a, Traced low, Traced high) => AtMost(a.Trace.Value("Vector.MaxNative({0}, {1})", low, a), high);
    public static Traced AtMost(Traced a, Traced high) => a.Trace.Value("Vector.MinNative({0}, {1})", high, a);
    public static Traced Bits(Traced a) => a.Format == ToNumbers ? a.Inputs[0] : a.Trace.Value(ToIntegers, a);
    public static Traced FromBits(Traced a) => a.Format == ToIntegers ? a.Inputs[0] : a.Trace.Value(ToNumbers, a);
    public static Traced Plus(Traced a, Traced b) => Add(a, b);
    public static Traced Minus(Traced a, Traced b) => Sub(a, b);
    public static Traced And(Traced a, Traced b) => a.Trace.Value("{0} & {1}", a, b);
    public static Traced Or(Traced a, Traced b) => a.Trace.Value("{0} | {1}", a, b);
    public static Traced Xor(Traced a, Traced b) => a.Trace.Value("{0} ^ {1}", a, b);
    public static Traced ToExponent(Traced a) => a.Trace.Value($"{{0}} << {(Wide ? 52 : 23)}", a);
    public static Traced FromExponent(Traced a) => a.Trace.Value($"{{0}} >>> {(Wide ? 52 : 23)}", a);
    public static Traced Bit1ToSign(Traced a) => a.Trace.Value($"{{0}} << {(Wide ? 62 : 30)}", a);
    public static Traced ToValue(Traced a) => a.Trace.Value($"Vector.ConvertTo{(Wide ? "Double" : "Single")}({{0}})", a);
    public static Traced Scale(Traced p, Traced n) => LaneMath<TracingLane<TFormat>, Traced, Traced, Traced>.ScaleInTwo(p, n);
    public static Traced HalveUnsigned(Traced a) => a.Trace.Value("{0} >>> 1", a);
    public static Traced HighestTwo(Traced a) => a.Trace.Value($"{{0}} >>> {(Wide ? 62 : 30)}", a);
    public static Traced DropHighestTwo(Traced a) => a.Trace.Value("{0} << 2", a);
    public static Traced Less(Traced a, Traced b) => a.Trace.Value("Vector.LessThan({0}, {1})", a, b);
    public static Traced LessOrEqual(Traced a, Traced b) => a.Trace.Value("Vector.LessThanOrEqual({0}, {1})", a, b);
    public static Traced Equal(Traced a, Traced b) => a.Trace.Value("Vector.Equals({0}, {1})", a, b);
    public static Traced IsZero(Traced a) => a.Trace.Value($"Vector.Equals({{0}}, Vector<{Integer}>.Zero)", a);
    public static Traced Both(Traced a, Traced b) => And(a, b);
    public static Traced Either(Traced a, Traced b) => Or(a, b);
    public static Traced Not(Traced a) => a.Trace.Value("~{0}", a);

    public static Traced Select(Traced condition, Traced whenTrue, Traced whenFalse) =>
        condition.Trace.Value("Vector.ConditionalSelect({0}, {1}, {2})", condition, whenTrue, whenFalse);

    public static Traced SelectInteger(Traced condition, Traced whenTrue, Traced whenFalse) => Select(condition, whenTrue, whenFalse);

    public static Traced AtLeast0(Traced a) => Select(Less(a, C(0)), C(0), a);

    public static bool AnyNotBelow(Traced a, float bound) => Current!.Branches("Vector.LessThanAll({0}, {1})", a, C(bound));

    public static bool MayReach(Traced a, float bound) => true;

    public static Traced LookupFine(ReadOnlySpan<float> table, int row, Traced index)
    {
        string name = table == FineTables.Gelu ? nameof(FineTables.Gelu)
            : table == FineTables.GeluSlope ? nameof(FineTables.GeluSlope)
            : table == FineTables.SiluSlope ? nameof(FineTables.SiluSlope)
            : throw new ArgumentException("A table without a name.", nameof(table));
        Current!.Table = $"float* table = (float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(FineTables.{name}))";

        // Which half of a row it is, is the same for all rows: named once, where a method would have it computed, and compiled, in each call.
        var isLow = index.Trace.Value("Vector.Equals({0} & Vector.Create(16), Vector<int>.Zero)", index);
        return Select(isLow, LookupAt(32 * row, index), LookupAt(32 * row + 16, index));
    }

    public static Traced Lookup(ReadOnlySpan<float> table, int row, Traced index)
    {
        string name = table == ActivationTables.Silu ? nameof(ActivationTables.Silu)
            : table == ActivationTables.Tanh ? nameof(ActivationTables.Tanh)
            : throw new ArgumentException("A table without a name.", nameof(table));
        Current!.Table = $"float* table = (float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(ActivationTables.{name}))";
        return LookupAt(16 * row, index);
    }

    private static Traced LookupAt(int start, Traced index) => index.Trace.Value($"SingleVectors.Lookup(table{(start == 0 ? "" : $" + {start}")}, {{0}})", index);

    public static void ReduceLarge(Traced a, Traced large, ref Traced r, ref Traced quadrant)
    {
        string lane = Wide ? nameof(DoubleVectors) : nameof(SingleVectors);
        (r, quadrant) = a.Trace.Call(lane + ".ReduceLarge({0}, {1}, ref {2}, ref {3})", a, large, r, quadrant);
    }
}
