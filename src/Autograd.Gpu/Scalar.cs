using System.Globalization;

namespace Autograd.Gpu;

/// <summary>
/// A number given to an operation, as in <c>x + 2</c> or <c>x * 0.5</c>. It has a kind (boolean, integer, floating point) but no
/// width, so that it does not widen a tensor's dtype: an integer keeps any dtype, a floating-point number turns an integer tensor into float32.
/// </summary>
public readonly struct Scalar : IEquatable<Scalar>
{
    private readonly double _float;
    private readonly long _integer;
    private readonly DType _kind;

    private Scalar(double value, long integer, DType kind)
    {
        _float = value;
        _integer = integer;
        _kind = kind;
    }

    /// <summary>Whether the number was given as a floating-point number.</summary>
    public bool IsFloatingPoint => _kind == DType.Float64;

    /// <summary>The number as a double.</summary>
    public double ToDouble() => _float;

    /// <summary>The number as a long; a floating-point number is truncated towards zero and saturates.</summary>
    public long ToInt64() => _integer;

    /// <summary>The dtype a tensor of this number has by default: float32, int64 or bool.</summary>
    internal DType DefaultDType => _kind == DType.Float64 ? DType.Float32 : _kind;

    /// <summary>The number.</summary>
    public static implicit operator Scalar(double value) => new(value, (long)value, DType.Float64);

    /// <summary>The number.</summary>
    public static implicit operator Scalar(float value) => new(value, (long)value, DType.Float64);

    /// <summary>The number.</summary>
    public static implicit operator Scalar(int value) => new(value, value, DType.Int64);

    /// <summary>The number.</summary>
    public static implicit operator Scalar(long value) => new(value, value, DType.Int64);

    /// <summary>1 for true, 0 for false.</summary>
    public static implicit operator Scalar(bool value) => new(value ? 1 : 0, value ? 1 : 0, DType.Bool);

    /// <summary>This number as an element of <paramref name="dtype"/>: rounded, truncated or compared with zero.</summary>
    internal Scalar As(DType dtype) => dtype switch
    {
        DType.Bool => IsFloatingPoint ? _float != 0 : _integer != 0,
        DType.UInt8 => (long)(byte)_integer,
        DType.Int32 => (long)(IsFloatingPoint ? (int)_float : (int)_integer),
        DType.Int64 => _integer,
        DType.Float16 => (double)(Half)_float,
        DType.BFloat16 => Kernels.HalfConversion.RoundToBFloat16((float)_float),
        DType.Float32 => (double)(float)_float,
        _ => new Scalar(_float, _integer, DType.Float64),
    };

    /// <summary>Whether kind and value are the same to the last bit; unlike in <see cref="Equals(Scalar)"/>, 0 and -0 are different.</summary>
    internal bool IsIdenticalTo(in Scalar other) =>
        BitConverter.DoubleToInt64Bits(_float) == BitConverter.DoubleToInt64Bits(other._float) && _integer == other._integer && _kind == other._kind;

    /// <summary>A number that is the same for identical scalars, its low bits well mixed.</summary>
    internal int Hash() => (int)((ulong)(BitConverter.DoubleToInt64Bits(_float) + _integer) * 0x9E3779B97F4A7C15UL >> 40);

    /// <inheritdoc/>
    public bool Equals(Scalar other) => _kind == other._kind && _float.Equals(other._float) && _integer == other._integer;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Scalar other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_kind, _float, _integer);

    /// <summary>Whether kind and value are the same.</summary>
    public static bool operator ==(Scalar left, Scalar right) => left.Equals(right);

    /// <summary>Whether kind or value differ.</summary>
    public static bool operator !=(Scalar left, Scalar right) => !left.Equals(right);

    /// <inheritdoc/>
    public override string ToString() => _kind switch
    {
        DType.Bool => _integer != 0 ? "True" : "False",
        DType.Int64 => _integer.ToString(CultureInfo.InvariantCulture),
        _ => _float.ToString("R", CultureInfo.InvariantCulture),
    };
}
