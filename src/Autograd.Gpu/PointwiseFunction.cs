using Autograd.Gpu.Operations;

namespace Autograd.Gpu;

/// <summary>
/// A pointwise operation of the program's own, declared once: its function of one to three numbers, what the derivative reads and the derivative as a formula of
/// tensors. It is lazy and fuses with its neighbours like the built-in ones, on every device, and has derivatives of every order.
/// </summary>
/// <remarks>
/// <para>
/// The function is a set of static methods named <c>Invoke</c> in the class itself: <c>float Invoke(float)</c> and <c>double Invoke(double)</c>, with two or three
/// parameters for two or three inputs; <c>int</c>, <c>long</c> and <c>bool</c> where those are to be taken too (they are cast to float32 otherwise). Class and methods
/// must be public. They must be what a GPU can run: arithmetic, conditions, calls of other such methods and of <see cref="Kernels.DeviceMath"/>; no
/// <see cref="Math"/>, no arrays, no exceptions. A vector form (<c>Vector&lt;float&gt; Invoke(Vector&lt;float&gt;)</c>, and so on) makes the host faster and may be missing.
/// </para>
/// <para>
/// <code>
/// public sealed class Softsign : PointwiseFunction&lt;Softsign&gt;
/// {
///     public override Saves Saves => Saves.Input0;
///
///     public static float Invoke(float x) => x / (1f + (x &lt; 0f ? -x : x));
///
///     public static double Invoke(double x) => x / (1d + (x &lt; 0d ? -x : x));
///
///     public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved)
///     {
///         var scale = 1 + saved.Input0.Abs();
///         return gradient / (scale * scale);
///     }
/// }
/// Tensor y = Softsign.Apply(x);
/// </code>
/// </para>
/// </remarks>
/// <typeparam name="TSelf">The class itself.</typeparam>
public abstract class PointwiseFunction<TSelf>
    where TSelf : PointwiseFunction<TSelf>, new()
{
    /// <summary>The name in errors, traces and nodes. By default the type's.</summary>
    public virtual string Name => typeof(TSelf).Name;

    /// <summary>What of inputs and output the derivative reads.</summary>
    public virtual Saves Saves => Saves.None;

    /// <summary>The interval (open) in which the function is smooth; tests of derivatives draw from it.</summary>
    public virtual (double Low, double High) Domain => (-3, 3);

    /// <summary>
    /// <paramref name="gradient"/> times the partial derivative with respect to input <paramref name="input"/> (from 0), as a formula of tensors; null where that
    /// is zero everywhere.
    /// </summary>
    public abstract Tensor? Gradient(int input, Tensor gradient, in SavedValues saved);

    /// <summary>The function of each element.</summary>
    /// <exception cref="AutogradException">The function takes another number of inputs, or has no <c>Invoke</c> for this dtype.</exception>
    public static Tensor Apply(Tensor x) => Pointwise.Apply(Operation(1), x, null, null);

    /// <summary>The function of each pair of elements; the shapes broadcast.</summary>
    /// <exception cref="AutogradException">The function takes another number of inputs, or has no <c>Invoke</c> for this dtype.</exception>
    public static Tensor Apply(Tensor a, Tensor b) => Pointwise.Apply(Operation(2), a, b, null);

    /// <summary>The function of each element and a number.</summary>
    /// <exception cref="AutogradException">The function takes another number of inputs, or has no <c>Invoke</c> for this dtype.</exception>
    public static Tensor Apply(Tensor a, Scalar b) => Apply(a, Tensor.Wrap(b, a.Device, a.DType));

    /// <summary>The function of each triple of elements; the shapes broadcast.</summary>
    /// <exception cref="AutogradException">The function takes another number of inputs, or has no <c>Invoke</c> for this dtype.</exception>
    public static Tensor Apply(Tensor a, Tensor b, Tensor c) => Pointwise.Apply(Operation(3), a, b, c);

    /// <summary>Replaces each element by the function of it.</summary>
    /// <exception cref="GradientException">This is a leaf that requires a gradient, outside of NoGrad.</exception>
    public static Tensor Apply_(Tensor x)
    {
        Operation(1);
        return Pointwise.ApplyInPlace<ProgramPointwise<TSelf>>(x);
    }

    private static ProgramPointwise<TSelf> Operation(int inputs)
    {
        var operation = Op<ProgramPointwise<TSelf>>.Instance;
        return operation.Arity == inputs
            ? operation
            : throw new AutogradException(operation.Arity == 0
                ? $"{operation.Name}: has no static method named Invoke. Declare one of one to three numbers, public static float Invoke(float x), and the same of double."
                : $"{operation.Name}: takes {operation.Arity} inputs, as many as its Invoke methods have parameters, but {inputs} were given.");
    }
}
