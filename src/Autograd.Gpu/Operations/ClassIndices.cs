namespace Autograd.Gpu.Operations;

/// <summary>Class numbers in an int64 tensor.</summary>
internal static class ClassIndices
{
    /// <summary>
    /// Refuses class numbers outside [0, <paramref name="classes"/>). On a GPU this would wait for the device; there an index out of range is for
    /// the caller's formula to turn into nan.
    /// </summary>
    public static void Check(string operation, Tensor indices, long classes)
    {
        if (!indices.Device.HasHostMemory || indices.Plain.NumElements == 0)
        {
            return;
        }

        using var mode = Tape.GradMode.Set(false);
        var values = indices.Plain;
        long low = values.Amin().Item<long>(), high = values.Amax().Item<long>();
        if (low < 0 || high >= classes)
        {
            throw new ShapeException(
                $"{operation}: Target {(low < 0 ? low : high)} is out of bounds: class numbers must lie in [0, {classes}), and these (shape {indices.Shape}) lie in [{low}, {high}].");
        }
    }
}
