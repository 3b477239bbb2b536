#!/usr/bin/env python3
"""PyTorch's own error in float16 and bfloat16, against float64, of the operations that Easel has.

Writes half_precision.json: for every case its sizes, and for each dtype the error of the norms, averaged over seeds. The
inputs are rounded to the dtype first, for PyTorch and for float64: what is counted is what the operation itself loses.
Numbers are distributed as those of the tests of `kernels` are: sums of four uniform ones, of variance 1.
"""

import argparse
import json
import math
import platform
from pathlib import Path

import torch
import torch.nn.functional as F

OUT = Path(__file__).resolve().parent.parent / "half_precision.json"
DTYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16}
SEEDS = 16
EPS = 1e-5


class Inputs:
    """Random tensors, as the dtype has them; parameters of norms and biases stay as they are."""

    def __init__(self, seed, dtype):
        self.generator = torch.Generator().manual_seed(seed)
        self.dtype = dtype

    def plain(self, *shape):
        numbers = torch.rand(4, *shape, generator=self.generator, dtype=torch.float64)
        return (numbers.sum(0) - 2) * math.sqrt(3)

    def rounded(self, *shape):
        return self.plain(*shape).to(self.dtype).double()


def linear(inputs, rows, depth, columns):
    x, weight, bias = inputs.rounded(rows, depth), inputs.rounded(columns, depth), inputs.rounded(columns)
    return lambda to: F.linear(to(x), to(weight), to(bias))


def conv2d(inputs, batch, side, in_channels, out_channels):
    x, weight = inputs.rounded(batch, in_channels, side, side), inputs.rounded(out_channels, in_channels, 3, 3)
    bias = inputs.rounded(out_channels)
    return lambda to: F.conv2d(to(x), to(weight), to(bias), padding=1)


def upsample_conv2d(inputs, batch, side, in_channels, out_channels):
    x, weight = inputs.rounded(batch, in_channels, side, side), inputs.rounded(out_channels, in_channels, 3, 3)
    return lambda to: F.conv2d(F.interpolate(to(x), scale_factor=2.0, mode="nearest"), to(weight), padding=1)


def group_norm_silu(inputs, batch, side, channels, groups):
    x, weight, bias = inputs.rounded(batch, channels, side, side), inputs.rounded(channels), inputs.rounded(channels)
    return lambda to: F.silu(F.group_norm(to(x), groups, to(weight), to(bias), EPS))


def layer_norm(inputs, rows, channels):
    x, weight, bias = inputs.rounded(rows, channels), inputs.rounded(channels), inputs.rounded(channels)
    return lambda to: F.layer_norm(to(x), [channels], to(weight), to(bias), EPS)


def softmax(inputs, rows, columns):
    x = inputs.rounded(rows, columns)
    return lambda to: F.softmax(to(x), dim=1)


def prelu(inputs, rows, channels):
    x, slope = inputs.rounded(rows, channels), inputs.rounded(channels)
    return lambda to: F.prelu(to(x), to(slope))


def attention(inputs, queries, keys, heads, head_dim):
    q, k, v = (inputs.rounded(1, heads, tokens, head_dim) for tokens in (queries, keys, keys))
    return lambda to: F.scaled_dot_product_attention(to(q), to(k), to(v))


def activation(function):
    def case(inputs, count):
        x = inputs.rounded(count)
        return lambda to: function(to(x))

    return case


CASES = {
    "linear": (linear, {"rows": 70, "depth": 136, "columns": 72}),
    "conv2d": (conv2d, {"batch": 2, "side": 9, "in_channels": 40, "out_channels": 24}),
    "upsample_conv2d": (upsample_conv2d, {"batch": 2, "side": 5, "in_channels": 24, "out_channels": 24}),
    "group_norm_silu": (group_norm_silu, {"batch": 2, "side": 9, "channels": 48, "groups": 6}),
    "layer_norm": (layer_norm, {"rows": 9, "channels": 200}),
    "softmax": (softmax, {"rows": 30, "columns": 77}),
    "prelu": (prelu, {"rows": 40, "channels": 64}),
    "attention_32": (attention, {"queries": 40, "keys": 70, "heads": 2, "head_dim": 32}),
    "attention_64": (attention, {"queries": 70, "keys": 81, "heads": 2, "head_dim": 64}),
    "silu": (activation(F.silu), {"count": 2000}),
    "gelu": (activation(F.gelu), {"count": 2000}),
    "quick_gelu": (activation(lambda x: x * torch.sigmoid(1.702 * x)), {"count": 2000}),
}


def relative_error(case, sizes, dtype, seed):
    run = case(Inputs(seed, dtype), **sizes)
    exact = run(lambda tensor: tensor)
    found = run(lambda tensor: tensor.to(dtype)).double()
    return float((found - exact).norm() / exact.norm())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=OUT, help="(%(default)s)")
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    cases = {}
    for name, (case, sizes) in CASES.items():
        errors = {
            key: sum(relative_error(case, sizes, dtype, seed) for seed in range(SEEDS)) / SEEDS
            for key, dtype in DTYPES.items()
        }
        cases[name] = {"sizes": sizes, "relative_error": errors}
    about = {"torch": torch.__version__, "python": platform.python_version(), "device": "cpu", "seeds": SEEDS}
    arguments.out.write_text(json.dumps({"about": about, "cases": cases}, indent=1) + "\n")


if __name__ == "__main__":
    main()
