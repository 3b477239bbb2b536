"""Tells of a run of Rust's test harness, read from its output: a line `what<TAB>verdict<TAB>detail` for each group of tests."""

from __future__ import annotations

import re
import sys
from collections import defaultdict

TEST = re.compile(r"^test (?P<name>[\w:]+)(?: - .*)? \.\.\. (?P<verdict>ok|FAILED)", re.MULTILINE)
SUMMARY = re.compile(r"^test result: \w+\. (?P<passed>\d+) passed; (?P<failed>\d+) failed", re.MULTILINE)


def group_of(name: str) -> str:
    """`ops::linear::tests::sums_are_close` is of `ops::linear`."""
    parts = name.split("::")
    return "::".join(parts[: parts.index("tests")]) if "tests" in parts else "::".join(parts[:-1])


def groups(output: str) -> dict[str, dict[str, list[str]]]:
    """The names of tests by group and verdict."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: {"ok": [], "FAILED": []})
    for match in TEST.finditer(output):
        found[group_of(match["name"])][match["verdict"]].append(match["name"].split("::")[-1])
    return dict(found)


def lines(title: str, output: str, status: int) -> list[str]:
    """What is to be told. A run that ended without its summary was stopped or crashed, whatever its tests said."""
    found = groups(output)
    told = []
    for group, tests in sorted(found.items()):
        verdict = "failed" if tests["FAILED"] else "passed"
        detail = ", ".join(tests["FAILED"]) or f"{len(tests['ok'])} tests"
        told.append("\t".join([": ".join(part for part in (title, group) if part), verdict, detail]))
    if not SUMMARY.search(output):
        why = "stopped at its limit" if status in (124, 137) else f"ended with status {status}"
        told.append("\t".join([title, "failed", f"{why}, after {sum(len(t['ok']) for t in found.values())} tests"]))
    elif not found:
        told.append("\t".join([title, "failed", "no test was run"]))
    elif status != 0 and not any(tests["FAILED"] for tests in found.values()):
        told.append("\t".join([title, "failed", f"ended with status {status}"]))
    return told


if __name__ == "__main__":
    print("\n".join(lines(sys.argv[1], sys.stdin.read(), int(sys.argv[2]))))
