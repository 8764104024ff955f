using System.Reflection;

namespace Autograd.Gpu.Tests;

/// <summary>
/// Calls of a public operation in which one argument is unusual: of another shape, dtype or device, missing, out of range. What the operation does with
/// each is right as long as it answers or refuses with an exception meant for the caller.
/// </summary>
internal static class BadInputs
{
    /// <summary>The exceptions that programs are told about.</summary>
    public static bool IsMeant(Exception e) => e is AutogradException or ArgumentException;

    /// <summary>Whether all overloads can be called by reflection; spans cannot be passed.</summary>
    public static bool CanBeCalled(MethodBase method) => !method.ContainsGenericParameters && method.GetParameters().All(p => !p.ParameterType.IsByRefLike && !p.ParameterType.IsByRef);

    /// <summary>
    /// What each call threw, with the call in words; null where it returned. A null where the annotations forbid one is for the compiler to refuse first; the call is
    /// marked.
    /// </summary>
    public static IEnumerable<(string Call, Exception? Thrown, bool IsNull)> Try(MethodBase method)
    {
        var parameters = method.GetParameters();
        for (int changed = method.IsStatic ? 0 : -1; changed < parameters.Length; changed++)
        {
            var type = changed < 0 ? typeof(Tensor) : parameters[changed].ParameterType;
            foreach (var (what, make) in Unusual(type, isSelf: changed < 0))
            {
                // Fresh arguments each time: the operation may write to them.
                object? self = method.IsStatic ? null : changed < 0 ? make() : X();
                var arguments = parameters.Select((p, i) => i == changed ? make() : Usual(p)).ToArray();
                string call = $"{method.Name}({(changed < 0 ? "this" : parameters[changed].Name)}: {what})";
                yield return (call, Run(method, self, arguments), what.Contains("null"));
            }
        }
    }

    private static Exception? Run(MethodBase method, object? self, object?[] arguments)
    {
        try
        {
            switch (method.Invoke(self, arguments))
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
        catch (TargetInvocationException e)
        {
            return e.InnerException;
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
            : type == typeof(DType) ? DType.Float32
            : type.IsAssignableFrom(typeof(Tensor[])) ? new[] { X(), X() }
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
                yield return ("expanded", () => Tensor.Ones([1, 3]).Expand(2, 3));
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
        }
        else if (type == typeof(DType) || type == typeof(DType?))
        {
            yield return ("bool", () => DType.Bool);
            yield return ("int64", () => DType.Int64);
        }
        else if (type == typeof(Device))
        {
            yield return ("null", () => null);
        }
    }
}
