namespace Autograd.Gpu.Lazy;

/// <summary>Counts the in-place writes to what it stands for. Views share it, and saved tensors remember the count that they saw.</summary>
internal class VersionCounter
{
    private int _version;

    public int Version => Volatile.Read(ref _version);

    /// <summary>Whether what it stands for was made in inference mode, so that nobody may rely on the count.</summary>
    public bool IsInference { get; set; }

    /// <summary>Told of each write while someone wants to know where they happen, which is slow.</summary>
    public static Action<VersionCounter, int>? Written { get; set; }

    public void Bump()
    {
        int version = Interlocked.Increment(ref _version);
        Written?.Invoke(this, version);
    }
}

/// <summary>
/// The memory cell that a tensor and its views share. Its value is a buffer or a pending expression of the same number of elements.
/// </summary>
/// <remarks>
/// Note [Lazy values and in-place writes].
/// A pending expression reads blocks, not storages. A write must not change what a pending expression will read, and there
/// is no list of readers: instead each block counts its holders (the storages whose value it is, the pending expressions that
/// read it), and an expression counts likewise. The counts never miss a holder that lives; one that the garbage collector took
/// without a word stays counted. A write goes into the block itself if the count shows no other holder, otherwise into a
/// new block, which becomes the storage's value while the old one stays with its readers until they are done. A count that is
/// too high thus costs a copy once, never a wrong value. The same rule makes <c>Clone</c> free: two storages hold one block until one is written.
/// An in-place operation on a whole storage is itself pending: its expression remembers the block to replace as its target.
/// Views need none of this, for they share the storage: they see the new value whichever block holds it.
/// Everything here happens under the device's gate.
/// </remarks>
internal sealed class Storage : VersionCounter
{
    private Expression _value;
    private int _handles;

    /// <summary>Takes over one reference to <paramref name="value"/>, which the caller has counted.</summary>
    public Storage(Device device, Expression value)
    {
        Device = device;
        _value = value;
    }

    public Device Device { get; }

    public DType DType => _value.DType;

    public long Count => _value.Layout.Count;

    /// <summary>Counts a tensor that holds this storage; whether it is the first one.</summary>
    public bool AddHandle()
    {
        if (_handles == 0)
        {
            // Nobody else knows this storage yet.
            _handles = 1;
            return true;
        }

        using (Device.Gate.Enter())
        {
            _handles++;
        }

        return false;
    }

    /// <summary>Whether one tensor holds this storage.</summary>
    public bool HasOneHandle => _handles == 1;

    /// <summary>A tensor lets go of this storage; the last one to do so gives the memory back.</summary>
    public void ReleaseHandle()
    {
        using (Device.Gate.Enter())
        {
            if (--_handles == 0)
            {
                ApplyExpression.Release(Value);
            }
        }
    }

    /// <summary>The buffer or pending expression; contiguous.</summary>
    public Expression Value
    {
        get
        {
            var value = Volatile.Read(ref _value);
            if (value is ApplyExpression { Result: { } result })
            {
                // Whoever replaced the value meanwhile wins.
                Interlocked.CompareExchange(ref _value, result, value);
                return result;
            }

            return value;
        }
    }

    public bool IsPending => Value is not BufferExpression;

    /// <summary>What a pointwise operation reads to get the elements of <paramref name="layout"/>.</summary>
    public Expression Read(Layout layout)
    {
        var value = Value;
        switch (value)
        {
            case ConstantExpression constant:
                // A number is the same everywhere: strides and offset of a view mean nothing to it, and must not become those of a result.
                return layout.SameAs(constant.Layout) ? constant : new ConstantExpression(constant.Value, DType, Layout.Contiguous(layout.Shape));
            case BufferExpression buffer:
                return layout.SameAs(buffer.Layout) ? buffer : buffer.WithLayout(layout);
            case IndexExpression index when index.Layout.IsContiguous && index.Layout.Offset == 0:
                return layout.SameAs(index.Layout) ? index : new IndexExpression(DType, layout);
            default:
                return layout.IsWhole(Count) && layout.Shape == value.Shape ? value : Materialize(CutReason.View).WithLayout(layout);
        }
    }

    /// <summary>Computes the value if it is pending.</summary>
    public BufferExpression Materialize(CutReason reason)
    {
        if (Value is BufferExpression done)
        {
            return done;
        }

        using (Device.Gate.Enter())
        {
            if (Value is not BufferExpression buffer)
            {
                buffer = Fuser.Materialize(Device, Value, reason);
                _value = buffer;
            }

            return buffer;
        }
    }

    /// <summary>Another storage with the same value: nothing is copied until one of the two is written.</summary>
    public Storage Share()
    {
        using (Device.Gate.Enter())
        {
            var value = Value;
            ApplyExpression.Retain(value);
            return new Storage(Device, value);
        }
    }

    /// <summary>Replaces the whole value, which is what an in-place operation on all elements does. Bumps no version.</summary>
    public void Replace(Expression value)
    {
        using (Device.Gate.Enter())
        {
            var old = Value;
            ApplyExpression.Claim(value);
            value = ApplyExpression.Resolve(value);
            _value = value;
            if (value is ApplyExpression { Target: null, References: 1 } pending)
            {
                if (old is BufferExpression buffer)
                {
                    // The storage's own hold on the old block passes to the target.
                    pending.Target = buffer;
                    return;
                }

                if (old is ApplyExpression { Target: { } target } replaced)
                {
                    pending.Target = target;
                    replaced.Target = null;
                }
            }

            ApplyExpression.Release(old);
        }
    }

    /// <summary>
    /// Replaces the whole value by function(value, operand, number) at once, where that is shorter than a pending value: on values that are small and in
    /// memory. The operand is contiguous, of this dtype and count. Bumps no version.
    /// </summary>
    /// <returns>Whether that was done; if not, nothing was.</returns>
    public bool TryUpdate(PointwiseFunction function, Storage operand, Layout layout, Scalar number)
    {
        using (Device.Gate.Enter())
        {
            var executor = Executor.Of(Device);
            if (Count == 0 || Count > executor.MostUpdated || Value is not BufferExpression value || operand.Value is not BufferExpression read)
            {
                return false;
            }

            // What others hold stays as it is; so does the operand, if it is this block.
            var result = value.Block.References == 1 ? value : Fuser.NewBuffer(Device, DType, value.Layout);
            executor.Update(function, value, read.WithLayout(layout), number, result);
            if (result != value)
            {
                _value = result;
                value.Block.Release();
            }

            return true;
        }
    }

    /// <summary>
    /// The block, ready to be written in place through a view; first moved to a block of its own if others hold this one.
    /// <paramref name="reads"/> of the holders are those that the caller's own write accounts for.
    /// </summary>
    public BufferExpression PrepareWrite(int reads)
    {
        var buffer = Materialize(CutReason.ViewWrite);
        if (buffer.Block.References - reads <= 1)
        {
            return buffer;
        }

        var copy = Device.Allocate(buffer.Block.Bytes);
        copy.CopyFrom(buffer.Block, 0, 0, Count * DType.Size());
        var moved = new BufferExpression(copy, DType, buffer.Layout);
        _value = moved;
        buffer.Block.Release();
        return moved;
    }
}
