using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Transforms;

/// <summary>A forward-mode pass: values carry their tangents along.</summary>
internal sealed class DualLevel(bool isScope = false) : Level
{
    public override string Name => isScope ? "DualLevel" : "Jvp";

    /// <summary>The level that <c>Autodiff.DualLevel()</c> opened on this thread, if there is one.</summary>
    public static DualLevel? Scope
    {
        get
        {
            var level = Current;
            while (level is not (null or DualLevel { IsScope: true }))
            {
                level = level.Outer;
            }

            return (DualLevel?)level;
        }
    }

    private bool IsScope => isScope;

    public Tensor Wrap(Tensor primal, Tensor tangent) => new(new DualWrapper(this, primal, WrappedLike(tangent, primal)));

    /// <summary>The tangent of a tensor, or null where it is zero.</summary>
    public Tensor? TangentOf(Tensor tensor) => Wraps(tensor) ? ((DualWrapper)tensor.Wrapper!).Tangent : null;

    /// <summary>
    /// The tangent, a constant to some of the transforms that wrap its value, wrapped by these too: what is written over the value has a tangent that they wrap.
    /// Transforms further in stay further out.
    /// </summary>
    private static Tensor WrappedLike(Tensor tangent, Tensor primal)
    {
        if (primal.Wrapper is not { } wrapper || wrapper.Level.Wraps(tangent))
        {
            return tangent;
        }

        if (tangent.Wrapper is { } own && own.Level.Number > wrapper.Level.Number)
        {
            return own is BatchWrapper ? own.Rewrap(WrappedLike(own.Inner, primal)) : tangent;
        }

        return wrapper switch
        {
            GradWrapper grad when grad.Level.IsOpen => grad.Rewrap(WrappedLike(tangent, grad.Inner)),
            GradWrapper grad => WrappedLike(tangent, grad.Inner),
            BatchWrapper { Level: BatchLevel level } batch => batch.Rewrap(
                WrappedLike(tangent.Unsqueeze(0).Expand(Shape.Own([level.Size, .. tangent.Shape.AsSpan()])).Clone(), batch.Inner)),
            DualWrapper { Level: DualLevel { IsOpen: true } level } dual => WrappedLike(tangent, dual.Inner) is var outside ? level.Wrap(outside, Tensor.ZerosLike(outside)) : tangent,
            DualWrapper dual => WrappedLike(tangent, dual.Inner),
            _ => tangent,
        };
    }

    protected override Tensor Process(IOperation operation, ReadOnlySpan<Tensor> inputs)
    {
        var primals = Unwrap(inputs);
        bool saves = IsOpen && operation.IsDifferentiable && IsRecorded(primals);
        Tensor output;
        using (saves ? SavedTensorHooks.Suspend() : default)
        {
            output = operation.Apply(primals);
        }

        // The node saves the values with their tangents, so that a gradient taken inside of this level has a tangent too.
        var node = saves && Array.IndexOf(primals, output) < 0 ? output.NodeOf(operation) : null;
        node?.SaveInputs(inputs[0], inputs.Length > 1 ? inputs[1] : null, inputs.Length > 2 ? inputs[2] : null);
        var result = IsOpen && operation.IsDifferentiable && output.DType.IsFloatingPoint() ? WithTangent(operation, inputs, primals, output) : output;
        node?.SaveOutput(result);
        return result;
    }

    /// <summary>Whether an operation on these values goes to a tape, and to one node of it.</summary>
    private static bool IsRecorded(Tensor[] primals)
    {
        bool any = false;
        foreach (var primal in primals)
        {
            if (primal.Wrapper is BatchWrapper)
            {
                return false;
            }

            any |= primal.RequiresGrad;
        }

        return any && GradMode.IsEnabled;
    }

    private Tensor WithTangent(IOperation operation, ReadOnlySpan<Tensor> inputs, Tensor[] primals, Tensor output)
    {

        var tangents = new Tensor?[inputs.Length];
        for (int i = 0; i < tangents.Length; i++)
        {
            tangents[i] = TangentOf(inputs[i]);
        }

        if (operation.Jvp(output, primals, tangents) is not { } tangent)
        {
            return output;
        }

        if (inputs.Length == 1 && SharesMemory(output, primals[0]))
        {
            // What is written through a view must be seen in the tangent of what it is a view of, too.
            if (!SharesMemory(tangent, tangents[0]!))
            {
                var dual = (DualWrapper)inputs[0].Wrapper!;
                dual.MatchStrides();
                tangent = operation.Jvp(output, primals, [dual.Tangent])!;
            }

            return Wrap(output, tangent);
        }

        // x + 1 has the tangent of x: a value of its own, since both can be written.
        foreach (var other in tangents)
        {
            if (other is not null && SharesMemory(tangent, other))
            {
                return Wrap(output, tangent.Clone());
            }
        }

        return Wrap(output, tangent);
    }
}
