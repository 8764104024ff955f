namespace Autograd.Gpu.Transforms;

/// <summary>All Jacobians of a function: element [i][j] is that of output i with respect to input j, of shape [output i.., input j..].</summary>
internal static class JacobianMatrix
{
    /// <summary>One backward pass for each output, mapped over its elements.</summary>
    public static Tensor[][] InReverse(
        string operation, Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> function, IReadOnlyList<Tensor> inputs, bool strict, long? chunkSize)
    {
        var pullback = new Pullback(operation, function, inputs);
        var jacobians = new Tensor[pullback.Outputs.Length][];
        for (int i = 0; i < jacobians.Length; i++)
        {
            var output = pullback.Outputs[i];
            var gradients = new Tensor?[pullback.Outputs.Length];
            int index = i;
            var rows = BatchMap.Run(Rows, [Basis(output)], [0], null, VmapRandomness.Error, chunkSize);
            jacobians[i] = new Tensor[inputs.Count];
            for (int j = 0; j < inputs.Count; j++)
            {
                jacobians[i][j] = output.Rank == 1 ? rows[j] : rows[j].Reshape([.. output.Shape.AsSpan(), .. inputs[j].Shape.AsSpan()]);
            }

            IReadOnlyList<Tensor> Rows(IReadOnlyList<Tensor> rows)
            {
                gradients[index] = rows[0];
                return pullback.OrZeros(pullback.Run(gradients, keepGraph: true), strict ? operation : null, index);
            }
        }

        return jacobians;
    }

    /// <summary>One forward pass for each input, mapped over its elements.</summary>
    public static Tensor[][] Forward(
        Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> function, IReadOnlyList<Tensor> inputs, long? chunkSize)
    {
        Tensor[][]? jacobians = null;
        for (int j = 0; j < inputs.Count; j++)
        {
            int index = j;
            var columns = BatchMap.Run(Columns, [Basis(inputs[j])], [0], null, VmapRandomness.Error, chunkSize);
            jacobians ??= Array.ConvertAll(columns, _ => new Tensor[inputs.Count]);
            for (int i = 0; i < columns.Length; i++)
            {
                // [input, output..] becomes [output.., input..].
                var column = columns[i].MoveDim(0, -1);
                jacobians[i][j] = inputs[j].Rank == 1 ? column : column.Reshape([.. columns[i].Shape.AsSpan()[1..], .. inputs[j].Shape.AsSpan()]);
            }

            IReadOnlyList<Tensor> Columns(IReadOnlyList<Tensor> direction)
            {
                using var level = new DualLevel();
                Tensor[] point = [.. inputs];
                point[index] = ForwardPass.Dual("JacFwd", level, inputs[index], direction[0]);
                var outputs = function(point);
                var tangents = new Tensor[outputs.Count];
                for (int i = 0; i < tangents.Length; i++)
                {
                    var output = Level.WithoutClosed(outputs[i]);
                    tangents[i] = level.TangentOf(output)
                        ?? Tensor.Zeros(output.Shape, output.DType.IsFloatingPoint() ? output.DType : inputs[index].DType, output.Device);
                }

                return tangents;
            }
        }

        return jacobians ?? throw new ArgumentException("JacFwd: there is no input to differentiate with respect to. Name at least one.");
    }

    /// <summary>The unit vectors in the shape of a tensor: [elements, shape..].</summary>
    private static Tensor Basis(Tensor like)
    {
        var identity = Tensor.Eye(like.NumElements, null, like.DType, like.Device);
        return like.Rank == 1 ? identity : identity.Reshape([like.NumElements, .. like.Shape.AsSpan()]);
    }
}
