using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Optim;

/// <summary>Changes parameters by their gradients. The updates are pending expressions: a parameter and its state become one kernel.</summary>
public abstract class Optimizer
{
    private protected Optimizer(IEnumerable<Tensor> parameters, double lr)
    {
        Parameters = [.. parameters];
        if (Parameters.Count == 0)
        {
            throw new ArgumentException($"{GetType().Name}: optimizer got an empty parameter list.");
        }

        foreach (var parameter in Parameters)
        {
            if (!parameter.IsLeaf)
            {
                throw new GradientException(
                    $"{GetType().Name}: can't optimize a non-leaf Tensor: a parameter of shape {parameter.Shape} was made by {parameter.GradFn!.Name}.");
            }
        }

        if (!(lr >= 0))
        {
            throw new ArgumentException($"{GetType().Name}: Invalid learning rate: {lr}.");
        }

        LearningRate = lr;
    }

    /// <summary>What is optimised.</summary>
    public IReadOnlyList<Tensor> Parameters { get; }

    /// <summary>The step size; may be changed between steps.</summary>
    public double LearningRate { get; set; }

    /// <summary>The learning rate when its first schedule was made, which all its schedules go by.</summary>
    internal double? InitialRate { get; set; }

    /// <summary>Sets the gradients of all parameters to null.</summary>
    public void ZeroGrad()
    {
        for (int i = 0; i < Parameters.Count; i++)
        {
            Parameters[i].Grad = null;
        }
    }

    /// <summary>Updates each parameter that has a gradient.</summary>
    public void Step()
    {
        using var mode = GradMode.Set(false);
        Advance();
        for (int i = 0; i < Parameters.Count; i++)
        {
            if (Parameters[i].GradToApply is { } gradient)
            {
                Update(i, Parameters[i], gradient);
            }
        }
    }

    private protected virtual void Advance()
    {
    }

    private protected abstract void Update(int index, Tensor parameter, Tensor gradient);
}
