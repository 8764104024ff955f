namespace System.Runtime.CompilerServices;

/// <summary>
/// On an assembly: it may call what is internal to the named one. The runtime finds it by its name. Generated assemblies carry it, because
/// the functions that operations declare are internal.
/// </summary>
[AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
internal sealed class IgnoresAccessChecksToAttribute(string assemblyName) : Attribute
{
    public string AssemblyName { get; } = assemblyName;
}
