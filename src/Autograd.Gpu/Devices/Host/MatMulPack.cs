using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// Copies a strided piece of a matrix into a panel: element (i, p) goes to panel[p * width + i]. Panels are what the tile
/// kernel reads in one forward sweep; packing is also where transposed operands lose their strides.
/// </summary>
internal static unsafe class MatMulPack
{
    /// <summary>
    /// Packs <paramref name="count"/> lines (columns of B or rows of A, <paramref name="across"/> apart) of
    /// <paramref name="k"/> elements (<paramref name="along"/> apart) and fills up to <paramref name="width"/> lines with zeros.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Panel<T>(T* source, nint across, nint along, nint count, nint width, nint k, T* panel) where T : unmanaged
    {
        if (across == 1)
        {
            CopyLines(source, along, count, width, k, panel);
            return;
        }

        nint line = 0;
        if (along == 1 && sizeof(T) == sizeof(float) && CanTranspose)
        {
            for (; HostMatMul.Width == HostVectorWidth.V512 && line + 16 <= count; line += 16)
                Transpose16((float*)source + line * across, across, width, k, (float*)panel + line);
            for (; HostMatMul.Width == HostVectorWidth.V256 && line + 8 <= count; line += 8)
                Transpose8((float*)source + line * across, across, width, k, (float*)panel + line);
            for (; line + 4 <= count; line += 4)
                Transpose4((float*)source + line * across, across, width, k, (float*)panel + line);
        }
        else if (along == 1 && sizeof(T) == sizeof(double) && CanTranspose)
        {
            for (; line + 2 <= count; line += 2)
                Transpose2((double*)source + line * across, across, width, k, (double*)panel + line);
        }

        for (; line < count; line++)
        {
            T* from = source + line * across;
            T* to = panel + line;
            for (nint p = 0; p < k; p++, from += along, to += width) *to = *from;
        }

        for (; line < width; line++)
        {
            T* to = panel + line;
            for (nint p = 0; p < k; p++, to += width) *to = default;
        }
    }

