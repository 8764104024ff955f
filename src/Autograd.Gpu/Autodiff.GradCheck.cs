using Autograd.Gpu.Transforms;

namespace Autograd.Gpu;

public static partial class Autodiff
{
    /// <summary>
    /// Compares the gradients that the tape computes with numerical ones, (f(x + eps) - f(x - eps)) / (2 eps), element by element of the Jacobian; they agree
    /// where |analytical - numerical| &lt;= atol + rtol |numerical|. Semantics and defaults are those of <c>torch.autograd.gradcheck</c>.
    /// </summary>
    /// <remarks>
    /// Also checked: two passes give the same gradients, and a gradient of zero gives zeros. Outputs that are not recorded are passed over; if none
    /// is recorded, the numerical gradients must be zero.
    /// </remarks>
    /// <param name="function">The function; it is called again and again, with tensors of the inputs' shapes and strides in their place.</param>
    /// <param name="inputs">The point. Inputs that require gradients are checked and must be float64; the others are handed through as they are.</param>
    /// <param name="eps">The step of the numerical gradient.</param>
    /// <param name="atol">The absolute tolerance.</param>
    /// <param name="rtol">The relative tolerance.</param>
    /// <param name="raiseException">Whether a disagreement throws; otherwise the result is false.</param>
    /// <param name="nondetTol">By how much two backward passes may differ.</param>
    /// <param name="checkUndefinedGrad">Whether outputs whose gradient is left out must count as if it were zero.</param>
    /// <param name="checkBatchedGrad">Whether one backward pass mapped over several gradients must give what one pass for each does.</param>
    /// <param name="checkForwardAd">Whether the tangents that forward mode computes are compared as well.</param>
    /// <param name="checkBackwardAd">Whether the gradients that the tape computes are compared.</param>
    /// <param name="fastMode">Whether one random projection of each Jacobian is compared in place of its entries; for large inputs.</param>
    /// <returns>Whether all gradients agree.</returns>
    /// <exception cref="GradCheckException">A gradient is wrong; the message shows the entries that differ.</exception>
    /// <exception cref="DTypeException">An input that requires gradients is not float64.</exception>
    /// <exception cref="ShapeException">Elements of an input share memory (a stride is 0).</exception>
    /// <exception cref="GradientException">No input requires gradients.</exception>
    public static bool GradCheck(
        Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> function,
        IReadOnlyList<Tensor> inputs,
        double eps = 1e-6,
        double atol = 1e-5,
        double rtol = 1e-3,
        bool raiseException = true,
        double nondetTol = 0,
        bool checkUndefinedGrad = true,
        bool checkBatchedGrad = false,
        bool checkForwardAd = false,
        bool checkBackwardAd = true,
        bool fastMode = false)
    {
        ArgumentNullException.ThrowIfNull(function);
        CheckInputs("GradCheck", inputs);
        using var mode = EnableGrad();
        var options = new CheckOptions(eps, atol, rtol, nondetTol, checkUndefinedGrad, checkBatchedGrad, checkForwardAd, checkBackwardAd, fastMode);
        return Passes("GradCheck", new JacobianCheck(function, inputs, options), options, raiseException);
    }

    /// <summary>The same for a function with one output; see
    /// <see cref="GradCheck(Func{IReadOnlyList{Tensor}, IReadOnlyList{Tensor}}, IReadOnlyList{Tensor}, double, double, double, bool, double, bool, bool, bool, bool, bool)"/>.</summary>
    public static bool GradCheck(
        Func<IReadOnlyList<Tensor>, Tensor> function,
        IReadOnlyList<Tensor> inputs,
        double eps = 1e-6,
        double atol = 1e-5,
        double rtol = 1e-3,
        bool raiseException = true,
        double nondetTol = 0,
        bool checkUndefinedGrad = true,
        bool checkBatchedGrad = false,
        bool checkForwardAd = false,
        bool checkBackwardAd = true,
        bool fastMode = false) =>
        GradCheck(x => [function(x)], inputs, eps, atol, rtol, raiseException, nondetTol, checkUndefinedGrad, checkBatchedGrad, checkForwardAd, checkBackwardAd, fastMode);

    /// <summary>The same for a function of one tensor; see
    /// <see cref="GradCheck(Func{IReadOnlyList{Tensor}, IReadOnlyList{Tensor}}, IReadOnlyList{Tensor}, double, double, double, bool, double, bool, bool, bool, bool, bool)"/>.</summary>
    public static bool GradCheck(
        Func<Tensor, Tensor> function,
        Tensor input,
        double eps = 1e-6,
        double atol = 1e-5,
        double rtol = 1e-3,
        bool raiseException = true,
        double nondetTol = 0,
        bool checkUndefinedGrad = true,
        bool checkBatchedGrad = false,
        bool checkForwardAd = false,
        bool checkBackwardAd = true,
        bool fastMode = false) =>
        GradCheck(x => [function(x[0])], [input], eps, atol, rtol, raiseException, nondetTol, checkUndefinedGrad, checkBatchedGrad, checkForwardAd, checkBackwardAd, fastMode);

