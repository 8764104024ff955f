using System.Numerics;

namespace Autograd.Gpu.Kernels.Recurrent;

/// <summary>The arithmetic of recurrent cells: numbers on the device and the host, or vectors of them on the host.</summary>
/// <typeparam name="F">The values.</typeparam>
public interface ICellMath<F>
{
    /// <summary>1.</summary>
    static abstract F One { get; }

    /// <summary>a + b.</summary>
    static abstract F Add(F a, F b);

    /// <summary>a - b.</summary>
    static abstract F Sub(F a, F b);

    /// <summary>a b.</summary>
    static abstract F Mul(F a, F b);

    /// <summary>1 / (1 + exp(-a)).</summary>
    static abstract F Sigmoid(F a);

    /// <summary>The hyperbolic tangent.</summary>
    static abstract F Tanh(F a);

    /// <summary>max(a, 0); nan stays nan.</summary>
    static abstract F Relu(F a);

    /// <summary>b where a is above 0, elsewhere 0.</summary>
    static abstract F WherePositive(F a, F b);
}

/// <summary>Floats.</summary>
public readonly struct SingleMath : ICellMath<float>
{
    /// <inheritdoc/>
    public static float One => 1f;

    /// <inheritdoc/>
    public static float Add(float a, float b) => a + b;

    /// <inheritdoc/>
    public static float Sub(float a, float b) => a - b;

    /// <inheritdoc/>
    public static float Mul(float a, float b) => a * b;

    /// <inheritdoc/>
    public static float Sigmoid(float a) => DeviceMath.Sigmoid(a);

    /// <inheritdoc/>
    public static float Tanh(float a) => DeviceMath.Tanh(a);

    /// <inheritdoc/>
    public static float Relu(float a) => a < 0f ? 0f : a;

    /// <inheritdoc/>
    public static float WherePositive(float a, float b) => a > 0f ? b : 0f;
}

/// <summary>Doubles.</summary>
public readonly struct DoubleMath : ICellMath<double>
{
    /// <inheritdoc/>
    public static double One => 1d;

    /// <inheritdoc/>
    public static double Add(double a, double b) => a + b;

    /// <inheritdoc/>
    public static double Sub(double a, double b) => a - b;

    /// <inheritdoc/>
    public static double Mul(double a, double b) => a * b;

    /// <inheritdoc/>
    public static double Sigmoid(double a) => DeviceMath.Sigmoid(a);

    /// <inheritdoc/>
    public static double Tanh(double a) => DeviceMath.Tanh(a);

    /// <inheritdoc/>
    public static double Relu(double a) => a < 0d ? 0d : a;

    /// <inheritdoc/>
    public static double WherePositive(double a, double b) => a > 0d ? b : 0d;
}

/// <summary>Host vectors of floats.</summary>
public readonly struct SingleVectorMath : ICellMath<Vector<float>>
{
    /// <inheritdoc/>
    public static Vector<float> One => Vector<float>.One;

    /// <inheritdoc/>
    public static Vector<float> Add(Vector<float> a, Vector<float> b) => a + b;

    /// <inheritdoc/>
    public static Vector<float> Sub(Vector<float> a, Vector<float> b) => a - b;

    /// <inheritdoc/>
    public static Vector<float> Mul(Vector<float> a, Vector<float> b) => a * b;

    /// <inheritdoc/>
    public static Vector<float> Sigmoid(Vector<float> a) => VectorMath.Sigmoid(a);

    /// <inheritdoc/>
    public static Vector<float> Tanh(Vector<float> a) => VectorMath.Tanh(a);

    /// <inheritdoc/>
    public static Vector<float> Relu(Vector<float> a) => Vector.ConditionalSelect(Vector.LessThan(a, Vector<float>.Zero), Vector<float>.Zero, a);

    /// <inheritdoc/>
    public static Vector<float> WherePositive(Vector<float> a, Vector<float> b) =>
        Vector.ConditionalSelect(Vector.GreaterThan(a, Vector<float>.Zero), b, Vector<float>.Zero);
}

/// <summary>Host vectors of doubles.</summary>
public readonly struct DoubleVectorMath : ICellMath<Vector<double>>
{
    /// <inheritdoc/>
    public static Vector<double> One => Vector<double>.One;

    /// <inheritdoc/>
    public static Vector<double> Add(Vector<double> a, Vector<double> b) => a + b;

    /// <inheritdoc/>
    public static Vector<double> Sub(Vector<double> a, Vector<double> b) => a - b;

    /// <inheritdoc/>
    public static Vector<double> Mul(Vector<double> a, Vector<double> b) => a * b;

    /// <inheritdoc/>
    public static Vector<double> Sigmoid(Vector<double> a) => VectorMath.Sigmoid(a);

    /// <inheritdoc/>
    public static Vector<double> Tanh(Vector<double> a) => VectorMath.Tanh(a);

    /// <inheritdoc/>
    public static Vector<double> Relu(Vector<double> a) => Vector.ConditionalSelect(Vector.LessThan(a, Vector<double>.Zero), Vector<double>.Zero, a);

    /// <inheritdoc/>
    public static Vector<double> WherePositive(Vector<double> a, Vector<double> b) =>
        Vector.ConditionalSelect(Vector.GreaterThan(a, Vector<double>.Zero), b, Vector<double>.Zero);
}
