namespace Autograd.Gpu.Kernels;

/// <summary>
/// The arithmetic in which <see cref="LaneMath{L, F, I, M}"/> writes each function once: a float or a double on the device and the host,
/// or a vector of them on the host. Every operation rounds once, and a product is never contracted with a later sum, so that all
/// lanes give the same bits. (On the host some functions of floats take another way, <see cref="TableMath{L, F, I, M}"/>.)
/// </summary>
/// <typeparam name="F">The values.</typeparam>
/// <typeparam name="I">Integers of the same width.</typeparam>
/// <typeparam name="M">What a comparison gives.</typeparam>
internal interface ILane<F, I, M>
{
    /// <summary>Whether the format is binary64 (otherwise binary32). A constant for either compiler.</summary>
    static abstract bool Wide { get; }

    /// <summary>A constant, one value for either format.</summary>
    static abstract F C(double value);

    /// <summary>A constant that differs between the formats.</summary>
    static abstract F C(double single, double wide);

    /// <summary>An integer constant that differs between the formats.</summary>
    static abstract I N(int single, long wide);

    static abstract F Add(F a, F b);
    static abstract F Sub(F a, F b);
    static abstract F Mul(F a, F b);
    static abstract F Div(F a, F b);
    static abstract F Fma(F a, F b, F c);

    // The same with a constant, which halves what the JIT has to inline for a polynomial.
    static abstract F Mul(F a, double b);
    static abstract F Fma(F a, F b, double c);
    static abstract M Less(F a, double b);
    static abstract M Equal(F a, double b);

    static abstract F Neg(F a);
    static abstract F Abs(F a);
    static abstract F Sqrt(F a);

    /// <summary>Between the two bounds; NaN stays NaN.</summary>
    static abstract F Clamp(F a, F low, F high);

    /// <summary>The smaller of a number and a bound; NaN stays NaN.</summary>
    static abstract F AtMost(F a, F high);

    static abstract I Bits(F a);
    static abstract F FromBits(I a);
    static abstract I Plus(I a, I b);
    static abstract I Minus(I a, I b);
    static abstract I And(I a, I b);
    static abstract I Or(I a, I b);
    static abstract I Xor(I a, I b);

    /// <summary>Moves the low bits to where the exponent starts.</summary>
    static abstract I ToExponent(I a);

    /// <summary>Moves the exponent (and the sign above it) to the low bits, filling with zeros.</summary>
    static abstract I FromExponent(I a);

    /// <summary>Moves bit 1 to the sign's place, bits below it further down.</summary>
    static abstract I Bit1ToSign(I a);

    /// <summary>The integers, signed, as values.</summary>
    static abstract F ToValue(I a);

    /// <summary>p * 2^n for any n that an exponential needs, rounded once, with subnormal results and overflow.</summary>
    static abstract F Scale(F p, F n);

    /// <summary>Shifts right by one, filling with zero.</summary>
    static abstract I HalveUnsigned(I a);

    /// <summary>Moves the two highest bits to the lowest place.</summary>
    static abstract I HighestTwo(I a);

    /// <summary>Shifts the two highest bits out.</summary>
    static abstract I DropHighestTwo(I a);

    static abstract M Less(F a, F b);
    static abstract M LessOrEqual(F a, F b);
    static abstract M Equal(F a, F b);
    static abstract M IsZero(I a);
    static abstract M Both(M a, M b);
    static abstract M Either(M a, M b);
    static abstract M Not(M a);
    static abstract F Select(M condition, F whenTrue, F whenFalse);
    static abstract I SelectInteger(M condition, I whenTrue, I whenFalse);

    /// <summary>
    /// Where <paramref name="large"/> holds, replaces <paramref name="r"/> and <paramref name="quadrant"/> by those of
    /// <see cref="PayneHanek"/>; <paramref name="a"/> is not negative, or NaN.
    /// </summary>
    static abstract void ReduceLarge(F a, M large, ref F r, ref I quadrant);
}
