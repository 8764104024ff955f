using System.Globalization;
using System.Numerics;

namespace Autograd.Gpu.Tests.Support;

/// <summary>What each PTX instruction computes from the bits of its sources.</summary>
internal static class PtxOperations
{
    /// <summary>The width that a type's name ends with.</summary>
    public static int Bits(string type) => int.Parse(type.AsSpan(1), CultureInfo.InvariantCulture);

    /// <summary>The function of an instruction, or null where it is not known. Approximate and flushing forms are not.</summary>
    public static Func<ulong, ulong, ulong, ulong>? Find(string operation, string[] parts)
    {
        string type = parts[^1];
        switch (parts[0])
        {
            case "setp":
                return Comparison(parts);
            case "selp":
                return (a, b, p) => p != 0 ? a : b;
            case "mov":
                ulong mask = type == "pred" ? 1 : Mask(Bits(type));
                return (a, _, _) => a & mask;
            case "cvt":
                return Conversion(parts);
            case "testp":
                return Test(operation);
        }

        if (operation.Contains(".ftz", StringComparison.Ordinal) || operation.Contains(".approx", StringComparison.Ordinal)) return null;
        return type switch
        {
            "f32" => Single(operation),
            "f64" => Double(operation),
            "pred" => Integer(parts, 1),
            _ => Integer(parts, Bits(type)),
        };
    }

    private static float F(ulong bits) => BitConverter.UInt32BitsToSingle((uint)bits);

    private static ulong U(float value) => BitConverter.SingleToUInt32Bits(value);

    private static double D(ulong bits) => BitConverter.UInt64BitsToDouble(bits);

    private static ulong U(double value) => BitConverter.DoubleToUInt64Bits(value);

    private static ulong Mask(int bits) => bits == 64 ? ulong.MaxValue : (1UL << bits) - 1;

    private static long Signed(ulong value, int bits) => (long)(value << (64 - bits)) >> (64 - bits);

    private static Func<ulong, ulong, ulong, ulong>? Single(string operation) => operation switch
    {
        "add.f32" => (a, b, _) => U(F(a) + F(b)),
        "sub.f32" => (a, b, _) => U(F(a) - F(b)),
        "mul.f32" or "mul.rn.f32" => (a, b, _) => U(F(a) * F(b)),
        "div.rn.f32" => (a, b, _) => U(F(a) / F(b)),
        "rcp.rn.f32" => (a, _, _) => U(1 / F(a)),
        "sqrt.rn.f32" => (a, _, _) => U(MathF.Sqrt(F(a))),
        "fma.rn.f32" => (a, b, c) => U(MathF.FusedMultiplyAdd(F(a), F(b), F(c))),
        "neg.f32" => (a, _, _) => U(-F(a)),
        "abs.f32" => (a, _, _) => U(MathF.Abs(F(a))),
        "min.f32" => (a, b, _) => U(float.MinNumber(F(a), F(b))),
        "max.f32" => (a, b, _) => U(float.MaxNumber(F(a), F(b))),
        _ => null,
    };

    private static Func<ulong, ulong, ulong, ulong>? Double(string operation) => operation switch
    {
        "add.f64" => (a, b, _) => U(D(a) + D(b)),
        "sub.f64" => (a, b, _) => U(D(a) - D(b)),
        "mul.f64" or "mul.rn.f64" => (a, b, _) => U(D(a) * D(b)),
        "div.rn.f64" => (a, b, _) => U(D(a) / D(b)),
        "rcp.rn.f64" => (a, _, _) => U(1 / D(a)),
        "sqrt.rn.f64" => (a, _, _) => U(Math.Sqrt(D(a))),
        "fma.rn.f64" => (a, b, c) => U(Math.FusedMultiplyAdd(D(a), D(b), D(c))),
        "neg.f64" => (a, _, _) => U(-D(a)),
        "abs.f64" => (a, _, _) => U(Math.Abs(D(a))),
        "min.f64" => (a, b, _) => U(double.MinNumber(D(a), D(b))),
        "max.f64" => (a, b, _) => U(double.MaxNumber(D(a), D(b))),
        _ => null,
    };

