using Autograd.Gpu.Tape;
using Autograd.Gpu.Transforms;

namespace Autograd.Gpu;

// Function transforms: what torch.func holds. Each takes a function and gives one, and they nest in any order.
public static partial class Autodiff
{
    /// <summary>The function that computes the gradient of <paramref name="function"/>, whose result has one element, with respect to its argument.</summary>
    /// <exception cref="GradientException">The function's result has not exactly one element.</exception>
    public static Func<Tensor, Tensor> Grad(Func<Tensor, Tensor> function)
    {
        var gradAndValue = GradAndValue(function);
        return x => gradAndValue(x).Gradient;
    }

    /// <summary>The same for a function of two tensors, with respect to argument <paramref name="argNum"/>.</summary>
    public static Func<Tensor, Tensor, Tensor> Grad(Func<Tensor, Tensor, Tensor> function, int argNum = 0)
    {
        var gradAndValue = GradAndValue(function, argNum);
        return (x, y) => gradAndValue(x, y).Gradient;
    }

    /// <summary>The same for a function of three tensors, with respect to argument <paramref name="argNum"/>.</summary>
    public static Func<Tensor, Tensor, Tensor, Tensor> Grad(Func<Tensor, Tensor, Tensor, Tensor> function, int argNum = 0)
    {
        var gradAndValue = GradAndValue(function, argNum);
        return (x, y, z) => gradAndValue(x, y, z).Gradient;
    }

    /// <summary>The same for a function of any number of tensors, with respect to those that <paramref name="argNums"/> names.</summary>
    public static Func<IReadOnlyList<Tensor>, Tensor[]> Grad(Func<IReadOnlyList<Tensor>, Tensor> function, IReadOnlyList<int> argNums)
    {
        var gradAndValue = GradAndValue(function, argNums);
        return x => gradAndValue(x).Gradients;
    }

    /// <summary>The function that computes the gradient of <paramref name="function"/> and its value.</summary>
    /// <exception cref="GradientException">The function's result has not exactly one element.</exception>
    public static Func<Tensor, (Tensor Gradient, Tensor Value)> GradAndValue(Func<Tensor, Tensor> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return x => First(GradAndValueOf(a => function(a[0]), [x], [0]));
    }

    /// <summary>The same for a function of two tensors, with respect to argument <paramref name="argNum"/>.</summary>
    public static Func<Tensor, Tensor, (Tensor Gradient, Tensor Value)> GradAndValue(Func<Tensor, Tensor, Tensor> function, int argNum = 0)
    {
        ArgumentNullException.ThrowIfNull(function);
        return (x, y) => First(GradAndValueOf(a => function(a[0], a[1]), [x, y], [argNum]));
    }

    /// <summary>The same for a function of three tensors, with respect to argument <paramref name="argNum"/>.</summary>
    public static Func<Tensor, Tensor, Tensor, (Tensor Gradient, Tensor Value)> GradAndValue(Func<Tensor, Tensor, Tensor, Tensor> function, int argNum = 0)
    {
        ArgumentNullException.ThrowIfNull(function);
        return (x, y, z) => First(GradAndValueOf(a => function(a[0], a[1], a[2]), [x, y, z], [argNum]));
    }

    /// <summary>The same for a function of any number of tensors, with respect to those that <paramref name="argNums"/> names.</summary>
    public static Func<IReadOnlyList<Tensor>, (Tensor[] Gradients, Tensor Value)> GradAndValue(
        Func<IReadOnlyList<Tensor>, Tensor> function, IReadOnlyList<int> argNums)
    {
        ArgumentNullException.ThrowIfNull(function);
        ArgumentNullException.ThrowIfNull(argNums);
        return x => GradAndValueOf(function, x, argNums);
    }

    /// <summary>
    /// The same for a function that also returns tensors which are not differentiated, such as its predictions: the <c>has_aux</c> of <c>torch.func.grad_and_value</c>.
    /// They come back as the caller can use them.
    /// </summary>
    /// <exception cref="GradientException">The function's result has not exactly one element.</exception>
    public static Func<Tensor, (Tensor Gradient, Tensor Value, Tensor[] Aux)> GradAndValue(Func<Tensor, (Tensor Value, IReadOnlyList<Tensor> Aux)> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return x =>
        {
            var (pullback, aux) = WithAux("Grad", function, x);
            CheckScalar("Grad", pullback.Outputs[0]);
            return (pullback.RunToZeros([Tensor.OnesLike(pullback.Outputs[0]), .. new Tensor?[aux.Length]], keepGraph: false)[0], pullback.Outputs[0], aux);
        };
    }

