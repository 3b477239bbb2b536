"""The table of kernels for kernels/PERF.md."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from . import sources
from .manifest import Json


@dataclass(frozen=True)
class Multiprocessor:
    """What one multiprocessor has for the blocks that it runs (CUDA C++ Programming Guide, compute capabilities)."""

    registers: int
    warps: int
    blocks: int
    shared_bytes: int
    # Taken by the system from every block's share.
    reserved_bytes: int = 1024


MULTIPROCESSORS = {
    "sm_80": Multiprocessor(registers=65536, warps=64, blocks=32, shared_bytes=164 * 1024),
    "sm_89": Multiprocessor(registers=65536, warps=48, blocks=24, shared_bytes=100 * 1024),
    "sm_90a": Multiprocessor(registers=65536, warps=64, blocks=32, shared_bytes=228 * 1024),
}
WARP = 32
# Registers are given to warps in lumps of this many.
REGISTER_UNIT = 256


def blocks_per_multiprocessor(target: str, threads: int, registers: int, shared_bytes: int) -> int:
    """How many blocks run at once on one multiprocessor."""
    unit = MULTIPROCESSORS[target]
    warps = -(-threads // WARP)
    of_a_warp = -(-registers * WARP // REGISTER_UNIT) * REGISTER_UNIT
    limits = [unit.blocks, unit.warps // warps, unit.shared_bytes // (shared_bytes + unit.reserved_bytes)]
    if of_a_warp:
        limits.append(unit.registers // of_a_warp // warps)
    return min(limits)


def occupancy(target: str, threads: int, registers: int, shared_bytes: int) -> float:
    """The share of a multiprocessor's warps that are occupied, 0..1."""
    blocks = blocks_per_multiprocessor(target, threads, registers, shared_bytes)
    return blocks * -(-threads // WARP) / MULTIPROCESSORS[target].warps


def is_hot(name: str) -> bool:
    """Whether a kernel is one that figures are wanted for: not the plain versions, nor float32, nor bfloat16, which is float16's
    code with other instructions."""
    return not name.endswith(("_f32", "_bf16")) and "_naive" not in name and "_tiled" not in name


def report(manifest: Json, folder: Path, targets: tuple[str, ...] = ("sm_80", "sm_90a")) -> str:
    """A markdown table, a line per hot kernel and architecture."""
    lines = [
        "| kernel | target | threads | registers | shared KB | blocks/SM | occupancy | HGMMA | HMMA | LDG.128 | LDGSTS | TMA | STG.128 |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for module, entry in sorted(manifest["modules"].items()):
        source = (folder / f"{module}.cu").read_text()
        for name, kernel in sorted(entry["kernels"].items()):
            # What uses more than is described is not guessed at.
            dynamic = sources.dynamic_shared_bytes(source, name) if "DYNAMIC_SHARED" in source else 0
            for target in targets:
                facts = kernel["architectures"].get(target)
                if facts and is_hot(name):
                    lines.append(line(name, target, kernel["max_threads"], facts, dynamic))
    return "\n".join(lines)


def line(name: str, target: str, threads: int | None, facts: Json, dynamic: int | None) -> str:
    shared = facts["static_shared_bytes"] + (dynamic or 0)
    known = dynamic is not None
    cells = [f"`{name}`", target, threads or "any", facts["registers"], f"{shared / 1024:.0f}" if known else "–"]
    if threads and known:
        needs = (target, threads, facts["registers"], shared)
        cells += [blocks_per_multiprocessor(*needs), f"{occupancy(*needs):.0%}"]
    else:
        cells += ["–", "–"]
    cells += [facts[key] for key in ("HGMMA", "HMMA", "LDG.128", "LDGSTS", "UTMALDG", "STG.128")]
    return "| " + " | ".join(str(cell) for cell in cells) + " |"
