using System.Reflection;

namespace Autograd.Gpu.Tests.Support;

/// <summary>A public operation: all overloads of one name, its in-place form, and what they are made of.</summary>
internal sealed record PublicOperation(string Owner, string Name, MethodBase[] Overloads)
{
    /// <summary>Classes of operations that its code, helpers of the library included, names.</summary>
    public required Type[] Parts { get; init; }

    public bool IsInPlace => Name.EndsWith('_');

    /// <summary>Whether it makes tensors of nothing.</summary>
    public bool IsCreation => Overloads.All(m => m.IsStatic && !m.GetParameters().Any(p => PublicOperations.HasTensor(p.ParameterType)));

    public string Shown => PublicOperations.Operators.TryGetValue(Name, out string? symbol) ? symbol : Owner == "Tensor" ? Name : $"{Owner}.{Name}";
}

/// <summary>The public operations, found by reflection: what takes or is a tensor and returns tensors or an answer about them.</summary>
internal static class PublicOperations
{
    /// <summary>Public methods that return tensors and are no operations.</summary>
    private static readonly HashSet<string> s_others =
    [
        "op_Implicit", "Equals", "RequiresGrad_", "FromArray", "FromSpan", "Of", "Materialize",
    ];

    /// <summary>How operators are written.</summary>
    public static IReadOnlyDictionary<string, string> Operators { get; } = new Dictionary<string, string>
    {
        ["op_Addition"] = "a + b",
        ["op_Subtraction"] = "a - b",
        ["op_Multiply"] = "a * b",
        ["op_Division"] = "a / b",
        ["op_Modulus"] = "a % b",
        ["op_UnaryNegation"] = "-x",
        ["op_OnesComplement"] = "~x",
        ["op_BitwiseAnd"] = "a & b",
        ["op_BitwiseOr"] = "a \\| b",
        ["op_ExclusiveOr"] = "a ^ b",
        ["op_LeftShift"] = "a << b",
        ["op_RightShift"] = "a >> b",
        ["op_Equality"] = "a == b",
        ["op_Inequality"] = "a != b",
        ["op_LessThan"] = "a < b",
        ["op_LessThanOrEqual"] = "a <= b",
        ["op_GreaterThan"] = "a > b",
        ["op_GreaterThanOrEqual"] = "a >= b",
        ["get_T"] = "T",
        ["get_MT"] = "MT",
        ["get_Part"] = "x[...]",
        ["set_Part"] = "x[...] = y",
    };

    /// <summary>Classes with operations: the tensor, and the static ones whose public methods take and return tensors.</summary>
    public static IReadOnlyList<Type> Owners { get; } =
    [
        typeof(Tensor),
        .. typeof(Tensor).Assembly.GetExportedTypes().Concat(typeof(LinearAlgebra.Linalg).Assembly.GetExportedTypes())
            .Where(t => t is { IsAbstract: true, IsSealed: true } && t != typeof(Autodiff) && t.GetMethods(BindingFlags.Public | BindingFlags.Static).Any(IsOperation))
            .OrderBy(t => t.Name, StringComparer.Ordinal),
    ];

    public static IReadOnlyList<PublicOperation> All { get; } =
    [
        .. from owner in Owners
           from method in owner.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly)
           where IsOperation(method)
           group method by (owner, method.Name) into overloads
           orderby overloads.Key.owner == typeof(Tensor) ? "" : overloads.Key.owner.Name, overloads.Key.Name.TrimEnd('_').ToUpperInvariant(), overloads.Key.Name.Length
           select new PublicOperation(overloads.Key.owner.Name, overloads.Key.Name, [.. overloads])
           {
               Parts = [.. overloads.SelectMany(m => CallGraph.Closure(m, IsLibraryCode)).SelectMany(PartsOf).Distinct().OrderBy(t => t.Name, StringComparer.Ordinal)],
           },
    ];

    public static bool HasTensor(Type type) =>
        type == typeof(Tensor) || (type.HasElementType && HasTensor(type.GetElementType()!)) || (type.IsGenericType && type.GetGenericArguments().Any(HasTensor));

    /// <summary>The classes of operations that a member names.</summary>
    public static IEnumerable<Type> PartsOf(MemberInfo member)
    {
        IEnumerable<Type> types = member.DeclaringType is { } declaring ? [declaring] : [];
        if (member is MethodInfo { IsGenericMethod: true } generic)
        {
            types = types.Concat(generic.GetGenericArguments());
        }

        return types.Where(t => typeof(Transforms.IOperation).IsAssignableFrom(t) && !t.IsAbstract && !t.IsInterface && !t.IsGenericParameter);
    }

    private static bool IsOperation(MethodInfo method)
    {
        var result = method.ReturnType;
        bool isAccessor = method.IsSpecialName && !Operators.ContainsKey(method.Name);
        if (isAccessor || s_others.Contains(method.Name) || method.GetParameters().Any(p => typeof(Delegate).IsAssignableFrom(p.ParameterType)))
        {
            return false;
        }

        bool takesTensor = !method.IsStatic || method.GetParameters().Any(p => HasTensor(p.ParameterType));
        return HasTensor(result) || (takesTensor && result == typeof(bool) && method.GetParameters().Any(p => HasTensor(p.ParameterType))) || method.Name == "set_Part";
    }

    /// <summary>Helpers of the owners are looked into; operations themselves, engine and transforms are not.</summary>
    private static bool IsLibraryCode(MethodBase method) =>
        method.DeclaringType is { } type && type.Assembly == typeof(Tensor).Assembly && Owners.Contains(type) && method is MethodInfo info && !info.IsGenericMethodDefinition;
}
