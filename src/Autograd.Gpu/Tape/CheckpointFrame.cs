using System.Text;

namespace Autograd.Gpu.Tape;

/// <summary>
/// One checkpointed call. While the function runs first, each tensor that is saved becomes an empty holder. The first holder that the backward pass unpacks makes the
/// function run again, in which tensor number n that is saved goes into holder number n.
/// </summary>
/// <remarks>
/// The inputs are saved under the hooks in force around the call. So the inputs of a checkpoint inside a checkpoint are held by nobody either, and come back when the
/// outer one has run again. A holder gives its value away: a second pass over a retained graph runs the function again.
/// </remarks>
internal sealed class CheckpointFrame : SavedTensorHook
{
    private readonly Lock _lock = new();
    private readonly CheckpointOptions _options;
    private readonly List<Holder> _holders = [];
    private readonly (Generator Generator, GeneratorState State)[] _random;
    private readonly KeptOutputs? _kept;
    private Action<Tensor[]>? _run;
    private SavedTensor[] _inputs;
    private bool _isComplete;
    private int _alive;

    private CheckpointFrame(Action<Tensor[]> run, Tensor[] inputs, CheckpointOptions options)
    {
        _run = run;
        _options = options;
        _inputs = Array.ConvertAll(inputs, x => SavedTensor.Input(x, "Checkpoint"));
        _kept = options.Policy is { } policy ? new KeptOutputs(policy) : null;
        _random = options.PreserveRngState
            ? [.. inputs.Select(x => x.Device.Generator).Append(Device.Default.Generator).Concat(options.Generators).Distinct().Select(g => (g, g.State))]
            : [];
    }

    public static T Run<T>(Func<Tensor[], T> function, Tensor[] inputs, CheckpointOptions? options)
    {
        foreach (var input in inputs)
        {
            ArgumentNullException.ThrowIfNull(input);
        }

        if (!GradMode.IsEnabled)
        {
            // Nothing is saved.
            return function(inputs);
        }

        var frame = new CheckpointFrame(x => function(x), inputs, options ?? CheckpointOptions.Default);
        using (SavedTensorHooks.Push(frame))
        using (KeptOutputs.Enter(frame._kept, isReplay: false))
        {
            var result = function(inputs);
            frame.Complete();
            return result;
        }
    }

    public override object Pack(Tensor tensor)
    {
        var holder = new Holder(tensor);
        lock (_lock)
        {
            _holders.Add(holder);
            _alive++;
        }

        return holder;
    }

    public override Tensor Unpack(object? packed)
    {
        var holder = (Holder)packed!;
        lock (_lock)
        {
            if (holder.Value is null)
            {
                Recompute();
            }

            // Where the second run saved fewer tensors it was said so.
            var value = holder.Value!;
            holder.Value = null;
            return value;
        }
    }

    public override void Release(object? packed)
    {
        lock (_lock)
        {
            var holder = (Holder)packed!;
            holder.IsReleased = true;
            holder.Value = null;
            if (--_alive == 0 && _isComplete)
            {
                LetGo();
            }
        }
    }

    private void Complete()
    {
        lock (_lock)
        {
            _isComplete = true;
            if (_alive == 0)
            {
                LetGo();
            }
        }
    }

    /// <summary>Nobody needs a second run any more.</summary>
    private void LetGo()
    {
        foreach (var input in _inputs)
        {
            input.Packed?.Release();
        }

        _inputs = [];
        _run = null;
        _kept?.Clear();
    }

    private void Recompute()
    {
        var inputs = Array.ConvertAll(_inputs, x => x.Unpack("Checkpoint"));
        foreach (var input in _inputs)
        {
            input.Packed?.Forget();
        }

        var second = new SecondRun(this, _holders.Count);
        var present = Array.ConvertAll(_random, r => r.Generator.State);
        try
        {
            foreach (var (generator, state) in _random)
            {
                generator.State = state;
            }

            using (SavedTensorHooks.Push(second))
            using (KeptOutputs.Enter(_kept, isReplay: true))
            using (GradMode.Set(true))
            {
                _run!(inputs);
            }
        }
        catch (StopException stop) when (stop.Run == second)
        {
        }
        finally
        {
            for (int i = 0; i < present.Length; i++)
            {
                _random[i].Generator.State = present[i];
            }
        }

        second.Check();
    }

    /// <summary>In place of a saved tensor.</summary>
    private sealed class Holder(Tensor tensor)
    {
        public (Shape Shape, DType DType, Device Device) Metadata { get; } = (tensor.Shape, tensor.DType, tensor.Device);

        public Tensor? Value { get; set; }

        public bool IsReleased { get; set; }
    }

    /// <summary>The hook of the second run: fills the holders, in order.</summary>
    private sealed class SecondRun(CheckpointFrame frame, int expected) : SavedTensorHook
    {
        private readonly StringBuilder _mismatches = new();
        private int _count;

        public override object Pack(Tensor tensor)
        {
            int index = _count++;
            if (index < expected)
            {
                var holder = frame._holders[index];
                Compare(index, holder, tensor);

                // Later operations of the function may write the tensor: the holder keeps what it is now.
                holder.Value = holder.IsReleased ? null : tensor.ShareStorage();
                if (index == expected - 1 && frame._options.EarlyStop)
                {
                    throw new StopException(this);
                }
            }
            else if (frame._isComplete && !frame._options.EarlyStop)
            {
                throw new GradientException(
                    "Checkpoint: trying to save more tensors during recomputation than during the original forward pass. A different number of tensors was saved during "
                    + $"the original forward and recomputation. Number of tensors saved during forward: {expected}; during recomputation: more. {Remedy}");
            }

            return tensor;
        }

        /// <summary>What the second run itself saved, if it computes gradients itself.</summary>
        public override Tensor Unpack(object? packed) => (Tensor)packed!;

        public void Check()
        {
            if (_count < expected)
            {
                throw new GradientException(
                    "Checkpoint: A different number of tensors was saved during the original forward and recomputation. "
                    + $"Number of tensors saved during forward: {expected}; during recomputation: {_count}. {Remedy}");
            }

            if (_mismatches.Length > 0)
            {
                throw new GradientException(
                    $"Checkpoint: Recomputed values for the following tensors have different metadata than during the forward pass.{_mismatches}{Environment.NewLine}{Remedy}");
            }
        }

        private const string Remedy =
            "The function must compute the same from the same inputs: pass what changes between calls as an input, and draw random numbers from generators that are preserved.";

        private void Compare(int index, Holder holder, Tensor tensor)
        {
            var (shape, dtype, device) = holder.Metadata;
            if (frame._options.DeterminismCheck == DeterminismCheck.Metadata && (tensor.Shape != shape || tensor.DType != dtype || tensor.Device != device))
            {
                _mismatches.AppendLine().Append(
                    $"tensor at position {index}: saved metadata: {dtype.Name()} {shape} on {device}; "
                    + $"recomputed metadata: {tensor.DType.Name()} {tensor.Shape} on {tensor.Device}");
            }
        }
    }

    /// <summary>Ends a second run in which there is nothing left to compute.</summary>
    private sealed class StopException(SecondRun run) : Exception("A checkpointed function was stopped: all that the backward pass needs is there. Let this exception pass.")
    {
        public SecondRun Run { get; } = run;
    }
}
