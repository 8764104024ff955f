namespace AutogradRatio;

/// <summary>
/// What an element of a row takes of the pipes that multiply or look up: multiplications and fused multiply-adds, divisions, and look-ups in sixteen numbers of one register. Counted in
/// the source of the functions, <c>kernels/Autograd.Gpu.Kernels/Maths</c>, in their form for floats. Additions, comparisons, minima, choices, roundings, scalings by
/// powers of two and operations on bits have pipes of their own beside these and are not counted, so the bound stays one.
/// </summary>
internal readonly record struct Arithmetic(double Multiplies, double Divisions = 0, double Lookups = 0)
{
    // LaneMath.Exponential: RoundedMultiple 3, ExpM1Reduced 6.
    public static readonly Arithmetic Exp = new(9);

    // TableMath: a polynomial of degree 5 with looked-up coefficients; of degree 7, and two to find the interval.
    public static readonly Arithmetic Sigmoid = new(5, Lookups: 6);
    public static readonly Arithmetic Tanh = new(9, Lookups: 8);

    // LaneMath.Logarithm: Decompose 1, LogNear1 13.
    public static readonly Arithmetic Log = new(14);

    // LaneMath.Trigonometric: Reduce 4; SinReduced 5 and CosReduced 4 without the square that they share, both of which are taken.
    public static readonly Arithmetic Sin = new(13);
    public static readonly Arithmetic Cos = Sin;

    // LaneMath.Erf: ErfInner 8, ErfcOuter 7 + 3 + 6 + 1, both of which are taken.
    public static readonly Arithmetic Erf = new(25);

    // LaneMath.Power, PowOrdinary: LogTwoWords 20, ExpOfProduct 3, ExpTwoWords 9.
    public static readonly Arithmetic Pow = new(32, Divisions: 1);

    // TableMath: a polynomial of degree 4 (silu 5) with looked-up coefficients and a product; a gradient is a polynomial of degree 4 and the product with what comes in.
    // A look-up in two registers takes the time of one in one at least.
    public static readonly Arithmetic Gelu = new(5, Lookups: 5);
    public static readonly Arithmetic GeluGradient = new(5, Lookups: 5);
    public static readonly Arithmetic Silu = new(6, Lookups: 6);
    public static readonly Arithmetic SiluGradient = new(5, Lookups: 5);

    // x + 0.0447 x^3 in 3, a factor, the sigmoid and the product with x.
    public static readonly Arithmetic GeluByTanh = Sigmoid + new Arithmetic(5);

    // With t = tanh(x b + c) and e = e^x: forward x b and t e; backward g e, its product with 1 - t^2 in 2, with b, g t and g t e. Our backward computes the functions again, and x b, which
    // a form that keeps them would spare.
    public static readonly Arithmetic TanhChain = Tanh + Exp + new Arithmetic(2 + 6);

    public static Arithmetic operator +(Arithmetic a, Arithmetic b) => new(a.Multiplies + b.Multiplies, a.Divisions + b.Divisions, a.Lookups + b.Lookups);

    public static Arithmetic operator *(Arithmetic a, double count) => new(a.Multiplies * count, a.Divisions * count, a.Lookups * count);
}
