using Autograd.Gpu.Diagnostics;
using Autograd.Gpu.Lazy;
using Autograd.Gpu.Tape;
using Autograd.Gpu.Transforms;

namespace Autograd.Gpu.Operations;

/// <summary>Max pooling of any rank. One kernel finds values and places; the tape knows them as two operations, of which only the values have a derivative.</summary>
internal static class MaxPooling
{
    /// <summary>Values, and places if they are wanted or the gradient needs them.</summary>
    public static (Tensor Values, Tensor? Places) Apply(string name, PoolWindows windows, Tensor x, bool wantsPlaces)
    {
        if (!wantsPlaces && x.Wrapper is null && !Recorder.Wants(x))
        {
            using var profiled = Profiler.Operation(name, x);
            return (Run(windows, x, values: true, places: false).Values!, null);
        }

        var found = new FoundValues();
        var places = Structural.Apply(new PooledPlaces(name, windows, found), x);

        // The node's own handle on the places: the caller may write over them.
        var values = Structural.Apply(new PooledValues(name, windows, found), x, places.ShareValue());
        found.Take();
        return (values, places);
    }

    public static (Tensor? Values, Tensor? Places) Run(PoolWindows windows, Tensor x, bool values, bool places)
    {
        using var mode = GradMode.Set(false);
        var dtype = x.DType;
        x = x.CastIfNeeded(dtype.ComputeType());
        var device = x.Device;
        using (device.Gate.Enter())
        {
            var layout = Layout.Contiguous(windows.ResultOf(x.Shape));
            var output = values ? Fuser.NewBuffer(device, x.DType, layout) : null;
            var indices = places ? Fuser.NewBuffer(device, DType.Int64, layout) : null;
            if (layout.Count > 0)
            {
                var table = windows.Table(device);
                var call = new MaxPoolCall(windows, table, x.ContiguousBuffer(), output, indices, spreads: false);
                Executor.Of(device).Run(call, layout.Shape);
            }

            var result = output is null ? null : Tensor.FromNewBuffer(device, output).CastIfNeeded(dtype);
            return (result, indices is null ? null : Tensor.FromNewBuffer(device, indices));
        }
    }

    /// <summary>The elements at places of the pooled dimensions.</summary>
    public static Tensor At(PoolWindows windows, Tensor x, Tensor places)
    {
        var (flat, index) = (windows.Flat(x), windows.Flat(places));
        return Structural.Apply(new Gathered("MaxPool", flat.Shape, flat.Rank - 1, places.Shape), flat, index);
    }
}

/// <summary>Hands the values that were found beside the places to the operation that asks for them next.</summary>
internal sealed class FoundValues
{
    private Tensor? _values;

    public void Put(Tensor values) => _values = values;

    public Tensor? Take() => Interlocked.Exchange(ref _values, null);
}

/// <summary>Where in its plane the largest element of each window stands.</summary>
internal sealed class PooledPlaces(string name, PoolWindows windows, FoundValues found) : StructuralOperation(name)
{
    public override bool IsDifferentiable => false;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        var (values, places) = MaxPooling.Run(windows, inputs[0], values: true, places: true);
        found.Put(values!);
        return places!;
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
        throw new InvalidOperationException($"{Name}: indices are not differentiable.");

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) => null;

    public override Tensor Batch(BatchInputs inputs) => Structural.Apply(this, inputs[0]);
}

/// <summary>The elements at the places that were found; only the places are saved.</summary>
internal sealed class PooledValues(string name, PoolWindows windows, FoundValues found) : StructuralOperation(name)
{
    public override Saves Saves => Saves.Input1;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        using var mode = GradMode.Set(false);
        return found.Take() is { } values && values.Shape == inputs[1].Shape ? values : MaxPooling.At(windows, inputs[0], inputs[1]);
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
        inputGradients[0] = Structural.Apply(new PooledSpread(windows), gradient, saved.Input1);

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) =>
        tangents[0] is { } tangent ? MaxPooling.At(windows, tangent, inputs[1]) : null;

    public override Tensor Batch(BatchInputs inputs) => Structural.Apply(this, inputs.Repeated(0), inputs.Repeated(1));
}

/// <summary>Zeros in the shape of the pooled tensor, and added to them at their places the elements of the first input: linear, and the adjoint of the gathering.</summary>
internal sealed class PooledSpread(PoolWindows windows) : StructuralOperation("MaxPoolSpread")
{
    public override Saves Saves => Saves.Input1;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        using var mode = GradMode.Set(false);
        var (dtype, places) = (inputs[0].DType, inputs[1]);
        var gradient = inputs[0].CastIfNeeded(dtype.ComputeType());
        var device = gradient.Device;
        using (device.Gate.Enter())
        {
            var result = Fuser.NewBuffer(device, gradient.DType, Layout.Contiguous(windows.InputOf(gradient.Shape)));
            if (result.Layout.Count > 0)
            {
                var table = windows.InverseTable(device);
                var call = new MaxPoolCall(windows, table, result, gradient.ContiguousBuffer(), places.ContiguousBuffer(), spreads: true);
                Executor.Of(device).Run(call, result.Shape);
            }

            return Tensor.FromNewBuffer(device, result).CastIfNeeded(dtype);
        }
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
        inputGradients[0] = MaxPooling.At(windows, gradient, saved.Input1);

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) =>
        tangents[0] is { } tangent ? Structural.Apply(this, tangent, inputs[1]) : null;

    public override Tensor Batch(BatchInputs inputs) => Structural.Apply(this, inputs.Repeated(0), inputs.Repeated(1));
}
