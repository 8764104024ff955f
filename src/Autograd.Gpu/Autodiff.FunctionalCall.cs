using Autograd.Gpu.Nn;

namespace Autograd.Gpu;

public static partial class Autodiff
{
    /// <summary>
    /// Calls a module with other tensors in the places of its parameters, which makes the module a function of them: <c>torch.func.functional_call</c>. So the gradients of each
    /// sample of a batch are <c>Vmap(Grad((p, x) => loss(FunctionalCall(net, p, x))))</c>.
    /// </summary>
    /// <param name="module">The module; it is not changed.</param>
    /// <param name="parameters">Tensors by the names that <see cref="ModuleBase.NamedParameters"/> gives; parameters that are not named stay.</param>
    /// <param name="input">The input.</param>
    /// <exception cref="ArgumentException">A name is not one of the module's.</exception>
    /// <exception cref="ShapeException">A tensor has another shape than its parameter.</exception>
    public static Tensor FunctionalCall(Module module, IReadOnlyDictionary<string, Tensor> parameters, Tensor input)
    {
        ArgumentNullException.ThrowIfNull(module);
        return FunctionalCall(module, parameters, () => module.Call(input));
    }

    /// <summary>
    /// The same for a module that takes other things than one tensor: <paramref name="call"/> calls it, as in <c>FunctionalCall(decoder, parameters, () => decoder.Forward(x, y))</c>.
    /// </summary>
    /// <inheritdoc cref="FunctionalCall(Module, IReadOnlyDictionary{string, Tensor}, Tensor)"/>
    /// <param name="call">Calls the module; on this thread.</param>
    public static T FunctionalCall<T>(ModuleBase module, IReadOnlyDictionary<string, Tensor> parameters, Func<T> call)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(call);
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
        return call();
    }

    /// <summary>The same with a tensor for each parameter, in the order of <see cref="ModuleBase.Parameters"/>.</summary>
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
