"""Times PyTorch on the cases of cases.json: cuBLAS, cuDNN, its attention backends, and copies; one JSON line each.

`--device cpu --shrink 16` tries the script without a GPU.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from pathlib import Path
from typing import Any, Callable, Iterator

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from timing import Call, CpuClock, CudaClock, buffers

DTYPES = {"bf16": torch.bfloat16, "f16": torch.float16}
HEAD_DIM = 64
GROUPS = 32
BACKENDS = {
    "flash": SDPBackend.FLASH_ATTENTION,
    "cudnn": SDPBackend.CUDNN_ATTENTION,
    "efficient": SDPBackend.EFFICIENT_ATTENTION,
    "math": SDPBackend.MATH,
}

Case = dict[str, Any]


class Peers:
    """Random tensors and timings on one device."""

    def __init__(self, device: str, shrink: int) -> None:
        self.clock = CudaClock() if device == "cuda" else CpuClock()
        self.shrink = shrink

    def size(self, number: int) -> int:
        """A size of a case; smaller when the script is only tried."""
        return number if self.shrink == 1 else max(GROUPS, number // self.shrink // GROUPS * GROUPS)

    def random(self, *shape: int, dtype: torch.dtype, scale: float = 1.0) -> torch.Tensor:
        return (torch.randn(*shape, device=self.clock.device) * scale).to(dtype)

    def picture(self, batch: int, side: int, channels: int, dtype: torch.dtype) -> torch.Tensor:
        return self.random(batch, channels, side, side, dtype=dtype).to(memory_format=torch.channels_last)

    def rotated(self, make: Callable[[], tuple[Call, int]]) -> list[float]:
        """Times a call that `make` gives with fresh buffers, beside the bytes of those."""
        first, size = make()
        return self.clock.time([first] + [make()[0] for _ in range(buffers(size) - 1)])

    def gemm(self, case: Case, dtype: torch.dtype) -> Iterator[tuple[str, list[float]]]:
        rows, inner, out = (self.size(case[key]) for key in ("rows", "in", "out"))

        def make() -> tuple[Call, int]:
            x, weight = self.random(rows, inner, dtype=dtype), self.random(out, inner, dtype=dtype, scale=inner**-0.5)
            bias = self.random(out, dtype=dtype)
            return lambda: F.linear(x, weight, bias), (rows * inner + out * inner + rows * out) * 2

        yield "cuBLAS", self.rotated(make)

    def conv3x3(self, case: Case, dtype: torch.dtype) -> Iterator[tuple[str, list[float]]]:
        side, inner, out = (self.size(case[key]) for key in ("side", "in", "out"))

        def make() -> tuple[Call, int]:
            x = self.picture(case["batch"], side, inner, dtype)
            weight = self.random(out, inner, 3, 3, dtype=dtype, scale=(9 * inner) ** -0.5)
            weight = weight.to(memory_format=torch.channels_last)
            bias = self.random(out, dtype=dtype)
            return (
                lambda: F.conv2d(x, weight, bias, padding=1),
                (case["batch"] * side**2 * (inner + out) + 9 * inner * out) * 2,
            )

        yield "cuDNN", self.rotated(make)

    def group_norm(self, case: Case, dtype: torch.dtype) -> Iterator[tuple[str, list[float]]]:
        side, channels = self.size(case["side"]), self.size(case["channels"])

        def copy() -> tuple[Call, int]:
            x = self.picture(case["batch"], side, channels, dtype)
            out = torch.empty_like(x)
            return lambda: out.copy_(x), 2 * x.nbytes

        def norm() -> tuple[Call, int]:
            x = self.picture(case["batch"], side, channels, dtype)
            weight, bias = self.random(channels, dtype=dtype), self.random(channels, dtype=dtype)
            return lambda: F.silu(F.group_norm(x, GROUPS, weight, bias)), 2 * x.nbytes

        yield "copy", self.rotated(copy)
        yield "torch", self.rotated(norm)

    def layer_norm(self, case: Case, dtype: torch.dtype) -> Iterator[tuple[str, list[float]]]:
        rows, channels = self.size(case["rows"]), self.size(case["channels"])

        def copy() -> tuple[Call, int]:
            x = self.random(rows, channels, dtype=dtype)
            out = torch.empty_like(x)
            return lambda: out.copy_(x), 2 * x.nbytes

        def norm() -> tuple[Call, int]:
            x, weight, bias = (
                self.random(*shape, dtype=dtype) for shape in ((rows, channels), (channels,), (channels,))
            )
            return lambda: F.layer_norm(x, (channels,), weight, bias), 2 * x.nbytes

        yield "copy", self.rotated(copy)
        yield "torch", self.rotated(norm)

    def attention(self, case: Case, dtype: torch.dtype) -> Iterator[tuple[str, list[float]]]:
        batch, heads = case["batch"], case["heads"]
        queries, keys = self.size(case["queries"]), self.size(case["keys"])

        def make() -> tuple[Call, int]:
            q = self.random(batch, heads, queries, HEAD_DIM, dtype=dtype)
            k, v = (self.random(batch, heads, keys, HEAD_DIM, dtype=dtype) for _ in range(2))
            call = lambda: F.scaled_dot_product_attention(q, k, v, is_causal=case["causal"])
            return call, 2 * q.nbytes + k.nbytes + v.nbytes

        for name, backend in BACKENDS.items():
            try:
                with warnings.catch_warnings(), sdpa_kernel(backend):
                    warnings.simplefilter("ignore")
                    milliseconds = self.rotated(make)
            except RuntimeError as error:
                # Not every backend takes every shape.
                print(f"{case['name']}: {name}: {str(error).splitlines()[0]}", file=sys.stderr)
                continue
            yield f"SDPA {name}", milliseconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--shrink", type=int, default=1, help="divide all sizes by this")
    parser.add_argument("--dtype", choices=sorted(DTYPES), help="only this one of the cases' dtypes")
    parser.add_argument("--cases", type=Path, default=Path(__file__).with_name("cases.json"))
    arguments = parser.parse_args()
    torch.backends.cudnn.benchmark = True
    # What they call reduced precision in sums of products would be another result than ours.
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
    torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False
    torch.manual_seed(0)
    cases = json.loads(arguments.cases.read_text())
    peers = Peers(arguments.device, arguments.shrink)
    with torch.inference_mode():
        for kind in ("gemm", "conv3x3", "group_norm", "layer_norm", "attention"):
            for case in cases[kind]:
                for dtype in [arguments.dtype] if arguments.dtype else cases["dtypes"]:
                    for peer, milliseconds in getattr(peers, kind)(case, DTYPES[dtype]):
                        line = {"case": case["name"], "dtype": dtype, "peer": peer, "milliseconds": milliseconds}
                        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
