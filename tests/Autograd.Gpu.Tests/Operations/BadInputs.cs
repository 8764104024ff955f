using System.Reflection;
using System.Reflection.Emit;

namespace Autograd.Gpu.Tests;

/// <summary>
/// Calls of a public operation in which one argument is unusual: of another shape, dtype or device, missing, out of range. What the operation does with
/// each is right as long as it answers or refuses with an exception meant for the caller.
/// </summary>
internal static class BadInputs
{
    /// <summary>The exceptions that programs are told about.</summary>
    public static bool IsMeant(Exception e) => e is AutogradException or ArgumentException;

    /// <summary>Whether the method can be called with made-up arguments.</summary>
    public static bool CanBeCalled(MethodBase method) => !method.ContainsGenericParameters && method.GetParameters().All(p => !p.ParameterType.IsByRef);

    /// <summary>
    /// What each call threw, with the call in words; null where it returned. Missing is the name of the argument that the call gives null although the annotations
    /// forbid it.
    /// </summary>
    public static IEnumerable<(string Call, Exception? Thrown, string? Missing)> Try(MethodBase method)
    {
        var parameters = method.GetParameters();
        var call = Caller(method);
        for (int changed = method.IsStatic ? 0 : -1; changed < parameters.Length; changed++)
        {
            var type = changed < 0 ? typeof(Tensor) : parameters[changed].ParameterType;
            foreach (var (what, make) in Unusual(type, isSelf: changed < 0))
            {
                // Fresh arguments each time: the operation may write to them.
                object? self = method.IsStatic ? null : changed < 0 ? make() : X();
                var arguments = parameters.Select((p, i) => i == changed ? make() : Usual(p)).ToArray();
                string shown = $"{method.Name}({(changed < 0 ? "this" : parameters[changed].Name)}: {what})";
                bool isMissing = what.Contains("null") && !MayBeNull(parameters[changed], ofElement: what != "null");
                yield return (shown, Run(call, self, arguments), isMissing ? parameters[changed].Name : null);
            }
        }
    }

    private static bool MayBeNull(ParameterInfo parameter, bool ofElement)
    {
        var info = new NullabilityInfoContext().Create(parameter);
        return ((ofElement ? info.ElementType ?? info.GenericTypeArguments.FirstOrDefault() : info) ?? info).WriteState == NullabilityState.Nullable;
    }

    /// <summary>Calls the method with the object and an array of the arguments, spans as arrays; reflection could not pass these.</summary>
    private static Func<object?, object?[], object?> Caller(MethodBase method)
    {
        var stub = new DynamicMethod(method.Name, typeof(object), [typeof(object), typeof(object[])], typeof(BadInputs).Module, skipVisibility: true);
        var il = stub.GetILGenerator();
        if (!method.IsStatic)
        {
            il.Emit(OpCodes.Ldarg_0);
            il.Emit(OpCodes.Castclass, method.DeclaringType!);
        }

        foreach (var parameter in method.GetParameters())
        {
            il.Emit(OpCodes.Ldarg_1);
            il.Emit(OpCodes.Ldc_I4, parameter.Position);
            il.Emit(OpCodes.Ldelem_Ref);
            if (parameter.ParameterType is { IsByRefLike: true } span)
            {
                var array = span.GetGenericArguments()[0].MakeArrayType();
                il.Emit(OpCodes.Castclass, array);
                il.Emit(OpCodes.Newobj, span.GetConstructor([array])!);
            }
            else
            {
                il.Emit(OpCodes.Unbox_Any, parameter.ParameterType);
            }
        }

        var result = ((MethodInfo)method).ReturnType;
        il.Emit(OpCodes.Call, (MethodInfo)method);
        if (result == typeof(void))
        {
            il.Emit(OpCodes.Ldnull);
        }
        else if (result.IsValueType)
        {
            il.Emit(OpCodes.Box, result);
        }

        il.Emit(OpCodes.Ret);
        return stub.CreateDelegate<Func<object?, object?[], object?>>();
    }

    private static Exception? Run(Func<object?, object?[], object?> call, object? self, object?[] arguments)
    {
        try
        {
            switch (call(self, arguments))
            {
                case Tensor tensor:
                    tensor.Materialize();
                    break;
                case Tensor[] tensors:
                    Array.ForEach(tensors, t => t.Materialize());
                    break;
            }

            return null;
        }
        catch (Exception e)
        {
            return e;
        }
    }

    private static Tensor X() => Tensor.FromArray([0.5f, 1, 2, 3, 0.25f, 4], [2, 3], Device.Cpu);

    private static object? Usual(ParameterInfo parameter)
    {
        var type = parameter.ParameterType;
        return parameter.HasDefaultValue && !type.IsValueType ? parameter.DefaultValue
            : parameter.HasDefaultValue && Nullable.GetUnderlyingType(type) is not null ? null
            : parameter.HasDefaultValue && parameter.DefaultValue is { } value ? type.IsEnum ? Enum.ToObject(type, value) : value
            : type == typeof(Tensor) ? X()
            : type == typeof(Scalar) ? (Scalar)2
            : type == typeof(Shape) ? Shape.Create([2, 3])
            : type == typeof(Device) ? Device.Cpu
            : type == typeof(int) ? 0
            : type == typeof(long) ? 1L
            : type == typeof(double) ? 0.5
            : type == typeof(string) ? "ij,ij"
            : type == typeof(DType) ? DType.Float32
            : type.IsAssignableFrom(typeof(Tensor[])) ? new[] { X(), X() }
            : type.IsAssignableFrom(typeof(int[])) || type == typeof(ReadOnlySpan<int>) ? new[] { 0, 1 }
            : type.IsAssignableFrom(typeof(long[])) || type == typeof(ReadOnlySpan<long>) ? new[] { 2L, 3 }
            : type.IsAssignableFrom(typeof((Tensor, IReadOnlyList<int>)[])) ? new (Tensor, IReadOnlyList<int>)[] { (X(), [0, 1]) }
            : type.IsByRefLike ? Array.CreateInstance(type.GetGenericArguments()[0], 1)
            : type.IsValueType ? Activator.CreateInstance(type)
            : null;
    }

