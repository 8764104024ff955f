using System.Runtime.CompilerServices;

namespace Autograd.Gpu;

public sealed partial class Tensor
{
    /// <summary>The argument, which the annotations say is there: callers that the compiler did not warn learn its name.</summary>
    /// <exception cref="ArgumentNullException">It is null.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Tensor NotNull(Tensor? tensor, [CallerArgumentExpression(nameof(tensor))] string? name = null)
    {
        ArgumentNullException.ThrowIfNull(tensor, name);
        return tensor;
    }

    /// <summary>The list, with none missing.</summary>
    /// <exception cref="ArgumentNullException">The list is null, or one of it is.</exception>
    internal static IReadOnlyList<Tensor> NotNull(IReadOnlyList<Tensor>? tensors, [CallerArgumentExpression(nameof(tensors))] string? name = null)
    {
        ArgumentNullException.ThrowIfNull(tensors, name);
        for (int i = 0; i < tensors.Count; i++)
        {
            if (tensors[i] is null)
            {
                throw new ArgumentNullException($"{name}[{i}]");
            }
        }

        return tensors;
    }
}
