namespace Autograd.Gpu.Tape;

/// <summary>
/// Hooks in the order of their registration. Adding and removing replace the array, so hooks may come and go from any thread, and from a
/// hook, while others run.
/// </summary>
internal sealed class HookList<T>
    where T : class
{
    private readonly Lock _lock = new();
    private Registration[] _registrations = [];

    public bool IsEmpty => Volatile.Read(ref _registrations).Length == 0;

    public Registration[] Registrations => Volatile.Read(ref _registrations);

    public Registration Add(T hook)
    {
        var registration = new Registration(this, hook);
        lock (_lock)
        {
            Volatile.Write(ref _registrations, [.. _registrations, registration]);
        }

        return registration;
    }

    private void Remove(Registration registration)
    {
        lock (_lock)
        {
            Volatile.Write(ref _registrations, Array.FindAll(_registrations, r => r != registration));
        }
    }

    /// <summary>The handle that the user gets: disposing it removes the hook. It holds neither the node nor, once disposed, the hook.</summary>
    public sealed class Registration(HookList<T> list, T hook) : IDisposable
    {
        private T? _hook = hook;

        /// <summary>The hook; null once it was removed, also if that happened after a pass began to run the list.</summary>
        public T? Hook => Volatile.Read(ref _hook);

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _hook, null) is not null)
            {
                list.Remove(this);
            }
        }
    }
}
