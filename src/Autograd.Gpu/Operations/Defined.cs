using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Operations;

/// <summary>Options that programs give as an enum, which .NET lets be any number.</summary>
internal static class Defined
{
    /// <summary>Refuses what the enum has no name for: it would be taken for the last of those that there are.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not defined.</exception>
    public static void Check<T>(string operation, T value, [CallerArgumentExpression(nameof(value))] string? name = null) where T : struct, Enum
    {
        if (!Enum.IsDefined(value))
        {
            throw new ArgumentOutOfRangeException(name, $"{operation}: {value} is not a valid value for {name}. There are {string.Join(", ", Enum.GetNames<T>())}.");
        }
    }

    /// <summary>The same where there may be none.</summary>
    public static void Check<T>(string operation, T? value, [CallerArgumentExpression(nameof(value))] string? name = null) where T : struct, Enum
    {
        if (value is { } given)
        {
            Check(operation, given, name);
        }
    }
}
