using ILGPU;

namespace Autograd.Gpu.Kernels;

/// <summary>The extents and strides of a batch of matrix products c = alpha * a b (+ c) (+ bias), in elements; the columns of c are adjacent.</summary>
/// <typeparam name="T">The element type, float or double.</typeparam>
public struct MatMulArguments<T> where T : unmanaged
{
    /// <summary>How many products: the matrices of c.</summary>
    public long Batch;

    /// <summary>The rows of a and c.</summary>
    public long M;

    /// <summary>The columns of b and c.</summary>
    public long N;

    /// <summary>The columns of a and rows of b.</summary>
    public long K;

    /// <summary>From one matrix of a to the next; 0 repeats one matrix.</summary>
    public long ABatch;

    /// <summary>From one row of a to the next.</summary>
    public long ARow;

    /// <summary>From one column of a to the next.</summary>
    public long ACol;

    /// <summary>From one matrix of b to the next; 0 repeats one matrix.</summary>
    public long BBatch;

    /// <summary>From one row of b to the next.</summary>
    public long BRow;

    /// <summary>From one column of b to the next.</summary>
    public long BCol;

    /// <summary>From one matrix of c to the next.</summary>
    public long CBatch;

    /// <summary>From one row of c to the next.</summary>
    public long CRow;

    /// <summary>The factor of the product.</summary>
    public T Alpha;

    /// <summary>1 adds the product to c, 0 overwrites c.</summary>
    public int Accumulate;

    /// <summary>A number for each column of c, added to the product if <see cref="HasBias"/> is 1.</summary>
    public ArrayView<T> Bias;

    /// <summary>1 if there is a bias.</summary>
    public int HasBias;
}
