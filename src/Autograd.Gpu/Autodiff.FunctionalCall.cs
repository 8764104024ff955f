using Autograd.Gpu.Nn;

namespace Autograd.Gpu;

public static partial class Autodiff
{
    /// <summary>
    /// Calls a module with other tensors in the places of its parameters, which makes the module a function of them: <c>torch.func.functional_call</c>. So the gradients of each
    /// sample of a batch are <c>Vmap(Grad((p, x) => loss(FunctionalCall(net, p, x))))</c>.
    /// </summary>
    /// <param name="module">The module; it is not changed.</param>
    /// <param name="parameters">Tensors by the names that <see cref="Module.NamedParameters"/> gives; parameters that are not named stay.</param>
    /// <param name="input">The input.</param>
    /// <exception cref="ArgumentException">A name is not one of the module's.</exception>
    /// <exception cref="ShapeException">A tensor has another shape than its parameter.</exception>
    public static Tensor FunctionalCall(Module module, IReadOnlyDictionary<string, Tensor> parameters, Tensor input)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(parameters);
        var places = module.Places().ToDictionary(p => p.Name, p => p.Parameter);
        var replaced = new Dictionary<Parameter, Tensor>();
        foreach (var (name, tensor) in parameters)
        {
            if (!places.TryGetValue(name, out var place))
            {
                throw new ArgumentException($"FunctionalCall: the module has no parameter '{name}'. It has: {string.Join(", ", places.Keys)}.", nameof(parameters));
            }

            replaced[place] = Fitting(tensor, place, name);
        }

        using var replacement = Parameter.Replace(replaced);
        return module.Call(input);
    }

    /// <summary>The same with a tensor for each parameter, in the order of <see cref="Module.Parameters"/>.</summary>
    /// <exception cref="ArgumentException">There are more or fewer tensors than parameters.</exception>
    /// <exception cref="ShapeException">A tensor has another shape than its parameter.</exception>
    public static Tensor FunctionalCall(Module module, IReadOnlyList<Tensor> parameters, Tensor input)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(parameters);
        var places = module.Places().ToArray();
        if (places.Length != parameters.Count)
        {
            throw new ArgumentException($"FunctionalCall: the module has {places.Length} parameters, but {parameters.Count} tensors were given.", nameof(parameters));
        }

        using var replacement = Parameter.Replace(places.Zip(parameters, (p, t) => KeyValuePair.Create(p.Parameter, Fitting(t, p.Parameter, p.Name))));
        return module.Call(input);
    }

    private static Tensor Fitting(Tensor tensor, Parameter place, string name) => tensor.Shape == place.Value.Shape
        ? tensor
        : throw new ShapeException(
            $"FunctionalCall: the parameter '{name}' has shape {place.Value.Shape}, but the tensor for it has shape {tensor.Shape}. "
            + "A batch of parameters is mapped over with Vmap, whose function sees one of them.");
}
