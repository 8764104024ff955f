using Autograd.Gpu.Tape;

namespace Autograd.Gpu;

public static partial class Autodiff
{
    /// <summary>
    /// Runs a function without keeping what its operations save for the backward pass: that runs the function again when it needs them. Memory for time, as
    /// <c>torch.utils.checkpoint</c> without reentrance does it. Can be nested, and differentiated to every order.
    /// </summary>
    /// <param name="function">
    /// What is run, a second time in the backward pass: it must compute the same from the same inputs. Variables that it captures must not change until then, so
    /// what changes from call to call is to be an input.
    /// </param>
    /// <param name="input">Its input, which is kept (or saved by the hooks in force, if there are any) and must not be written in place.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <returns>What the function returns: one tensor, a tuple of them, anything.</returns>
    /// <exception cref="GradientException">
    /// In the backward pass: the function saved other tensors the second time ("Recomputed values for the following tensors have different metadata", "A different number of
    /// tensors was saved during the original forward and recomputation"), or the input was written in place since.
    /// </exception>
    public static T Checkpoint<T>(Func<Tensor, T> function, Tensor input, CheckpointOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        return CheckpointFrame.Run(inputs => function(inputs[0]), [input], options);
    }

    /// <summary>The same for a function of two tensors.</summary>
    public static T Checkpoint<T>(Func<Tensor, Tensor, T> function, Tensor input0, Tensor input1, CheckpointOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        return CheckpointFrame.Run(inputs => function(inputs[0], inputs[1]), [input0, input1], options);
    }

    /// <summary>The same for a function of three tensors.</summary>
    public static T Checkpoint<T>(Func<Tensor, Tensor, Tensor, T> function, Tensor input0, Tensor input1, Tensor input2, CheckpointOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        return CheckpointFrame.Run(inputs => function(inputs[0], inputs[1], inputs[2]), [input0, input1, input2], options);
    }

    /// <summary>The same for a function of any number of tensors.</summary>
    public static T Checkpoint<T>(Func<IReadOnlyList<Tensor>, T> function, IReadOnlyList<Tensor> inputs, CheckpointOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        ArgumentNullException.ThrowIfNull(inputs);
        return CheckpointFrame.Run(function, [.. inputs], options);
    }

    /// <summary>
    /// Runs functions one after the other, in <paramref name="segments"/> runs of about equal length; all but the last run, whose values the backward pass needs first,
    /// are checkpointed.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer functions than segments, or no segment.</exception>
    public static Tensor CheckpointSequential(IReadOnlyList<Func<Tensor, Tensor>> functions, int segments, Tensor input, CheckpointOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(functions);
        ArgumentOutOfRangeException.ThrowIfLessThan(segments, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(segments, functions.Count);
        int length = functions.Count / segments;
        var x = input;
        for (int segment = 0; segment < segments - 1; segment++)
        {
            int start = segment * length;
            x = Checkpoint(y => RunAll(functions, start, start + length, y), x, options);
        }

        return RunAll(functions, (segments - 1) * length, functions.Count, x);

        static Tensor RunAll(IReadOnlyList<Func<Tensor, Tensor>> functions, int start, int end, Tensor x)
        {
            for (int i = start; i < end; i++)
            {
                x = functions[i](x);
            }

            return x;
        }
    }
}
