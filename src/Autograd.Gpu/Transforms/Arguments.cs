namespace Autograd.Gpu.Transforms;

/// <summary>The arguments of a function, some of which a transform replaces.</summary>
internal readonly struct Arguments
{
    private readonly IReadOnlyList<Tensor> _all;
    private readonly IReadOnlyList<int> _argNums;

    public Arguments(string operation, IReadOnlyList<Tensor> all, IReadOnlyList<int> argNums)
    {
        ArgumentNullException.ThrowIfNull(all);
        ArgumentNullException.ThrowIfNull(argNums);
        _all = all;
        _argNums = argNums;
        Chosen = new Tensor[argNums.Count];
        for (int i = 0; i < Chosen.Length; i++)
        {
            int argNum = argNums[i];
            Chosen[i] = argNum >= 0 && argNum < all.Count && !argNums.Take(i).Contains(argNum)
                ? all[argNum]
                : throw new ArgumentException($"{operation}: argNums names argument {argNum} of a function of {all.Count} (each may be named once, from 0 on).");
        }
    }

    /// <summary>Those that are replaced.</summary>
    public Tensor[] Chosen { get; }

    /// <summary>All arguments, with these in the place of the chosen ones.</summary>
    public Tensor[] With(IReadOnlyList<Tensor> replaced)
    {
        Tensor[] arguments = [.. _all];
        for (int i = 0; i < _argNums.Count; i++)
        {
            arguments[_argNums[i]] = replaced[i];
        }

        return arguments;
    }
}
