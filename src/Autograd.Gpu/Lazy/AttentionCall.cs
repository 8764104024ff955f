using System.Numerics;
using Autograd.Gpu.Devices.Host;
using Autograd.Gpu.Devices.Kernels;
using Autograd.Gpu.Kernels;

namespace Autograd.Gpu.Lazy;

/// <summary>A buffer seen as a stack of matrices [n0, n1, n2, rows, columns]; strides in that order.</summary>
internal readonly record struct MatrixStack(BufferExpression Buffer, long Stride0, long Stride1, long Stride2, long Row, long Col)
{
    public unsafe HostMatrices<T> OnHost<T>() where T : unmanaged => new()
    {
        Data = (T*)new LineOperand(Buffer, default).Pointer,
        Stride0 = Stride0,
        Stride1 = Stride1,
        Stride2 = Stride2,
        Row = (nint)Row,
        Col = (nint)Col,
    };

    public AttentionOperand<T> OnDevice<T>() where T : unmanaged => new()
    {
        View = new LineOperand(Buffer, default).View.Cast<T>(),
        Stride0 = Stride0,
        Stride1 = Stride1,
        Stride2 = Stride2,
        Row = Row,
        Col = Col,
    };
}

/// <summary>The sizes of attention and what its scores go through.</summary>
internal readonly record struct AttentionShape(long Count, long Count1, long Count2, int Queries, int Keys, int Width, int ValueWidth);

/// <summary>What the scores and weights go through.</summary>
/// <param name="Scale">What scores are multiplied by.</param>
/// <param name="IsCausal">Whether query i sees keys 0 to i alone.</param>
/// <param name="Dropout">The share of weights that is dropped.</param>
/// <param name="Seed">The seed of the dropout's stream.</param>
/// <param name="Offset">Its first counter.</param>
/// <param name="Period">Matrices after which it begins again; 0 for never.</param>
internal readonly record struct AttentionOptions(double Scale, bool IsCausal, double Dropout, ulong Seed, ulong Offset, long Period)
{
    /// <summary>What the weights that stay are multiplied by.</summary>
    public double KeepScale => Dropout < 1 ? 1 / (1 - Dropout) : 0;

    /// <summary>Random numbers from one row of scores to the next: whole counters, so that vectors of them are aligned.</summary>
    public static long StreamRow(long keys) => (keys + 3) / 4 * 4;
}

/// <summary>Attention forward (<paramref name="result"/> and <paramref name="logSum"/>), on float32 or float64.</summary>
internal readonly unsafe struct AttentionCall(
    MatrixStack query, MatrixStack key, MatrixStack value, MatrixStack? mask, MatrixStack result, BufferExpression logSum,
    AttentionShape shape, AttentionOptions options) : IKernelCall
{
    public string Name => "Attention";

    public long Bytes => KernelBytes.Of(query.Buffer) + KernelBytes.Of(key.Buffer) + KernelBytes.Of(value.Buffer) + KernelBytes.Of(result.Buffer);

    public void OnHost()
    {
        if (result.Buffer.DType == DType.Float32)
        {
            OnHost<float>();
        }
        else
        {
            OnHost<double>();
        }

        KeepAlive();
    }

    public void OnDevice(Device device)
    {
        if (result.Buffer.DType == DType.Float32)
        {
            AttentionLauncher.Forward<float, AttentionSingle>(device, Name, Arguments<float>());
        }
        else
        {
            AttentionLauncher.Forward<double, AttentionDouble>(device, Name, Arguments<double>());
        }

        KeepAlive();
    }

    private void OnHost<T>() where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var problem = AttentionSetup.Problem<T>(query, key, value, mask, shape, options) with
        {
            Output = result.OnHost<T>(),
            LogSum = (T*)new LineOperand(logSum, default).Pointer,
        };
        HostAttention.Forward(problem);
    }

    private AttentionArguments<T> Arguments<T>() where T : unmanaged, INumber<T> =>
        AttentionSetup.Arguments<T>(query, key, value, mask, shape, options) with
        {
            // Not read; a kernel's views are never empty.
            Gradient = query.OnDevice<T>(),
            Delta = new LineOperand(logSum, default).View.Cast<T>(),
            Result = result.OnDevice<T>(),
            LogSum = new LineOperand(logSum, default).View.Cast<T>(),
        };

    private void KeepAlive()
    {
        GC.KeepAlive(query.Buffer);
        GC.KeepAlive(key.Buffer);
        GC.KeepAlive(value.Buffer);
        GC.KeepAlive(mask?.Buffer);
        GC.KeepAlive(result.Buffer);
        GC.KeepAlive(logSum);
    }
}

