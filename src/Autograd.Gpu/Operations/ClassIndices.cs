namespace Autograd.Gpu.Operations;

/// <summary>Class numbers in an int64 tensor.</summary>
internal static class ClassIndices
{
    /// <summary>
    /// Refuses class numbers outside [0, <paramref name="classes"/>). On a GPU this would wait for the device; there an index out of range is for
    /// the caller's formula to turn into nan.
    /// </summary>
    public static void Check(string operation, Tensor indices, long classes) => CheckAndCount(operation, indices, classes, null);

    /// <summary>
    /// The same, but one number stands for no class. Returns how many others there are; null if that is not known without waiting, or differs between samples.
    /// </summary>
    public static unsafe long? CheckAndCount(string operation, Tensor indices, long classes, long? ignored)
    {
        var values = indices.Plain;
        if (!indices.Device.HasHostMemory)
        {
            return null;
        }

        long counted = 0;
        using (values.Device.Gate.Enter())
        {
            var buffer = values.Detach().ContiguousBuffer();
            var numbers = (long*)buffer.Block.Pointer + buffer.Layout.Offset;
            for (long i = 0; i < buffer.Layout.Count; i++)
            {
                if (numbers[i] == ignored)
                {
                    continue;
                }

                counted++;
                if ((ulong)numbers[i] >= (ulong)classes)
                {
                    throw OutOfRange(operation, numbers[i], indices.Shape, classes);
                }
            }

            GC.KeepAlive(buffer);
        }

        return indices.Wrapper is null ? counted : null;
    }

    private static ShapeException OutOfRange(string operation, long number, Shape shape, long classes) => new(
        $"{operation}: Target {number} is out of bounds: class numbers must lie in [0, {classes}), and one of these (shape {shape}) is {number}.");
}
