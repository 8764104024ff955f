#!/usr/bin/env python3
"""Ours against PyTorch on one device: the table of ratios (PyTorch's time over ours, above 1 ours is ahead).

The other side runs in a process of its own (`Autograd.Gpu.Benchmarks serve DEVICE`) that times an iteration when it is asked to, so that
the two sides take turns: each round one sample of each, the ratio taken within the round, its median and quartiles reported. Inputs are
the same numbers on both sides, and the magnitudes of all results are compared before anything is timed. PyTorch computes float32 as
float32 (TensorFloat-32 is off), uses its fused optimisers, and drops gradients instead of zeroing them.

    python3 benchmarks/peers/pytorch.py --ours "dotnet run -c Release --project benchmarks/Autograd.Gpu.Benchmarks -- serve" --device cuda:0
    python3 benchmarks/peers/pytorch.py --ours ~/run/Autograd.Gpu.Benchmarks/Autograd.Gpu.Benchmarks\\ serve --device cuda:0 --compile
"""
import argparse
import math
import shlex
import statistics
import subprocess
import sys
import time

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    torch = None

MILLION = 1 << 20


# --- inputs: the same integer arithmetic as Peers/Workload.cs ---------------------------------------------------------------------------

def hashed(seed, count):
    h = (torch.arange(count, dtype=torch.int64) * 2654435761 + seed * 40503) & 0xFFFFFFFF
    h = ((h ^ (h >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    return h ^ (h >> 16)


def uniform(device, seed, scale, *shape):
    return ((hashed(seed, math.prod(shape)).double() / 2147483648.0 - 1) * scale).float().reshape(shape).to(device)


def leaf(device, seed, scale, *shape):
    return uniform(device, seed, scale, *shape).requires_grad_()


def below(device, seed, limit, *shape):
    return (hashed(seed, math.prod(shape)) % limit).reshape(shape).to(device)


# --- workloads: a function of the device and a wrapper for what torch.compile may have gives one iteration -----------------------------

def tutorial(device, compiled):
    x = torch.ones(2, 2, device=device, requires_grad=True)

    def step():
        x.grad = None
        y = x + 2
        (y * y * 3).mean().backward()
        return [x.grad]
    return step


def unary(apply, *shape):
    def set_up(device, compiled):
        x, f = uniform(device, 1, 1, *shape), compiled(apply)
        return lambda: [f(x)]
    return set_up


def add(device, compiled):
    x, y = uniform(device, 1, 1, 16 * MILLION), uniform(device, 2, 1, 16 * MILLION)
    return lambda: [x + y]


def gradient(apply, *shape):
    def set_up(device, compiled):
        x, g, f = leaf(device, 1, 3, *shape), uniform(device, 2, 1, *shape), compiled(apply)

        def step():
            y = f(x)
            return [y, torch.autograd.grad(y, x, g)[0]]
        return step
    return set_up


def of_loss(f, x, *rest):
    loss = f(x, *rest)
    return [loss, torch.autograd.grad(loss, x)[0]]


def chain(device, compiled):
    x = leaf(device, 1, 1, 16 * MILLION)
    b, c = (uniform(device, seed, 1, 16 * MILLION) for seed in (2, 3))
    f = compiled(lambda x, b, c: (torch.addcmul(c, x, b).tanh() * x.exp()).mean())
    return lambda: of_loss(f, x, b, c)


def squared_error(device, compiled):
    x, target = leaf(device, 1, 1, 16 * MILLION), uniform(device, 2, 1, 16 * MILLION)
    f = compiled(F.mse_loss)
    return lambda: of_loss(f, x, target)


def layer_norm(device, compiled):
    x, g = leaf(device, 1, 3, 8192, 1024), uniform(device, 2, 1, 8192, 1024)
    weight, bias = leaf(device, 3, 1, 1024), leaf(device, 4, 1, 1024)
    f = compiled(lambda x, weight, bias: F.layer_norm(x, [1024], weight, bias))

    def step():
        y = f(x, weight, bias)
        return [y, *torch.autograd.grad(y, [x, weight, bias], g)]
    return step


def cross_entropy(device, compiled):
    logits, classes = leaf(device, 1, 3, 8192, 1024), below(device, 2, 1024, 8192)
    f = compiled(F.cross_entropy)
    return lambda: of_loss(f, logits, classes)


def embedding(device, compiled):
    table, ids = leaf(device, 1, 1, 50_000, 256), below(device, 2, 50_000, 8192)
    g = uniform(device, 3, 1, 8192, 256)

    def step():
        rows = F.embedding(ids, table)
        return [rows, torch.autograd.grad(rows, table, g)[0]]
    return step


def product(*shape):
    def set_up(device, compiled):
        a, b = uniform(device, 1, 1, *shape), uniform(device, 2, 1, *shape)
        return lambda: [a @ b]
    return set_up


def convolution(device, compiled):
    x, weight = leaf(device, 1, 1, 64, 64, 56, 56), leaf(device, 2, 0.1, 64, 64, 3, 3)
    g = uniform(device, 3, 1, 64, 64, 56, 56)

    def step():
        y = F.conv2d(x, weight, padding=1)
        return [y, *torch.autograd.grad(y, [x, weight], g)]
    return step


def attention(device, compiled):
    leaves = [leaf(device, seed, 1, 8, 8, 1024, 64) for seed in (1, 2, 3)]
    g = uniform(device, 4, 1, 8, 8, 1024, 64)

    def step():
        y = F.scaled_dot_product_attention(*leaves, is_causal=True)
        return [y, *torch.autograd.grad(y, leaves, g)]
    return step


def small(device, compiled):
    p = [leaf(device, 1, 0.7, 16, 2), leaf(device, 2, 0.1, 16), leaf(device, 3, 0.25, 1, 16), leaf(device, 4, 0.1, 1)]
    x, target = uniform(device, 5, 1, 4, 2), uniform(device, 6, 1, 4, 1)
    sgd = torch.optim.SGD(p, lr=0.1, fused=True)
    f = compiled(lambda x, target, *p: F.mse_loss(F.linear(F.linear(x, p[0], p[1]).tanh(), p[2], p[3]), target))

    def step():
        sgd.zero_grad(set_to_none=True)
        loss = f(x, target, *p)
        loss.backward()
        sgd.step()
        return [loss, *p]
    return step


def mlp(hidden, batch):
    def set_up(device, compiled):
        p = [leaf(device, 1, 1 / math.sqrt(784), hidden, 784), leaf(device, 2, 0.01, hidden),
             leaf(device, 3, 1 / math.sqrt(hidden), hidden, hidden), leaf(device, 4, 0.01, hidden),
             leaf(device, 5, 1 / math.sqrt(hidden), 10, hidden), leaf(device, 6, 0.01, 10)]
        x, classes = uniform(device, 7, 1, batch, 784), below(device, 8, 10, batch)
        adam = torch.optim.Adam(p, lr=1e-4, fused=True)

        def forward(x, classes, *p):
            second = F.linear(F.linear(x, p[0], p[1]).relu(), p[2], p[3]).relu()
            return F.cross_entropy(F.linear(second, p[4], p[5]), classes)
        f = compiled(forward)

        def step():
            adam.zero_grad(set_to_none=True)
            loss = f(x, classes, *p)
            loss.backward()
            adam.step()
            return [loss, *p]
        return step
    return set_up


def block(batch, length, width, heads):
    def set_up(device, compiled):
        bound = 1 / math.sqrt(width)
        x, g = leaf(device, 1, 1, batch, length, width), uniform(device, 2, 1, batch, length, width)
        w = [leaf(device, 3, bound, 3 * width, width), leaf(device, 4, 0.01, 3 * width),
             leaf(device, 5, bound, width, width), leaf(device, 6, 0.01, width),
             leaf(device, 7, bound, 4 * width, width), leaf(device, 8, 0.01, 4 * width),
             leaf(device, 9, bound / 2, width, 4 * width), leaf(device, 10, 0.01, width),
             leaf(device, 11, 1, width), leaf(device, 12, 0.01, width), leaf(device, 13, 1, width), leaf(device, 14, 0.01, width)]

        def forward(x, *w):
            parts = F.linear(F.layer_norm(x, [width], w[8], w[9]), w[0], w[1]).chunk(3, -1)
            q, k, v = (part.view(batch, length, heads, width // heads).transpose(1, 2) for part in parts)
            seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            middle = x + F.linear(seen.transpose(1, 2).reshape(batch, length, width), w[2], w[3])
            wide = F.gelu(F.linear(F.layer_norm(middle, [width], w[10], w[11]), w[4], w[5]))
            return middle + F.linear(wide, w[6], w[7])
        f = compiled(forward)

        def step():
            y = f(x, *w)
            return [y, *torch.autograd.grad(y, [x, *w], g)]
        return step
    return set_up


WORKLOADS = {
    "tutorial graph 2x2, fwd+bwd": tutorial,
    "tanh of 16": unary(lambda x: x.tanh(), 16),
    "tanh of 16M": unary(lambda x: x.tanh(), 16 * MILLION),
    "add of 16M": add,
    "mean(tanh(x*b+c)*exp(x)) of 16M, fwd+bwd": chain,
    "mean squared error of 16M, fwd+bwd": squared_error,
    "gelu of 16M, fwd+bwd": gradient(lambda x: F.gelu(x), 16 * MILLION),
    "sum of 16M": unary(lambda x: x.sum(), 16 * MILLION),
    "sum of 4096x4096 by rows": unary(lambda x: x.sum(1), 4096, 4096),
    "sum of 4096x4096 by columns": unary(lambda x: x.sum(0), 4096, 4096),
    "transpose copy of 4096x4096": unary(lambda x: x.T.contiguous(), 4096, 4096),
    "cumsum of 4096x4096 by rows": unary(lambda x: x.cumsum(1), 4096, 4096),
    "softmax of 8192x1024, fwd+bwd": gradient(lambda x: x.softmax(-1), 8192, 1024),
    "layer norm of 8192x1024, fwd+bwd": layer_norm,
    "cross entropy of 8192x1024, fwd+bwd": cross_entropy,
    "embedding 50000x256, 8192 ids, fwd+bwd": embedding,
    "matmul 256": product(256, 256),
    "matmul 1024": product(1024, 1024),
    "matmul 4096": product(4096, 4096),
    "matmul 64 x (256x256)": product(64, 256, 256),
    "conv 3x3, 64x64x56x56 to 64, fwd+bwd": convolution,
    "attention 8x8x1024x64, causal, fwd+bwd": attention,
    "2-16-1 SGD step, batch 4": small,
    "784-512-512-10 Adam step, batch 128": mlp(512, 128),
    "784-4096-4096-10 Adam step, batch 4096": mlp(4096, 4096),
    "GPT block 8x128x256, 8 heads, fwd+bwd": block(8, 128, 256, 8),
    "GPT block 8x1024x768, 12 heads, fwd+bwd": block(8, 1024, 768, 12),
}


# --- the two sides ----------------------------------------------------------------------------------------------------------------------

class Ours:
    """The other process."""

    def __init__(self, command, device):
        self.process = subprocess.Popen([*shlex.split(command), device], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.device = self.process.stdout.readline().strip()
        self.names = self.ask("list").split("\t")

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().rstrip("\n")
        if not answer or answer.startswith("error"):
            raise RuntimeError(answer or "our side ended; its standard error says why")
        return answer

    def check(self, name):
        return [float(value) for value in self.ask(f"check {name}").split()]

    def time(self, name, count):
        return float(self.ask(f"time {count} {name}"))

    def drop(self, name):
        self.ask(f"drop {name}")


class PyTorch:
    """PyTorch in this process, eager or compiled."""

    def __init__(self, device, compiled):
        self.device = torch.device(device)
        self.compiled = torch.compile if compiled else lambda f: f
        self.steps = {}
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cudnn.benchmark = True

    def synchronize(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def step(self, name):
        if name not in self.steps:
            self.steps[name] = WORKLOADS[name](self.device, self.compiled)
        return self.steps[name]

    def check(self, name):
        return [result.detach().abs().sum(dtype=torch.float64).item() for result in self.step(name)()]

    def time(self, name, count):
        step = self.step(name)
        self.synchronize()
        start = time.perf_counter()
        for _ in range(count):
            step()
        self.synchronize()
        return time.perf_counter() - start

    def drop(self, name):
        self.steps.pop(name, None)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()


def calibrate(side, name, seconds):
    """Warms up and says how many iterations fill a sample."""
    count, spent = 1, side.time(name, 3)
    while spent < seconds and count < 1 << 20:
        count = max(2 * count, int(count * seconds / max(spent, 1e-6) / 2))
        spent = side.time(name, count)
    return max(1, round(count * seconds / spent))


def measure(sides, name, rounds, seconds):
    counts = [calibrate(side, name, seconds) for side in sides]
    samples = [[] for _ in sides]
    for turn in range(rounds):
        for i in range(len(sides)) if turn % 2 == 0 else reversed(range(len(sides))):
            samples[i].append(sides[i].time(name, counts[i]) / counts[i])
    return samples


def spread(values):
    ordered = sorted(values)
    at = lambda q: ordered[min(len(ordered) - 1, round(q * (len(ordered) - 1)))]
    return at(0.25), statistics.median(ordered), at(0.75)


def shown(seconds):
    return f"{seconds * 1e6:.3g} µs" if seconds < 1e-3 else f"{seconds * 1e3:.3g} ms"


def difference(ours, peer, tolerance):
    if len(ours) != len(peer):
        return f"ours gave {len(ours)} results, the peer {len(peer)}"
    for i, (a, b) in enumerate(zip(ours, peer)):
        if not abs(a - b) <= tolerance * max(abs(b), 1e-6):
            return f"the magnitudes of result {i} sum to {a!r} in ours, to {b!r} in the peer"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", required=True, help="the command of our side; the device is appended")
    parser.add_argument("--device", default="cuda:0", help="on both sides (default cuda:0)")
    parser.add_argument("--filter", default="", help="only workloads whose name contains this")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--sample-ms", type=float, default=20)
    parser.add_argument("--compile", action="store_true", help="torch.compile where a workload has a function to compile")
    parser.add_argument("--only-ours", action="store_true", help="our side alone, without PyTorch")
    options = parser.parse_args()
    if torch is None and not options.only_ours:
        print("PyTorch is not installed: pip install torch, or --only-ours.", file=sys.stderr)
        return 2

    ours = Ours(options.ours, options.device)
    if not options.only_ours and set(ours.names) != set(WORKLOADS):
        print(f"The sides name different workloads: {sorted(set(ours.names) ^ set(WORKLOADS))}", file=sys.stderr)
        return 1
    peer = None if options.only_ours else PyTorch(options.device, options.compile)
    print(f"ours on {ours.device}" if peer is None else
          f"ours on {ours.device}; PyTorch {torch.__version__}{', torch.compile' if options.compile else ', eager'}, "
          f"{torch.cuda.get_device_name(peer.device) if peer.device.type == 'cuda' else 'CPU'}")
    print("| workload | ours | PyTorch | ratio | quartiles |\n| --- | ---: | ---: | ---: | ---: |", flush=True)
    failed = False
    for name in ours.names:
        if options.filter not in name:
            continue
        try:
            if peer is None:
                ours.check(name)
                print(f"| {name} | {shown(spread(measure([ours], name, options.rounds, options.sample_ms / 1e3)[0])[1])} | | | |", flush=True)
                ours.drop(name)
                continue
            problem = difference(ours.check(name), peer.check(name), 1e-3)
            if problem:
                failed = True
                print(f"| {name} | {problem} | | | |", flush=True)
            else:
                mine, theirs = measure([ours, peer], name, options.rounds, options.sample_ms / 1e3)
                low, ratio, high = spread([b / a for a, b in zip(mine, theirs)])
                print(f"| {name} | {shown(spread(mine)[1])} | {shown(spread(theirs)[1])} | {ratio:.2f} | {low:.2f}..{high:.2f} |", flush=True)
            ours.drop(name)
            peer.drop(name)
        except RuntimeError as error:
            failed = True
            print(f"| {name} | failed: {error} | | | |", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
