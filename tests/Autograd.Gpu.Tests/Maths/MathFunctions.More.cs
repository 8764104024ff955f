using System.Numerics;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Tests.Support;

namespace Autograd.Gpu.Tests.Maths;

public readonly struct AsinFunction : IMathFunction
{
    public static float SingleBound => 3f;

    public static double DoubleBound => 2;

    public static float Apply(float x) => DeviceMath.Asin(x);

    public static double Apply(double x) => DeviceMath.Asin(x);

    public static Vector<float> Apply(Vector<float> x) => VectorMath.Asin(x);

    public static Vector<double> Apply(Vector<double> x) => VectorMath.Asin(x);

    public static double Reference(double x) => Math.Asin(x);
}

public readonly struct AcosFunction : IMathFunction
{
    public static float SingleBound => 3f;

    public static double DoubleBound => 2;

    public static float Apply(float x) => DeviceMath.Acos(x);

    public static double Apply(double x) => DeviceMath.Acos(x);

    public static Vector<float> Apply(Vector<float> x) => VectorMath.Acos(x);

    public static Vector<double> Apply(Vector<double> x) => VectorMath.Acos(x);

    public static double Reference(double x) => Math.Acos(x);
}

public readonly struct AtanFunction : IMathFunction
{
    public static float SingleBound => 2.5f;

    public static double DoubleBound => 2;

    public static float Apply(float x) => DeviceMath.Atan(x);

    public static double Apply(double x) => DeviceMath.Atan(x);

    public static Vector<float> Apply(Vector<float> x) => VectorMath.Atan(x);

    public static Vector<double> Apply(Vector<double> x) => VectorMath.Atan(x);

    public static double Reference(double x) => Math.Atan(x);
}

public readonly struct SinhFunction : IMathFunction
{
    public static float SingleBound => 3f;

    public static double DoubleBound => 4;

    public static float Apply(float x) => DeviceMath.Sinh(x);

    public static double Apply(double x) => DeviceMath.Sinh(x);

    public static Vector<float> Apply(Vector<float> x) => VectorMath.Sinh(x);

    public static Vector<double> Apply(Vector<double> x) => VectorMath.Sinh(x);

    public static double Reference(double x) => Math.Sinh(x);
}

public readonly struct CoshFunction : IMathFunction
{
    public static float SingleBound => 2.5f;

    public static double DoubleBound => 3;

    public static float Apply(float x) => DeviceMath.Cosh(x);

    public static double Apply(double x) => DeviceMath.Cosh(x);

    public static Vector<float> Apply(Vector<float> x) => VectorMath.Cosh(x);

    public static Vector<double> Apply(Vector<double> x) => VectorMath.Cosh(x);

    public static double Reference(double x) => Math.Cosh(x);
}

public readonly struct AsinhFunction : IMathFunction
{
    public static float SingleBound => 4f;

    public static double DoubleBound => 5;

    public static float Apply(float x) => DeviceMath.Asinh(x);

    public static double Apply(double x) => DeviceMath.Asinh(x);

    public static Vector<float> Apply(Vector<float> x) => VectorMath.Asinh(x);

    public static Vector<double> Apply(Vector<double> x) => VectorMath.Asinh(x);

    public static double Reference(double x) => Math.Asinh(x);
}

public readonly struct AcoshFunction : IMathFunction
{
    public static float SingleBound => 4f;

    public static double DoubleBound => 5;

    public static float Apply(float x) => DeviceMath.Acosh(x);

    public static double Apply(double x) => DeviceMath.Acosh(x);

    public static Vector<float> Apply(Vector<float> x) => VectorMath.Acosh(x);

    public static Vector<double> Apply(Vector<double> x) => VectorMath.Acosh(x);

    public static double Reference(double x) => Math.Acosh(x);
}

public readonly struct AtanhFunction : IMathFunction
{
    public static float SingleBound => 4f;

    public static double DoubleBound => 5;

    public static float Apply(float x) => DeviceMath.Atanh(x);

    public static double Apply(double x) => DeviceMath.Atanh(x);

    public static Vector<float> Apply(Vector<float> x) => VectorMath.Atanh(x);

    public static Vector<double> Apply(Vector<double> x) => VectorMath.Atanh(x);

    public static double Reference(double x) => Math.Atanh(x);
}

