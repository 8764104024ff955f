using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Lazy.Host;

/// <summary>Combines elements in <typeparamref name="T"/> and partial results in <typeparamref name="TWide"/>.</summary>
internal readonly unsafe struct ValueReducer<T, TOperation, TWide, TWideOperation> : IReducer<T, TWide>
    where T : unmanaged, INumber<T>
    where TOperation : struct, IReduceOperation<T>
    where TWide : unmanaged, INumber<TWide>
    where TWideOperation : struct, IReduceOperation<TWide>
{
    /// <summary>Rows are first combined by eight where there are as many, so a lane of a sum adds up 16 of these.</summary>
    public static int MaxRows => 128;

    public static int ShortRow => Math.Max(24, Vector<T>.Count);

    public static TWide Identity => TWideOperation.Identity;

    public static TWide Combine(TWide a, TWide b) => TWideOperation.Combine(a, b);

    public static void Pairs(TWide* a, TWide* b, long count) => ReduceLoops<TWide, TWideOperation>.Pairs(a, b, (nint)count);

    public static TWide Block(TWide before, T* p, int count, long first) =>
        TWideOperation.Combine(before, TWide.CreateTruncating(ReduceLoops<T, TOperation>.Block(p, count)));

    public static void Small(T* p, int matrices, int rows, int width, T* scratch, byte* result, DType dtype, long at)
    {
        if (dtype is not (DType.Float16 or DType.BFloat16))
        {
            ReduceLoops<T, TOperation>.Small(p, matrices, rows, width, (T*)result + at);
            return;
        }

        ReduceLoops<T, TOperation>.Small(p, matrices, rows, width, scratch);
        Finish(scratch, null, matrices * width, result, dtype, at);
    }

    public static void Clear(T* acc, T* index, int width) => new Span<T>(acc, width).Fill(TOperation.Identity);

    public static void Columns(T* acc, T* index, T* p, nint stride, int rows, int width, int row) =>
        ReduceLoops<T, TOperation>.Columns(acc, index, p, stride, rows, width);

    public static void Flush(T* acc, T* index, TWide* partial, int width, in ColumnPlace place)
    {
        if (typeof(T) == typeof(TWide))
        {
            Pairs(partial, (TWide*)acc, width);
            Clear(acc, index, width);
            return;
        }

        int c = 0;
        if (typeof(T) == typeof(float) && typeof(TWide) == typeof(double))
        {
            int lanes = Vector<double>.Count;
            for (; c <= width - 2 * lanes; c += 2 * lanes)
            {
                Vector.Widen(Vector.Load((float*)acc + c), out var low, out var high);
                TWide* q = partial + c;
                Vector.Store(TWideOperation.Combine(Vector.Load(q), Unsafe.BitCast<Vector<double>, Vector<TWide>>(low)), q);
                q += lanes;
                Vector.Store(TWideOperation.Combine(Vector.Load(q), Unsafe.BitCast<Vector<double>, Vector<TWide>>(high)), q);
            }
        }

        for (; c < width; c++)
        {
            partial[c] = TWideOperation.Combine(partial[c], TWide.CreateTruncating(acc[c]));
        }

        Clear(acc, index, width);
    }

    public static void Finish(T* acc, T* index, int width, byte* result, DType dtype, long at)
    {
        if (dtype is not (DType.Float16 or DType.BFloat16))
        {
            new Span<T>(acc, width).CopyTo(new Span<T>((T*)result + at, width));
            return;
        }

        for (int c = 0; c < width; c++)
        {
            Store(TWide.CreateTruncating(acc[c]), result, dtype, at + c);
        }
    }

    public static void Store(TWide* values, long count, byte* result, DType dtype, long at)
    {
        if (typeof(T) == typeof(TWide) && dtype is not (DType.Float16 or DType.BFloat16))
        {
            new Span<T>(values, checked((int)count)).CopyTo(new Span<T>((T*)result + at, checked((int)count)));
            return;
        }

        long i = 0;
        if (typeof(T) == typeof(float) && typeof(TWide) == typeof(double) && dtype == DType.Float32)
        {
            long lanes = Vector<double>.Count;
            double* wide = (double*)values;
            for (; i <= count - 2 * lanes; i += 2 * lanes)
            {
                Vector.Narrow(Vector.Load(wide + i), Vector.Load(wide + i + lanes)).Store((float*)result + at + i);
            }
        }

        for (; i < count; i++)
        {
            Store(values[i], result, dtype, at + i);
        }
    }

    public static void Store(TWide value, byte* result, DType dtype, long at)
    {
        if (dtype is DType.Float16)
        {
            ((ushort*)result)[at] = Kernels.HalfConversion.FloatToHalf(float.CreateTruncating(value));
        }
        else if (dtype is DType.BFloat16)
        {
            ((ushort*)result)[at] = Kernels.HalfConversion.FloatToBFloat16(float.CreateTruncating(value));
        }
        else
        {
            ((T*)result)[at] = T.CreateTruncating(value);
        }
    }
}