    /// <summary>
    /// Checks second derivatives: <see cref="GradCheck(Func{IReadOnlyList{Tensor}, IReadOnlyList{Tensor}}, IReadOnlyList{Tensor}, double, double, double, bool, double, bool, bool, bool, bool, bool)"/>
    /// of the function's gradients with respect to its inputs and to the gradients of its outputs.
    /// </summary>
    /// <param name="function">The function.</param>
    /// <param name="inputs">The point, as in <c>GradCheck</c>.</param>
    /// <param name="gradOutputs">The gradient of each output that is recorded, float64; by default numbers of either sign around 1, the same at each call.</param>
    /// <param name="eps">The step of the numerical gradient.</param>
    /// <param name="atol">The absolute tolerance.</param>
    /// <param name="rtol">The relative tolerance.</param>
    /// <param name="raiseException">Whether a disagreement throws; otherwise the result is false.</param>
    /// <param name="nondetTol">By how much two backward passes may differ.</param>
    /// <param name="checkUndefinedGrad">Whether outputs whose gradient is left out must count as if it were zero.</param>
    /// <param name="checkBatchedGrad">Whether one backward pass mapped over several gradients must give what one pass for each does.</param>
    /// <param name="checkFwdOverRev">Whether forward mode over reverse mode is checked as well.</param>
    /// <param name="checkRevOverRev">Whether reverse mode over reverse mode is checked.</param>
    /// <param name="fastMode">Whether one random projection of each Jacobian is compared in place of its entries; for large inputs.</param>
    /// <returns>Whether all gradients agree.</returns>
    /// <exception cref="GradCheckException">A gradient is wrong. Inputs are numbered as given, the outputs' gradients after them; outputs are the inputs' gradients.</exception>
    /// <exception cref="DTypeException">An input that requires gradients is not float64.</exception>
    /// <exception cref="ShapeException">Elements of an input share memory (a stride is 0).</exception>
    /// <exception cref="GradientException">No input requires gradients, or no output does.</exception>
    public static bool GradGradCheck(
        Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> function,
        IReadOnlyList<Tensor> inputs,
        IReadOnlyList<Tensor>? gradOutputs = null,
        double eps = 1e-6,
        double atol = 1e-5,
        double rtol = 1e-3,
        bool raiseException = true,
        double nondetTol = 0,
        bool checkUndefinedGrad = true,
        bool checkBatchedGrad = false,
        bool checkFwdOverRev = false,
        bool checkRevOverRev = true,
        bool fastMode = false)
    {
        ArgumentNullException.ThrowIfNull(function);
        CheckInputs("GradGradCheck", inputs);
        using var mode = EnableGrad();
        var outputs = Recorded(function(inputs));
        if (outputs.Count == 0)
        {
            throw new GradientException("GradGradCheck: no output of the function requires gradients, so there is nothing to differentiate a second time.");
        }

        if (gradOutputs is not null && gradOutputs.Count != outputs.Count)
        {
            throw new GradientException(
                $"GradGradCheck: got {gradOutputs.Count} gradients for {outputs.Count} outputs that require gradients. Give one for each.");
        }

        var seeds = gradOutputs is null
            ? outputs.Select((o, i) => RandomGradient(o, i).RequiresGrad_())
            : gradOutputs.Select(g => g.RequiresGrad ? g : g.Detach().RequiresGrad_());
        int count = inputs.Count;
        IReadOnlyList<Tensor> arguments = [.. inputs, .. seeds];
        CheckInputs("GradGradCheck", arguments);
        var options = new CheckOptions(eps, atol, rtol, nondetTol, checkUndefinedGrad, checkBatchedGrad, checkFwdOverRev, checkRevOverRev, fastMode);
        return Passes("GradGradCheck", new JacobianCheck(Gradients, arguments, options) { ForwardFunction = Pullbacks }, options, raiseException);

        IReadOnlyList<Tensor> Gradients(IReadOnlyList<Tensor> arguments)
        {
            var point = arguments.Take(count).ToArray();
            var gradients = Grad(
                Recorded(function(point)), [.. point.Where(p => p.RequiresGrad)], [.. arguments.Skip(count)], createGraph: true, allowUnused: true);
            return [.. gradients.Where(g => g is not null).Select(g => g!)];
        }

        // The same by a function transform, which forward mode passes through.
        IReadOnlyList<Tensor> Pullbacks(IReadOnlyList<Tensor> arguments)
        {
            var moved = Enumerable.Range(0, count).Where(i => inputs[i].RequiresGrad).ToArray();
            var chosen = new Arguments("GradGradCheck", [.. arguments.Take(count)], moved);
            var pullback = new Pullback("GradGradCheck", x => function(chosen.With(x)), chosen.Chosen);
            var gradients = new Tensor?[pullback.Outputs.Length];
            for (int i = 0, seed = count; i < gradients.Length; i++)
            {
                gradients[i] = pullback.IsDifferentiable(i) ? arguments[seed++] : null;
            }

            return [.. pullback.Run(gradients, keepGraph: false).Where(g => g is not null).Select(g => g!)];
        }
    }

