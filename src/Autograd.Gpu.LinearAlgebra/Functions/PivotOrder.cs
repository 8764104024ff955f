namespace Autograd.Gpu.LinearAlgebra;

/// <summary>For pivots [.., n], rows that changed places one after the other, which row came to stand at each place.</summary>
internal sealed class PivotOrder : UnaryFunction
{
    public override string Name => "LinalgPivotOrder";

    protected override Tensor Forward(Tensor x) => HostForward.Run(x, p => [Of(p)])[0];

    protected override Tensor? Backward(Tensor gradient) => null;

    private static Tensor Of(Tensor pivots)
    {
        int[] exchanges = pivots.ToArray<int>();
        int n = (int)pivots.Shape[-1];
        var order = new long[exchanges.Length];
        for (int start = 0; start < order.Length; start += n)
        {
            for (int i = 0; i < n; i++)
            {
                order[start + i] = i;
            }

            for (int i = 0; i < n; i++)
            {
                int other = exchanges[start + i] - 1;
                if ((uint)other >= (uint)n)
                {
                    throw new ShapeException($"linalg.lu_solve: pivots should be between 1 and {n}, but one is {other + 1}. Take those of LuFactor.");
                }

                (order[start + i], order[start + other]) = (order[start + other], order[start + i]);
            }
        }

        return Tensor.FromArray(order, pivots.Shape, pivots.Device);
    }
}