public readonly struct SoftplusFunction : IMathFunction
{
    public static float SingleBound => 3f;

    public static double DoubleBound => 3;

    public static float Apply(float x) => DeviceMath.Softplus(x);

    public static double Apply(double x) => DeviceMath.Softplus(x);

    public static Vector<float> Apply(Vector<float> x) => VectorMath.Softplus(x);

    public static Vector<double> Apply(Vector<double> x) => VectorMath.Softplus(x);

    public static double Reference(double x) => HighPrecision.Softplus(x);
}

public readonly struct Exp2Function : IMathFunction
{
    public static float SingleBound => 1.5f;

    public static double DoubleBound => 2;

    public static float Apply(float x) => DeviceMath.Exp2(x);

    public static double Apply(double x) => DeviceMath.Exp2(x);

    public static Vector<float> Apply(Vector<float> x) => VectorMath.Exp2(x);

    public static Vector<double> Apply(Vector<double> x) => VectorMath.Exp2(x);

    public static double Reference(double x) => Math.Pow(2, x);
}

public readonly struct Log2Function : IMathFunction
{
    public static float SingleBound => 1f;

    public static double DoubleBound => 1.5;

    public static float Apply(float x) => DeviceMath.Log2(x);

    public static double Apply(double x) => DeviceMath.Log2(x);

    public static Vector<float> Apply(Vector<float> x) => VectorMath.Log2(x);

    public static Vector<double> Apply(Vector<double> x) => VectorMath.Log2(x);

    public static double Reference(double x) => Math.Log2(x);
}

public readonly struct Log10Function : IMathFunction
{
    public static float SingleBound => 1f;

    public static double DoubleBound => 1.5;

    public static float Apply(float x) => DeviceMath.Log10(x);

    public static double Apply(double x) => DeviceMath.Log10(x);

    public static Vector<float> Apply(Vector<float> x) => VectorMath.Log10(x);

    public static Vector<double> Apply(Vector<double> x) => VectorMath.Log10(x);

    public static double Reference(double x) => Math.Log10(x);
}

public readonly struct ErfinvFunction : IMathFunction
{
    public static float SingleBound => 4f;

    public static double DoubleBound => 4;

    public static float Apply(float x) => DeviceMath.Erfinv(x);

    public static double Apply(double x) => DeviceMath.Erfinv(x);

    public static Vector<float> Apply(Vector<float> x) => VectorMath.Erfinv(x);

    public static Vector<double> Apply(Vector<double> x) => VectorMath.Erfinv(x);

    public static double Reference(double x) => HighPrecision.Erfinv(x, DeviceMath.Erfinv(x));
}

public readonly struct LgammaFunction : IMathFunction
{
    public static float SingleBound => 1f;

    public static double DoubleBound => 8;

    public static float Apply(float x) => DeviceMath.Lgamma(x);

    public static double Apply(double x) => DeviceMath.Lgamma(x);

    public static Vector<float> Apply(Vector<float> x) => VectorMath.Lgamma(x);

    public static Vector<double> Apply(Vector<double> x) => VectorMath.Lgamma(x);

    public static double Reference(double x) => HighPrecision.LogGamma(x);

    // Below 0 the zeros between the poles are differences of two numbers of this size.
    public static double Scale(double x) => x < 0 ? Math.Max(4, Math.Abs(HighPrecision.LogGamma(-x))) : 0;
}

public readonly struct DigammaFunction : IMathFunction
{
    public static float SingleBound => 1f;

    public static double DoubleBound => 8;

    public static float Apply(float x) => DeviceMath.Digamma(x);

    public static double Apply(double x) => DeviceMath.Digamma(x);

    public static Vector<float> Apply(Vector<float> x) => VectorMath.Digamma(x);

    public static Vector<double> Apply(Vector<double> x) => VectorMath.Digamma(x);

    public static double Reference(double x) => HighPrecision.Digamma(x);

    // Near the zeros only the absolute error is bounded.
    public static double Scale(double x) => x < 0 ? Math.Max(4, Math.Abs(HighPrecision.Digamma(-x))) : x > 0.5 && x < 10 ? 2 : 0;
}
