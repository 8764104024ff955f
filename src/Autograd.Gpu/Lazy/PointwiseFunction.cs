using System.Numerics;
using System.Reflection;
using System.Runtime.Intrinsics;

namespace Autograd.Gpu.Lazy;

/// <summary>
/// What a fused kernel calls for one node: a function of one to three elements, given by static methods named <c>Invoke</c> in the
/// class that derives from this one. The scalar methods (<c>float Invoke(float, float)</c>, likewise double, int, long, bool) are
/// inlined into ILGPU kernels and into the host's tail loops, the vector methods (<c>Vector&lt;float&gt; Invoke(...)</c>, and so on)
/// into host kernels. A method may be generic in its element type. In a vector method a bool is a mask: <c>Vector&lt;int&gt;</c>
/// beside 4-byte elements, <c>Vector&lt;long&gt;</c> beside 8-byte ones; where the other inputs are bools too the vector method is named
/// <c>InvokeMask</c>. A missing vector form makes the host run the scalar one.
/// </summary>
internal abstract class PointwiseFunction
{
    private enum Support : byte
    {
        Unknown,
        Yes,
        No,
    }

    private static int s_count;
    private readonly Support[] _supported = new Support[(int)DType.Float64 + 1];

    protected PointwiseFunction(string name, int arity)
    {
        Name = name;
        Arity = arity;
        Id = Interlocked.Increment(ref s_count);
    }

    /// <summary>The name that errors, traces and nodes show: <c>Tanh</c>.</summary>
    public string Name { get; }

    public int Arity { get; }

    /// <summary>Identifies the function in kernel keys.</summary>
    public int Id { get; }

    /// <summary>What computes the function of numbers, by their dtype; the constant folder makes each when it is first needed.</summary>
    public Func<Scalar, Scalar, Scalar, Scalar>?[] Evaluators { get; } = new Func<Scalar, Scalar, Scalar, Scalar>?[(int)DType.Float64 + 1];

    /// <summary>The class whose <c>Invoke</c> methods are called.</summary>
    public virtual Type Owner => GetType();

    /// <summary>Whether the result is a bool, whatever the inputs' dtype is.</summary>
    public virtual bool IsPredicate => false;

    /// <summary>Whether the first input is a bool beside the others, as in <c>Where</c>.</summary>
    public virtual bool TakesCondition => false;

    /// <summary>
    /// Rows of sixteen floats that the form for <c>Vector512&lt;float&gt;</c> takes after its inputs, a vector each: a loop reads them once and holds them in registers.
    /// Read-only data of the assembly, which stays where it is.
    /// </summary>
    public virtual ReadOnlySpan<float> WideTables => default;

    /// <summary>An input or constant that equals the function of these inputs exactly, if there is one.</summary>
    public virtual Expression? Simplify(Expression in0, Expression? in1, DType dtype) => null;

    /// <summary>Whether there is a scalar method for elements of <paramref name="dtype"/>.</summary>
    public bool Supports(DType dtype)
    {
        // Asked at each call. Threads that find out at the same time find the same.
        ref var known = ref _supported[(int)dtype];
        if (known == Support.Unknown)
        {
            known = Resolve(ScalarTypes(dtype.ComputeType())) is null ? Support.No : Support.Yes;
        }

        return known == Support.Yes;
    }

    /// <summary>The scalar method for inputs of <paramref name="dtype"/>, a compute type.</summary>
    public MethodInfo ScalarMethod(DType dtype) => Resolve(ScalarTypes(dtype))
        ?? throw new DTypeException($"{Name}: not implemented for {dtype.Name()}.");

    /// <summary>
    /// The scalar method that the host takes: <c>InvokeHost</c>, if there is one. A function whose vector forms compute in another way than devices do has it, so that
    /// all of the host's forms give the same bits.
    /// </summary>
    public MethodInfo HostScalarMethod(DType dtype) => Resolve(ScalarTypes(dtype), "InvokeHost") ?? ScalarMethod(dtype);

