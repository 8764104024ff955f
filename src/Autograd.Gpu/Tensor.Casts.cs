using Autograd.Gpu.Operations;

namespace Autograd.Gpu;

// Conversions by name, and what dtype follows from which. A floating-point number that becomes whole is truncated towards zero, and nan becomes 0, on every device; what
// lies outside of int32 or int64 becomes the nearest number that does not, and of a number for uint8 the lowest eight bits of the int64 remain. (PyTorch leaves these
// cases open.) Whole numbers that become narrower keep their lowest bits. To bool everything but zero, nan too, is true. To half types numbers round to the nearest, ties
// to even, beyond the range to infinity.
public sealed partial class Tensor
{
    /// <summary>This tensor with another dtype and on another device; itself if it has both. Differentiable: the gradient returns to dtype and device of this one.</summary>
    public Tensor To(Device device, DType dtype) => dtype.Size() < DType.Size() ? To(dtype).To(device) : To(device).To(dtype);

    /// <summary>This tensor with dtype and device of another; itself if it has both.</summary>
    public Tensor To(Tensor other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return To(other.Device, other.DType);
    }

    /// <summary>This tensor with the dtype of another: <see cref="To(Tensor)"/> in PyTorch's older words.</summary>
    public Tensor TypeAs(Tensor other) => To(other);

    /// <summary>This tensor as float32.</summary>
    public Tensor Float() => To(DType.Float32);

    /// <summary>This tensor as float64.</summary>
    public Tensor Double() => To(DType.Float64);

    /// <summary>This tensor as float16.</summary>
    public Tensor Half() => To(DType.Float16);

    /// <summary>This tensor as bfloat16.</summary>
    public Tensor BFloat16() => To(DType.BFloat16);

    /// <summary>This tensor as int64: truncated towards zero, nan as 0, beyond the range its ends.</summary>
    public Tensor Long() => To(DType.Int64);

    /// <summary>This tensor as int32: truncated towards zero, nan as 0, beyond the range its ends.</summary>
    public Tensor Int() => To(DType.Int32);

    /// <summary>This tensor as uint8: the lowest eight bits of what <see cref="Long"/> gives.</summary>
    public Tensor Byte() => To(DType.UInt8);

    /// <summary>This tensor as bool: whether elements are not zero; nan is true.</summary>
    public Tensor Bool() => To(DType.Bool);

    /// <summary>This tensor on the host.</summary>
    public Tensor Cpu() => To(Device.Cpu);

    /// <summary>The dtype of an operation on tensors of these two, both with dimensions: PyTorch's table.</summary>
    public static DType PromoteTypes(DType first, DType second) => DTypeExtensions.Promote(first, second);

    /// <summary>The dtype of an operation on these tensors: those with dimensions decide, 0-d ones count only if they are of a higher category.</summary>
    public static DType ResultType(params ReadOnlySpan<Tensor> tensors) => tensors.IsEmpty
        ? throw new ArgumentException("ResultType: at least one tensor is needed.", nameof(tensors))
        : Promotion.ResultType(tensors);

    /// <summary>The dtype of an operation on a tensor and a number.</summary>
    public static DType ResultType(Tensor tensor, Scalar number) => Promotion.ResultType(tensor, Wrap(number, tensor.Device));

    /// <summary>The dtype of an operation on a number and a tensor.</summary>
    public static DType ResultType(Scalar number, Tensor tensor) => ResultType(tensor, number);

    /// <summary>Whether an in-place operation may write results of one dtype into a tensor of another: not from floating-point to whole numbers, nor to bool from anything else.</summary>
    public static bool CanCast(DType from, DType to) => to.Category() >= from.Category();
}
