using System.Reflection;
using System.Reflection.Emit;

namespace Autograd.Gpu.Tests.Support;

/// <summary>Which members the code of a method names, read from its instructions: what a table's row calls, what an operation is made of.</summary>
internal static class CallGraph
{
    private static readonly OpCode[] s_short = new OpCode[256];
    private static readonly OpCode[] s_long = new OpCode[256];
    private static readonly Dictionary<MethodBase, MemberInfo[]> s_known = [];

    static CallGraph()
    {
        foreach (var field in typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static))
        {
            var code = (OpCode)field.GetValue(null)!;
            (code.Size == 1 ? s_short : s_long)[code.Value & 0xff] = code;
        }
    }

    /// <summary>The methods, constructors and fields that a method's own code names.</summary>
    public static MemberInfo[] Members(MethodBase method)
    {
        lock (s_known)
        {
            return s_known.TryGetValue(method, out var known) ? known : s_known[method] = [.. Read(method)];
        }
    }

    /// <summary>
    /// The members that a method names, and those that the methods which it names do, as far as <paramref name="follows"/> says; lambdas and local
    /// functions belong to the method that has them.
    /// </summary>
    public static HashSet<MemberInfo> Closure(MethodBase method, Func<MethodBase, bool> follows)
    {
        var found = new HashSet<MemberInfo>();
        var rest = new Stack<MethodBase>([method]);
        var seen = new HashSet<MethodBase> { method };
        while (rest.TryPop(out var next))
        {
            foreach (var member in Members(next))
            {
                found.Add(member);
                if (member is MethodBase called && seen.Add(called) && (IsInside(called) || follows(called)))
                {
                    rest.Push(called);
                }
            }
        }

        return found;
    }

    /// <summary>The members that a delegate's code names, those of the delegates that it holds included.</summary>
    public static HashSet<MemberInfo> Closure(Delegate function)
    {
        var found = Closure(function.Method, _ => false);
        if (function.Target is { } target)
        {
            foreach (var field in target.GetType().GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance))
            {
                if (field.GetValue(target) is Delegate inner && !ReferenceEquals(inner, function))
                {
                    found.UnionWith(Closure(inner));
                }
            }
        }

        return found;
    }

    /// <summary>Whether the compiler made the method for a lambda, a local function or an iterator.</summary>
    private static bool IsInside(MethodBase method) => method.Name.Contains('<') || method.DeclaringType?.Name.Contains('<') == true;

    private static IEnumerable<MemberInfo> Read(MethodBase method)
    {
        byte[] il;
        try
        {
            il = method.GetMethodBody()?.GetILAsByteArray() ?? [];
        }
        catch (Exception e) when (e is InvalidOperationException or NotSupportedException)
        {
            yield break;
        }

        var typeArguments = method.DeclaringType is { IsGenericType: true } type ? type.GetGenericArguments() : null;
        var methodArguments = method.IsGenericMethod ? method.GetGenericArguments() : null;
        for (int at = 0; at < il.Length;)
        {
            var code = il[at] == 0xfe ? s_long[il[at + 1]] : s_short[il[at]];
            at += code.Size;
            if (code.OperandType is OperandType.InlineMethod or OperandType.InlineField or OperandType.InlineTok)
            {
                MemberInfo? member = null;
                try
                {
                    member = method.Module.ResolveMember(BitConverter.ToInt32(il, at), typeArguments, methodArguments);
                }
                catch (Exception e) when (e is ArgumentException or TypeLoadException or MissingMemberException or FileNotFoundException)
                {
                    // A member of an assembly that is not there is none of ours.
                }

                if (member is not null)
                {
                    yield return member;
                }
            }

            at += code.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(il, at)),
                _ => 4,
            };
        }
    }
}
