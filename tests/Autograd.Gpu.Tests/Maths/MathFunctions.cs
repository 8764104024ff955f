using System.Numerics;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Tests.Support;
using Lanes = Autograd.Gpu.Kernels.LaneMath<Autograd.Gpu.Kernels.SingleVectorLane, System.Numerics.Vector<float>, System.Numerics.Vector<int>, System.Numerics.Vector<int>>;

namespace Autograd.Gpu.Tests.Maths;

/// <summary>A function of one number: its forms, what it should be, and the error bounds that it keeps, in units in the last place
/// (in double against a rounded reference, so that half a unit may be the reference's).</summary>
public interface IMathFunction
{
    static abstract float SingleBound { get; }

    static abstract double DoubleBound { get; }

    static abstract float Apply(float x);

    static abstract double Apply(double x);

    static abstract Vector<float> Apply(Vector<float> x);

    static abstract Vector<double> Apply(Vector<double> x);

    /// <summary>A double that is right to about one unit in the last place.</summary>
    static abstract double Reference(double x);

    /// <summary>In double, where results near zero are only bounded absolutely: the error is counted in units of at least this number.</summary>
    static virtual double Scale(double x) => 0;

    /// <summary>The same for floats.</summary>
    static virtual double SingleScale(double x) => 0;
}

public readonly struct ExpFunction : IMathFunction
{
    public static float SingleBound => 1f;

    public static double DoubleBound => 1;

    public static float Apply(float x) => DeviceMath.Exp(x);

    public static double Apply(double x) => DeviceMath.Exp(x);

    public static Vector<float> Apply(Vector<float> x) => VectorMath.Exp(x);

    public static Vector<double> Apply(Vector<double> x) => VectorMath.Exp(x);

    public static double Reference(double x) => Math.Exp(x);
}

public readonly struct Expm1Function : IMathFunction
{
    public static float SingleBound => 1.5f;

    public static double DoubleBound => 2;

    public static float Apply(float x) => DeviceMath.Expm1(x);

    public static double Apply(double x) => DeviceMath.Expm1(x);

    public static Vector<float> Apply(Vector<float> x) => VectorMath.Expm1(x);

    public static Vector<double> Apply(Vector<double> x) => VectorMath.Expm1(x);

    public static double Reference(double x) => HighPrecision.Expm1(x);
}

public readonly struct LogFunction : IMathFunction
{
    public static float SingleBound => 1f;

    public static double DoubleBound => 1;

    public static float Apply(float x) => DeviceMath.Log(x);

    public static double Apply(double x) => DeviceMath.Log(x);

    public static Vector<float> Apply(Vector<float> x) => VectorMath.Log(x);

    public static Vector<double> Apply(Vector<double> x) => VectorMath.Log(x);

    public static double Reference(double x) => Math.Log(x);
}

public readonly struct Log1pFunction : IMathFunction
{
    public static float SingleBound => 1.5f;

    public static double DoubleBound => 2;

    public static float Apply(float x) => DeviceMath.Log1p(x);

    public static double Apply(double x) => DeviceMath.Log1p(x);

    public static Vector<float> Apply(Vector<float> x) => VectorMath.Log1p(x);

    public static Vector<double> Apply(Vector<double> x) => VectorMath.Log1p(x);

    public static double Reference(double x) => HighPrecision.Log1p(x);
}

public readonly struct SinFunction : IMathFunction
{
    public static float SingleBound => 2f;

    public static double DoubleBound => 2;

    public static float Apply(float x) => DeviceMath.Sin(x);

    public static double Apply(double x) => DeviceMath.Sin(x);

    public static Vector<float> Apply(Vector<float> x) => VectorMath.Sin(x);

    public static Vector<double> Apply(Vector<double> x) => VectorMath.Sin(x);

    public static double Reference(double x) => Math.Sin(x);
}

public readonly struct CosFunction : IMathFunction
{
    public static float SingleBound => 2f;

    public static double DoubleBound => 2;

    public static float Apply(float x) => DeviceMath.Cos(x);

    public static double Apply(double x) => DeviceMath.Cos(x);

    public static Vector<float> Apply(Vector<float> x) => VectorMath.Cos(x);

    public static Vector<double> Apply(Vector<double> x) => VectorMath.Cos(x);

    public static double Reference(double x) => Math.Cos(x);
}

public readonly struct TanFunction : IMathFunction
{
    public static float SingleBound => 3f;

    public static double DoubleBound => 3;

    public static float Apply(float x) => DeviceMath.Tan(x);

    public static double Apply(double x) => DeviceMath.Tan(x);

    public static Vector<float> Apply(Vector<float> x) => VectorMath.Tan(x);

    public static Vector<double> Apply(Vector<double> x) => VectorMath.Tan(x);

    public static double Reference(double x) => Math.Tan(x);
}

/// <summary>As devices compute it; the host's own form is held against it by <see cref="TableMathTests{T}"/>.</summary>
public readonly struct TanhFunction : IMathFunction
{
    public static float SingleBound => 2.5f;

    public static double DoubleBound => 2;

    public static float Apply(float x) => DeviceMath.Tanh(x);

    public static double Apply(double x) => DeviceMath.Tanh(x);

    public static Vector<float> Apply(Vector<float> x) => Lanes.Tanh(x);

    public static Vector<double> Apply(Vector<double> x) => VectorMath.Tanh(x);

    public static double Reference(double x) => HighPrecision.Tanh(x);
}

