using System.Numerics;
using ILGPU;

namespace Autograd.Gpu.Kernels.Rows;

/// <summary>One group for each row: its threads combine through shared memory, always in the same order.</summary>
public static class SoftmaxKernels
{
    /// <summary>exp(x) / sum(exp(x)), or its logarithm.</summary>
    public static void Forward<T, TMath>(SoftmaxArguments<T> x)
        where T : unmanaged, INumber<T>
        where TMath : struct, IRowMath<T>
    {
        var shared = SharedMemory.Allocate<T>(GroupRow.MaxGroupSize);
        for (long row = Grid.IdxX; row < x.Rows; row += Grid.DimX)
        {
            long start = row * x.Length;
            var largest = TMath.Lowest;
            for (long i = Group.IdxX; i < x.Length; i += Group.DimX)
            {
                var element = x.Input[start + i];
                largest = element > largest ? element : largest;
            }

            largest = GroupRow.Largest(shared, largest);
            var sum = T.Zero;
            for (long i = Group.IdxX; i < x.Length; i += Group.DimX)
            {
                sum += TMath.Exp(x.Input[start + i] - largest);
            }

            sum = GroupRow.Sum(shared, sum);
            var logarithm = TMath.Log(sum);
            for (long i = Group.IdxX; i < x.Length; i += Group.DimX)
            {
                var shifted = x.Input[start + i] - largest;
                x.Result[start + i] = x.IsLog != 0 ? shifted - logarithm : TMath.Exp(shifted) / sum;
            }
        }
    }

    /// <summary>y (g - sum(g y)), or for the logarithm g - exp(y) sum(g).</summary>
    public static void Backward<T, TMath>(SoftmaxArguments<T> x)
        where T : unmanaged, INumber<T>
        where TMath : struct, IRowMath<T>
    {
        var shared = SharedMemory.Allocate<T>(GroupRow.MaxGroupSize);
        for (long row = Grid.IdxX; row < x.Rows; row += Grid.DimX)
        {
            long start = row * x.Length;
            var sum = T.Zero;
            for (long i = Group.IdxX; i < x.Length; i += Group.DimX)
            {
                var gradient = x.Input[start + i];
                sum += x.IsLog != 0 ? gradient : gradient * x.Output[start + i];
            }

            sum = GroupRow.Sum(shared, sum);
            for (long i = Group.IdxX; i < x.Length; i += Group.DimX)
            {
                T gradient = x.Input[start + i], y = x.Output[start + i];
                x.Result[start + i] = x.IsLog != 0 ? gradient - TMath.Exp(y) * sum : y * (gradient - sum);
            }
        }
    }
}
