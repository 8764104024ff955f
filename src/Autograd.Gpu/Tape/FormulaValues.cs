namespace Autograd.Gpu.Tape;

/// <summary>
/// The tensors that a derivative's formula makes on its way: in <c>gradient * (1 - output * output)</c> all but the last. Nobody else sees them, so they are given up when the
/// formula is done. Their values are still pending then; from there on only the gradient's expression holds them, and the memory that they read goes back with the kernel that computes it.
/// </summary>
/// <remarks>
/// Without this a handle that nobody knows to be dropped would hold what the formula has saved until a garbage collection. It is for formulas of the library that are pointwise
/// (<see cref="IDifferentiable.IsFormula"/>) in passes that are not recorded. Where a function transform wraps tensors, or a node saved something
/// else than tensors, so that hooks of the program run inside of the formula, nothing is given up.
/// </remarks>
internal sealed class FormulaValues
{
    [ThreadStatic]
    private static FormulaValues? s_current;

    [ThreadStatic]
    private static FormulaValues? s_spare;

    private Tensor?[] _made = new Tensor?[16];
    private int _count;

    /// <summary>Begins to note what this thread makes, if that is to be given up; ends with <see cref="End"/> or <see cref="Abandon"/>.</summary>
    public static FormulaValues? Begin(Tensor gradient)
    {
        if (GradMode.IsEnabled || gradient.Wrapper is not null || s_current is not null)
        {
            return null;
        }

        var values = s_spare ?? new FormulaValues();
        s_spare = null;
        return s_current = values;
    }

    /// <summary>Notes a tensor if a formula is at work.</summary>
    public static Tensor Note(Tensor tensor)
    {
        s_current?.Add(tensor);
        return tensor;
    }

    /// <summary>Stops noting while code of the program runs, until <see cref="Resume"/>.</summary>
    public static FormulaValues? Suspend()
    {
        var current = s_current;
        s_current = null;
        return current;
    }

    public static void Resume(FormulaValues? values) => s_current = values;

    /// <summary>Gives up what the formula made, but for its results.</summary>
    public void End(ReadOnlySpan<Tensor?> results)
    {
        s_current = null;
        foreach (var result in results)
        {
            if (result?.Wrapper is not null)
            {
                Abandon();
                return;
            }
        }

        for (int i = 0; i < _count; i++)
        {
            var made = _made[i]!;
            _made[i] = null;
            if (!IsAmong(results, made))
            {
                made.Dispose();
            }
        }

        _count = 0;
        s_spare = this;
    }

    /// <summary>Forgets what the formula made: it has thrown, or its results stand for other tensors.</summary>
    public void Abandon()
    {
        s_current = null;
        Array.Clear(_made, 0, _count);
        _count = 0;
        s_spare = this;
    }

    private static bool IsAmong(ReadOnlySpan<Tensor?> results, Tensor tensor)
    {
        foreach (var result in results)
        {
            if (ReferenceEquals(result, tensor))
            {
                return true;
            }
        }

        return false;
    }

    private void Add(Tensor tensor)
    {
        if (_count == _made.Length)
        {
            Array.Resize(ref _made, 2 * _count);
        }

        _made[_count++] = tensor;
    }
}
