namespace Autograd.Gpu.Samples;

/// <summary>A notebook cannot show a cell: its source is not embedded or does not hold the cell.</summary>
public sealed class NotebookException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What was looked for, what was found, what to do.</param>
    public NotebookException(string message)
        : base(message)
    {
    }
}
