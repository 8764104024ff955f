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
            _ => tangent,
        };
    }

    protected override Tensor Process(IOperation operation, ReadOnlySpan<Tensor> inputs)
    {
        var primals = Unwrap(inputs);
        var output = operation.Apply(primals);
        if (!IsOpen || !operation.IsDifferentiable || !output.DType.IsFloatingPoint())
        {
            return output;
        }

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
