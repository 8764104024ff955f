namespace Autograd.Gpu.Samples.CharGpt;

/// <summary>The text cannot be had or is too short. The message is one sentence for the user.</summary>
internal sealed class DataException(string message, Exception? inner = null) : Exception(message, inner);
