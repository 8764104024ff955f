using AutogradRatio;
using AutogradRatio.Workloads;

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

var table = new Table();
Overhead.Add(table);
Pointwise.Add(table);
Reductions.Add(table);
Rows.Add(table);
MatrixProducts.Add(table);
Convolutions.Add(table);
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

if (Machine.Busy() is { } warning)
    Console.WriteLine(warning);
Peer.Start(options.Threads);
var machine = Machine.Measure(options.Threads);
Console.WriteLine(machine);
Console.WriteLine();

var report = new Report(machine, options);
Console.WriteLine(report.Header());
foreach (var row in rows.Where(row => options.Only != Only.Ours || row.Ours is not null))
    Console.WriteLine(report.Add(Runner.Run(row, options)));

if (options.Csv is not null)
    report.WriteCsv(options.Csv);
return report.WriteFailures(Console.Error) ? 1 : 0;
