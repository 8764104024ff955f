using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using ILGPU;

namespace Autograd.Gpu.Kernels.Fused;

/// <summary>A place in memory, or an index sequence, as a fused kernel walks it.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FusedOperand
{
    /// <summary>
    /// The memory from the operand's first element on; of a strided operand, which may go backwards, all the memory; of an index sequence nothing.
    /// </summary>
    public ArrayView<byte> View;

    /// <summary>The position of a strided operand's first element in <see cref="View"/>; the first value of an index sequence.</summary>
    public long Start;

    /// <summary>How the elements follow one another.</summary>
    public FusedStrides Strides;
}

/// <summary>Strides in elements, one for each merged dimension, outermost first.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FusedStrides
{
    /// <summary>How many there are: the most dimensions that a kernel loops over.</summary>
    public const int Length = 8;

    /// <summary>Elements from one index of merged dimension 0 to the next.</summary>
    public long Stride0;

    /// <summary>Elements from one index of merged dimension 1 to the next.</summary>
    public long Stride1;

    /// <summary>Elements from one index of merged dimension 2 to the next.</summary>
    public long Stride2;

    /// <summary>Elements from one index of merged dimension 3 to the next.</summary>
    public long Stride3;

    /// <summary>Elements from one index of merged dimension 4 to the next.</summary>
    public long Stride4;

    /// <summary>Elements from one index of merged dimension 5 to the next.</summary>
    public long Stride5;

    /// <summary>Elements from one index of merged dimension 6 to the next.</summary>
    public long Stride6;

    /// <summary>Elements from one index of merged dimension 7 to the next.</summary>
    public long Stride7;

    /// <summary>The strides as a span.</summary>
    [UnscopedRef]
    public Span<long> AsSpan() => MemoryMarshal.CreateSpan(ref Stride0, Length);
}

/// <summary>The sizes of the merged dimensions, outermost first.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FusedSizes
{
    /// <summary>How many there are.</summary>
    public const int Length = FusedStrides.Length;

    /// <summary>Size of merged dimension 0.</summary>
    public int Size0;

    /// <summary>Size of merged dimension 1.</summary>
    public int Size1;

    /// <summary>Size of merged dimension 2.</summary>
    public int Size2;

    /// <summary>Size of merged dimension 3.</summary>
    public int Size3;

    /// <summary>Size of merged dimension 4.</summary>
    public int Size4;

    /// <summary>Size of merged dimension 5.</summary>
    public int Size5;

    /// <summary>Size of merged dimension 6.</summary>
    public int Size6;

    /// <summary>Size of merged dimension 7.</summary>
    public int Size7;

    /// <summary>The sizes as a span.</summary>
    [UnscopedRef]
    public Span<int> AsSpan() => MemoryMarshal.CreateSpan(ref Size0, Length);
}

/// <summary>
/// The parameters of every fused kernel, about 1 KB: one signature, so that launching is one typed delegate whatever the program is.
/// ILGPU loads from it only what the kernel uses.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct FusedArgs
{
    /// <summary>How many operands there are.</summary>
    public const int Operands = 8;

    /// <summary>Operand 0.</summary>
    public FusedOperand Operand0;

    /// <summary>Operand 1.</summary>
    public FusedOperand Operand1;

    /// <summary>Operand 2.</summary>
    public FusedOperand Operand2;

    /// <summary>Operand 3.</summary>
    public FusedOperand Operand3;

    /// <summary>Operand 4.</summary>
    public FusedOperand Operand4;

    /// <summary>Operand 5.</summary>
    public FusedOperand Operand5;

    /// <summary>Operand 6.</summary>
    public FusedOperand Operand6;

    /// <summary>Operand 7.</summary>
    public FusedOperand Operand7;

    /// <summary>The sizes of the merged dimensions.</summary>
    public FusedSizes Sizes;

    /// <summary>Constants and random streams.</summary>
    public FusedNumbers Numbers;

    /// <summary>Operand <paramref name="k"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such operand.</exception>
    [UnscopedRef]
    public ref FusedOperand Operand(int k)
    {
        switch (k)
        {
            case 0:
                return ref Operand0;
            case 1:
                return ref Operand1;
            case 2:
                return ref Operand2;
            case 3:
                return ref Operand3;
            case 4:
                return ref Operand4;
            case 5:
                return ref Operand5;
            case 6:
                return ref Operand6;
            case 7:
                return ref Operand7;
            default:
                throw new ArgumentOutOfRangeException(nameof(k), k, $"A fused kernel has {Operands} operands.");
        }
    }
}

/// <summary>What a reduction kernel needs beside the arguments of the program that it reduces, seen as [Outer, Reduced, Inner].</summary>
[StructLayout(LayoutKind.Sequential)]
public struct ReductionArgs
{
    /// <summary>Where results go; with more than one split, partial states, those of one result side by side.</summary>
    public ArrayView<byte> Result;

    /// <summary>Elements that one result is made of.</summary>
    public int Reduced;

    /// <summary>Elements from one of these to the next.</summary>
    public int Inner;

    /// <summary>Outer times Inner.</summary>
    public int Results;

    /// <summary>Into how many parts the elements of one result are divided.</summary>
    public int Splits;

    /// <summary>Elements of one part; the last may have fewer.</summary>
    public int SplitLength;
}