/// <summary>The gradients of attention: three buffers, or regions of one.</summary>
internal readonly unsafe struct AttentionGradientCall(
    MatrixStack gradient, MatrixStack query, MatrixStack key, MatrixStack value, MatrixStack? mask, BufferExpression logSum, BufferExpression delta,
    MatrixStack queryResult, MatrixStack keyResult, MatrixStack valueResult, AttentionShape shape, AttentionOptions options) : IKernelCall
{
    public string Name => "AttentionBackward";

    public long Bytes => KernelBytes.Of(gradient.Buffer) + KernelBytes.Of(query.Buffer) + KernelBytes.Of(key.Buffer) + KernelBytes.Of(value.Buffer)
        + (shape.Count * (shape.Queries + shape.Keys) * shape.Width + shape.Count * shape.Keys * shape.ValueWidth) * queryResult.Buffer.DType.Size();

    public void OnHost()
    {
        if (delta.DType == DType.Float32)
        {
            OnHost<float>();
        }
        else
        {
            OnHost<double>();
        }

        KeepAlive();
    }

    public void OnDevice(Device device)
    {
        if (delta.DType == DType.Float32)
        {
            OnDevice<float, AttentionSingle>(device);
        }
        else
        {
            OnDevice<double, AttentionDouble>(device);
        }

        KeepAlive();
    }

    private void OnHost<T>() where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var problem = AttentionSetup.Problem<T>(query, key, value, mask, shape, options) with
        {
            Gradient = gradient.OnHost<T>(),
            LogSum = (T*)new LineOperand(logSum, default).Pointer,
            Delta = (T*)new LineOperand(delta, default).Pointer,
            QueryGradient = queryResult.OnHost<T>(),
            KeyGradient = keyResult.OnHost<T>(),
            ValueGradient = valueResult.OnHost<T>(),
        };
        HostAttention.Backward(problem);
    }

    private void OnDevice<T, TMath>(Device device)
        where T : unmanaged, INumber<T>
        where TMath : struct, IAttentionMath<T>
    {
        var arguments = AttentionSetup.Arguments<T>(query, key, value, mask, shape, options) with
        {
            Gradient = gradient.OnDevice<T>(),
            LogSum = new LineOperand(logSum, default).View.Cast<T>(),
            Delta = new LineOperand(delta, default).View.Cast<T>(),
        };
        AttentionLauncher.QueryGradient<T, TMath>(device, Name, arguments with { Result = queryResult.OnDevice<T>() });
        AttentionLauncher.KeyGradient<T, TMath>(device, Name, arguments with { Result = keyResult.OnDevice<T>() });
        AttentionLauncher.ValueGradient<T, TMath>(device, Name, arguments with { Result = valueResult.OnDevice<T>() });
    }

    private void KeepAlive()
    {
        GC.KeepAlive(gradient.Buffer);
        GC.KeepAlive(query.Buffer);
        GC.KeepAlive(key.Buffer);
        GC.KeepAlive(value.Buffer);
        GC.KeepAlive(mask?.Buffer);
        GC.KeepAlive(logSum);
        GC.KeepAlive(delta);
        GC.KeepAlive(queryResult.Buffer);
        GC.KeepAlive(keyResult.Buffer);
        GC.KeepAlive(valueResult.Buffer);
    }
}

/// <summary>What both calls hand to their kernels.</summary>
internal static class AttentionSetup
{
    public static AttentionProblem<T> Problem<T>(
        MatrixStack query, MatrixStack key, MatrixStack value, MatrixStack? mask, AttentionShape shape, AttentionOptions options)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => new()
        {
            Query = query.OnHost<T>(),
            Key = key.OnHost<T>(),
            Value = value.OnHost<T>(),
            Mask = Kind(mask) == AttentionArguments<T>.BoolMask ? mask!.Value.OnHost<byte>() : default,
            Added = Kind(mask) == AttentionArguments<T>.AddedMask ? mask!.Value.OnHost<T>() : default,
            MaskKind = Kind(mask),
            Count = shape.Count,
            Count1 = shape.Count1,
            Count2 = shape.Count2,
            Queries = shape.Queries,
            Keys = shape.Keys,
            Width = shape.Width,
            ValueWidth = shape.ValueWidth,
            Scale = T.CreateTruncating(options.Scale),
            KeepScale = T.CreateTruncating(options.KeepScale),
            IsCausal = options.IsCausal,
            Dropout = (float)options.Dropout,
            Seed = options.Seed,
            Offset = options.Offset,
            StreamRow = AttentionOptions.StreamRow(shape.Keys),
            Period = Period(shape, options),
        };

    public static AttentionArguments<T> Arguments<T>(
        MatrixStack query, MatrixStack key, MatrixStack value, MatrixStack? mask, AttentionShape shape, AttentionOptions options)
        where T : unmanaged, INumber<T> => new()
        {
            Query = query.OnDevice<T>(),
            Key = key.OnDevice<T>(),
            Value = value.OnDevice<T>(),
            Mask = (Kind(mask) == AttentionArguments<T>.BoolMask ? mask!.Value : query).OnDevice<byte>(),
            Added = (Kind(mask) == AttentionArguments<T>.AddedMask ? mask!.Value : query).OnDevice<T>(),
            MaskKind = Kind(mask),
            Count = shape.Count,
            Count1 = shape.Count1,
            Count2 = shape.Count2,
            Queries = shape.Queries,
            Keys = shape.Keys,
            Width = shape.Width,
            ValueWidth = shape.ValueWidth,
            Scale = T.CreateTruncating(options.Scale),
            KeepScale = T.CreateTruncating(options.KeepScale),
            IsCausal = options.IsCausal ? 1 : 0,
            Dropout = (float)options.Dropout,
            Seed = (long)options.Seed,
            Offset = (long)options.Offset,
            StreamRow = AttentionOptions.StreamRow(shape.Keys),
            Period = Period(shape, options),
        };

    private static long Period(AttentionShape shape, AttentionOptions options) => Math.Max(1, options.Period > 0 ? options.Period : shape.Count);

    private static int Kind(MatrixStack? mask) => mask is null ? AttentionArguments<float>.NoMask
        : mask.Value.Buffer.DType == DType.Bool ? AttentionArguments<float>.BoolMask : AttentionArguments<float>.AddedMask;
}
