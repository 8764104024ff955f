namespace Autograd.Gpu.Samples.Digits;

/// <summary>The digits cannot be had: a file is missing, damaged or out of reach. The message is one sentence for the user.</summary>
internal sealed class DataException : Exception
{
    public DataException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
