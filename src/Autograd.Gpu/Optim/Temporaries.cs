namespace Autograd.Gpu.Optim;

/// <summary>
/// The pending values that an update is made of. Their handles go together once the update is written down, so that nothing but the update reads the old
/// values of parameter and state, and these can be written in place.
/// </summary>
internal sealed class Temporaries : IDisposable
{
    private readonly List<Tensor> _tensors = [];

    public Tensor Keep(Tensor tensor)
    {
        _tensors.Add(tensor);
        return tensor;
    }

    public void Dispose() => _tensors.ForEach(t => t.Dispose());
}
