using Autograd.Gpu;
using Autograd.Gpu.Benchmarks.Peers;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;

// dotnet run -c Release --project benchmarks/Autograd.Gpu.Benchmarks -- --filter '*Overhead*'
// Times what benchmarks/peers/pytorch.py asks for:
// dotnet run -c Release --project benchmarks/Autograd.Gpu.Benchmarks -- serve cuda:0
if (args is ["serve", ..])
{
    new Server(args.Length > 1 ? Device.Parse(args[1]) : Device.Best()).Run(Console.In, Console.Out);
    return;
}

var config = DefaultConfig.Instance.AddDiagnoser(MemoryDiagnoser.Default);
// A job that the command line names would run beside this one.
if (!args.Any(argument => argument is "-j" or "--job"))
{
    config = config.AddJob(Job.ShortRun);
}

BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args, config);