    /// <summary>Copies lines of adjacent elements to where they lie another distance apart.</summary>
    public static void Lines<T>(T* source, nint apart, nint count, nint length, T* target, nint targetApart) where T : unmanaged
    {
        nint bytes = length * sizeof(T);
        for (; count > 0; count--, source += apart, target += targetApart) Buffer.MemoryCopy(source, target, bytes, bytes);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Transpose16(float* source, nint across, nint width, nint k, float* panel)
    {
        nint p = 0;
        for (; p + 16 <= k; p += 16, panel += 16 * width) HostTranspose.Tile16(source + p, across, panel, width);
        for (; p < k; p++, panel += width)
        {
            for (nint i = 0; i < 16; i++) panel[i] = source[i * across + p];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Transpose8(float* source, nint across, nint width, nint k, float* panel)
    {
        nint p = 0;
        for (; p + 8 <= k; p += 8, panel += 8 * width) HostTranspose.Tile8(source + p, across, panel, width);
        for (; p < k; p++, panel += width)
        {
            for (nint i = 0; i < 8; i++) panel[i] = source[i * across + p];
        }
    }

    private static bool CanTranspose => Sse2.IsSupported || AdvSimd.Arm64.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyLines<T>(T* source, nint along, nint count, nint width, nint k, T* panel) where T : unmanaged
    {
        nint bytes = count * sizeof(T), panelBytes = width * sizeof(T);
        bool fits64 = count == width && bytes % 64 == 0 && Vector512.IsHardwareAccelerated;
        bool fits16 = count == width && bytes % 16 == 0;
        for (; k > 0; k--, source += along, panel += width)
        {
            byte* from = (byte*)source, to = (byte*)panel;
            if (fits64)
            {
                for (nint i = 0; i < bytes; i += 64) Vector512.Load(from + i).Store(to + i);
            }
            else if (fits16)
            {
                for (nint i = 0; i < bytes; i += 16) Vector128.Load(from + i).Store(to + i);
            }
            else
            {
                nint i = 0;
                for (; i + 16 <= bytes; i += 16) Vector128.Load(from + i).Store(to + i);
                for (; i < bytes; i += sizeof(T)) *(T*)(to + i) = *(T*)(from + i);
                for (; i < panelBytes; i += sizeof(T)) *(T*)(to + i) = default;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Transpose4(float* source, nint across, nint width, nint k, float* panel)
    {
        float* s0 = source, s1 = s0 + across, s2 = s1 + across, s3 = s2 + across;
        nint p = 0;
        for (; p + 4 <= k; p += 4, panel += 4 * width)
        {
            Vector128<float> x0 = Vector128.Load(s0 + p), x1 = Vector128.Load(s1 + p);
            Vector128<float> x2 = Vector128.Load(s2 + p), x3 = Vector128.Load(s3 + p);
            Vector128<float> low02 = Low(x0, x2), high02 = High(x0, x2), low13 = Low(x1, x3), high13 = High(x1, x3);
            Low(low02, low13).Store(panel);
            High(low02, low13).Store(panel + width);
            Low(high02, high13).Store(panel + 2 * width);
            High(high02, high13).Store(panel + 3 * width);
        }

        for (; p < k; p++, panel += width) Vector128.Create(s0[p], s1[p], s2[p], s3[p]).Store(panel);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Transpose2(double* source, nint across, nint width, nint k, double* panel)
    {
        double* s0 = source, s1 = s0 + across;
        nint p = 0;
        for (; p + 2 <= k; p += 2, panel += 2 * width)
        {
            Vector128<double> x0 = Vector128.Load(s0 + p), x1 = Vector128.Load(s1 + p);
            Low(x0, x1).Store(panel);
            High(x0, x1).Store(panel + width);
        }

        for (; p < k; p++, panel += width) Vector128.Create(s0[p], s1[p]).Store(panel);
    }

    // Interleaves the lower, or the upper, halves: x0 y0 x1 y1.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Low(Vector128<float> x, Vector128<float> y) =>
        Sse.IsSupported ? Sse.UnpackLow(x, y) : AdvSimd.Arm64.ZipLow(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> High(Vector128<float> x, Vector128<float> y) =>
        Sse.IsSupported ? Sse.UnpackHigh(x, y) : AdvSimd.Arm64.ZipHigh(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<double> Low(Vector128<double> x, Vector128<double> y) =>
        Sse2.IsSupported ? Sse2.UnpackLow(x, y) : AdvSimd.Arm64.ZipLow(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<double> High(Vector128<double> x, Vector128<double> y) =>
        Sse2.IsSupported ? Sse2.UnpackHigh(x, y) : AdvSimd.Arm64.ZipHigh(x, y);
}

/// <summary>One thread's packing memory. It grows to what the block sizes allow, no further, and goes when its thread has gone.</summary>
internal sealed unsafe class PackBuffer
{
    [ThreadStatic]
    private static PackBuffer? _left;

    [ThreadStatic]
    private static PackBuffer? _right;

    [ThreadStatic]
    private static PackBuffer? _scratch;

    private void* _memory;
    private nuint _bytes;

    ~PackBuffer() => NativeMemory.AlignedFree(_memory);

    /// <summary>Room for packed rows of A.</summary>
    public static T* Left<T>(nint elements) where T : unmanaged => (T*)(_left ??= new PackBuffer()).Reserve((nuint)elements * (nuint)sizeof(T));

    /// <summary>Room for packed columns of B.</summary>
    public static T* Right<T>(nint elements) where T : unmanaged => (T*)(_right ??= new PackBuffer()).Reserve((nuint)elements * (nuint)sizeof(T));

    /// <summary>Room for what a kernel holds between its products.</summary>
    public static T* Scratch<T>(nint elements) where T : unmanaged => (T*)(_scratch ??= new PackBuffer()).Reserve((nuint)elements * (nuint)sizeof(T));

    private void* Reserve(nuint bytes)
    {
        if (bytes <= _bytes) return _memory;
        NativeMemory.AlignedFree(_memory);
        _memory = null;
        _bytes = 0;
        _memory = NativeMemory.AlignedAlloc(bytes, 64);
        _bytes = bytes;
        return _memory;
    }
}
