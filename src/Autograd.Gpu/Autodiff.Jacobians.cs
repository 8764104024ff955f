using Autograd.Gpu.Tape;
using Autograd.Gpu.Transforms;

namespace Autograd.Gpu;

// Matrices of derivatives. JacRev, JacFwd and Hessian(f) are function transforms and record whatever requires gradients; those that take createGraph are
// torch.autograd.functional's, whose results are not recorded by default. Inside another transform they always are, so that all of them nest.
public static partial class Autodiff
{
    /// <summary>
    /// The Jacobian of a function at a point, of shape [output.., input..], computed in reverse mode: one backward pass mapped over the elements of
    /// the output.
    /// </summary>
    /// <param name="function">A function of one tensor.</param>
    /// <param name="input">The point.</param>
    /// <param name="createGraph">Whether the result is recorded, so that it can be differentiated.</param>
    /// <param name="strict">Whether an output that does not depend on the input is an error; otherwise its derivative is zero.</param>
    /// <param name="chunkSize">Elements of the output for one backward pass; null for all. Less memory, more passes.</param>
    /// <exception cref="GradientException">With <paramref name="strict"/>: the output does not depend on the input.</exception>
    /// <exception cref="DTypeException">The input is not floating-point.</exception>
    public static Tensor Jacobian(Func<Tensor, Tensor> function, Tensor input, bool createGraph = false, bool strict = false, long? chunkSize = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Jacobian(a => [function(a[0])], [input], createGraph, strict, chunkSize)[0][0];
    }

    /// <summary>The Jacobians of each output with respect to each input: element [i][j] has the shape [output i.., input j..].</summary>
    public static Tensor[][] Jacobian(
        Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> function,
        IReadOnlyList<Tensor> inputs,
        bool createGraph = false,
        bool strict = false,
        long? chunkSize = null)
    {
        using var mode = GradMode.Set(Records(createGraph) && GradMode.IsEnabled);
        return JacobianMatrix.InReverse("Jacobian", function, Point(inputs, createGraph), strict, chunkSize);
    }

    /// <summary>The function that computes the Jacobian of <paramref name="function"/>, of shape [output.., input..], in reverse mode.</summary>
    /// <param name="function">A function of one tensor.</param>
    /// <param name="chunkSize">Elements of the output for one backward pass; null for all.</param>
    public static Func<Tensor, Tensor> JacRev(Func<Tensor, Tensor> function, long? chunkSize = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        return x => JacobianMatrix.InReverse("JacRev", a => [function(a[0])], [x], strict: false, chunkSize)[0][0];
    }

    /// <summary>The same for a function of two tensors, with respect to argument <paramref name="argNum"/>.</summary>
    public static Func<Tensor, Tensor, Tensor> JacRev(Func<Tensor, Tensor, Tensor> function, int argNum = 0, long? chunkSize = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        return (x, y) => JacRev(a => function(a[0], a[1]), [argNum], chunkSize)([x, y])[0];
    }

    /// <summary>The same for a function of any number of tensors, with respect to those that <paramref name="argNums"/> names.</summary>
    public static Func<IReadOnlyList<Tensor>, Tensor[]> JacRev(Func<IReadOnlyList<Tensor>, Tensor> function, IReadOnlyList<int> argNums, long? chunkSize = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        return inputs =>
        {
            var arguments = new Arguments("JacRev", inputs, argNums);
            return JacobianMatrix.InReverse("JacRev", x => [function(arguments.With(x))], arguments.Chosen, strict: false, chunkSize)[0];
        };
    }

    /// <summary>
    /// The function that computes the Jacobian of <paramref name="function"/> in forward mode: one pass mapped over the elements of the input, better where the function has
    /// more outputs than inputs.
    /// </summary>
    /// <param name="function">A function of one tensor.</param>
    /// <param name="chunkSize">Elements of the input for one pass; null for all.</param>
    public static Func<Tensor, Tensor> JacFwd(Func<Tensor, Tensor> function, long? chunkSize = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        return x => JacobianMatrix.Forward(a => [function(a[0])], [x], chunkSize)[0][0];
    }

