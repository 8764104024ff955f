using Autograd.Gpu.Lazy;
using Autograd.Gpu.Transforms;

namespace Autograd.Gpu;

public sealed partial class Tensor
{
    /// <summary>
    /// Writes rows over those of this tensor that a 1-d index names, unrecorded, and counts a new version. A tensor that is its storage's whole is not
    /// copied: only the rows are touched.
    /// </summary>
    internal void OverwriteRows(string operation, Tensor index, Tensor rows)
    {
        if (Wrapper is not null || rows.Wrapper is not null || index.Wrapper is not null)
        {
            InPlace.Assign(operation, this, IndexCopy(0, index, rows));
            return;
        }

        CheckInPlace(operation, records: false);
        if (!Layout.IsWhole(Storage.Count))
        {
            Copy_(IndexCopy(0, index, rows));
            return;
        }

        using (Device.Gate.Enter())
        {
            // The rows may be pending, and read what is about to be written.
            rows.Materialize();
            Versions.Bump();
            var target = Storage.PrepareWrite(0).WithLayout(Layout);
            Operations.Scatter.Run(operation, Combination.Replace, rows.CastIfNeeded(DType), Places(index, rows.Shape, 0), 0, wraps: false, target);
        }
    }
}
