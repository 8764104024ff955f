using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Lazy.Host;

/// <summary>An element and where it is; the index is negative where there is no element yet.</summary>
internal readonly record struct Candidate<T>(T Value, long Index);

/// <summary>Finds the first of the elements that <typeparamref name="TOperation"/> would pick.</summary>
internal readonly unsafe struct IndexReducer<T, TOperation> : IReducer<T, Candidate<T>>
    where T : unmanaged, INumber<T>
    where TOperation : struct, IPickOperation<T>
{
    /// <summary>Row numbers are kept in lanes of the element type, of which a byte is the smallest.</summary>
    public static int MaxRows => 128;

    public static int ShortRow => Vector<T>.Count;

    public static Candidate<T> Identity => new(TOperation.Identity, -1);

    public static Candidate<T> Combine(Candidate<T> a, Candidate<T> b)
    {
        bool takesB = a.Index < 0 || (b.Index >= 0
            && (TOperation.Replaces(b.Value, a.Value) || (b.Index < a.Index && !TOperation.Replaces(a.Value, b.Value))));
        return takesB ? b : a;
    }

    public static void Pairs(Candidate<T>* a, Candidate<T>* b, long count)
    {
        for (long i = 0; i < count; i++)
        {
            a[i] = Combine(a[i], b[i]);
        }
    }

    public static Candidate<T> Block(Candidate<T> before, T* p, int count, long first)
    {
        var value = ReduceLoops<T, TOperation>.Block(p, count);
        return before.Index >= 0 && !TOperation.Replaces(value, before.Value)
            ? before
            : new Candidate<T>(value, first + IndexOf(p, count, value));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Small(T* p, int matrices, int rows, int width, T* scratch, byte* result, DType dtype, long at)
    {
        long* indices = (long*)result + at;
        for (; matrices > 0; matrices--, p += (nint)rows * width, indices += width)
        {
            for (int c = 0; c < width; c++)
            {
                indices[c] = Column(p + c, width, rows).Index;
            }
        }
    }

    public static void Clear(T* acc, T* index, int width)
    {
        // The first row is copied, whatever it holds.
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Columns(T* acc, T* index, T* p, nint stride, int rows, int width, int row)
    {
        if (row == 0)
        {
            new Span<T>(p, width).CopyTo(new Span<T>(acc, width));
            new Span<T>(index, width).Clear();
            p += stride;
            row++;
            rows--;
        }

        for (int last = row + rows; row < last; row++, p += stride)
        {
            int c = 0;
            T number = T.CreateTruncating(row);
            var numbers = new Vector<T>(number);
            for (; c <= width - Vector<T>.Count; c += Vector<T>.Count)
            {
                var (x, best) = (Vector.Load(p + c), Vector.Load(acc + c));
                var mask = TOperation.Replaces(x, best);
                Vector.Store(Vector.ConditionalSelect(mask, x, best), acc + c);
                Vector.Store(Vector.ConditionalSelect(mask, numbers, Vector.Load(index + c)), index + c);
            }

            for (; c < width; c++)
            {
                if (TOperation.Replaces(p[c], acc[c]))
                {
                    acc[c] = p[c];
                    index[c] = number;
                }
            }
        }
    }

    public static void Flush(T* acc, T* index, Candidate<T>* partial, int width, in ColumnPlace place)
    {
        if (place.Group == 1)
        {
            for (int c = 0; c < width; c++)
            {
                partial[c] = Combine(partial[c], new Candidate<T>(acc[c], place.FirstRow + long.CreateTruncating(index[c])));
            }

            return;
        }

        for (int c = 0; c < width; c++)
        {
            long row = (place.FirstRow + long.CreateTruncating(index[c])) * place.Group + c / place.Inner;
            partial[c] = Combine(partial[c], new Candidate<T>(acc[c], row));
        }
    }

    public static void Finish(T* acc, T* index, int width, byte* result, DType dtype, long at)
    {
        for (int c = 0; c < width; c++)
        {
            ((long*)result)[at + c] = long.CreateTruncating(index[c]);
        }
    }

    public static void Store(Candidate<T> value, byte* result, DType dtype, long at) => ((long*)result)[at] = value.Index;

    public static void Store(Candidate<T>* values, long count, byte* result, DType dtype, long at)
    {
        for (long i = 0; i < count; i++)
        {
            ((long*)result)[at + i] = values[i].Index;
        }
    }

    private static Candidate<T> Column(T* p, nint stride, int count)
    {
        T best = p[0];
        int index = 0;
        for (int i = 1; i < count; i++)
        {
            T x = p[i * stride];
            if (TOperation.Replaces(x, best))
            {
                (best, index) = (x, i);
            }
        }

        return new Candidate<T>(best, index);
    }

    /// <summary>Where the first element is that equals <paramref name="value"/>, which is there; nan equals nan here.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int IndexOf(T* p, int count, T value)
    {
        bool isNaN = T.IsNaN(value);
        var wanted = new Vector<T>(value);
        int i = 0;
        for (; i <= count - Vector<T>.Count; i += Vector<T>.Count)
        {
            var x = Vector.Load(p + i);
            var found = isNaN ? ~Vector.Equals(x, x) : Vector.Equals(x, wanted);
            if (found != Vector<T>.Zero)
            {
                return i + Vector.IndexOfWhereAllBitsSet(found);
            }
        }

        while (isNaN ? !T.IsNaN(p[i]) : p[i] != value)
        {
            i++;
        }

        return i;
    }
}
