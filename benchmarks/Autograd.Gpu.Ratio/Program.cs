using AutogradRatio;
using AutogradRatio.Workloads;

if (Start.IsChild(args))
    return Start.Child(args);

Options options;
try
{
    options = Options.Parse(args);
}
catch (ArgumentException e)
{
    Console.Error.WriteLine(e.Message);
    Console.Error.WriteLine(Options.Usage);
    return 2;
}

if (options.Help)
{
    Console.WriteLine(Options.Usage);
    return 0;
}

if (options.Start)
    return Start.Run(options);

var table = new Table();
Overhead.Add(table);
Pointwise.Add(table);
SingleOperations.Add(table);
Chains.Add(table);
Activations.Add(table);
Reductions.Add(table);
Rows.Add(table);
Norms.Add(table);
DataMovement.Add(table);
MatrixProducts.Add(table);
ProductForms.Add(table);
Convolutions.Add(table);
Pools.Add(table);
ConvolutionNetworks.Add(table);
Training.Add(table);
SecondOrder.Add(table);
Transformers.Add(table);
Recurrent.Add(table);

var rows = table.Rows.Where(options.Selects).ToList();
if (rows.Count == 0)
{
    Console.Error.WriteLine($"No workload's name contains '{options.Filter}'; --list names them all.");
    return 2;
}

if (options.List)
{
    foreach (var row in rows)
        Console.WriteLine($"{row}{(row.Ours is null ? "   (peer only)" : "")}");
    return 0;
}

if (options.Calibrate)
    rows.ForEach(row => row.Ours = row.Peer);

if (options.Only == Only.Ours && rows.All(row => row.Ours is null))
{
    Console.Error.WriteLine("None of these workloads has a side of ours: build with -p:WithOurs=true, or use --only peer.");
    return 2;
}

if (options.Memory)
{
    if (!Memory.Known)
    {
        Console.Error.WriteLine("--memory reads the peak from /proc, which this system does not have.");
        return 2;
    }

    if (options.Only == Only.Both)
        return Memory.Table(rows.Where(row => row.IsTrainingStep && row.Ours is not null), options) ? 0 : 1;
    if (rows.Count != 1)
    {
        Console.Error.WriteLine("--memory with --only takes one workload: name it with --filter.");
        return 2;
    }

    Memory.Child(rows[0], options);
    return 0;
}

if (Machine.Busy() is { } warning)
    Console.WriteLine(warning);
Peer.Start(options.Threads);
using var gauge = new Gauge(options.Threads);
var machine = Machine.Measure(gauge);
Console.WriteLine(machine);
Console.WriteLine();

var report = new Report(options);
Console.WriteLine(report.Header());
foreach (var row in rows.Where(row => options.Only != Only.Ours || row.Ours is not null))
    Console.WriteLine(report.Add(Runner.Run(row, options, machine, gauge)));

Console.WriteLine();
Console.WriteLine(report.Summary());
if (options.Csv is not null)
    report.WriteCsv(options.Csv);
return report.WriteFailures(Console.Error) ? 1 : 0;
