namespace Autograd.Gpu.Nn;

/// <summary>
/// What all parts of a network have, however many tensors they take: parameters, buffers, children and whether they train. A part that takes one tensor is a
/// <see cref="Module"/>; others, such as a <see cref="Loss"/> or an unpooling, declare a <c>Forward</c> of what they take, so that the compiler knows.
/// </summary>
public abstract class ModuleBase
{
    private readonly List<(string Name, Parameter Parameter)> _parameters = [];
    private readonly List<(string Name, Buffer Buffer)> _buffers = [];
    private readonly List<(string Name, ModuleBase Module)> _children = [];

    /// <summary>Whether the module trains: true at first. Dropout and batch normalisation work in another way when it does not.</summary>
    public bool Training { get; private set; } = true;

    /// <summary>All parameters of this module and of its children, in order of registration.</summary>
    public IReadOnlyList<Tensor> Parameters()
    {
        var parameters = new List<Tensor>();
        Collect(parameters);
        return parameters;
    }

    /// <summary>All parameters with their paths: <c>0.weight</c>.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> NamedParameters() => Places().Select(p => (p.Name, p.Parameter.Value));

    /// <summary>The modules that this one is directly made of, with their names.</summary>
    public IEnumerable<(string Name, ModuleBase Module)> NamedChildren() => _children;

    /// <summary>This module and all below it, with their paths; its own is empty.</summary>
    public IEnumerable<(string Name, ModuleBase Module)> NamedModules()
    {
        yield return ("", this);
        foreach (var (name, child) in _children)
        {
            foreach (var (inner, module) in child.NamedModules())
            {
                yield return (inner.Length == 0 ? name : $"{name}.{inner}", module);
            }
        }
    }

    /// <summary>All buffers, tensors of the module's state that no optimiser changes, with their paths: <c>1.running_mean</c>.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> NamedBuffers()
    {
        foreach (var (path, module) in NamedModules())
        {
            foreach (var (name, buffer) in module._buffers)
            {
                yield return (path.Length == 0 ? name : $"{path}.{name}", buffer.Value);
            }
        }
    }

    /// <summary>Puts this module and all below it into training mode, or out of it.</summary>
    public ModuleBase Train(bool mode = true)
    {
        Training = mode;
        foreach (var (_, child) in _children)
        {
            child.Train(mode);
        }

        return this;
    }

    /// <summary>Puts this module and all below it into evaluation mode: <c>Train(false)</c>.</summary>
    public ModuleBase Eval() => Train(false);

    /// <summary>Sets the gradients of all parameters to null.</summary>
    public void ZeroGrad()
    {
        foreach (var (_, parameter) in _parameters)
        {
            parameter.Value.Grad = null;
        }

        foreach (var (_, child) in _children)
        {
            child.ZeroGrad();
        }
    }

    private void Collect(List<Tensor> parameters)
    {
        foreach (var (_, parameter) in _parameters)
        {
            parameters.Add(parameter.Value);
        }

        foreach (var (_, child) in _children)
        {
            child.Collect(parameters);
        }
    }

    /// <summary>The places of all parameters with their paths.</summary>
    internal IEnumerable<(string Name, Parameter Parameter)> Places()
    {
        foreach (var parameter in _parameters)
        {
            yield return parameter;
        }

        foreach (var (name, child) in _children)
        {
            foreach (var (inner, parameter) in child.Places())
            {
                yield return ($"{name}.{inner}", parameter);
            }
        }
    }

    /// <summary>
    /// Makes a tensor a parameter: it requires gradients from now on. Keep what is returned, and read its <see cref="Parameter.Value"/> where the tensor is
    /// needed, so that <c>Autodiff.FunctionalCall</c> can put another in its place.
    /// </summary>
    protected Parameter Register(string name, Tensor parameter)
    {
        var place = new Parameter(parameter.RequiresGrad_());
        _parameters.Add((name, place));
        return place;
    }

    /// <summary>Makes a tensor part of the module's state without making it a parameter, such as a running mean.</summary>
    protected Buffer RegisterBuffer(string name, Tensor tensor)
    {
        var place = new Buffer(tensor);
        _buffers.Add((name, place));
        return place;
    }

    /// <summary>Makes a module a child, so that its parameters are this module's too.</summary>
    protected T Register<T>(string name, T child) where T : ModuleBase
    {
        _children.Add((name, child));
        return child;
    }
}
