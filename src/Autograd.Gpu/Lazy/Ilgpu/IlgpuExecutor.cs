using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Autograd.Gpu.Devices.Kernels;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Kernels.Fused;
using ILGPU;
using ILGPU.Runtime;
using ColumnsLauncher = System.Action<
    ILGPU.Runtime.AcceleratorStream, ILGPU.Index1D, Autograd.Gpu.Kernels.Fused.FusedArgs, Autograd.Gpu.Kernels.Fused.ReductionArgs>;
using PointwiseLauncher = System.Action<ILGPU.Runtime.AcceleratorStream, ILGPU.Index1D, Autograd.Gpu.Kernels.Fused.FusedArgs>;
using RowsLauncher = System.Action<
    ILGPU.Runtime.AcceleratorStream, ILGPU.KernelConfig, Autograd.Gpu.Kernels.Fused.FusedArgs, Autograd.Gpu.Kernels.Fused.ReductionArgs>;

namespace Autograd.Gpu.Lazy.Ilgpu;

/// <summary>Runs fused programs as ILGPU kernels: on a CUDA device, or on the host as the GPU would.</summary>
internal sealed class IlgpuExecutor(Device device) : Executor(device)
{
    /// <summary>
    /// Elements of one launch. Kernels count in 32 bits, and the threads of the last group and of a reduction's last round reach beyond the end.
    /// </summary>
    public const long MaxElements = (1L << 31) - 1024;

    /// <summary>On the host each thread of a group is a thread of the process.</summary>
    private const int MaxHostGroupSize = 8;

    /// <summary>Starts the keys of kernels that have no program; a program's key starts with its rank.</summary>
    private const int MergeKey = -1;

    private readonly KernelCache<PointwiseLauncher> _pointwise = new();
    private readonly KernelCache<ColumnsLauncher> _columns = new();
    private readonly KernelCache<RowsLauncher> _rows = new();
    private readonly List<int> _key = [];

    public override int KernelCount => _pointwise.Count + _columns.Count + _rows.Count;

    protected override void Run()
    {
        CheckSize(Graph.Count, null);
        if (!_pointwise.TryGet(Graph.Key, out var kernel))
        {
            kernel = CompilePointwise(Graph.ToProgram());
            _pointwise.Add(Graph.Key, kernel);
        }

        Bind(out var args);
        kernel(Device.Stream, (int)Graph.Count, args);
        GC.KeepAlive(Graph);
    }

    protected override void RunMatMul(BufferExpression a, BufferExpression b, MatrixProduct size, BufferExpression result, BufferExpression? bias)
    {
        if (result.DType == DType.Float32)
        {
            Multiply<float>(a, b, size, result, bias);
        }
        else
        {
            Multiply<double>(a, b, size, result, bias);
        }
    }

    private void Multiply<T>(BufferExpression a, BufferExpression b, MatrixProduct size, BufferExpression result, BufferExpression? bias)
        where T : unmanaged, INumberBase<T>
    {
        var arguments = new MatMulArguments<T>
        {
            Batch = size.Batch,
            M = size.M,
            N = size.N,
            K = size.K,
            ABatch = size.A.Batch,
            ARow = size.A.Row,
            ACol = size.A.Column,
            BBatch = size.B.Batch,
            BRow = size.B.Row,
            BCol = size.B.Column,
            CBatch = size.M * size.N,
            CRow = size.N,
            Alpha = T.One,
            Bias = bias is null ? default : ViewOf(bias).Cast<T>(),
            HasBias = bias is null ? 0 : 1,
        };
        MatMulLauncher.Launch(Device.Accelerator, Device.Stream, ViewOf(a), ViewOf(b), ViewOf(result), in arguments);
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        GC.KeepAlive(bias);
        GC.KeepAlive(result);

        static ArrayView<byte> ViewOf(BufferExpression buffer) => buffer.Block.View.SubView(buffer.Layout.Offset * buffer.DType.Size());
    }

