"""Puts what run.sh measured into one table, with the bars that it is held against.

Reads a folder of JSON lines (`*.jsonl`: case, dtype, peer, milliseconds) and of outcomes (`*.tsv`: what, verdict, detail). What was not measured is said to be so, and meets no bar.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import statistics
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterable

OURS = "easel"
COPY = "copy"

Case = dict[str, Any]


@dataclass
class Timings:
    """Milliseconds by case and dtype, and by who took them."""

    samples: dict[tuple[str, str], dict[str, list[float]]] = field(default_factory=dict)
    # Cases of which two runs gave different bits.
    unequal: list[str] = field(default_factory=list)

    def add(self, line: dict[str, Any]) -> None:
        peers = self.samples.setdefault((line["case"], line["dtype"]), {})
        peers.setdefault(line["peer"], []).extend(line["milliseconds"])
        if line.get("repeats_equal") is False:
            self.unequal.append(f"{line['case']} {line['dtype']}")

    def ours(self, case: str, dtype: str) -> float | None:
        return self.median(case, dtype, OURS)

    def median(self, case: str, dtype: str, peer: str) -> float | None:
        samples = self.samples.get((case, dtype), {}).get(peer)
        return statistics.median(samples) if samples else None

    def best_peer(self, case: str, dtype: str) -> tuple[str, float] | None:
        """The fastest of the others."""
        peers = {peer for peer in self.samples.get((case, dtype), {}) if peer not in (OURS, COPY)}
        found = [(self.median(case, dtype, peer), peer) for peer in peers]
        best = min(((time, peer) for time, peer in found if time is not None), default=None)
        return (best[1], best[0]) if best else None

    def ratio(self, case: str, dtype: str) -> float | None:
        """How many times as long the fastest of the others takes: more than 1 is faster than it."""
        ours, best = self.ours(case, dtype), self.best_peer(case, dtype)
        return best[1] / ours if ours and best else None

    def spread(self, case: str, dtype: str) -> tuple[float, float] | None:
        """The ratio if the extremes had met: our slowest with their fastest, and the other way round."""
        best = self.best_peer(case, dtype)
        peers = self.samples.get((case, dtype), {})
        if not best or not peers.get(OURS):
            return None
        theirs, ours = peers[best[0]], peers[OURS]
        return min(theirs) / max(ours), max(theirs) / min(ours)


def read(folder: Path) -> Timings:
    """Everything that was measured. A line that is cut off, because its process was stopped, is left out."""
    timings = Timings()
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            try:
                timings.add(json.loads(line))
            except (ValueError, KeyError, TypeError):
                continue
    return timings


def geometric_mean(ratios: Iterable[float | None]) -> float | None:
    """Of all, or nothing if one is missing: a mean of the cases that happened to work would flatter."""
    found = list(ratios)
    if not found or any(ratio is None or ratio <= 0 for ratio in found):
        return None
    return math.exp(statistics.fmean(math.log(ratio) for ratio in found if ratio is not None))


@dataclass(frozen=True)
class Bar:
    """A line of the table."""

    what: str
    wanted: str
    value: float | None
    met: bool | None
    unit: str = "×"

    def cells(self) -> list[str]:
        verdict = {None: "not measured", True: "met", False: "missed"}[self.met]
        value = "–" if self.value is None else f"{self.value:.2f} {self.unit}"
        return [self.what, self.wanted, value, verdict]


def at_least(what: str, bar: float, value: float | None) -> Bar:
    return Bar(what, f"≥ {bar:.2f} ×", value, None if value is None else value >= bar)


def at_most(what: str, bar: float, value: float | None) -> Bar:
    return Bar(what, f"≤ {bar:.1f} ms", value, None if value is None else value <= bar, "ms")


def flops(kind: str, case: Case) -> float:
    """Floating-point operations of a product or a convolution; a multiply-add counts as two."""
    if kind == "gemm":
        return 2.0 * float(case["rows"] * case["in"] * case["out"])
    return 2.0 * 9 * float(case["batch"] * case["side"] ** 2 * case["in"] * case["out"])


def bars(cases: Case, timings: Timings, dtype: str) -> list[Bar]:
    """The bars of one dtype."""
    names = {kind: [case["name"] for case in cases[kind]] for kind in ("gemm", "conv3x3", "attention")}
    large = cases["gemm"][0]
    found = [
        at_least(f"{large['name']}, {dtype}, against cuBLAS", 0.95, timings.ratio(large["name"], dtype)),
        at_least(
            f"gemm, geometric mean, {dtype}, against cuBLAS",
            0.95,
            geometric_mean(timings.ratio(n, dtype) for n in names["gemm"]),
        ),
        at_least(
            f"conv 3×3, geometric mean, {dtype}, against cuDNN",
            1.0,
            geometric_mean(timings.ratio(n, dtype) for n in names["conv3x3"]),
        ),
        at_least(f"super-res conv, side ≥ 64, {dtype}, of the 8192³ rate", 0.75, conv_rate(cases, timings, dtype)),
        at_least(f"norms, slowest, {dtype}, of copy bandwidth", 0.85, norm_bandwidth(cases, timings, dtype)),
        at_least(
            f"attention, geometric mean, {dtype}, against the best SDPA",
            1.0,
            geometric_mean(timings.ratio(n, dtype) for n in names["attention"]),
        ),
    ]
    return found


def conv_rate(cases: Case, timings: Timings, dtype: str) -> float | None:
    """The slowest of super-resolution's large convolutions, as a share of the rate at which cuBLAS makes 8192³."""
    large = cases["gemm"][0]
    best = timings.best_peer(large["name"], dtype)
    convolutions = [case for case in cases["conv3x3"] if case["name"].startswith("super-res") and case["side"] >= 64]
    times = [(case, timings.ours(case["name"], dtype)) for case in convolutions]
    if not best or any(time is None for _, time in times):
        return None
    rate = flops("gemm", large) / best[1]
    return min(flops("conv3x3", case) / time / rate for case, time in times if time)