/// <summary>As devices compute it; the host's own form is held against it by <see cref="TableMathTests{T}"/>.</summary>
public readonly struct SigmoidFunction : IMathFunction
{
    public static float SingleBound => 2.5f;

    public static double DoubleBound => 2;

    public static float Apply(float x) => DeviceMath.Sigmoid(x);

    public static double Apply(double x) => DeviceMath.Sigmoid(x);

    public static Vector<float> Apply(Vector<float> x) => Lanes.Sigmoid(x);

    public static Vector<double> Apply(Vector<double> x) => VectorMath.Sigmoid(x);

    public static double Reference(double x) => HighPrecision.Sigmoid(x);
}

public readonly struct ErfFunction : IMathFunction
{
    public static float SingleBound => 1.5f;

    public static double DoubleBound => 2;

    public static float Apply(float x) => DeviceMath.Erf(x);

    public static double Apply(double x) => DeviceMath.Erf(x);

    public static Vector<float> Apply(Vector<float> x) => VectorMath.Erf(x);

    public static Vector<double> Apply(Vector<double> x) => VectorMath.Erf(x);

    public static double Reference(double x) => HighPrecision.Erf(x);
}

public readonly struct ErfcFunction : IMathFunction
{
    public static float SingleBound => 3.5f;

    public static double DoubleBound => 3;

    public static float Apply(float x) => DeviceMath.Erfc(x);

    public static double Apply(double x) => DeviceMath.Erfc(x);

    public static Vector<float> Apply(Vector<float> x) => VectorMath.Erfc(x);

    public static Vector<double> Apply(Vector<double> x) => VectorMath.Erfc(x);

    public static double Reference(double x) => HighPrecision.Erfc(x);
}

/// <summary>As devices compute it; the host's own form is held against it by <see cref="TableMathTests{T}"/>.</summary>
public readonly struct GeluFunction : IMathFunction
{
    public static float SingleBound => 4f;

    public static double DoubleBound => 4;

    public static float Apply(float x) => DeviceMath.Gelu(x);

    public static double Apply(double x) => DeviceMath.Gelu(x);

    public static Vector<float> Apply(Vector<float> x) => Lanes.Gelu(x);

    public static Vector<double> Apply(Vector<double> x) => VectorMath.Gelu(x);

    public static double Reference(double x) => HighPrecision.Gelu(x);
}

public readonly struct GeluSlopeFunction : IMathFunction
{
    public static float SingleBound => 4f;

    public static double DoubleBound => 4;

    public static float Apply(float x) => DeviceMath.GeluSlope(x);

    public static double Apply(double x) => DeviceMath.GeluSlope(x);

    public static Vector<float> Apply(Vector<float> x) => Lanes.GeluSlope(x);

    public static Vector<double> Apply(Vector<double> x) => VectorMath.GeluSlope(x);

    public static double Reference(double x) => HighPrecision.GeluSlope(x);

    public static double Scale(double x) => Term(x);

    public static double SingleScale(double x) => Term(x);

    /// <summary>Around the zero at -0.7518 the size of the two terms.</summary>
    internal static double Term(double x) => x < 0 && x > -1.25 ? 0.25 : 0;
}

/// <summary>As devices compute it; the host's own form is held against it by <see cref="TableMathTests{T}"/>.</summary>
public readonly struct SiluFunction : IMathFunction
{
    public static float SingleBound => 4f;

    public static double DoubleBound => 4;

    public static float Apply(float x) => DeviceMath.Silu(x);

    public static double Apply(double x) => DeviceMath.Silu(x);

    public static Vector<float> Apply(Vector<float> x) => Lanes.Silu(x);

    public static Vector<double> Apply(Vector<double> x) => VectorMath.Silu(x);

    public static double Reference(double x) => HighPrecision.Silu(x);
}

public readonly struct SiluSlopeFunction : IMathFunction
{
    public static float SingleBound => 4f;

    public static double DoubleBound => 4;

    public static float Apply(float x) => DeviceMath.SiluSlope(x);

    public static double Apply(double x) => DeviceMath.SiluSlope(x);

    public static Vector<float> Apply(Vector<float> x) => Lanes.SiluSlope(x);

    public static Vector<double> Apply(Vector<double> x) => VectorMath.SiluSlope(x);

    public static double Reference(double x) => HighPrecision.SiluSlope(x);

    public static double Scale(double x) => Term(x);

    public static double SingleScale(double x) => Term(x);

    /// <summary>Around the zero at -1.2785 half the size of the two terms.</summary>
    internal static double Term(double x) => x < 0 && x > -2.5 ? 0.125 : 0;
}

public readonly struct RsqrtFunction : IMathFunction
{
    public static float SingleBound => 1.5f;

    public static double DoubleBound => 1.5;

    public static float Apply(float x) => DeviceMath.Rsqrt(x);

    public static double Apply(double x) => DeviceMath.Rsqrt(x);

    public static Vector<float> Apply(Vector<float> x) => VectorMath.Rsqrt(x);

    public static Vector<double> Apply(Vector<double> x) => VectorMath.Rsqrt(x);

    public static double Reference(double x) => HighPrecision.Rsqrt(x);
}

public readonly struct SqrtFunction : IMathFunction
{
    public static float SingleBound => 0.5f;

    public static double DoubleBound => 0;

    public static float Apply(float x) => DeviceMath.Sqrt(x);

    public static double Apply(double x) => DeviceMath.Sqrt(x);

    public static Vector<float> Apply(Vector<float> x) => VectorMath.Sqrt(x);

    public static Vector<double> Apply(Vector<double> x) => VectorMath.Sqrt(x);

    public static double Reference(double x) => HighPrecision.Sqrt(x);
}