    protected override void RunReduction(Reduction reduction, int value, DType dtype, ReductionShape shape, BufferExpression result, BufferExpression? kept)
    {
        Graph.Finish();
        if (shape.Results == 0)
        {
            return;
        }

        CheckSize(Math.Max(Graph.Count, shape.Results), reduction);
        var plan = ReductionPlan.For(shape);
        var target = result.Block.View.SubView(result.Layout.Offset * result.DType.Size());
        Bind(out var args);
        var numbers = new ReductionArgs
        {
            Result = target,
            Reduced = (int)shape.Reduced,
            Inner = (int)shape.Inner,
            Results = (int)shape.Results,
            Splits = plan.Splits,
            SplitLength = plan.SplitLength,
        };
        if (plan.Splits == 1)
        {
            Launch(reduction, value, dtype, plan, in args, numbers);
        }
        else
        {
            LaunchTwice(reduction, value, dtype, plan, in args, numbers);
        }

        GC.KeepAlive(Graph);
        GC.KeepAlive(result);
    }

    private void LaunchTwice(Reduction reduction, int value, DType dtype, ReductionPlan plan, in FusedArgs args, ReductionArgs numbers)
    {
        var scratch = Device.Allocate((long)numbers.Results * plan.Splits * StateSize(reduction, dtype));
        var target = numbers.Result;
        try
        {
            numbers.Result = scratch.View;
            Launch(reduction, value, dtype, plan, in args, numbers);

            // The parts of a result lie side by side, and their number never asks for a third pass.
            var partial = default(FusedArgs);
            partial.Operand0.View = scratch.View;
            numbers.Result = target;
            numbers.Reduced = plan.Splits;
            numbers.Inner = 1;
            numbers.Splits = 1;
            numbers.SplitLength = plan.Splits;
            LaunchMerge(reduction, dtype, in partial, numbers);
        }
        finally
        {
            // What is on the stream comes before whatever the memory is used for next.
            scratch.Release();
        }
    }

    /// <summary>The one pass, or the first of two, whose kernel leaves states instead of results.</summary>
    private void Launch(Reduction reduction, int value, DType dtype, ReductionPlan plan, in FusedArgs args, ReductionArgs numbers)
    {
        bool isFirstOfTwo = plan.Splits > 1;
        _key.Clear();
        _key.AddRange(Graph.Key);
        _key.Add((int)reduction | (value << 8) | (isFirstOfTwo ? 1 << 30 : 0));
        var key = CollectionsMarshal.AsSpan(_key);
        if (plan.IsRows)
        {
            if (!_rows.TryGet(key, out var rows))
            {
                rows = CompileRows(reduction, value, dtype, isFirstOfTwo);
                _rows.Add(key, rows);
            }

            LaunchRows(rows, plan, in args, numbers);
            return;
        }

        if (!_columns.TryGet(key, out var columns))
        {
            columns = CompileColumns(reduction, value, dtype, isFirstOfTwo);
            _columns.Add(key, columns);
        }

        columns(Device.Stream, numbers.Results * numbers.Splits, args, numbers);
    }

    private void LaunchMerge(Reduction reduction, DType dtype, in FusedArgs args, ReductionArgs numbers)
    {
        ReadOnlySpan<int> key = [MergeKey, (int)reduction, (int)dtype];
        if (!_rows.TryGet(key, out var rows))
        {
            rows = CompileMerge(reduction, dtype);
            _rows.Add(key, rows);
        }

        LaunchRows(rows, new ReductionPlan(true, 1, numbers.Reduced), in args, numbers);
    }

    private void LaunchRows(RowsLauncher rows, ReductionPlan plan, in FusedArgs args, ReductionArgs numbers)
    {
        int most = Device.Accelerator.MaxNumThreadsPerGroup;
        int group = plan.GroupSize(Device.HasHostMemory ? Math.Min(most, MaxHostGroupSize) : most);
        rows(Device.Stream, new KernelConfig(numbers.Results * numbers.Splits, group), args, numbers);
    }