    /// <summary>
    /// Evaluates a function and keeps its tape: the output, and the function that takes a gradient of the output to the gradient of the input (the vector-Jacobian
    /// product). It can be called any number of times, and mapped with <c>Vmap</c>.
    /// </summary>
    public static (Tensor Output, Func<Tensor, Tensor> Pullback) Vjp(Func<Tensor, Tensor> function, Tensor input)
    {
        ArgumentNullException.ThrowIfNull(function);
        var pullback = new Pullback("Vjp", a => [function(a[0])], [input]);
        return (pullback.Outputs[0], v => pullback.RunToZeros([v], keepGraph: true)[0]);
    }

    /// <summary>The same for a function that also returns tensors which are not differentiated.</summary>
    public static (Tensor Output, Func<Tensor, Tensor> Pullback, Tensor[] Aux) Vjp(Func<Tensor, (Tensor Value, IReadOnlyList<Tensor> Aux)> function, Tensor input)
    {
        ArgumentNullException.ThrowIfNull(function);
        var (pullback, aux) = WithAux("Vjp", function, input);
        return (pullback.Outputs[0], v => pullback.RunToZeros([v, .. new Tensor?[aux.Length]], keepGraph: true)[0], aux);
    }

    /// <summary>The same for a function of any number of tensors with any number of results; a null gradient stands for zero.</summary>
    public static (Tensor[] Outputs, Func<IReadOnlyList<Tensor?>, Tensor[]> Pullback) Vjp(
        Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> function, IReadOnlyList<Tensor> inputs)
    {
        var pullback = new Pullback("Vjp", function, inputs);
        return (pullback.Outputs, v => pullback.RunToZeros(v, keepGraph: true));
    }

    /// <summary>The output of a function and the vector-Jacobian product with <paramref name="v"/>, a gradient of the output.</summary>
    /// <param name="function">A function of one tensor.</param>
    /// <param name="input">The point.</param>
    /// <param name="v">The gradient, of the output's shape; null for an output of one element, where it is 1.</param>
    /// <param name="createGraph">Whether the results are recorded, so that they can be differentiated.</param>
    /// <param name="strict">Whether an output that does not depend on the input is an error; otherwise its derivative is zero.</param>
    /// <exception cref="ShapeException">The gradient has not the output's shape.</exception>
    public static (Tensor Output, Tensor Vjp) Vjp(Func<Tensor, Tensor> function, Tensor input, Tensor? v, bool createGraph = false, bool strict = false)
    {
        ArgumentNullException.ThrowIfNull(function);
        var (outputs, products) = Vjp(a => [function(a[0])], [input], [v], createGraph, strict);
        return (outputs[0], products[0]);
    }

    /// <summary>The same for a function of any number of tensors with any number of results; <paramref name="v"/> has a gradient for each result.</summary>
    public static (Tensor[] Outputs, Tensor[] Vjp) Vjp(
        Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> function,
        IReadOnlyList<Tensor> inputs,
        IReadOnlyList<Tensor?> v,
        bool createGraph = false,
        bool strict = false)
    {
        ArgumentNullException.ThrowIfNull(v);
        using var mode = GradMode.Set(Records(createGraph) && GradMode.IsEnabled);
        var pullback = new Pullback("Vjp", function, Point(inputs, createGraph));
        var gradients = new Tensor?[v.Count];
        for (int i = 0; i < gradients.Length; i++)
        {
            gradients[i] = v[i] ?? (i < pullback.Outputs.Length && pullback.Outputs[i].NumElements == 1
                ? Tensor.OnesLike(pullback.Outputs[i])
                : throw new GradientException(
                    $"Vjp: The vector v can only be null if the user-provided function returns a single Tensor with a single element, but v[{i}] is null. Give a gradient of the output's shape."));
        }

        return (pullback.Outputs, pullback.OrZeros(pullback.Run(gradients, keepGraph: false), strict ? "Vjp" : null));
    }

