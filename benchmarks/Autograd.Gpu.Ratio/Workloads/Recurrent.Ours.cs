using Autograd.Gpu;
using Autograd.Gpu.Nn;

namespace AutogradRatio.Workloads;

internal static partial class Recurrent
{
    static partial void AddOurs(Table table)
    {
        table.Ours(Cell, OurCell);
        table.Ours(Sequence, OurSequence);
    }

    private static Tensor[] Filled(Module module, int size, int layers)
    {
        Tensor[] parameters = [.. module.Parameters()];
        foreach (var (parameter, (values, shape)) in parameters.Zip(Parameters(size, layers)))
            parameter.Detach().Copy_(Tensor.FromArray(values, shape));
        return parameters;
    }

    private static Step OurCell()
    {
        var cell = new LSTMCell(CellSize, CellSize);
        var parameters = Filled(cell, CellSize, 1);
        var x = Tensor.FromArray(Data.Uniform(1, CellBatch * CellSize), [CellBatch, CellSize]);
        var h = Tensor.FromArray(Data.Uniform(2, CellBatch * CellSize), [CellBatch, CellSize]);
        var c = Tensor.FromArray(Data.Uniform(3, CellBatch * CellSize), [CellBatch, CellSize]);
        return probe =>
        {
            cell.ZeroGrad();
            var (hidden, memory) = cell.Forward(x, (h, c));
            var loss = (hidden * memory).Sum();
            Finish(loss, parameters, probe);
        };
    }

    private static Step OurSequence()
    {
        var lstm = new LSTM(Size, Size, Layers);
        var parameters = Filled(lstm, Size, Layers);
        var x = Tensor.FromArray(Data.Uniform(1, Time * Batch * Size), [Time, Batch, Size]);
        return probe =>
        {
            lstm.ZeroGrad();
            var output = lstm.Call(x);
            Finish((output * output).Sum(), parameters, probe);
        };
    }

    private static void Finish(Tensor loss, Tensor[] parameters, Probe? probe)
    {
        loss.Backward();
        loss.Materialize();
        foreach (var parameter in parameters)
            parameter.Grad!.Materialize();
        probe?.Take(loss);
        probe?.Take(parameters[1].Grad!);
    }
}
