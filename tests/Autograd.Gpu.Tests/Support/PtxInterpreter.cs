using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace Autograd.Gpu.Tests.Support;

/// <summary>
/// Runs the PTX that ILGPU makes of a kernel, one thread after the other, as the PTX ISA defines each instruction: what a kernel computes on a
/// GPU is tested, bit for bit, on machines that have none. Knows what kernels without groups, shared memory and calls consist of, and
/// names the instruction that it does not know.
/// </summary>
internal sealed partial class PtxInterpreter
{
    private readonly List<Action<Thread>> program = [];
    private readonly Dictionary<string, int> labels = [];
    private readonly Dictionary<string, int> registers = [];
    private readonly Dictionary<string, int> parameters = [];
    private readonly List<int> parameterSizes = [];
    private int parameterBytes;

    /// <param name="ptx">The whole module; its entry point is what will run.</param>
    public PtxInterpreter(string ptx)
    {
        string entry = ptx[ptx.IndexOf(".entry", StringComparison.Ordinal)..];
        foreach (Match match in ParameterPattern().Matches(entry))
        {
            int size = match.Groups["bytes"].Success ? int.Parse(match.Groups["bytes"].Value, CultureInfo.InvariantCulture)
                : int.Parse(match.Groups["bits"].Value, CultureInfo.InvariantCulture) / 8;
            int alignment = match.Groups["bytes"].Success ? 8 : size;
            parameterBytes = (parameterBytes + alignment - 1) / alignment * alignment;
            parameters.Add(match.Groups["name"].Value, parameterBytes);
            parameterSizes.Add(size);
            parameterBytes += size;
        }

        string[] lines = entry[(entry.IndexOf('{') + 1)..entry.LastIndexOf('}')].Split('\n', StringSplitOptions.TrimEntries);
        int index = 0;
        foreach (string line in lines)
        {
            if (line.EndsWith(':')) labels.Add(line[..^1], index);
            else if (IsInstruction(line)) index++;
        }

        Dictionary<string, string[]> tables = [];
        string lastLabel = "";
        foreach (string line in lines)
        {
            if (line.EndsWith(':')) lastLabel = line[..^1];
            else if (line.StartsWith(".branchtargets", StringComparison.Ordinal)) tables.Add(lastLabel, Operands(line));
            else if (IsInstruction(line)) program.Add(Parse(line, tables));
        }
    }

    /// <summary>Runs threads 0 to extent - 1 of an implicitly grouped kernel.</summary>
    /// <param name="extent">The extent of the kernel's index.</param>
    /// <param name="arguments">The other parameters in order: an array for each view, read and written in place, or a primitive value.</param>
    public void Run(int extent, params object[] arguments)
    {
        var memory = new byte[4096 + arguments.OfType<Array>().Sum(a => Buffer.ByteLength(a) + 256)];
        var parameterSpace = new byte[parameterBytes];
        BitConverter.TryWriteBytes(parameterSpace, extent);
        int address = 256;
        int[] offsets = [.. parameters.Values];
        List<(Array Array, int Address)> views = [];
        for (int i = 0; i < arguments.Length; i++)
        {
            Span<byte> target = parameterSpace.AsSpan(offsets[i + 1], parameterSizes[i + 1]);
            if (arguments[i] is Array array)
            {
                Buffer.BlockCopy(array, 0, memory, address, Buffer.ByteLength(array));
                BitConverter.TryWriteBytes(target, (long)address);
                BitConverter.TryWriteBytes(target[8..], array.LongLength);
                views.Add((array, address));
                address += (Buffer.ByteLength(array) + 511) / 256 * 256;
                continue;
            }

            ulong bits = arguments[i] switch
            {
                int value => (uint)value,
                long value => (ulong)value,
                ulong value => value,
                float value => BitConverter.SingleToUInt32Bits(value),
                double value => BitConverter.DoubleToUInt64Bits(value),
                _ => throw new NotSupportedException($"[PTX] an argument of type {arguments[i].GetType()} is not known."),
            };
            if (target.Length == 8) BitConverter.TryWriteBytes(target, bits);
            else BitConverter.TryWriteBytes(target, (uint)bits);
        }

        for (int i = 0; i < extent; i++)
        {
            var thread = new Thread(new ulong[registers.Count], memory, parameterSpace, i);
            while (thread.Next < program.Count) program[thread.Next++](thread);
        }

        foreach (var (array, start) in views) Buffer.BlockCopy(memory, start, array, 0, Buffer.ByteLength(array));
    }

    private static bool IsInstruction(string line) => line.Length > 0 && line[0] != '.' && !line.StartsWith("//", StringComparison.Ordinal);

    private static string[] Operands(string line)
    {
        int start = line.IndexOfAny([' ', '\t']);
        return start < 0 ? [] : line[start..].TrimEnd(';').Split(',', StringSplitOptions.TrimEntries);
    }

