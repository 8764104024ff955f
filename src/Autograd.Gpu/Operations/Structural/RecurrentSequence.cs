using Autograd.Gpu.Devices.Host;
using Autograd.Gpu.Lazy;
using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Operations;

/// <summary>
/// A recurrent layer over a sequence, in one direction: each step is a product with the recurrent weights and one kernel for the rest (all steps one call where the
/// host's caches hold the weights); back, the same, and one product at the end for the gradient of the weights.
/// </summary>
/// <remarks>
/// <para>Inputs: the input's side of the gates, [rows, gates * hidden], with all biases but one; the weights of the hidden state, [gates * hidden, hidden]; the state: [batch,
/// hidden] hidden states, then of an LSTM as many cell states, of a GRU one row with the bias of its last gate.</para>
/// <para>The rows are those of a packed sequence, see <see cref="SequenceSteps"/>. The result has all hidden states, then, if they are wanted, the last one of each sequence, then
/// of an LSTM the last cell states: [rows (+ batch (+ batch)), hidden].</para>
/// </remarks>
/// <param name="kind">The cell.</param>
/// <param name="steps">The rows of each step.</param>
/// <param name="batch">The number of sequences.</param>
/// <param name="wantsStates">Whether the result has the last states.</param>
/// <param name="ownsGates">Whether the caller gives the first input away.</param>
internal sealed class RecurrentSequence(RecurrentKind kind, SequenceSteps steps, long batch, bool wantsStates = true, bool ownsGates = false) : ComposedOperation(NameOf(kind))
{
    /// <summary>From how many steps on a transposed copy of the weights pays.</summary>
    private const int StepsToTranspose = 4;

    private Storage? _keptFor;
    private BufferExpression? _kept;
    private Tensor? _previous;

    public override bool OwnsInput0 => ownsGates;

    private int Gates => kind switch { RecurrentKind.Lstm => 4, RecurrentKind.Gru => 3, _ => 1 };

    private int KeptColumns => kind is RecurrentKind.Lstm or RecurrentKind.Gru ? 4 : 1;

