using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Autograd.Gpu.Devices.Host;

/// <summary>A number that is part of a type, so that the JIT compiles one kernel for each and drops what it does not use.</summary>
internal interface IConstant
{
    static abstract int Value { get; }
}

internal readonly struct One : IConstant
{
    public static int Value => 1;
}

internal readonly struct Two : IConstant
{
    public static int Value => 2;
}

internal readonly struct Four : IConstant
{
    public static int Value => 4;
}

internal readonly struct Six : IConstant
{
    public static int Value => 6;
}

internal readonly struct Eight : IConstant
{
    public static int Value => 8;
}

internal readonly struct Twelve : IConstant
{
    public static int Value => 12;
}

internal static unsafe class MatMulTile
{
    // From this depth on, fetching the rows of c during the products hides their latency.
    private const int PrefetchFrom = 32;

    /// <summary>
    /// c = alpha * a b + plus for a tile of c of one to twelve rows and one or two vectors, held in registers; <paramref name="plus"/> may be c itself, a
    /// bias (with rows 0 apart) or null. Each element sums its products in order of k whatever the shape of the tile, so results do not depend on how a
    /// matrix is cut into tiles.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply<T, TVector, TOps, TRows, TVectors>(
        nint k, T* a, nint aRow, nint aCol, T* b, nint bRow, T* c, nint cRow, T alpha, T* plus, nint plusRow)
        where T : unmanaged
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
        where TRows : struct, IConstant
        where TVectors : struct, IConstant
    {
        // Called before the accumulators live: across a call they would all lie in memory.
        if (k >= PrefetchFrom) PrefetchRows<T, TRows, TVectors>(c, cRow, TOps.Lanes);

        TVector l0 = default, r0 = default;
        TVector l1 = default, r1 = default;
        TVector l2 = default, r2 = default;
        TVector l3 = default, r3 = default;
        TVector l4 = default, r4 = default;
        TVector l5 = default, r5 = default;
        TVector l6 = default, r6 = default;
        TVector l7 = default, r7 = default;
        TVector l8 = default, r8 = default;
        TVector l9 = default, r9 = default;
        TVector l10 = default, r10 = default;
        TVector l11 = default, r11 = default;

        nint aRow2 = 2 * aRow, aRow3 = 3 * aRow;
        T* a4 = a + 4 * aRow;
        T* a8 = a4 + 4 * aRow;
        for (; k > 0; k--)
        {
            TVector left = TOps.Load(b), right = TVectors.Value == 2 ? TOps.Load(b + TOps.Lanes) : default;
            TVector x = TOps.Broadcast(a[0]);
            l0 = TOps.MultiplyAdd(x, left, l0);
            if (TVectors.Value == 2) r0 = TOps.MultiplyAdd(x, right, r0);
            if (TRows.Value > 1)
            {
                x = TOps.Broadcast(a[aRow]);
                l1 = TOps.MultiplyAdd(x, left, l1);
                if (TVectors.Value == 2) r1 = TOps.MultiplyAdd(x, right, r1);
            }

            if (TRows.Value > 2)
            {
                x = TOps.Broadcast(a[aRow2]);
                l2 = TOps.MultiplyAdd(x, left, l2);
                if (TVectors.Value == 2) r2 = TOps.MultiplyAdd(x, right, r2);
            }

            if (TRows.Value > 3)
            {
                x = TOps.Broadcast(a[aRow3]);
                l3 = TOps.MultiplyAdd(x, left, l3);
                if (TVectors.Value == 2) r3 = TOps.MultiplyAdd(x, right, r3);
            }

            if (TRows.Value > 4)
            {
                x = TOps.Broadcast(a4[0]);
                l4 = TOps.MultiplyAdd(x, left, l4);
                if (TVectors.Value == 2) r4 = TOps.MultiplyAdd(x, right, r4);
            }

            if (TRows.Value > 5)
            {
                x = TOps.Broadcast(a4[aRow]);
                l5 = TOps.MultiplyAdd(x, left, l5);
                if (TVectors.Value == 2) r5 = TOps.MultiplyAdd(x, right, r5);
            }

            if (TRows.Value > 6)
            {
                x = TOps.Broadcast(a4[aRow2]);
                l6 = TOps.MultiplyAdd(x, left, l6);
                if (TVectors.Value == 2) r6 = TOps.MultiplyAdd(x, right, r6);
            }

            if (TRows.Value > 7)
            {
                x = TOps.Broadcast(a4[aRow3]);
                l7 = TOps.MultiplyAdd(x, left, l7);
                if (TVectors.Value == 2) r7 = TOps.MultiplyAdd(x, right, r7);
            }

            if (TRows.Value > 8)
            {
                x = TOps.Broadcast(a8[0]);
                l8 = TOps.MultiplyAdd(x, left, l8);
                if (TVectors.Value == 2) r8 = TOps.MultiplyAdd(x, right, r8);
            }

            if (TRows.Value > 9)
            {
                x = TOps.Broadcast(a8[aRow]);
                l9 = TOps.MultiplyAdd(x, left, l9);
                if (TVectors.Value == 2) r9 = TOps.MultiplyAdd(x, right, r9);
            }

            if (TRows.Value > 10)
            {
                x = TOps.Broadcast(a8[aRow2]);
                l10 = TOps.MultiplyAdd(x, left, l10);
                if (TVectors.Value == 2) r10 = TOps.MultiplyAdd(x, right, r10);
            }

            if (TRows.Value > 11)
            {
                x = TOps.Broadcast(a8[aRow3]);
                l11 = TOps.MultiplyAdd(x, left, l11);
                if (TVectors.Value == 2) r11 = TOps.MultiplyAdd(x, right, r11);
            }

            a += aCol;
            if (TRows.Value > 4) a4 += aCol;
            if (TRows.Value > 8) a8 += aCol;
            b += bRow;
        }

        TVector scale = TOps.Broadcast(alpha);
        Store<T, TVector, TOps, TVectors>(c, l0, r0, scale, plus, 0);
        if (TRows.Value > 1) Store<T, TVector, TOps, TVectors>(c + cRow, l1, r1, scale, plus, plusRow);
        if (TRows.Value > 2) Store<T, TVector, TOps, TVectors>(c + 2 * cRow, l2, r2, scale, plus, 2 * plusRow);
        if (TRows.Value > 3) Store<T, TVector, TOps, TVectors>(c + 3 * cRow, l3, r3, scale, plus, 3 * plusRow);
        if (TRows.Value > 4) Store<T, TVector, TOps, TVectors>(c + 4 * cRow, l4, r4, scale, plus, 4 * plusRow);
        if (TRows.Value > 5) Store<T, TVector, TOps, TVectors>(c + 5 * cRow, l5, r5, scale, plus, 5 * plusRow);
        if (TRows.Value > 6) Store<T, TVector, TOps, TVectors>(c + 6 * cRow, l6, r6, scale, plus, 6 * plusRow);
        if (TRows.Value > 7) Store<T, TVector, TOps, TVectors>(c + 7 * cRow, l7, r7, scale, plus, 7 * plusRow);
        if (TRows.Value > 8) Store<T, TVector, TOps, TVectors>(c + 8 * cRow, l8, r8, scale, plus, 8 * plusRow);
        if (TRows.Value > 9) Store<T, TVector, TOps, TVectors>(c + 9 * cRow, l9, r9, scale, plus, 9 * plusRow);
        if (TRows.Value > 10) Store<T, TVector, TOps, TVectors>(c + 10 * cRow, l10, r10, scale, plus, 10 * plusRow);
        if (TRows.Value > 11) Store<T, TVector, TOps, TVectors>(c + 11 * cRow, l11, r11, scale, plus, 11 * plusRow);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PrefetchRows<T, TRows, TVectors>(T* c, nint cRow, nint lanes)
        where T : unmanaged
        where TRows : struct, IConstant
        where TVectors : struct, IConstant
    {
        if (!Sse.IsSupported) return;
        for (int i = 0; i < TRows.Value; i++, c += cRow)
        {
            Sse.Prefetch0(c);
            if (TVectors.Value == 2) Sse.Prefetch0(c + lanes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<T, TVector, TOps, TVectors>(T* c, TVector left, TVector right, TVector scale, T* plus, nint offset)
        where T : unmanaged
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
        where TVectors : struct, IConstant
    {
        left = TOps.Multiply(left, scale);
        if (plus != null) left = TOps.Add(TOps.Load(plus + offset), left);
        TOps.Store(left, c);
        if (TVectors.Value == 1) return;
        right = TOps.Multiply(right, scale);
        if (plus != null) right = TOps.Add(TOps.Load(plus + offset + TOps.Lanes), right);
        TOps.Store(right, c + TOps.Lanes);
    }
}