    private static Func<ulong, ulong, ulong, ulong>? Integer(string[] parts, int bits)
    {
        ulong mask = Mask(bits);
        bool signed = parts[^1][0] == 's';
        string name = string.Join('.', parts[..^1]);
        return name switch
        {
            "add" => (a, b, _) => (a + b) & mask,
            "sub" => (a, b, _) => (a - b) & mask,
            "mul.lo" => (a, b, _) => (a * b) & mask,
            "mul.wide" when signed => (a, b, _) => (ulong)(Signed(a, bits) * Signed(b, bits)),
            "mul.wide" => (a, b, _) => (a & mask) * (b & mask),
            "mad.lo" => (a, b, c) => ((a * b) + c) & mask,
            "neg" => (a, _, _) => (0 - a) & mask,
            "not" => (a, _, _) => ~a & mask,
            "and" => (a, b, _) => a & b & mask,
            "or" => (a, b, _) => (a | b) & mask,
            "xor" => (a, b, _) => (a ^ b) & mask,
            "shl" => (a, b, _) => b >= (ulong)bits ? 0 : (a << (int)b) & mask,
            "shr" when signed => (a, b, _) => (ulong)(Signed(a, bits) >> (int)Math.Min(b, 63)) & mask,
            "shr" => (a, b, _) => b >= (ulong)bits ? 0 : (a & mask) >> (int)b,
            "clz" => (a, _, _) => (ulong)(BitOperations.LeadingZeroCount(a & mask) - (64 - bits)),
            "popc" => (a, _, _) => (ulong)BitOperations.PopCount(a & mask),
            "min" when signed => (a, b, _) => (ulong)Math.Min(Signed(a, bits), Signed(b, bits)) & mask,
            "max" when signed => (a, b, _) => (ulong)Math.Max(Signed(a, bits), Signed(b, bits)) & mask,
            _ => null,
        };
    }

    private static Func<ulong, ulong, ulong, ulong>? Comparison(string[] parts)
    {
        string type = parts[^1];
        Func<ulong, ulong, bool> compare = type[0] switch
        {
            'f' when type == "f32" => (a, b) => Ordered(parts[1], F(a), F(b)),
            'f' => (a, b) => Ordered(parts[1], D(a), D(b)),
            's' => (a, b) => Ordered(parts[1], Signed(a, Bits(type)), Signed(b, Bits(type))),
            _ => (a, b) => Ordered(parts[1], a & Mask(Bits(type)), b & Mask(Bits(type))),
        };
        return (parts.Length == 3 ? "" : parts[2]) switch
        {
            "" => (a, b, _) => compare(a, b) ? 1UL : 0,
            "or" => (a, b, p) => compare(a, b) || p != 0 ? 1UL : 0,
            "and" => (a, b, p) => compare(a, b) && p != 0 ? 1UL : 0,
            _ => null,
        };
    }

    private static bool Ordered<T>(string comparison, T a, T b)
        where T : INumber<T> => comparison switch
        {
            "eq" => a == b,
            "ne" => a != b && !T.IsNaN(a) && !T.IsNaN(b),
            "lt" or "lo" => a < b,
            "le" or "ls" => a <= b,
            "gt" or "hi" => a > b,
            "ge" or "hs" => a >= b,
            "equ" => a == b || T.IsNaN(a) || T.IsNaN(b),
            "neu" => a != b,
            "ltu" => !(a >= b),
            "leu" => !(a > b),
            "gtu" => !(a <= b),
            "geu" => !(a < b),
            _ => throw new NotSupportedException($"[PTX] the comparison '{comparison}' is not known."),
        };

    private static Func<ulong, ulong, ulong, ulong>? Test(string operation) => operation switch
    {
        "testp.notanumber.f32" => (a, _, _) => float.IsNaN(F(a)) ? 1UL : 0,
        "testp.notanumber.f64" => (a, _, _) => double.IsNaN(D(a)) ? 1UL : 0,
        "testp.infinite.f32" => (a, _, _) => float.IsInfinity(F(a)) ? 1UL : 0,
        "testp.infinite.f64" => (a, _, _) => double.IsInfinity(D(a)) ? 1UL : 0,
        "testp.finite.f32" => (a, _, _) => float.IsFinite(F(a)) ? 1UL : 0,
        "testp.finite.f64" => (a, _, _) => double.IsFinite(D(a)) ? 1UL : 0,
        _ => null,
    };

    private static Func<ulong, ulong, ulong, ulong>? Conversion(string[] parts)
    {
        string source = parts[^1];
        string target = parts[^2];
        string rounding = parts.Length == 4 ? parts[1] : "";
        switch ((target, source, rounding))
        {
            case ("f64", "f32", ""): return (a, _, _) => U((double)F(a));
            case ("f32", "f64", "rn"): return (a, _, _) => U((float)D(a));
            case ("f16", "f32", "rn"): return (a, _, _) => BitConverter.HalfToUInt16Bits((Half)F(a));
            case ("f32", "f16", ""): return (a, _, _) => U((float)BitConverter.UInt16BitsToHalf((ushort)a));
        }

        int from = Bits(source);
        int to = Bits(target);
        return (target[0], source[0], rounding) switch
        {
            ('f', 's', "rn") when to == 32 => (a, _, _) => U((float)Signed(a, from)),
            ('f', 's', "rn") => (a, _, _) => U((double)Signed(a, from)),
            ('f', 'u', "rn") when to == 32 => (a, _, _) => U((float)(a & Mask(from))),
            ('f', 'u', "rn") => (a, _, _) => U((double)(a & Mask(from))),
            ('s', 's', "") or ('u', 's', "") => (a, _, _) => (ulong)Signed(a, from) & Mask(to),
            ('s', 'u', "") or ('u', 'u', "") => (a, _, _) => a & Mask(from) & Mask(to),
            _ => null,
        };
    }
}
