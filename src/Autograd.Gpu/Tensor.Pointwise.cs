using Autograd.Gpu.Diagnostics;
using Autograd.Gpu.Lazy;
using Autograd.Gpu.Tape;

namespace Autograd.Gpu;

public sealed partial class Tensor
{
    /// <summary>The result of a pointwise function as a pending expression, not recorded.</summary>
    internal static Tensor FromPointwise(
        Device device, PointwiseFunction function, DType resultType, DType inputType, Shape shape, Tensor a, Tensor? b, Tensor? c)
    {
        using (device.Gate.Enter())
        {
            var layout = a.ResultLayout(shape) ?? b?.ResultLayout(shape) ?? c?.ResultLayout(shape) ?? Layout.Contiguous(shape);
            var in0 = a.ReadInput(function.TakesCondition ? DType.Bool : inputType, layout);
            var in1 = b?.ReadInput(inputType, layout);
            var in2 = c?.ReadInput(inputType, layout);
            return FormulaValues.Note(FromExpression(device, Fuser.Apply(device, function, resultType, layout, in0, in1, in2)));
        }
    }

    /// <summary>This tensor cast to a dtype, not recorded.</summary>
    internal Tensor CastTo(DType dtype)
    {
        using (Device.Gate.Enter())
        {
            return FormulaValues.Note(FromExpression(Device, ReadAs(dtype, ResultLayout(Shape) ?? Layout.Contiguous(Shape))));
        }
    }

    /// <summary>The same; itself if it has that dtype.</summary>
    internal Tensor CastIfNeeded(DType dtype) => DType == dtype ? this : CastTo(dtype);

    /// <summary>Writes function(this, b, c) over this tensor and counts a new version.</summary>
    internal void Overwrite(PointwiseFunction function, DType inputType, Tensor? b, Tensor? c)
    {
        using (Device.Gate.Enter())
        {
            var layout = ResultLayout(Shape) ?? Layout.Contiguous(Shape);
            var value = Fuser.Apply(
                Device, function, inputType, layout, ReadInput(inputType, layout), b?.ReadInput(inputType, layout), c?.ReadInput(inputType, layout));
            Store(Fuser.Cast(Device, value, DType));
        }
    }

    /// <summary>
    /// Writes function(this, operand, number) over this tensor and counts a new version, if nothing of it is pending, both are contiguous and the dtypes and the numbers
    /// of elements are the same; not recorded.
    /// </summary>
    /// <returns>Whether that was done; if not, nothing was.</returns>
    internal bool TryUpdate(PointwiseFunction function, Tensor operand, Scalar number)
    {
        if (Wrapper is not null || operand.Wrapper is not null || operand.NumElements != NumElements || operand.DType != DType || operand.Device != Device
            || DType is not (DType.Float32 or DType.Float64) || !operand.IsContiguous || !Layout.IsWhole(Storage.Count))
        {
            return false;
        }

        using var profiled = Profiler.Operation(function.Name, this, operand);
        CheckInPlace(function.Name, records: false);
        if (!Storage.TryUpdate(function, operand.Storage, operand.Layout, number))
        {
            return false;
        }

        Versions.Bump();
        return true;
    }

    /// <summary>Writes the elements of <paramref name="source"/>, broadcast and cast, over this tensor and counts a new version.</summary>
    internal void Overwrite(Tensor source)
    {
        using (Device.Gate.Enter())
        {
            Store(source.ReadAs(DType, ResultLayout(Shape) ?? Layout.Contiguous(Shape)));
        }
    }

    /// <summary>The present value with the present history, unmoved by writes to this tensor.</summary>
    internal Tensor ShareWithHistory()
    {
        var shared = Wrapper is { } wrapper ? wrapper.ShareWithHistory() : ShareValue();
        shared._gradFn = GradFn;
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
    internal Expression ReadInput(DType dtype, Layout layout)
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
