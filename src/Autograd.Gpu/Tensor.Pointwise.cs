using Autograd.Gpu.Lazy;

namespace Autograd.Gpu;

public sealed partial class Tensor
{
    /// <summary>The result of a pointwise function as a pending expression, not recorded.</summary>
    internal static Tensor FromPointwise(
        Device device, PointwiseFunction function, DType resultType, DType inputType, Shape shape, Tensor a, Tensor? b, Tensor? c)
    {
        lock (device.Gate)
        {
            var layout = a.ResultLayout(shape) ?? b?.ResultLayout(shape) ?? c?.ResultLayout(shape) ?? Layout.Contiguous(shape);
            var in0 = a.ReadInput(function.TakesCondition ? DType.Bool : inputType, layout);
            var in1 = b?.ReadInput(inputType, layout);
            var in2 = c?.ReadInput(inputType, layout);
            return FromExpression(device, Fuser.Apply(device, function, resultType, layout, in0, in1, in2));
        }
    }

    /// <summary>This tensor cast to a dtype, not recorded.</summary>
    internal Tensor CastTo(DType dtype)
    {
        lock (Device.Gate)
        {
            return FromExpression(Device, ReadAs(dtype, ResultLayout(Shape) ?? Layout.Contiguous(Shape)));
        }
    }

    /// <summary>Writes function(this, b, c) over this tensor and counts a new version.</summary>
    internal void Overwrite(PointwiseFunction function, DType inputType, Tensor? b, Tensor? c)
    {
        lock (Device.Gate)
        {
            var layout = ResultLayout(Shape) ?? Layout.Contiguous(Shape);
            var value = Fuser.Apply(
                Device, function, inputType, layout, ReadInput(inputType, layout), b?.ReadInput(inputType, layout), c?.ReadInput(inputType, layout));
            Store(Fuser.Cast(Device, value, DType));
        }
    }

    /// <summary>Writes the elements of <paramref name="source"/>, broadcast and cast, over this tensor and counts a new version.</summary>
    internal void Overwrite(Tensor source)
    {
        lock (Device.Gate)
        {
            Store(source.ReadAs(DType, ResultLayout(Shape) ?? Layout.Contiguous(Shape)));
        }
    }

    /// <summary>Refuses writes that would falsify a gradient or that have no meaning.</summary>
    internal void CheckInPlace(string operation, bool records)
    {
        if (Autodiff.IsGradEnabled && IsLeaf && _requiresGrad)
        {
            throw new GradientException(
                $"{operation}: a leaf Variable that requires grad is being used in an in-place operation. "
                + "Update it under using (Autodiff.NoGrad()), or use the out-of-place form.");
        }

        if (records && (IsView || !Layout.IsWhole(Storage.Count)))
        {
            throw new GradientException(
                $"{operation}: recording an in-place operation on a view (shape {Shape} of a storage of {Storage.Count} elements) is not supported, "
                + "since the tensor that it is a view of would not know of it. "
                + "Use the out-of-place form, or write under using (Autodiff.NoGrad()).");
        }

        for (int d = 0; d < Rank; d++)
        {
            if (Layout.Strides[d] == 0 && Shape[d] > 1)
            {
                throw new ShapeException(
                    $"{operation}: unsupported operation: more than one element of the written-to tensor refers to a single memory location "
                    + $"(dimension {d} of shape {Shape} is expanded). Please Clone() the tensor before performing the operation.");
            }
        }
    }

    /// <summary>The present value with the present history, unmoved by writes to this tensor.</summary>
    internal Tensor ShareWithHistory()
    {
        var shared = ShareValue();
        shared.GradFn = GradFn;
        shared.OutputNumber = OutputNumber;
        shared._requiresGrad = _requiresGrad;
        shared._accumulator = _accumulator;
        return shared;
    }

    private void Store(Expression value)
    {
        Versions.Bump();
        bool whole = Layout.IsWhole(Storage.Count)
            && ApplyExpression.Resolve(value) is not BufferExpression { IsWholeBlock: false };
        if (whole)
        {
            Storage.Replace(value);
        }
        else
        {
            Fuser.Write(Storage, Layout, value);
        }
    }

    /// <summary>This tensor's layout if it can serve as that of a result of <paramref name="shape"/>.</summary>
    private Layout? ResultLayout(Shape shape) => Layout.IsContiguous && Layout.Offset == 0 && Shape == shape ? Layout : null;

    /// <summary>
    /// As <see cref="ReadAs"/>, for the input of a function: a constant is the same number at any shape, and beside half types, which are computed
    /// in float32, it is not rounded to them.
    /// </summary>
    private Expression ReadInput(DType dtype, Layout layout)
    {
        if (Storage.Value is not ConstantExpression constant)
        {
            return ReadAs(dtype, layout);
        }

        var type = dtype.IsFloatingPoint() ? dtype.ComputeType() : dtype;
        return constant.DType == type ? constant : new ConstantExpression(constant.Value, type, layout);
    }

    /// <summary>This tensor's elements as an expression with <paramref name="layout"/>'s shape, cast to <paramref name="dtype"/>.</summary>
    private Expression ReadAs(DType dtype, Layout layout)
    {
        var shape = layout.Shape;
        if (Shape != shape && Storage.Value is ApplyExpression or RandomExpression)
        {
            // Broadcasting a pending value would compute it once for each copy.
            Storage.Materialize(CutReason.Broadcast);
        }

        var value = Storage.Read(Layout);
        if (Shape != shape)
        {
            value = value switch
            {
                ConstantExpression constant => new ConstantExpression(constant.Value, constant.DType, layout),
                IndexExpression index => new IndexExpression(index.DType, index.Layout.Expand(shape)),
                _ => ((BufferExpression)value).WithLayout(value.Layout.Expand(shape)),
            };
        }

        return Fuser.Cast(Device, value, dtype);
    }
}
