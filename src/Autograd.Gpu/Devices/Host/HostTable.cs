using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Devices.Host;

/// <summary>A contiguous table of numbers, or of 16-bit ones that are widened row by row.</summary>
/// <param name="memory">Where row 0 starts.</param>
/// <param name="dtype">The dtype of its elements: that of <typeparamref name="T"/>, or float16 or bfloat16 where T is float.</param>
/// <param name="columns">Elements of a row.</param>
internal readonly unsafe struct HostTable<T>(nint memory, DType dtype, long columns) where T : unmanaged
{
    public bool IsWidened => dtype is DType.Float16 or DType.BFloat16;

    /// <summary>The elements of a row from a column on: where they are, or in <paramref name="wide"/>, which has room for <paramref name="width"/> of them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T* Row(long row, long from, long width, T* wide)
    {
        long at = row * columns + from;
        return IsWidened ? Widened(at, width, wide) : (T*)memory + at;
    }

    private T* Widened(long at, long width, T* wide)
    {
        if (dtype == DType.Float16)
        {
            HostHalves.WidenFloat16((ushort*)memory + at, (float*)wide, (int)width);
        }
        else
        {
            HostHalves.WidenBFloat16((ushort*)memory + at, (float*)wide, (int)width);
        }

        return wide;
    }
}