    /// <summary>
    /// The vector method for inputs of <paramref name="dtype"/> in a kernel of <paramref name="laneSize"/>-byte lanes, if there is one. Bools are masks,
    /// whose all-ones are not the number one: their method is <c>InvokeMask</c>.
    /// </summary>
    public MethodInfo? VectorMethod(DType dtype, int laneSize)
    {
        var types = new Type[Arity];
        Array.Fill(types, Registers.Vector(dtype, laneSize));
        if (TakesCondition)
        {
            types[0] = Registers.Vector(DType.Bool, laneSize);
        }

        return Resolve(types, dtype == DType.Bool ? "InvokeMask" : "Invoke");
    }

    /// <summary>
    /// The form for 512-bit vectors of 4-byte lanes, if there is one: <c>Invoke</c> or <c>InvokeMask</c> on <c>Vector512&lt;T&gt;</c>, with the rows of
    /// <see cref="WideTables"/>.
    /// </summary>
    public MethodInfo? WideMethod(DType dtype)
    {
        var types = new Type[Arity + (dtype.ComputeType() == DType.Float32 ? WideTables.Length / Vector512<float>.Count : 0)];
        Array.Fill(types, Registers.Wide(dtype));
        if (TakesCondition)
        {
            types[0] = Registers.Wide(DType.Bool);
        }

        return Resolve(types, dtype == DType.Bool ? "InvokeMask" : "Invoke");
    }

    private Type[] ScalarTypes(DType dtype)
    {
        var types = new Type[Arity];
        Array.Fill(types, Registers.Scalar(dtype));
        if (TakesCondition)
        {
            types[0] = typeof(bool);
        }

        return types;
    }

    private MethodInfo? Resolve(Type[] types, string name = "Invoke")
    {
        const BindingFlags flags = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;
        MethodInfo? generic = null;
        foreach (var method in Owner.GetMethods(flags))
        {
            if (method.Name != name || method.GetParameters().Length != types.Length)
            {
                continue;
            }

            if (!method.IsGenericMethodDefinition)
            {
                if (method.GetParameters().Select(p => p.ParameterType).SequenceEqual(types))
                {
                    return method;
                }
            }
            else
            {
                generic ??= Close(method, types);
            }
        }

        return generic;
    }

    /// <summary>The generic method closed over the element type of the last input, if its parameters then are <paramref name="types"/>.</summary>
    private static MethodInfo? Close(MethodInfo method, Type[] types)
    {
        var last = types[^1];
        var vector = last.IsGenericType ? last.GetGenericTypeDefinition() : null;
        var element = vector is null ? last : last.GetGenericArguments()[0];
        var parameter = method.GetParameters()[^1].ParameterType;
        if (element == typeof(bool) || (parameter.IsGenericType ? parameter.GetGenericTypeDefinition() : null) != vector)
        {
            return null;
        }

        var closed = method.MakeGenericMethod(element);
        return closed.GetParameters().Select(p => p.ParameterType).SequenceEqual(types) ? closed : null;
    }
}

/// <summary>The .NET types in which generated code holds an element, or a vector of them.</summary>
internal static class Registers
{
    public static Type Scalar(DType dtype) => dtype.ComputeType() switch
    {
        DType.Bool => typeof(bool),
        DType.Int32 => typeof(int),
        DType.Int64 => typeof(long),
        DType.Float32 => typeof(float),
        _ => typeof(double),
    };

    /// <summary>The vector type of a dtype in a kernel of <paramref name="laneSize"/>-byte lanes; bools are masks.</summary>
    public static Type Vector(DType dtype, int laneSize) => dtype.ComputeType() switch
    {
        DType.Bool => laneSize == 4 ? typeof(Vector<int>) : typeof(Vector<long>),
        DType.Int32 => typeof(Vector<int>),
        DType.Int64 => typeof(Vector<long>),
        DType.Float32 => typeof(Vector<float>),
        _ => typeof(Vector<double>),
    };

    /// <summary>The 512-bit vector type of a dtype in a kernel of 4-byte lanes; bools are masks.</summary>
    public static Type Wide(DType dtype) => dtype.ComputeType() switch
    {
        DType.Bool or DType.Int32 => typeof(Vector512<int>),
        DType.Float32 => typeof(Vector512<float>),
        _ => throw new ArgumentOutOfRangeException(nameof(dtype), dtype, "Lanes of 4 bytes do not hold this dtype."),
    };

    /// <summary>Bytes of a lane that holds this dtype; 0 for bool, which fits any.</summary>
    public static int LaneSize(DType dtype) => dtype == DType.Bool ? 0 : dtype.ComputeType().Size();
}
