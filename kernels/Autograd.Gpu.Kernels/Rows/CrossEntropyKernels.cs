using System.Numerics;
using ILGPU;

namespace Autograd.Gpu.Kernels.Rows;

/// <summary>One group for each row: its threads combine through shared memory, always in the same order.</summary>
public static class CrossEntropyKernels
{
    /// <summary>log(sum(exp(x))) - x[class]: 0 for the class to ignore, nan for one that there is not.</summary>
    public static void Forward<T, TMath>(CrossEntropyArguments<T> x)
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
            if (Group.IdxX == 0)
            {
                var logarithm = TMath.Log(sum);
                long target = x.Target[row];
                var loss = T.Zero;
                if (target != x.IgnoreIndex)
                {
                    loss = TMath.NaN;
                    if (target >= 0 && target < x.Length)
                    {
                        loss = logarithm - (x.Input[start + target] - largest);
                    }
                }

                x.Moments[row] = largest;
                x.Moments[x.Rows + row] = logarithm;
                x.Result[row] = loss;
            }
        }
    }

    /// <summary>(softmax(x) - 1 at the class) times the row's gradient.</summary>
    public static void Backward<T, TMath>(CrossEntropyArguments<T> x)
        where T : unmanaged, INumber<T>
        where TMath : struct, IRowMath<T>
    {
        for (long row = Grid.IdxX; row < x.Rows; row += Grid.DimX)
        {
            long start = row * x.Length, target = x.Target[row];
            T largest = x.Moments[row], logarithm = x.Moments[x.Rows + row];
            var gradient = x.Factor;
            if (x.HasGradient != 0)
            {
                gradient = x.Gradient[row * x.GradientStride];
            }

            for (long i = Group.IdxX; i < x.Length; i += Group.DimX)
            {
                var slope = TMath.Exp(x.Input[start + i] - largest - logarithm) - (i == target ? T.One : T.Zero);
                x.Result[start + i] = target == x.IgnoreIndex ? T.Zero : gradient * slope;
            }
        }
    }
}
