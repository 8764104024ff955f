namespace Autograd.Gpu.Lazy.Host;

/// <summary>
/// The kernels of single functions on contiguous elements and numbers of one dtype, float32 or float64. They are found by number: neither a graph nor a
/// key is made for them, which takes longer than such a kernel runs on a few elements.
/// </summary>
internal sealed class SingleKernels
{
    /// <summary>For each function one for each dtype and for each choice of inputs that are numbers.</summary>
    private const int Forms = 16;

    private HostKernel?[] _kernels = new HostKernel?[Forms * 256];

    /// <summary>The kernel that reads the other inputs in their order, then writes; <paramref name="numbers"/> has a bit for each input that is a number.</summary>
    public HostKernel Get(PointwiseFunction function, DType dtype, int numbers)
    {
        int place = function.Id * Forms + (dtype == DType.Float64 ? Forms / 2 : 0) + numbers;
        return (uint)place < (uint)_kernels.Length && _kernels[place] is { } kernel ? kernel : Make(function, dtype, numbers, place);
    }

    private HostKernel Make(PointwiseFunction function, DType dtype, int numbers, int place)
    {
        if (place >= _kernels.Length)
        {
            Array.Resize(ref _kernels, Math.Max(place + Forms, 2 * _kernels.Length));
        }

        return _kernels[place] = HostKernelCompiler.Compile(Program(function, dtype, numbers));
    }

    private static FusedProgram Program(PointwiseFunction function, DType dtype, int numbers)
    {
        int arity = function.Arity, constants = 0, loads = 0;
        var values = new ValueStep[arity + 1];
        for (int i = 0; i < arity; i++)
        {
            bool isNumber = (numbers >> i & 1) != 0;
            values[i] = new ValueStep(isNumber ? ValueKind.Constant : ValueKind.Load, dtype, isNumber ? constants++ : loads++, null, 0, 0, 0, default);
        }

        values[arity] = new ValueStep(ValueKind.Apply, dtype, 0, function, 0, arity > 1 ? 1 : 0, arity > 2 ? 2 : 0, default);
        var operands = new OperandInfo[loads + 1];
        Array.Fill(operands, new OperandInfo(dtype, Access.Contiguous, Access.Contiguous, IsIndex: false));
        return new FusedProgram(values, operands, [new OutputStep(arity, loads)], Rank: 1, constants, Randoms: 0);
    }
}