    /// <summary>The same for a function with one output.</summary>
    public static bool GradGradCheck(
        Func<IReadOnlyList<Tensor>, Tensor> function,
        IReadOnlyList<Tensor> inputs,
        IReadOnlyList<Tensor>? gradOutputs = null,
        double eps = 1e-6,
        double atol = 1e-5,
        double rtol = 1e-3,
        bool raiseException = true,
        double nondetTol = 0,
        bool checkUndefinedGrad = true,
        bool checkBatchedGrad = false,
        bool checkFwdOverRev = false,
        bool checkRevOverRev = true,
        bool fastMode = false) =>
        GradGradCheck(x => [function(x)], inputs, gradOutputs, eps, atol, rtol, raiseException, nondetTol, checkUndefinedGrad, checkBatchedGrad, checkFwdOverRev, checkRevOverRev, fastMode);

    /// <summary>The same for a function of one tensor.</summary>
    public static bool GradGradCheck(
        Func<Tensor, Tensor> function,
        Tensor input,
        Tensor? gradOutput = null,
        double eps = 1e-6,
        double atol = 1e-5,
        double rtol = 1e-3,
        bool raiseException = true,
        double nondetTol = 0,
        bool checkUndefinedGrad = true,
        bool checkBatchedGrad = false,
        bool checkFwdOverRev = false,
        bool checkRevOverRev = true,
        bool fastMode = false) =>
        GradGradCheck(x => [function(x[0])], [input], gradOutput is null ? null : [gradOutput], eps, atol, rtol, raiseException, nondetTol, checkUndefinedGrad, checkBatchedGrad, checkFwdOverRev, checkRevOverRev, fastMode);

    private static bool Passes(string operation, JacobianCheck check, CheckOptions options, bool raiseException)
    {
        if (!options.Forward && !options.Backward)
        {
            throw new ArgumentException(
                $"{operation}: Expected at least one of check_forward_ad or check_backward_ad to be True: ask for forward mode, for reverse mode, or for both.");
        }

        if (options is { Batched: true, Backward: false })
        {
            throw new ArgumentException($"{operation}: checkBatchedGrad is a check of the backward pass; it needs reverse mode to be checked.");
        }

        try
        {
            check.Run();
            return true;
        }
        catch (GradCheckException) when (!raiseException)
        {
            return false;
        }
    }

    private static void CheckInputs(string operation, IReadOnlyList<Tensor> inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        bool any = false;
        for (int i = 0; i < inputs.Count; i++)
        {
            var input = inputs[i];
            if (!input.RequiresGrad)
            {
                continue;
            }

            any = true;
            if (input.DType != DType.Float64)
            {
                throw new DTypeException(
                    $"{operation}: input {i} of shape {input.Shape} requires gradients and is {input.DType.Name()}; numerical gradients need the precision of float64. "
                    + "Make it float64: Tensor.Rand(shape, DType.Float64), or x.Detach().To(DType.Float64).RequiresGrad_().");
            }

            for (int d = 0; d < input.Rank; d++)
            {
                if (input.Strides[d] == 0 && input.Shape[d] > 1)
                {
                    throw new ShapeException(
                        $"{operation}: The {i}th input has a dimension with stride 0 (dimension {d} of shape {input.Shape}): its elements share memory and cannot be moved "
                        + "one by one. Call Contiguous() on the input before passing it.");
                }
            }
        }

        if (!any)
        {
            throw new GradientException(
                $"{operation}: expects at least one input tensor to require gradient, but none of the {inputs.Count} has RequiresGrad set. Call RequiresGrad_() on it.");
        }
    }

    private static List<Tensor> Recorded(IReadOnlyList<Tensor> outputs) => [.. outputs.Where(o => o.RequiresGrad)];

    /// <summary>Numbers away from zero, so that nothing is multiplied away; a sequence of their own, so that no generator moves.</summary>
    private static Tensor RandomGradient(Tensor output, int seed)
    {
        var random = new Random(seed);
        var values = new double[output.NumElements];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (0.5 + random.NextDouble()) * (random.Next(2) == 0 ? 1 : -1);
        }

        return Tensor.FromArray(values, output.Shape, output.Device).To(output.DType);
    }
}
