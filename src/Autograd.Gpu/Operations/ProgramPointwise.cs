using System.Reflection;

namespace Autograd.Gpu.Operations;

/// <summary>A <see cref="PointwiseFunction{TSelf}"/> as an operation like any other.</summary>
internal sealed class ProgramPointwise<TSelf> : PointwiseOperation
    where TSelf : PointwiseFunction<TSelf>, new()
{
    private readonly TSelf _declaration;

    public ProgramPointwise()
        : this(new TSelf())
    {
    }

    private ProgramPointwise(TSelf declaration)
        : base(declaration.Name, CountParameters()) => _declaration = declaration;

    public override Saves Saves => _declaration.Saves;

    public override (double Low, double High) Domain => _declaration.Domain;

    public override bool IsProgram => true;

    public override Type Owner => typeof(TSelf);

    public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => _declaration.Gradient(input, gradient, saved);

    /// <summary>The number of inputs; 0 if there is no function.</summary>
    private static int CountParameters() =>
        typeof(TSelf).GetMethods(BindingFlags.Static | BindingFlags.Public).FirstOrDefault(m => m.Name == "Invoke")?.GetParameters().Length ?? 0;
}
