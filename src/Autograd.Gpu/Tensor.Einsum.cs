using Autograd.Gpu.Operations;

namespace Autograd.Gpu;

public sealed partial class Tensor
{
    /// <summary>
    /// Sums of products in Einstein's notation: each letter names a dimension, elements with equal letters are multiplied, and letters that the result does not name are summed.
    /// </summary>
    /// <param name="equation">
    /// Subscripts of the operands, separated by commas, and after <c>-></c> those of the result. Without an arrow the result has what ellipses stand for, then the letters
    /// that occur once, in alphabetical order (capitals first). A letter that an operand repeats takes its diagonal; <c>...</c> stands for further dimensions, which
    /// broadcast; spaces do not count.
    /// </param>
    /// <param name="operands">One tensor for each term.</param>
    /// <remarks>
    /// <para>For example <c>"ij,jk"</c> is a matrix product, <c>"bij,bjk->bik"</c> one of stacks, <c>"ii"</c> a trace, <c>"i,j->ij"</c> an outer product.</para>
    /// <para>
    /// Three operands and more are contracted in pairs, in the order that needs the fewest multiplications (exact up to 8 operands, greedy beyond). Each pair is one matrix
    /// product of views (copies only where strides do not merge), or one fused pass where there is nothing to sum or nothing else than sums. Half types are computed in float32.
    /// </para>
    /// </remarks>
    /// <exception cref="ShapeException">The equation cannot be read, or the operands do not fit it.</exception>
    /// <exception cref="DTypeException">The dtypes of the operands differ, or are bool where something is summed.</exception>
    /// <exception cref="DeviceMismatchException">The operands are on different devices.</exception>
    public static Tensor Einsum(string equation, params IReadOnlyList<Tensor> operands)
    {
        ArgumentNullException.ThrowIfNull(equation);
        ArgumentNullException.ThrowIfNull(operands);
        for (int i = 0; i < operands.Count; i++)
        {
            ArgumentNullException.ThrowIfNull(operands[i], $"operands[{i}]");
        }

        var read = EinsumEquation.Read(equation, operands);
        for (int i = 0; i < operands.Count; i++)
        {
            CheckSame("Einsum", operands[0], operands[i]);
            operands[i].CheckNumbers("Einsum");
        }

        return Contraction.Of(operands, read.Inputs, read.Output);
    }

    /// <summary>
    /// <see cref="Einsum(string, IReadOnlyList{Tensor})"/> with numbers for letters: each operand with the subscripts of its dimensions, 0 to 51 (A to Z, then a to z), and -1
    /// for an ellipsis. <c>Einsum(a, [0, 1], b, [1, 2], [0, 2])</c> is <c>Einsum("AB,BC->AC", a, b)</c>.
    /// </summary>
    /// <param name="first">The first operand.</param>
    /// <param name="firstSubscripts">A number for each of its dimensions.</param>
    /// <param name="second">The second operand.</param>
    /// <param name="secondSubscripts">A number for each of its dimensions.</param>
    /// <param name="result">The subscripts of the result; without them those of an equation without an arrow.</param>
    /// <inheritdoc cref="Einsum(string, IReadOnlyList{Tensor})"/>
    public static Tensor Einsum(Tensor first, IReadOnlyList<int> firstSubscripts, Tensor second, IReadOnlyList<int> secondSubscripts, IReadOnlyList<int>? result = null)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(firstSubscripts);
        ArgumentNullException.ThrowIfNull(second);
        ArgumentNullException.ThrowIfNull(secondSubscripts);
        return Einsum([(first, firstSubscripts), (second, secondSubscripts)], result);
    }

    /// <summary>The same of one operand: <c>Einsum(a, [0, 0], [0])</c> is its diagonal.</summary>
    /// <param name="operand">The operand.</param>
    /// <param name="subscripts">A number for each of its dimensions.</param>
    /// <param name="result">The subscripts of the result; without them those of an equation without an arrow.</param>
    /// <inheritdoc cref="Einsum(Tensor, IReadOnlyList{int}, Tensor, IReadOnlyList{int}, IReadOnlyList{int}?)"/>
    public static Tensor Einsum(Tensor operand, IReadOnlyList<int> subscripts, IReadOnlyList<int>? result = null)
    {
        ArgumentNullException.ThrowIfNull(operand);
        ArgumentNullException.ThrowIfNull(subscripts);
        return Einsum([(operand, subscripts)], result);
    }

    /// <summary>The same of any number of operands.</summary>
    /// <param name="operands">Each operand with a number for each of its dimensions.</param>
    /// <param name="result">The subscripts of the result; without them those of an equation without an arrow.</param>
    /// <inheritdoc cref="Einsum(Tensor, IReadOnlyList{int}, Tensor, IReadOnlyList{int}, IReadOnlyList{int}?)"/>
    public static Tensor Einsum(IReadOnlyList<(Tensor Operand, IReadOnlyList<int> Subscripts)> operands, IReadOnlyList<int>? result = null)
    {
        ArgumentNullException.ThrowIfNull(operands);
        for (int i = 0; i < operands.Count; i++)
        {
            ArgumentNullException.ThrowIfNull(operands[i].Operand, $"operands[{i}].Operand");
            ArgumentNullException.ThrowIfNull(operands[i].Subscripts, $"operands[{i}].Subscripts");
        }

        string equation = string.Join(',', operands.Select(o => EinsumEquation.Term(o.Subscripts)));
        return Einsum(result is null ? equation : $"{equation}->{EinsumEquation.Term(result)}", [.. operands.Select(o => o.Operand)]);
    }
}