    private long Rows => steps.Rows;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        var (x, weight, state) = (inputs[0], inputs[1], inputs[2]);
        bool keeps = Recorder.Wants(x, weight, state);
        return Forward(x, weight, state, keeps);
    }

    protected override Tensor Compose(IReadOnlyList<Tensor> inputs)
    {
        var (x, weight, state) = (inputs[0], inputs[1].T, inputs[2]);
        var hidden = state.Narrow(0, 0, batch);
        var cell = kind == RecurrentKind.Lstm ? state.Narrow(0, batch, batch) : null;
        var bias = kind == RecurrentKind.Gru ? state.Narrow(0, batch, 1) : null;
        var parts = new Tensor[steps.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            var (start, rows) = (steps.Starts[i], steps.Counts[i]);
            var before = hidden.Narrow(0, 0, rows);
            var left = x.Narrow(0, start, rows);
            var right = before.MatMul(weight);
            Tensor after;
            if (kind == RecurrentKind.Lstm)
            {
                var gates = (left + right).Chunk(4, 1);
                var memory = gates[1].Sigmoid() * cell!.Narrow(0, 0, rows) + gates[0].Sigmoid() * gates[2].Tanh();
                after = gates[3].Sigmoid() * memory.Tanh();
                cell = Over(cell, memory);
            }
            else if (kind == RecurrentKind.Gru)
            {
                var (l, r) = (left.Chunk(3, 1), right.Chunk(3, 1));
                var update = (l[1] + r[1]).Sigmoid();
                var fresh = (l[2] + (l[0] + r[0]).Sigmoid() * (r[2] + bias!)).Tanh();
                after = (1 - update) * fresh + update * before;
            }
            else
            {
                var sum = left + right;
                after = kind == RecurrentKind.Tanh ? sum.Tanh() : sum.Relu();
            }

            parts[steps.Places[i]] = after;
            hidden = Over(hidden, after);
        }

        return Tensor.Cat(!wantsStates ? parts : cell is null ? [.. parts, hidden] : [.. parts, hidden, cell]);
    }

    protected override void VjpOnce(Tensor gradient, Tensor[] inputs, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        var (x, weight, state) = (inputs[0], inputs[1], inputs[2]);
        var device = x.Device;
        var dtype = x.DType;
        long width = weight.Shape[1], rows = Rows;
        using var mode = GradMode.Set(false);
        using (device.Gate.Enter())
        {
            if (_keptFor is null || !ReferenceEquals(_keptFor, x.Storage))
            {
                // Kept for one pass only, and not where a transform recorded the operation.
                Forward(x, weight, state, keeps: true).Dispose();
            }

            var (kept, previous) = (_kept!, _previous!);
            (_keptFor, _kept, _previous) = (null, null, null);
            var slopes = gradient.ContiguousBuffer();

            // The gradients of the states run back through it: of the hidden state; of an LSTM's cell state, or of what passes a GRU's gates.
            long tail = kind == RecurrentKind.Lstm ? 2 * batch : batch;
            BufferExpression running;
            Tensor states;
            if (kind == RecurrentKind.Gru && wantsStates)
            {
                var last = gradient.Narrow(0, rows, tail);
                states = Tensor.Cat([last, Tensor.ZerosLike(last)]);
                running = states.ContiguousBuffer();
            }
            else if (!wantsStates)
            {
                states = Tensor.Zeros([kind == RecurrentKind.Gru ? 2 * tail : tail, width], dtype, device);
                running = states.ContiguousBuffer();
            }
            else
            {
                running = New(device, dtype, [tail, width]);
                CopyRows(slopes, rows, running, 0, tail);
                states = Tensor.FromNewBuffer(device, running);
            }

            // Over what was kept, element by element, where that has as many columns.
            var left = KeptColumns == Gates ? kept.WithLayout(Layout.Contiguous(Shape.Own([rows, Gates * width]))) : New(device, dtype, [rows, Gates * width]);
            var right = kind == RecurrentKind.Gru ? New(device, dtype, [rows, Gates * width]) : left;
            var buffers = new RecurrentBuffers(left, right, Whole(device, slopes), running, kept, previous.ContiguousBuffer());
            var executor = Executor.Of(device);
            bool sweeps = TrySweep(device, buffers, weight, back: true);
            var matrix = weight.StridedBuffer();
            for (int i = steps.Length - 1; i >= 0; i--)
            {
                var (start, count) = (steps.Starts[i], steps.Counts[i]);
                if (sweeps || count * width == 0)
                {
                    continue;
                }

                executor.Run(new RecurrentCall(kind, back: true, buffers, start, count, width, rows, batch), Shape.Own([count, width]));
                var part = right.WithLayout(Layout.Strided(Shape.Own([count, Gates * width]), [Gates * width, 1], start * Gates * width));
                var product = new MatrixProduct(
                    1, count, width, Gates * width, new(0, Gates * width, 1), new(0, weight.Layout.Stride(0), weight.Layout.Stride(1)));
                executor.MatMul(part, matrix, product, running);
            }

            var (inputSide, hiddenSide) = (Tensor.FromNewBuffer(device, left), kind == RecurrentKind.Gru ? Tensor.FromNewBuffer(device, right) : null);
            inputGradients[0] = inputSide;
            if (needs[1])
            {
                inputGradients[1] = TransposedProduct.Apply(hiddenSide ?? inputSide, previous, true, false);
            }

            if (needs[2])
            {
                inputGradients[2] = kind != RecurrentKind.Gru
                    ? states
                    : Tensor.Cat([states.Narrow(0, 0, batch) + states.Narrow(0, batch, batch), hiddenSide!.Narrow(1, 2 * width, width).Sum(0, keepDim: true)]);
            }

            if (KeptColumns != Gates)
            {
                kept.Block.Release();
            }

            previous.Dispose();
            Temporary.Drop(states, inputGradients[2]);
        }
    }

    private static string NameOf(RecurrentKind kind) => kind switch { RecurrentKind.Lstm => "Lstm", RecurrentKind.Gru => "Gru", RecurrentKind.Tanh => "RnnTanh", _ => "RnnRelu" };

    /// <summary>The rows of a step over those of the state; the others stay.</summary>
    private static Tensor Over(Tensor state, Tensor step) =>
        step.Shape[0] == state.Shape[0] ? step : Tensor.Cat([step, state.Narrow(0, step.Shape[0], state.Shape[0] - step.Shape[0])]);

    private static BufferExpression New(Device device, DType dtype, Shape shape) =>
        new(device.Allocate(shape.NumElements * dtype.Size()), dtype, Layout.Contiguous(shape));

    /// <summary>The buffer, copied unless it starts where its block does.</summary>
    private static BufferExpression Whole(Device device, BufferExpression buffer) => buffer.Layout.Offset == 0 ? buffer : Copied(device, buffer);

    private static BufferExpression Copied(Device device, BufferExpression buffer) => Fuser.Copy(device, buffer, CutReason.Operand);

    /// <summary>Copies rows of a contiguous matrix to another, which starts where its block does.</summary>
    private static void CopyRows(BufferExpression from, long first, BufferExpression to, long start, long count)
    {
        long size = from.DType.Size(), row = from.Shape[1] * size;
        to.Block.CopyFrom(from.Block, from.Layout.Offset * size + first * row, start * row, count * row);
    }

    private Tensor Forward(Tensor x, Tensor weight, Tensor state, bool keeps)
    {
        var device = x.Device;
        var dtype = x.DType;
        long width = weight.Shape[1], rows = Rows, states = kind == RecurrentKind.Lstm ? 2 * batch : batch;
        using (device.Gate.Enter())
        {
            using var mode = GradMode.Set(false);
            long whole = rows + states;
            var output = new BufferExpression(device.Allocate(whole * width * dtype.Size()), dtype, Layout.Contiguous(Shape.Own([wantsStates ? whole : rows, width])));
            var before = state.ContiguousBuffer();
            CopyRows(before, 0, output, rows, states);
            var result = Tensor.FromNewBuffer(device, output);
            var start = kind == RecurrentKind.Gru ? Whole(device, before) : output;
            var left = Whole(device, x.ContiguousBuffer());
            var products = New(device, dtype, [steps.Most, Gates * width]);
            int columns = kind == RecurrentKind.Lstm ? KeptColumns + 1 : KeptColumns;
            var kept = keeps ? New(device, dtype, [columns * rows, width]) : null;
            var previous = keeps ? New(device, dtype, [rows, width]) : null;
            var buffers = new RecurrentBuffers(left, products, output, start, kept, previous);
            var executor = Executor.Of(device);
            bool sweeps = TrySweep(device, buffers, weight, back: false);
            if (device.IsHost && !sweeps && steps.Length >= StepsToTranspose)
            {
                // The host's product would lay out the transposed weights anew at each step.
                weight = weight.T.Contiguous().T;
            }

            var matrix = weight.StridedBuffer();
            for (int i = 0; i < steps.Length; i++)
            {
                var (place, count) = (steps.Starts[i], steps.Counts[i]);
                if (sweeps || count * width == 0)
                {
                    continue;
                }

                var hidden = output.WithLayout(Layout.Strided(Shape.Own([count, width]), [width, 1], rows * width));
                var product = new MatrixProduct(
                    1, count, Gates * width, width, new(0, width, 1), new(0, weight.Layout.Stride(1), weight.Layout.Stride(0)));
                executor.MatMul(hidden, matrix, product, products);
                executor.Run(new RecurrentCall(kind, back: false, buffers, place, count, width, rows, batch), Shape.Own([count, width]));
            }

            products.Block.Release();
            if (keeps)
            {
                (_keptFor, _kept, _previous) = (x.Storage, kept, Tensor.FromNewBuffer(device, previous!));
            }

            return result;
        }
    }

    /// <summary>Runs all steps in one call, where that is the faster way.</summary>
    /// <returns>Whether that was done; if not, nothing was.</returns>
    private bool TrySweep(Device device, in RecurrentBuffers buffers, Tensor weight, bool back)
    {
        var dtype = weight.DType;
        long width = weight.Shape[1], gates = Gates * width;
        if (!device.IsHost || width * gates * dtype.Size() > HostRecurrentSweeps.MostWeightBytes || Rows * width == 0)
        {
            return false;
        }

        var (starts, counts) = steps.All(back);

        // Forward the weights are read by columns, which only a copy has side by side.
        var (depth, columns) = back ? (gates, width) : (width, gates);
        long panels = back && starts.Length == 1 ? 0 : HostRecurrentSweeps.PanelElements(depth, columns, dtype.Size());
        var all = new RecurrentSteps(weight.StridedBuffer(), panels, starts, counts);
        Executor.Of(device).Run(new RecurrentCall(kind, back, buffers, 0, Rows, width, Rows, batch, all), buffers.Previous?.Shape ?? buffers.Outputs.Shape);
        return true;
    }
}
