using System.Numerics;
using ILGPU;

namespace Autograd.Gpu.Kernels;

/// <summary>
/// One thread's share of a group's reads from a strided operand. A line is a row of a or a column of b; of each slice, a thread of an
/// S x S group reads one depth of the lines u, u + S, u + 2 S and so on, and puts them into shared memory.
/// </summary>
internal struct OperandReader<T> where T : unmanaged, INumberBase<T>
{
    private readonly ArrayView<T> _source;
    private readonly long _lineStep;
    private readonly long _depthStep;
    private readonly long _lines;
    private readonly int _target;
    private readonly int _side;
    private long _at;
    private long _depths;

    /// <summary>Starts at line <paramref name="first"/>. Neighbouring threads read along the direction in which the operand is contiguous.</summary>
    public OperandReader(
        ArrayView<T> source, long start, long across, long along, long first, long lines, long depths, int side, int sharedLine)
    {
        bool alongFirst = along == 1;
        int line = alongFirst ? Group.IdxY : Group.IdxX, depth = alongFirst ? Group.IdxX : Group.IdxY;
        _source = source;
        _side = side;
        _at = start + (first + line) * across + depth * along;
        _lineStep = side * across;
        _depthStep = side * along;
        _lines = lines - first - line;
        _depths = depths - depth;
        _target = depth * sharedLine + line;
    }

    /// <summary>Reads four lines of the slice, from the thread's line number <paramref name="number"/> on; zeros outside the operand.</summary>
    public readonly Quad<T> Read(int number)
    {
        bool inside = _depths > 0;
        long at = _at + number * _lineStep, line = number * _side;
        Quad<T> values = default;
        if (inside & line < _lines) values.X = _source[at];
        if (inside & line + _side < _lines) values.Y = _source[at + _lineStep];
        if (inside & line + 2 * _side < _lines) values.Z = _source[at + 2 * _lineStep];
        if (inside & line + 3 * _side < _lines) values.W = _source[at + 3 * _lineStep];
        return values;
    }

    /// <summary>Puts what <see cref="Read"/> returned for the same number where the group looks for it.</summary>
    public readonly void Share(ArrayView<T> shared, int number, Quad<T> values)
    {
        int at = _target + number * _side;
        shared[at] = values.X;
        shared[at + _side] = values.Y;
        shared[at + 2 * _side] = values.Z;
        shared[at + 3 * _side] = values.W;
    }

    /// <summary>Goes on to the next slice.</summary>
    public void Advance()
    {
        _at += _depthStep;
        _depths -= _side;
    }
}
