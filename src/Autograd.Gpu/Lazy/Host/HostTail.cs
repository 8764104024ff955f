using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Lazy.Host;

/// <summary>
/// Runs elements that do not fill a vector through a program's vector loop: what it reads of them is copied to places of one vector each, which the last element
/// fills up, and what it writes is copied back. So a few elements need no code beside that of the vectors, and nothing beside them is read or written.
/// </summary>
internal sealed unsafe class HostTail
{
    /// <summary>Bytes of one operand's place, the longest vector; places are aligned to it, as streaming stores want.</summary>
    private const int PlaceBytes = 64;

    private readonly Operand[] _operands;
    private readonly int _lanes;

    public HostTail(FusedProgram program, int lanes)
    {
        _lanes = lanes;
        _operands = new Operand[program.Operands.Length];
        for (int k = 0; k < _operands.Length; k++)
        {
            var info = program.Operands[k];
            bool isWritten = Array.Exists(program.Outputs, output => output.Operand == k);
            bool isPlaced = !info.IsIndex && (isWritten || info.Inner != Access.Scalar);
            _operands[k] = new Operand(
                info.IsIndex ? Step.Given : info.Inner switch { Access.Contiguous => Step.Element, Access.Scalar => Step.None, _ => Step.Given },
                info.IsIndex ? 1 : info.DType.Size(), isPlaced, isPlaced && program.Reads(k), isWritten);
        }
    }

    private enum Step : byte
    {
        None,
        Element,
        Given,
    }

    /// <summary>
    /// Computes <paramref name="count"/> elements, fewer than a vector has, from element <paramref name="start"/> on; the rest as <see cref="HostKernel"/> says.
    /// </summary>
    [SkipLocalsInit]
    public void Run(HostKernel vectors, nint* pointers, long* strides, long* constants, long linear, long start, int count)
    {
        byte* memory = stackalloc byte[(FusedGraph.MaxOperands + 1) * PlaceBytes];
        byte* places = memory + (-(nint)memory & (PlaceBytes - 1));
        nint* starts = stackalloc nint[FusedGraph.MaxOperands];
        long* steps = stackalloc long[FusedGraph.MaxOperands];
        var operands = _operands;
        for (int k = 0; k < operands.Length; k++)
        {
            ref readonly var operand = ref operands[k];
            long step = operand.StepOf(strides[k]);
            nint first = pointers[k] + (nint)(start * step);
            starts[k] = operand.IsPlaced ? (nint)(places + k * PlaceBytes) : first;
            steps[k] = operand.IsPlaced ? operand.Size : step;
            if (operand.IsRead)
            {
                Fill((byte*)first, step, (byte*)starts[k], count, operand.Size);
            }
        }

        vectors(starts, steps, constants, linear + start, _lanes);
        for (int k = 0; k < operands.Length; k++)
        {
            ref readonly var operand = ref operands[k];
            if (operand.IsWritten)
            {
                long step = operand.StepOf(strides[k]);
                Copy((byte*)starts[k], operand.Size, (byte*)pointers[k] + start * step, step, count, operand.Size);
            }
        }
    }

    // The last element stands for those that are not there: it takes no way through a function that an element does not take.
    private void Fill(byte* from, long step, byte* to, int count, int size)
    {
        Copy(from, step, to, size, count, size);
        Copy(from + (count - 1) * step, 0, to + count * size, size, _lanes - count, size);
    }

    private static void Copy(byte* from, long fromStep, byte* to, long toStep, int count, int size)
    {
        switch (size)
        {
            case 1:
                Copy<byte>(from, fromStep, to, toStep, count);
                break;
            case 2:
                Copy<ushort>(from, fromStep, to, toStep, count);
                break;
            case 4:
                Copy<uint>(from, fromStep, to, toStep, count);
                break;
            default:
                Copy<ulong>(from, fromStep, to, toStep, count);
                break;
        }
    }

    private static void Copy<T>(byte* from, long fromStep, byte* to, long toStep, int count)
        where T : unmanaged
    {
        for (int i = 0; i < count; i++)
        {
            *(T*)to = *(T*)from;
            from += fromStep;
            to += toStep;
        }
    }

    /// <param name="Step">How far its elements lie apart.</param>
    /// <param name="Size">Bytes of an element.</param>
    /// <param name="IsPlaced">Whether the loop is given a place for it; numbers that stay the same and index sequences need none.</param>
    /// <param name="IsRead">Whether its place is to be filled.</param>
    /// <param name="IsWritten">Whether its place holds results.</param>
    private readonly record struct Operand(Step Step, int Size, bool IsPlaced, bool IsRead, bool IsWritten)
    {
        public long StepOf(long stride) => Step switch { Step.None => 0, Step.Element => Size, _ => stride };
    }
}