    /// <summary>The output of a function and the Jacobian-vector product with <paramref name="tangent"/>, which has the input's shape: one pass in forward mode.</summary>
    /// <param name="function">A function of one tensor.</param>
    /// <param name="input">The point.</param>
    /// <param name="tangent">The direction, of the input's shape and dtype.</param>
    /// <param name="strict">Whether an output that does not depend on the input is an error; otherwise its tangent is zero.</param>
    /// <exception cref="ShapeException">The tangent has not the input's shape.</exception>
    /// <exception cref="DTypeException">The input is not floating-point, or the tangent has another dtype.</exception>
    public static (Tensor Output, Tensor Tangent) Jvp(Func<Tensor, Tensor> function, Tensor input, Tensor tangent, bool strict = false)
    {
        ArgumentNullException.ThrowIfNull(function);
        var (outputs, tangents) = ForwardPass.Run(a => [function(a[0])], [input], [tangent], strict);
        return (outputs[0], tangents[0]);
    }

    /// <summary>The same for a function of any number of tensors with any number of results.</summary>
    public static (Tensor[] Outputs, Tensor[] Tangents) Jvp(
        Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> function, IReadOnlyList<Tensor> inputs, IReadOnlyList<Tensor> tangents, bool strict = false) =>
        ForwardPass.Run(function, inputs, tangents, strict);

    /// <summary>
    /// Evaluates a function once and returns its output and its linear approximation there: the function that takes a tangent of the input to that of the output. Where many
    /// tangents follow, each costs one replay of the tape instead of an evaluation.
    /// </summary>
    public static (Tensor Output, Func<Tensor, Tensor> Jvp) Linearize(Func<Tensor, Tensor> function, Tensor input)
    {
        ArgumentNullException.ThrowIfNull(function);
        var (outputs, jvp) = Linearize(a => [function(a[0])], [input]);
        return (outputs[0], v => jvp([v])[0]);
    }

    /// <summary>The same for a function of any number of tensors with any number of results.</summary>
    public static (Tensor[] Outputs, Func<IReadOnlyList<Tensor>, Tensor[]> Jvp) Linearize(
        Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> function, IReadOnlyList<Tensor> inputs)
    {
        // The pullback is linear in the gradients, so its own pullback is the same at any of them: the Jacobian again.
        var pullback = new Pullback("Linearize", function, inputs);
        var differentiable = Enumerable.Range(0, pullback.Outputs.Length).Where(i => pullback.Outputs[i].DType.IsFloatingPoint()).ToArray();
        var transpose = new Pullback("Linearize", Back, [.. differentiable.Select(i => Tensor.ZerosLike(pullback.Outputs[i]))]);
        return (pullback.Outputs, Forward);

        IReadOnlyList<Tensor> Back(IReadOnlyList<Tensor> gradients)
        {
            var all = new Tensor?[pullback.Outputs.Length];
            for (int i = 0; i < differentiable.Length; i++)
            {
                all[differentiable[i]] = gradients[i];
            }

            return pullback.RunToZeros(all, keepGraph: true);
        }

        Tensor[] Forward(IReadOnlyList<Tensor> tangents)
        {
            var found = transpose.RunToZeros(tangents, keepGraph: true);
            var results = Array.ConvertAll(pullback.Outputs, Tensor.ZerosLike);
            for (int i = 0; i < found.Length; i++)
            {
                results[differentiable[i]] = found[i];
            }

            return results;
        }
    }

    private static (Tensor[] Gradients, Tensor Value) GradAndValueOf(
        Func<IReadOnlyList<Tensor>, Tensor> function, IReadOnlyList<Tensor> inputs, IReadOnlyList<int> argNums)
    {
        var arguments = new Arguments("Grad", inputs, argNums);
        return GradientsOf("Grad", x => function(arguments.With(x)), arguments.Chosen, strict: false);
    }

    private static (Pullback Pullback, Tensor[] Aux) WithAux(
        string operation, Func<Tensor, (Tensor Value, IReadOnlyList<Tensor> Aux)> function, Tensor input)
    {
        var pullback = new Pullback(
            operation,
            a =>
            {
                var (value, aux) = function(a[0]);
                return [value, .. aux];
            },
            [input]);
        return (pullback, pullback.Outputs[1..]);
    }

    private static (Tensor Gradient, Tensor Value) First((Tensor[] Gradients, Tensor Value) result) => (result.Gradients[0], result.Value);
}