    /// <summary>Fills the parameters with the operands, sizes and numbers of <see cref="Executor.Graph"/>.</summary>
    private void Bind(out FusedArgs args)
    {
        args = default;
        var sizes = args.Sizes.AsSpan();
        for (int d = 0; d < Graph.Rank; d++)
        {
            sizes[d] = (int)Graph.Sizes[d];
        }

        for (int k = 0; k < Graph.Operands.Length && Graph.Count > 0; k++)
        {
            ref var operand = ref args.Operand(k);
            Graph.Strides.Slice(k * FusedGraph.MaxRank, Graph.Rank).CopyTo(operand.Strides.AsSpan());
            operand.Start = Graph.OffsetOf(k);
            if (Graph.Blocks[k] is { } block)
            {
                bool isStrided = Graph.Operands[k].Access == Access.Strided;
                operand.View = isStrided ? block.View : block.View.SubView(operand.Start * Graph.Operands[k].DType.Size());
            }
        }

        int slot = 0;
        var numbers = args.Numbers.AsSpan();
        foreach (var constant in Graph.Constants)
        {
            numbers[slot++] = constant.DType.ComputeType() switch
            {
                DType.Float32 => BitConverter.SingleToUInt32Bits((float)constant.Value.ToDouble()),
                DType.Float64 => BitConverter.DoubleToInt64Bits(constant.Value.ToDouble()),
                _ => constant.Value.ToInt64(),
            };
        }

        foreach (var random in Graph.Randoms)
        {
            numbers[slot++] = (long)random.Seed;
            numbers[slot++] = (long)random.Offset;
        }
    }

    private PointwiseLauncher CompilePointwise(FusedProgram program) => Guard(program.Describe(), () =>
        Device.Accelerator.LoadAutoGroupedKernel(KernelEntry.Pointwise(program).Method.CreateDelegate<Action<Index1D, FusedArgs>>()));

    private ColumnsLauncher CompileColumns(Reduction reduction, int value, DType dtype, bool isFirstOfTwo) => Guard(Describe(reduction), () =>
        Device.Accelerator.LoadAutoGroupedKernel(
            Entry(reduction, value, dtype, isFirstOfTwo, isRows: false).Method.CreateDelegate<Action<Index1D, FusedArgs, ReductionArgs>>()));

    private RowsLauncher CompileRows(Reduction reduction, int value, DType dtype, bool isFirstOfTwo) => Guard(Describe(reduction), () =>
        Device.Accelerator.LoadKernel(
            Entry(reduction, value, dtype, isFirstOfTwo, isRows: true).Method.CreateDelegate<Action<FusedArgs, ReductionArgs>>()));

    private RowsLauncher CompileMerge(Reduction reduction, DType dtype) => Guard(Describe(reduction), () => Device.Accelerator.LoadKernel(
        KernelEntry.Merge(reduction, ReductionTypes.For(reduction, dtype).SecondPass()).Method.CreateDelegate<Action<FusedArgs, ReductionArgs>>()));

    private KernelEntry Entry(Reduction reduction, int value, DType dtype, bool isFirstOfTwo, bool isRows)
    {
        var types = ReductionTypes.For(reduction, dtype);
        return KernelEntry.Reduce(Graph.ToProgram(), value, reduction, isFirstOfTwo ? types.FirstPass() : types, isRows);
    }

    private T Guard<T>(string operations, Func<T> compile)
    {
        try
        {
            return compile();
        }
        catch (Exception e) when (e is not (AutogradException or OutOfMemoryException))
        {
            throw new KernelCompilationException(Device, operations, e);
        }
    }

    private void CheckSize(long elements, Reduction? reduction)
    {
        if (elements > MaxElements)
        {
            throw new LaunchLimitException(Device, Describe(reduction), elements, MaxElements);
        }
    }

    private string Describe(Reduction? reduction) =>
        Graph.ToProgram().Describe() + (reduction is { } kind ? $" -> {kind}" : "");

    private static int StateSize(Reduction reduction, DType dtype) => (reduction is Reduction.ArgMax or Reduction.ArgMin, dtype.ComputeType().Size()) switch
    {
        (true, 8) => Unsafe.SizeOf<Positioned<double>>(),
        (true, _) => Unsafe.SizeOf<Positioned<float>>(),
        (false, 8) => sizeof(double),
        _ => sizeof(float),
    };
}