    private static IEnumerable<(string What, Func<object?> Make)> Unusual(Type type, bool isSelf)
    {
        if (type == typeof(Tensor))
        {
            yield return ("shape [4]", () => Tensor.Ones([4]));
            yield return ("shape [5, 1, 2]", () => Tensor.Ones([5, 1, 2]));
            yield return ("0-d", () => Tensor.Ones([]));
            yield return ("nothing", () => Tensor.Ones([0, 3]));
            yield return ("float64", () => X().To(DType.Float64));
            yield return ("int64", () => X().To(DType.Int64));
            yield return ("negative int64", () => X().To(DType.Int64) - 50);
            yield return ("bool", () => X() > 1);
            if (isSelf)
            {
                yield return ("a leaf", () => X().RequiresGrad_());
                yield return ("a view of a leaf", () => X().RequiresGrad_().T.T);
                yield return ("expanded", () => Tensor.Ones([1, 3]).Expand(2, 3));
                yield return ("expanded int64", () => Tensor.Ones([1, 3], DType.Int64).Expand(2, 3));
                yield return ("expanded bool", () => Tensor.Ones([1, 3], DType.Bool).Expand(2, 3));
            }
            else
            {
                yield return ("null", () => null);
                yield return ("elsewhere", () => X().To(Device.CpuKernels));
            }
        }
        else if (type.IsAssignableFrom(typeof(Tensor[])))
        {
            yield return ("null", () => null);
            yield return ("none", () => Array.Empty<Tensor>());
            yield return ("two shapes", () => new[] { X(), Tensor.Ones([4, 5]) });
            yield return ("two ranks", () => new[] { X(), Tensor.Ones([7]) });
            yield return ("two dtypes", () => new[] { X(), X().To(DType.Int64) });
            yield return ("two devices", () => new[] { X(), X().To(Device.CpuKernels) });
            yield return ("a null among them", () => new[] { X(), null! });
        }
        else if (type.IsAssignableFrom(typeof(int[])) || type == typeof(ReadOnlySpan<int>))
        {
            foreach (int[] values in new int[][] { [2], [-3, 0], [0, -2], [0, 0, 1], [int.MinValue], [] })
            {
                yield return ($"[{string.Join(", ", values)}]", () => values.ToArray());
            }

            if (!type.IsByRefLike)
            {
                yield return ("null", () => null);
            }
        }
        else if (type.IsAssignableFrom(typeof(long[])) || type == typeof(ReadOnlySpan<long>))
        {
            foreach (long[] values in new long[][] { [7], [-2, 3], [-1, -1], [0, 1, 2, 5], [long.MaxValue, 2], [] })
            {
                yield return ($"[{string.Join(", ", values)}]", () => values.ToArray());
            }

            if (!type.IsByRefLike)
            {
                yield return ("null", () => null);
            }
        }
        else if (type == typeof(ReadOnlySpan<TensorIndex>))
        {
            yield return ("[2]", () => new TensorIndex[] { 2 });
            yield return ("four dims", () => new TensorIndex[] { 0, 0, 0, 0 });
            yield return ("a mask of another shape", () => new TensorIndex[] { Tensor.Ones([4]) > 0 });
            yield return ("floats", () => new TensorIndex[] { X() });
        }
        else if (type == typeof(int) || type == typeof(int?))
        {
            foreach (int value in new[] { 2, -3, 99, int.MinValue })
            {
                yield return ($"{value}", () => value);
            }
        }
        else if (type == typeof(long) || type == typeof(long?))
        {
            foreach (long value in new[] { -1L, -99, 99 })
            {
                yield return ($"{value}", () => value);
            }
        }
        else if (type == typeof(double) || type == typeof(double?))
        {
            foreach (double value in new[] { double.NaN, -1, 0, double.PositiveInfinity })
            {
                yield return ($"{value}", () => value);
            }
        }
        else if (type == typeof(Shape))
        {
            yield return ("[5, 7]", () => Shape.Create([5, 7]));
            yield return ("[]", () => Shape.Scalar);
            yield return ("[0]", () => Shape.Create([0]));
            yield return ("[2, 4]", () => Shape.Create([2, 4]));
        }
        else if (type == typeof(DType) || type == typeof(DType?))
        {
            yield return ("bool", () => DType.Bool);
            yield return ("int64", () => DType.Int64);
            yield return ("undefined", () => (DType)99);
        }
        else if ((Nullable.GetUnderlyingType(type) ?? type).IsEnum)
        {
            yield return ("undefined", () => Enum.ToObject(Nullable.GetUnderlyingType(type) ?? type, 99));
        }
        else if (type == typeof(string))
        {
            foreach (string value in new[] { "?", "ij", "ij,jk", "ij,ij->z" })
            {
                yield return (value, () => value);
            }
        }
        else if (type == typeof(Device))
        {
            yield return ("null", () => null);
        }
    }
}
