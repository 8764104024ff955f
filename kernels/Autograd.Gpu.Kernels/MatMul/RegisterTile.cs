using System.Numerics;
using System.Runtime.InteropServices;

namespace Autograd.Gpu.Kernels;

/// <summary>Four adjacent values, read from shared memory at once.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Quad<T> where T : unmanaged
{
    public T X, Y, Z, W;
}

/// <summary>A 4x4 piece of c in registers.</summary>
internal struct RegisterTile<T> where T : unmanaged, INumberBase<T>
{
    public Quad<T> Row0, Row1, Row2, Row3;

    /// <summary>Adds the outer product of four elements of a column of a and four of a row of b.</summary>
    public void Add(Quad<T> a, Quad<T> b)
    {
        Row0 = Add(Row0, a.X, b);
        Row1 = Add(Row1, a.Y, b);
        Row2 = Add(Row2, a.Z, b);
        Row3 = Add(Row3, a.W, b);
    }

    private static Quad<T> Add(Quad<T> sum, T a, Quad<T> b)
    {
        sum.X += a * b.X;
        sum.Y += a * b.Y;
        sum.Z += a * b.Z;
        sum.W += a * b.W;
        return sum;
    }
}
