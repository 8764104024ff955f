namespace Autograd.Gpu.Nn;

/// <summary>A part of a network that makes one tensor of one tensor: a layer, or a network of layers.</summary>
public abstract class Module : ModuleBase
{
    /// <summary>The output for an input; also reachable as <see cref="Call"/>.</summary>
    public abstract Tensor Forward(Tensor input);

    /// <summary>Computes the output for an input.</summary>
    public Tensor Call(Tensor input) => Forward(input);

    /// <inheritdoc cref="ModuleBase.Train"/>
    public new Module Train(bool mode = true)
    {
        base.Train(mode);
        return this;
    }

    /// <inheritdoc cref="ModuleBase.Eval"/>
    public new Module Eval() => Train(false);
}

/// <summary>A part of a network that makes one tensor of two.</summary>
public abstract class PairModule : ModuleBase
{
    private protected PairModule()
    {
    }

    /// <summary>The output for two inputs; also reachable as <see cref="Call"/>.</summary>
    public abstract Tensor Forward(Tensor input1, Tensor input2);

    /// <summary>Computes the output for two inputs.</summary>
    public Tensor Call(Tensor input1, Tensor input2) => Forward(input1, input2);
}
