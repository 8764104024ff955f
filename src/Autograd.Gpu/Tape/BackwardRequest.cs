namespace Autograd.Gpu.Tape;

/// <summary>What a backward pass is to do.</summary>
/// <param name="Roots">Where it starts; each leads to a node.</param>
/// <param name="Gradients">The gradient of each root, of its shape.</param>
/// <param name="Inputs">
/// If given, only what leads to these is computed. Without <paramref name="Captures"/> the leaves among them accumulate, and the others are expected to
/// retain their gradients.
/// </param>
/// <param name="Captures">Whether the gradients of the inputs are returned, and no leaf accumulates.</param>
/// <param name="KeepGraph">Whether saved values are kept for another pass.</param>
/// <param name="CreateGraph">Whether the pass is recorded itself.</param>
internal readonly record struct BackwardRequest(
    IReadOnlyList<Edge> Roots, IReadOnlyList<Tensor> Gradients, IReadOnlyList<Edge>? Inputs, bool Captures, bool KeepGraph, bool CreateGraph);
