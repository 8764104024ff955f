namespace Autograd.Gpu.Tests;

/// <summary>
/// Random programs of pointwise operations, views, clones, casts and writes in place, beside the same program on plain arrays: after every read, and
/// at the end for every tensor, the numbers are the same to the bit.
/// </summary>
[Category(Laziness.Both)]
internal sealed class RandomProgramTests
{
    private const int Steps = 60;

    private static IEnumerable<TestCaseData> Runs =>
        from device in TestDevices.All
        from lazy in new[] { true, false }
        select new TestCaseData(device, lazy, device.IsHost && lazy ? 400 : device.IsHost ? 100 : 12).SetArgDisplayNames(device.ToString(), TestDevices.ModeName(lazy));

    [TestCaseSource(nameof(Runs))]
    public void ProgramsComputeWhatTheirArraysDo(Device device, bool lazy, int programs)
    {
        using var mode = Laziness.Set(lazy);
        for (int seed = 0; seed < programs; seed++)
        {
            new Program(device, seed).Run();
        }
    }

    /// <summary>A tensor, and the places of an array that it stands for.</summary>
    private sealed record Value(Tensor Tensor, float[] Memory, int[] Places)
    {
        public int Count => Places.Length;

        public float[] Numbers => Array.ConvertAll(Places, p => Memory[p]);
    }

    private sealed class Program(Device device, int seed)
    {
        private readonly Random _random = new(seed);
        private readonly List<Value> _values = [];
        private readonly List<string> _log = [];

        public void Run()
        {
            for (int i = 0; i < 3; i++)
            {
                var numbers = Enumerable.Range(0, 6).Select(_ => (float)_random.Next(-9, 10)).ToArray();
                Add(Tensor.FromArray(numbers, device), numbers, $"leaf {string.Join(' ', numbers)}");
            }

            for (int step = 0; step < Steps; step++)
            {
                Step();
                if (_values.Count > 14)
                {
                    _values.RemoveAt(_random.Next(_values.Count));
                }
            }

            foreach (var value in _values.OrderBy(_ => _random.Next()))
            {
                Check(value, "at the end");
            }
        }

        private void Step()
        {
            var a = Pick();
            switch (_random.Next(11))
            {
                case 0 or 1 or 2:
                    Pointwise(a);
                    break;
                case 3 or 4:
                    InPlace(a);
                    break;
                case 5:
                    View(a);
                    break;
                case 6:
                    Add(a.Tensor.Clone(), a.Numbers, $"clone of {Name(a)}");
                    break;
                case 7:
                    Add(Tensor.Maximum(a.Tensor, Tensor.Of(_random.Next(-3, 4), device: device)), null, "maximum", a);
                    break;
                case 8:
                    CopyPart(a);
                    break;
                case 9:
                    var twice = a.Tensor.To(DType.Float64);
                    Add((twice * 2).To(DType.Float32), Array.ConvertAll(a.Numbers, v => v * 2), $"double of {Name(a)}");
                    break;
                default:
                    Check(a, "read");
                    break;
            }
        }

        private void Pointwise(Value a)
        {
            if (Partner(a) is { } b && _random.Next(3) > 0)
            {
                int kind = _random.Next(3);
                var (x, y) = (a.Numbers, b.Numbers);
                var result = kind switch { 0 => a.Tensor + b.Tensor, 1 => a.Tensor - b.Tensor, _ => (a.Tensor * b.Tensor).Clamp(-50, 50) };
                Add(result, [.. x.Zip(y, (p, q) => kind switch { 0 => p + q, 1 => p - q, _ => Math.Clamp(p * q, -50f, 50f) })], $"{"+-*"[kind]} of {Name(a)} and {Name(b)}");
                return;
            }

            Add(a.Tensor * 0.5 + 1, Array.ConvertAll(a.Numbers, v => v * 0.5f + 1), $"half of {Name(a)} and 1");
        }

        private void InPlace(Value a)
        {
            var partner = Partner(a);
            if (partner is not null && _random.Next(2) == 0)
            {
                _log.Add($"{Name(a)} -= {Name(partner)}");
                var numbers = partner.Numbers;
                a.Tensor.Sub_(partner.Tensor);
                Write(a, [.. a.Numbers.Zip(numbers, (p, q) => p - q)]);
                return;
            }

            _log.Add($"{Name(a)} = |{Name(a)}| / 2 + 3, in two writes");
            a.Tensor.Mul_(a.Tensor.Sign() * 0.5).Add_(3);
            Write(a, Array.ConvertAll(a.Numbers, v => Math.Abs(v) * 0.5f + 3));
        }

        private void View(Value a)
        {
            int start = _random.Next(a.Count), step = 1 + _random.Next(2), length = 1 + _random.Next((a.Count - start + step - 1) / step);
            var view = a.Tensor[TensorIndex.Slice(start, start + (length - 1) * step + 1, step)];
            _values.Add(new Value(view, a.Memory, [.. Enumerable.Range(0, length).Select(i => a.Places[start + i * step])]));
            _log.Add($"{Name(_values[^1])} = view {start}::{step} of {length} of {Name(a)}");
        }

        private void CopyPart(Value a)
        {
            int length = 1 + _random.Next(a.Count), to = _random.Next(a.Count - length + 1), from = _random.Next(a.Count - length + 1);
            _log.Add($"{Name(a)}[{to}..{to + length}] = {Name(a)}[{from}..{from + length}]");
            var numbers = a.Numbers;
            a.Tensor[to..(to + length)] = a.Tensor[from..(from + length)];
            for (int i = 0; i < length; i++)
            {
                a.Memory[a.Places[to + i]] = numbers[from + i];
            }
        }

        private Value Pick() => _values[_random.Next(_values.Count)];

        private Value? Partner(Value a)
        {
            var candidates = _values.Where(v => v.Count == a.Count).ToArray();
            return candidates.Length == 0 ? null : candidates[_random.Next(candidates.Length)];
        }

        private void Add(Tensor tensor, float[]? numbers, string how, Value? a = null)
        {
            if (numbers is null)
            {
                // The bound was drawn with the operation; read it from there.
                numbers = tensor.Clone().ToArray<float>();
                float bound = numbers.Min();
                Assert.That(numbers, Is.EqualTo(Array.ConvertAll(a!.Numbers, v => Math.Max(v, bound))), Story(how));
            }

            _values.Add(new Value(tensor, numbers, [.. Enumerable.Range(0, numbers.Length)]));
            _log.Add($"{Name(_values[^1])} = {how}");
        }

        private static void Write(Value a, float[] numbers)
        {
            for (int i = 0; i < numbers.Length; i++)
            {
                a.Memory[a.Places[i]] = numbers[i];
            }
        }

        private void Check(Value value, string when) => Assert.That(value.Tensor.ToArray<float>(), Is.EqualTo(value.Numbers), Story($"{Name(value)} {when}"));

        private string Name(Value value) => $"v{System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(value) % 10007}";

        private string Story(string what) => $"program {seed} on {device}: {what}\n{string.Join('\n', _log)}";
    }
}