def norm_bandwidth(cases: Case, timings: Timings, dtype: str) -> float | None:
    """The slowest norm: the time of a copy of the same bytes over its time."""
    shares = []
    for case in [*cases["group_norm"], *cases["layer_norm"]]:
        ours, copy = timings.ours(case["name"], dtype), timings.median(case["name"], dtype, COPY)
        if not ours or not copy:
            return None
        shares.append(copy / ours)
    return min(shares)


def step_bars(timings: Timings) -> list[Bar]:
    """Whole steps, and pictures."""
    found = []
    for part, most in (("super_res_last", 15.0), ("decoder", 3.2)):
        case = f"step {part}"
        found.append(at_most(f"UNet step, {part}, bf16", most, timings.ours(case, "bf16")))
        found.append(at_least(f"UNet step, {part}, bf16, against torch.compile", 1.0, timings.ratio(case, "bf16")))
    found.append(at_most("image, end to end, bf16", 200.0, timings.ours("image", "bf16")))
    return found


def table(rows: list[list[str]], head: list[str]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def case_rows(cases: Case, timings: Timings) -> list[list[str]]:
    """A line for every case and dtype: medians, ratio, and what the extremes would allow."""
    rows = []
    for kind in ("gemm", "conv3x3", "group_norm", "layer_norm", "attention"):
        for case in cases[kind]:
            for dtype in cases["dtypes"]:
                ours, best = timings.ours(case["name"], dtype), timings.best_peer(case["name"], dtype)
                ratio, spread = timings.ratio(case["name"], dtype), timings.spread(case["name"], dtype)
                rows.append(
                    [
                        case["name"],
                        dtype,
                        f"{ours:.4f}" if ours else "not measured",
                        f"{best[1]:.4f} ({best[0]})" if best else "not measured",
                        f"{ratio:.2f}" if ratio else "–",
                        f"{spread[0]:.2f} to {spread[1]:.2f}" if spread else "–",
                    ]
                )
    return rows


def outcomes(folder: Path) -> list[list[str]]:
    """What was tested: what, verdict, detail."""
    paths = sorted(folder.glob("*.tsv"), key=lambda path: path.stat().st_mtime_ns)
    lines = [line for path in paths for line in path.read_text().splitlines() if line]
    return [(line.split("\t") + ["", ""])[:3] for line in lines]


def repeats_row(timings: Timings) -> list[str]:
    """Whether every case gave the same bits twice."""
    if not any(OURS in peers for peers in timings.samples.values()):
        return ["the same bits twice", "not measured", ""]
    return ["the same bits twice", "failed" if timings.unequal else "passed", ", ".join(timings.unequal)]


def device() -> str:
    """The device and its driver, as nvidia-smi names them."""
    query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return "no device"
    return done.stdout.strip().splitlines()[0] if done.returncode == 0 and done.stdout.strip() else "no device"


def section(folder: Path, cases: Case, date: str, where: str, dry: bool = False) -> str:
    """The section for PERF.md. Figures of a dry run are shown to see that they come through, and held against nothing."""
    timings = read(folder)
    held = Timings() if dry else timings
    all_bars = [bar for dtype in cases["dtypes"] for bar in bars(cases, held, dtype)] + step_bars(held)
    parts = [
        f"### {date}, {where}: `tests/gpu/run.sh{' --dry' if dry else ''}`",
        table([*outcomes(folder), repeats_row(timings)], ["test", "verdict", "detail"]),
        table([bar.cells() for bar in all_bars], ["bar", "wanted", "found", "verdict"]),
        "Milliseconds, medians; the ratio is theirs over ours, beside what the extremes of the samples would make it.",
        table(case_rows(cases, timings), ["case", "dtype", "Easel", "fastest other", "ratio", "from to"]),
    ]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("--cases", type=Path, default=Path(__file__).with_name("cases.json"))
    parser.add_argument("--dry", action="store_true", help="the figures mean nothing")
    parser.add_argument("--append", type=Path, help="a PERF.md to append the section to")
    arguments = parser.parse_args()
    cases = json.loads(arguments.cases.read_text())
    text = section(arguments.results, cases, datetime.date.today().isoformat(), device(), arguments.dry)
    (arguments.results / "section.md").write_text(text)
    if arguments.append:
        with arguments.append.open("a") as file:
            file.write("\n" + text)
    print(text)


if __name__ == "__main__":
    main()
