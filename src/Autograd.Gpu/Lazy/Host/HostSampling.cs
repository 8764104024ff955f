using Autograd.Gpu.Devices.Host;
using Autograd.Gpu.Kernels.Sampling;

namespace Autograd.Gpu.Lazy.Host;

/// <summary>Samples on the host: chunks of elements for the cores. A rejection has no vector form that pays.</summary>
internal static unsafe class HostSampling
{
    private const int ChunkElements = 512;

    public static void Run<TSampler>(double* first, double* second, double constant, double* result, long count, SampleSequences sequences)
        where TSampler : struct, ISampler
    {
        var work = new Work<TSampler> { First = first, Second = second, Constant = constant, Result = result, Count = count, Sequences = sequences };
        HostParallel.For(checked((int)((count + ChunkElements - 1) / ChunkElements)), ref work);
    }

    private struct Work<TSampler> : IHostWork where TSampler : struct, ISampler
    {
        public double* First;
        public double* Second;
        public double Constant;
        public double* Result;
        public long Count;
        public SampleSequences Sequences;

        public readonly void Run(int chunk)
        {
            long from = (long)chunk * ChunkElements, to = Math.Min(from + ChunkElements, Count);
            for (long e = from; e < to; e++)
            {
                var random = PhiloxSequence.Of(Sequences.Seed, Sequences.Offset + (ulong)SampleKernels.Sequence(e, Sequences.Block, Sequences.Period));
                Result[e] = TSampler.Sample(First[e], Second is null ? Constant : Second[e], ref random);
            }
        }
    }
}