    /// <summary>The same for a function of two tensors, with respect to argument <paramref name="argNum"/>.</summary>
    public static Func<Tensor, Tensor, Tensor> JacFwd(Func<Tensor, Tensor, Tensor> function, int argNum = 0, long? chunkSize = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        return (x, y) => JacFwd(a => function(a[0], a[1]), [argNum], chunkSize)([x, y])[0];
    }

    /// <summary>The same for a function of any number of tensors, with respect to those that <paramref name="argNums"/> names.</summary>
    public static Func<IReadOnlyList<Tensor>, Tensor[]> JacFwd(Func<IReadOnlyList<Tensor>, Tensor> function, IReadOnlyList<int> argNums, long? chunkSize = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        return inputs =>
        {
            var arguments = new Arguments("JacFwd", inputs, argNums);
            return JacobianMatrix.Forward(x => [function(arguments.With(x))], arguments.Chosen, chunkSize)[0];
        };
    }

    /// <summary>
    /// The matrix of second derivatives of a function whose result has one element, of shape [input.., input..]: reverse mode over reverse mode, as one pass mapped
    /// over the elements of the gradient.
    /// </summary>
    /// <param name="function">A function of one tensor.</param>
    /// <param name="input">The point.</param>
    /// <param name="createGraph">Whether the result is recorded, so that it can be differentiated.</param>
    /// <param name="strict">Whether a result or a gradient that does not depend on the input is an error; otherwise its derivative is zero.</param>
    /// <exception cref="GradientException">The function's result has not exactly one element; with <paramref name="strict"/>: independence.</exception>
    public static Tensor Hessian(Func<Tensor, Tensor> function, Tensor input, bool createGraph = false, bool strict = false)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Hessian(a => function(a[0]), [input], createGraph, strict)[0][0];
    }

    /// <summary>The second derivatives with respect to each pair of inputs: element [i][j] has the shape [input i.., input j..].</summary>
    public static Tensor[][] Hessian(
        Func<IReadOnlyList<Tensor>, Tensor> function, IReadOnlyList<Tensor> inputs, bool createGraph = false, bool strict = false)
    {
        ArgumentNullException.ThrowIfNull(function);
        using var mode = GradMode.Set(Records(createGraph) && GradMode.IsEnabled);
        return JacobianMatrix.InReverse("Hessian", x => GradientsOf("Hessian", function, x, strict).Gradients, Point(inputs, createGraph), strict, null);
    }

    /// <summary>The function that computes the Hessian of <paramref name="function"/>, of shape [input.., input..]: forward mode over reverse mode.</summary>
    public static Func<Tensor, Tensor> Hessian(Func<Tensor, Tensor> function) => JacFwd(Grad(function));

    /// <summary>The same for a function of any number of tensors, with respect to those that <paramref name="argNums"/> names: [i][j] has the shape [input i.., input j..].</summary>
    public static Func<IReadOnlyList<Tensor>, Tensor[][]> Hessian(Func<IReadOnlyList<Tensor>, Tensor> function, IReadOnlyList<int> argNums)
    {
        ArgumentNullException.ThrowIfNull(function);
        return inputs =>
        {
            var arguments = new Arguments("Hessian", inputs, argNums);
            return JacobianMatrix.Forward(
                x => GradientsOf("Hessian", y => function(arguments.With(y)), x, strict: false).Gradients, arguments.Chosen, null);
        };
    }

    /// <summary>The value of a function whose result has one element, and the product of its Hessian with <paramref name="v"/>: forward mode over reverse mode.</summary>
    /// <param name="function">A function of one tensor.</param>
    /// <param name="input">The point.</param>
    /// <param name="v">The vector, of the input's shape.</param>
    /// <param name="createGraph">Whether the results are recorded, so that they can be differentiated.</param>
    /// <param name="strict">Whether a result or a gradient that does not depend on the input is an error; otherwise its derivative is zero.</param>
    public static (Tensor Output, Tensor Hvp) Hvp(Func<Tensor, Tensor> function, Tensor input, Tensor v, bool createGraph = false, bool strict = false)
    {
        ArgumentNullException.ThrowIfNull(function);
        var (output, products) = Hvp(a => function(a[0]), [input], [v], createGraph, strict);
        return (output, products[0]);
    }

    /// <summary>The same for a function of any number of tensors; <paramref name="v"/> has a vector for each.</summary>
    public static (Tensor Output, Tensor[] Hvp) Hvp(
        Func<IReadOnlyList<Tensor>, Tensor> function, IReadOnlyList<Tensor> inputs, IReadOnlyList<Tensor> v, bool createGraph = false, bool strict = false)
    {
        ArgumentNullException.ThrowIfNull(function);
        using var mode = GradMode.Set(Records(createGraph) && GradMode.IsEnabled);
        var (outputs, tangents) = ForwardPass.Run(
            x =>
            {
                var (gradients, value) = GradientsOf("Hvp", function, x, strict);
                return [.. gradients, value];
            },
            Point(inputs, createGraph),
            Point(v, createGraph),
            strict);
        return (outputs[^1], tangents[..^1]);
    }

    /// <summary>
    /// The value of a function whose result has one element, and the product of <paramref name="v"/> with its Hessian: reverse mode over reverse mode. <c>Hvp</c> costs less.
    /// </summary>
    /// <param name="function">A function of one tensor.</param>
    /// <param name="input">The point.</param>
    /// <param name="v">The vector, of the input's shape.</param>
    /// <param name="createGraph">Whether the results are recorded, so that they can be differentiated.</param>
    /// <param name="strict">Whether a result or a gradient that does not depend on the input is an error; otherwise its derivative is zero.</param>
    public static (Tensor Output, Tensor Vhp) Vhp(Func<Tensor, Tensor> function, Tensor input, Tensor v, bool createGraph = false, bool strict = false)
    {
        ArgumentNullException.ThrowIfNull(function);
        var (output, products) = Vhp(a => function(a[0]), [input], [v], createGraph, strict);
        return (output, products[0]);
    }

    /// <summary>The same for a function of any number of tensors; <paramref name="v"/> has a vector for each.</summary>
    public static (Tensor Output, Tensor[] Vhp) Vhp(
        Func<IReadOnlyList<Tensor>, Tensor> function, IReadOnlyList<Tensor> inputs, IReadOnlyList<Tensor> v, bool createGraph = false, bool strict = false)
    {
        ArgumentNullException.ThrowIfNull(function);
        using var mode = GradMode.Set(Records(createGraph) && GradMode.IsEnabled);
        Tensor? value = null;
        var pullback = new Pullback(
            "Vhp",
            x =>
            {
                var (gradients, output) = GradientsOf("Vhp", function, x, strict);
                value = output;
                return [.. gradients, output];
            },
            Point(inputs, createGraph));
        var products = pullback.Run([.. Point(v, createGraph), null], keepGraph: false);
        return (pullback.Outputs[^1], pullback.OrZeros(products, strict ? "Vhp" : null));
    }

    /// <summary>The gradients of a function whose result has one element.</summary>
    private static (Tensor[] Gradients, Tensor Value) GradientsOf(
        string operation, Func<IReadOnlyList<Tensor>, Tensor> function, IReadOnlyList<Tensor> inputs, bool strict)
    {
        var pullback = new Pullback(operation, x => [function(x)], inputs);
        var value = pullback.Outputs[0];
        CheckScalar(operation, value);
        return (pullback.OrZeros(pullback.Run([Tensor.OnesLike(value)], keepGraph: false), strict ? operation : null), value);
    }

    private static void CheckScalar(string operation, Tensor value)
    {
        if (value.NumElements != 1)
        {
            throw new GradientException(
                $"{operation}: Expected the function to return a scalar tensor, got a tensor of shape {value.Shape}: it should contain a single element. "
                + "Maybe you wanted to use Vjp or JacRev instead?");
        }
    }

    /// <summary>Whether results are recorded outside: if that was asked for, and always inside another transform, which differentiates what it pleases.</summary>
    private static bool Records(bool createGraph) => createGraph || Level.Current is not null;

    private static IReadOnlyList<Tensor> Point(IReadOnlyList<Tensor> inputs, bool createGraph)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        return Records(createGraph) ? inputs : [.. inputs.Select(x => x.Detach())];
    }
}
