using System.Numerics;
using ILGPU;

namespace Autograd.Gpu.Kernels.Rows;

/// <summary>One group for each row: its threads combine through shared memory, always in the same order.</summary>
public static class NormKernels
{
    /// <summary>(x - mean) / sqrt(variance + epsilon) * weight + bias; without centring the mean counts as 0.</summary>
    public static void Forward<T, TMath>(NormArguments<T> x)
        where T : unmanaged, INumber<T>
        where TMath : struct, IRowMath<T>
    {
        var shared = SharedMemory.Allocate<T>(GroupRow.MaxGroupSize);
        for (long row = Grid.IdxX; row < x.Rows; row += Grid.DimX)
        {
            long start = row * x.Length;
            var mean = T.Zero;
            if (x.Centres != 0)
            {
                for (long i = Group.IdxX; i < x.Length; i += Group.DimX)
                {
                    mean += x.Input[start + i];
                }

                mean = GroupRow.Sum(shared, mean) * x.InverseLength;
            }

            var variance = T.Zero;
            for (long i = Group.IdxX; i < x.Length; i += Group.DimX)
            {
                var distance = x.Input[start + i] - mean;
                variance += distance * distance;
            }

            var scale = TMath.InverseSqrt(GroupRow.Sum(shared, variance) * x.InverseLength + x.Epsilon);
            for (long i = Group.IdxX; i < x.Length; i += Group.DimX)
            {
                var y = (x.Input[start + i] - mean) * scale;
                if (x.HasWeight != 0)
                {
                    y *= x.Weight[i];
                }

                if (x.HasBias != 0)
                {
                    y += x.Bias[i];
                }

                x.Result[start + i] = y;
            }

            if (Group.IdxX == 0)
            {
                x.Moments[row] = mean;
                x.Moments[x.Rows + row] = scale;
            }
        }
    }

    /// <summary>With h = g * weight and y the normalised row: scale (h - mean(h) - y mean(h y)); without centring mean(h) counts as 0.</summary>
    public static void Backward<T, TMath>(NormArguments<T> x)
        where T : unmanaged, INumber<T>
        where TMath : struct, IRowMath<T>
    {
        var shared = SharedMemory.Allocate<T>(GroupRow.MaxGroupSize);
        for (long row = Grid.IdxX; row < x.Rows; row += Grid.DimX)
        {
            long start = row * x.Length;
            T mean = x.Moments[row], scale = x.Moments[x.Rows + row];
            T sum = T.Zero, product = T.Zero;
            for (long i = Group.IdxX; i < x.Length; i += Group.DimX)
            {
                var h = x.Gradient[start + i];
                if (x.HasWeight != 0)
                {
                    h *= x.Weight[i];
                }

                sum += h;
                product += h * ((x.Input[start + i] - mean) * scale);
            }

            product = GroupRow.Sum(shared, product) * x.InverseLength;
            sum = x.Centres != 0 ? GroupRow.Sum(shared, sum) * x.InverseLength : T.Zero;
            for (long i = Group.IdxX; i < x.Length; i += Group.DimX)
            {
                var h = x.Gradient[start + i];
                if (x.HasWeight != 0)
                {
                    h *= x.Weight[i];
                }

                x.Result[start + i] = scale * (h - sum - (x.Input[start + i] - mean) * scale * product);
            }
        }
    }
}
