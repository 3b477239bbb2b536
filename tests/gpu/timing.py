"""How PyTorch's side is timed: on a GPU with CUDA events around graphs, without one with the clock, to try the scripts."""

from __future__ import annotations

import time
from typing import Callable

import torch

Call = Callable[[], object]

# What is read must come from memory, not from the second-level cache: calls take turns on so many bytes of buffers.
ROTATED_BYTES = 256 << 20
MOST_BUFFERS = 64


def buffers(bytes_per_call: int) -> int:
    """On how many sets of buffers calls take turns."""
    return max(2, min(MOST_BUFFERS, -(-ROTATED_BYTES // max(bytes_per_call, 1))))


class CudaClock:
    """Times a graph of calls, one for each set of buffers, on the stream that everything runs on."""

    device = "cuda"
    samples = 15
    sample_milliseconds = 4.0

    def time(self, calls: list[Call]) -> list[float]:
        """Milliseconds of one call, sampled."""
        for call in calls[:2]:
            call()
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            kept = [call() for call in calls]
        once = self.replays(graph, 1)
        repeats = max(1, round(self.sample_milliseconds / max(once, 1e-3)))
        found = [self.replays(graph, repeats) / (repeats * len(calls)) for _ in range(self.samples)]
        del kept
        return found

    def replays(self, graph: torch.cuda.CUDAGraph, repeats: int) -> float:
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        for _ in range(repeats):
            graph.replay()
        end.record()
        end.synchronize()
        return start.elapsed_time(end)

    def time_eager(self, call: Call, samples: int = 15) -> list[float]:
        """Milliseconds of a call that brings its own graph, such as a compiled module."""
        found = []
        for _ in range(samples):
            start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            start.record()
            call()
            end.record()
            end.synchronize()
            found.append(start.elapsed_time(end))
        return found


class CpuClock:
    """For trying the scripts where there is no GPU: its figures mean nothing."""

    device = "cpu"

    def time(self, calls: list[Call]) -> list[float]:
        return self.time_eager(calls[0], 2)

    def time_eager(self, call: Call, samples: int = 2) -> list[float]:
        found = []
        for _ in range(samples):
            began = time.perf_counter()
            call()
            found.append((time.perf_counter() - began) * 1e3)
        return found
