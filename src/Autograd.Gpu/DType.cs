namespace Autograd.Gpu;

/// <summary>Element type of a tensor.</summary>
public enum DType
{
    /// <summary>One byte, 0 or 1.</summary>
    Bool,

    /// <summary>Unsigned 8-bit integer.</summary>
    UInt8,

    /// <summary>Signed 32-bit integer.</summary>
    Int32,

    /// <summary>Signed 64-bit integer; the default of integer data.</summary>
    Int64,

    /// <summary>IEEE 754 binary16; arithmetic is done in float32.</summary>
    Float16,

    /// <summary>The upper half of a binary32; arithmetic is done in float32.</summary>
    BFloat16,

    /// <summary>IEEE 754 binary32; the default of floating-point data.</summary>
    Float32,

    /// <summary>IEEE 754 binary64.</summary>
    Float64,
}

/// <summary>What is known of each <see cref="DType"/>.</summary>
public static class DTypeExtensions
{
    /// <summary>Bytes of one element.</summary>
    public static int Size(this DType dtype) => dtype switch
    {
        DType.Bool or DType.UInt8 => 1,
        DType.Float16 or DType.BFloat16 => 2,
        DType.Int32 or DType.Float32 => 4,
        _ => 8,
    };

    /// <summary>Whether values are floating-point numbers; only these can require gradients.</summary>
    public static bool IsFloatingPoint(this DType dtype) => dtype >= DType.Float16;

    /// <summary>The name as it is printed: <c>float32</c>.</summary>
    public static string Name(this DType dtype) => dtype.ToString().ToLowerInvariant();

    /// <summary>
    /// The type that a kernel computes this type in: float32 for the half types, int32 for uint8, itself otherwise. Loads and stores convert.
    /// </summary>
    internal static DType ComputeType(this DType dtype) => dtype switch
    {
        DType.Float16 or DType.BFloat16 => DType.Float32,
        DType.UInt8 => DType.Int32,
        _ => dtype,
    };

    /// <summary>PyTorch's promotion of two dtypes of one category rank (both dimensioned, say).</summary>
    public static DType Promote(DType a, DType b)
    {
        if (a == b)
        {
            return a;
        }

        if (a > b)
        {
            (a, b) = (b, a);
        }

        return a == DType.Float16 && b == DType.BFloat16 ? DType.Float32 : b;
    }

    internal static int Category(this DType dtype) => dtype == DType.Bool ? 0 : dtype.IsFloatingPoint() ? 2 : 1;

    internal static DType Of<T>() where T : unmanaged
    {
        if (typeof(T) == typeof(float))
        {
            return DType.Float32;
        }

        if (typeof(T) == typeof(double))
        {
            return DType.Float64;
        }

        if (typeof(T) == typeof(long))
        {
            return DType.Int64;
        }

        if (typeof(T) == typeof(int))
        {
            return DType.Int32;
        }

        if (typeof(T) == typeof(bool))
        {
            return DType.Bool;
        }

        if (typeof(T) == typeof(byte))
        {
            return DType.UInt8;
        }

        return typeof(T) == typeof(Half)
            ? DType.Float16
            : throw new DTypeException(
                $"No dtype corresponds to the .NET type {typeof(T).Name}. Use bool, byte, int, long, Half, float or double.");
    }
}
