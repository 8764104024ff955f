namespace Autograd.Gpu.Samples.Digits;

/// <summary>Images of one size, one byte a pixel (0 background, 255 ink), and the digit that each shows.</summary>
/// <param name="Rows">Height of an image in pixels.</param>
/// <param name="Columns">Width of an image in pixels.</param>
/// <param name="Images">All images, row-major, one after the other.</param>
/// <param name="Labels">A digit, 0 to 9, for each image.</param>
internal sealed record DigitSet(int Rows, int Columns, byte[] Images, byte[] Labels)
{
    public int Count => Labels.Length;

    public ReadOnlySpan<byte> Image(int index) => Images.AsSpan(index * Rows * Columns, Rows * Columns);
}

/// <summary>The two parts of MNIST.</summary>
internal sealed record Mnist(DigitSet Train, DigitSet Test)
{
    private const string TrainImages = "train-images-idx3-ubyte";
    private const string TrainLabels = "train-labels-idx1-ubyte";
    private const string TestImages = "t10k-images-idx3-ubyte";
    private const string TestLabels = "t10k-labels-idx1-ubyte";

    /// <summary>Reads the four files, each as <c>name.gz</c> or <c>name</c>.</summary>
    /// <exception cref="DataException">A file is missing or damaged, or images and labels do not belong together.</exception>
    public static Mnist Read(string folder)
    {
        string[] names = [TrainImages, TrainLabels, TestImages, TestLabels];
        var missing = names.Where(name => Find(folder, name) is null).ToArray();
        if (missing.Length > 0)
        {
            throw new DataException(
                $"{folder} does not hold MNIST: expected {string.Join(", ", names)} (each with or without .gz), "
                + $"found no {string.Join(", ", missing)}.");
        }

        var train = ReadSet(Find(folder, TrainImages)!, Find(folder, TrainLabels)!);
        var test = ReadSet(Find(folder, TestImages)!, Find(folder, TestLabels)!);
        if ((train.Rows, train.Columns) != (test.Rows, test.Columns))
        {
            throw new DataException(
                $"{folder} mixes image sizes: expected {train.Rows} x {train.Columns} as in {TrainImages}, "
                + $"found {test.Rows} x {test.Columns} in {TestImages}.");
        }

        return new Mnist(train, test);
    }

    private static string? Find(string folder, string name) =>
        new[] { Path.Combine(folder, name + ".gz"), Path.Combine(folder, name) }.FirstOrDefault(File.Exists);

    private static DigitSet ReadSet(string imagePath, string labelPath)
    {
        var images = Idx.Read(imagePath, 3);
        var labels = Idx.Read(labelPath, 1);
        if (images.Shape[0] != labels.Shape[0])
        {
            throw new DataException(
                $"{labelPath} does not belong to {imagePath}: expected {images.Shape[0]} labels, found {labels.Shape[0]}.");
        }

        var wrong = Array.FindIndex(labels.Data, label => label > 9);
        if (wrong >= 0)
            throw new DataException($"{labelPath} holds no digits: expected labels from 0 to 9, found {labels.Data[wrong]} at {wrong}.");
        return new DigitSet(images.Shape[1], images.Shape[2], images.Data, labels.Data);
    }
}