    private Action<Thread> Parse(string line, Dictionary<string, string[]> tables)
    {
        if (line.StartsWith('@'))
        {
            int space = line.IndexOf(' ');
            bool negated = line[1] == '!';
            int predicate = Register(line[(negated ? 2 : 1)..space]);
            Action<Thread> inner = Parse(line[space..].Trim(), tables);
            return thread =>
            {
                if ((thread.Registers[predicate] != 0) != negated) inner(thread);
            };
        }

        string operation = line.Split([' ', '\t', ';'], 2)[0];
        string[] operands = Operands(line);
        string[] parts = operation.Split('.');
        switch (parts[0])
        {
            case "ret":
                return thread => thread.Next = int.MaxValue;
            case "bra":
                int label = labels[operands[0]];
                return thread => thread.Next = label;
            case "brx":
                Func<Thread, ulong> selector = Source(operands[0]);
                int[] targets = [.. tables[operands[1]].Select(name => labels[name])];
                return thread => thread.Next = targets[(int)selector(thread)];
            case "ld":
                return Load(parts, operands);
            case "st":
                return Store(parts, operands);
        }

        int target = Register(operands[0]);
        Func<Thread, ulong>[] sources = [.. operands[1..].Select(Source)];
        Func<ulong, ulong, ulong, ulong> compute = PtxOperations.Find(operation, parts)
            ?? throw new NotSupportedException($"[PTX] the instruction '{line}' is not known.");
        return sources.Length switch
        {
            1 => thread => thread.Registers[target] = compute(sources[0](thread), 0, 0),
            2 => thread => thread.Registers[target] = compute(sources[0](thread), sources[1](thread), 0),
            _ => thread => thread.Registers[target] = compute(sources[0](thread), sources[1](thread), sources[2](thread)),
        };
    }

    private Action<Thread> Load(string[] parts, string[] operands)
    {
        int target = Register(operands[0]);
        int bytes = PtxOperations.Bits(parts[^1]) / 8;
        string name = operands[1].Trim('[', ']');
        if (parts[1] == "param")
        {
            string[] sum = name.Split('+');
            int offset = parameters[sum[0]] + (sum.Length == 1 ? 0 : int.Parse(sum[1], CultureInfo.InvariantCulture));
            return thread => thread.Registers[target] = Read(thread.Parameters, offset, bytes);
        }

        Func<Thread, ulong> address = Address(name);
        return thread => thread.Registers[target] = Read(thread.Memory, (int)address(thread), bytes);
    }

    private Action<Thread> Store(string[] parts, string[] operands)
    {
        Func<Thread, ulong> address = Address(operands[0].Trim('[', ']'));
        Func<Thread, ulong> source = Source(operands[1]);
        int bytes = PtxOperations.Bits(parts[^1]) / 8;
        return thread =>
        {
            ulong value = source(thread);
            MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(ref value, 1))[..bytes].CopyTo(thread.Memory.AsSpan((int)address(thread)));
        };
    }

    private Func<Thread, ulong> Address(string text)
    {
        string[] sum = text.Split('+');
        int register = Register(sum[0]);
        ulong offset = sum.Length == 1 ? 0 : ulong.Parse(sum[1], CultureInfo.InvariantCulture);
        return thread => thread.Registers[register] + offset;
    }

    private static ulong Read(byte[] from, int offset, int bytes)
    {
        ulong value = 0;
        from.AsSpan(offset, bytes).CopyTo(MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref value, 1)));
        return value;
    }

    private Func<Thread, ulong> Source(string text)
    {
        switch (text)
        {
            case "%tid.x": return thread => (ulong)thread.Index;
            case "%ntid.x": return _ => 1024;
            case "%ctaid.x": return _ => 0;
        }

        if (text.StartsWith('%'))
        {
            int register = Register(text);
            return thread => thread.Registers[register];
        }

        ulong constant = text.StartsWith("0f", StringComparison.Ordinal) || text.StartsWith("0d", StringComparison.Ordinal)
            ? ulong.Parse(text[2..], NumberStyles.HexNumber, CultureInfo.InvariantCulture)
            : text.StartsWith('-') ? (ulong)long.Parse(text, CultureInfo.InvariantCulture)
            : ulong.Parse(text, CultureInfo.InvariantCulture);
        return _ => constant;
    }

    private int Register(string name)
    {
        if (!registers.TryGetValue(name, out int index)) registers.Add(name, index = registers.Count);
        return index;
    }

    [GeneratedRegex(@"\.param\s+(\.align\s+\d+\s+)?\.[a-z](?<bits>\d+)\s+(?<name>\w+)(\[(?<bytes>\d+)\])?")]
    private static partial Regex ParameterPattern();

    private sealed class Thread(ulong[] registers, byte[] memory, byte[] parameters, int index)
    {
        public ulong[] Registers { get; } = registers;

        public byte[] Memory { get; } = memory;

        public byte[] Parameters { get; } = parameters;

        public int Index { get; } = index;

        public int Next { get; set; }
    }
}
