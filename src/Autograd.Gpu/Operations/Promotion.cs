namespace Autograd.Gpu.Operations;

/// <summary>
/// PyTorch's type promotion: tensors with dimensions decide; a 0-d tensor, and after it a C# number, only counts if it is of a higher category (bool,
/// integer, floating point).
/// </summary>
internal static class Promotion
{
    public static DType ResultType(Tensor a, Tensor b) =>
        Decides(a, b) ? a.DType : Decides(b, a) ? b.DType : ResultType([a, b]);

    public static DType ResultType(params ReadOnlySpan<Tensor> tensors)
    {
        DType? dimensioned = null, zeroDim = null, wrapped = null;
        foreach (var tensor in tensors)
        {
            if (tensor.IsWrappedNumber)
            {
                var dtype = tensor.DType.IsFloatingPoint() ? DType.Float32 : tensor.DType;
                wrapped = wrapped is { } w ? DTypeExtensions.Promote(w, dtype) : dtype;
            }
            else if (tensor.Rank == 0)
            {
                zeroDim = zeroDim is { } z ? DTypeExtensions.Promote(z, tensor.DType) : tensor.DType;
            }
            else
            {
                dimensioned = dimensioned is { } d ? DTypeExtensions.Promote(d, tensor.DType) : tensor.DType;
            }
        }

        return Combine(dimensioned, Combine(zeroDim, wrapped))!.Value;
    }

    /// <summary>The usual case: a floating-point tensor with dimensions, beside one of its dtype or one that counts for less.</summary>
    private static bool Decides(Tensor tensor, Tensor other)
    {
        var dtype = tensor.DType;
        return dtype.IsFloatingPoint() && HasDimensions(tensor) && (!HasDimensions(other) || other.DType == dtype);
    }

    private static bool HasDimensions(Tensor tensor) => tensor.Rank > 0 && !tensor.IsWrappedNumber;

    private static DType? Combine(DType? higher, DType? lower)
    {
        if (higher is not { } h || lower is not { } l)
        {
            return higher ?? lower;
        }

        return l.Category() > h.Category() ? DTypeExtensions.Promote(h, l) : h;
    }
}
