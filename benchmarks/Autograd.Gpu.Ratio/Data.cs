namespace AutogradRatio;

/// <summary>Inputs that both sides share: a seed gives the same numbers each time.</summary>
internal static class Data
{
    public static float[] Uniform(int seed, int count, float low = -1, float high = 1)
    {
        var random = new Random(seed);
        var data = new float[count];
        for (var i = 0; i < count; i++)
            data[i] = low + (high - low) * random.NextSingle();
        return data;
    }

    /// <summary>Uniform within 1 / sqrt(fan in), as PyTorch initialises a linear layer.</summary>
    public static float[] Weights(int seed, int fanOut, int fanIn)
    {
        var bound = 1 / MathF.Sqrt(fanIn);
        return Uniform(seed, fanOut * fanIn, -bound, bound);
    }

    public static long[] Labels(int seed, int count, int classes)
    {
        var random = new Random(seed);
        var labels = new long[count];
        for (var i = 0; i < count; i++)
            labels[i] = random.Next(classes);
        return labels;
    }
}
