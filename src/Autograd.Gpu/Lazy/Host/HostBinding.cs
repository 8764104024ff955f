using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Lazy.Host;

/// <summary>What all threads of a launch share: strides, sizes and numbers, in memory that is filled anew for each launch.</summary>
internal sealed unsafe class HostLaunch
{
    private const int Sizes = FusedGraph.MaxOperands * FusedGraph.MaxRank;
    private const int Numbers = Sizes + FusedGraph.MaxRank;

    // Pinned: kernels are given addresses.
    private readonly long[] _memory = GC.AllocateArray<long>(Numbers + FusedGraph.MaxNumbers, pinned: true);

    /// <summary>Fills the memory with a graph's layout and numbers; what is returned is good until the next call.</summary>
    public HostBinding Bind(HostKernel kernel, FusedGraph graph)
    {
        long* memory = (long*)Unsafe.AsPointer(ref _memory[0]);
        int rank = graph.Rank;
        var operands = graph.Operands;
        var binding = new HostBinding(kernel, operands.Length, rank, memory, memory + Sizes, memory + Numbers);
        var strides = graph.Strides;
        graph.Sizes[..rank].CopyTo(new Span<long>(memory + Sizes, rank));
        for (int k = 0; k < operands.Length; k++)
        {
            long unit = operands[k].IsIndex ? 1 : operands[k].DType.Size();
            binding.SetStart(k, (nint)((graph.Blocks[k]?.Pointer ?? 0) + graph.OffsetOf(k) * unit));
            for (int d = 0; d < rank; d++)
            {
                memory[d * FusedGraph.MaxOperands + k] = strides[k * FusedGraph.MaxRank + d] * unit;
            }
        }

        long* number = memory + Numbers;
        foreach (var constant in graph.Constants)
        {
            *number++ = constant.DType.IsFloatingPoint()
                ? BitConverter.DoubleToInt64Bits(constant.Value.ToDouble())
                : constant.Value.ToInt64();
        }

        foreach (var random in graph.Randoms)
        {
            *number++ = (long)random.Seed;
            *number++ = (long)random.Offset;
        }

        return binding;
    }
}

/// <summary>A compiled program and the memory of one launch; a value that threads copy, each to point operands where it wants.</summary>
internal unsafe struct HostBinding
{
    private readonly HostKernel _kernel;
    private readonly int _operands;
    private readonly int _rank;
    private readonly long* _strides;
    private readonly long* _sizes;
    private readonly long* _numbers;
    private fixed long _starts[FusedGraph.MaxOperands];

    /// <param name="kernel">The generated loop.</param>
    /// <param name="operands">How many there are.</param>
    /// <param name="rank">Dimensions.</param>
    /// <param name="strides">In bytes, dimension by dimension, <see cref="FusedGraph.MaxOperands"/> each.</param>
    /// <param name="sizes">Of the dimensions.</param>
    /// <param name="numbers">As the kernel takes them.</param>
    public HostBinding(HostKernel kernel, int operands, int rank, long* strides, long* sizes, long* numbers)
    {
        _kernel = kernel;
        _operands = operands;
        _rank = rank;
        _strides = strides;
        _sizes = sizes;
        _numbers = numbers;
    }

    /// <summary>Points operand <paramref name="k"/> somewhere.</summary>
    public void SetStart(int k, nint start) => _starts[k] = start;

    /// <summary>Computes elements <paramref name="start"/> to <paramref name="start"/> + <paramref name="count"/>, in row-major order.</summary>
    [SkipLocalsInit]
    public void RunRange(long start, long count)
    {
        if (_rank > 1)
        {
            RunRows(start, count);
            return;
        }

        nint* pointers = stackalloc nint[FusedGraph.MaxOperands];
        for (int k = 0; k < _operands; k++)
        {
            pointers[k] = (nint)(_starts[k] + start * _strides[k]);
        }

        _kernel(pointers, _strides, _numbers, start, count);
    }

    [SkipLocalsInit]
    private void RunRows(long start, long count)
    {
        nint* pointers = stackalloc nint[FusedGraph.MaxOperands];
        long* index = stackalloc long[FusedGraph.MaxRank];
        int inner = _rank - 1;
        long* strides = _strides + inner * FusedGraph.MaxOperands;
        long rowSize = _sizes[inner];
        long rest = start / rowSize, column = start % rowSize;
        for (int d = inner - 1; d >= 0; d--)
        {
            index[d] = rest % _sizes[d];
            rest /= _sizes[d];
        }

        while (count > 0)
        {
            long run = Math.Min(count, rowSize - column);
            for (int k = 0; k < _operands; k++)
            {
                long at = _starts[k] + column * strides[k];
                for (int d = 0; d < inner; d++)
                {
                    at += index[d] * _strides[d * FusedGraph.MaxOperands + k];
                }

                pointers[k] = (nint)at;
            }

            _kernel(pointers, strides, _numbers, start, run);
            start += run;
            count -= run;
            column = 0;
            for (int d = inner - 1; d >= 0 && ++index[d] == _sizes[d]; d--)
            {
                index[d] = 0;
            }
        }
    }
}
