"""Reads what the compiler and the disassembler print."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

ENTRY = re.compile(r"^ptxas info\s*: Compiling entry function '(?P<name>[^']+)' for '[^']+'")
FRAME = re.compile(
    r"(?P<stack>\d+) bytes stack frame, (?P<stores>\d+) bytes spill stores, (?P<loads>\d+) bytes spill loads"
)
USED = re.compile(r"^ptxas info\s*: Used (?P<registers>\d+) registers")
SHARED = re.compile(r"\b(?P<bytes>\d+) bytes smem")
# What the compiler has to say besides: warnings of its front end and of ptxas, and advice that ptxas calls "info",
# such as C7510 (wgmma is serialised).
COMPLAINT = re.compile(r"\bwarning\b|\(C7\d{3}\)|Potential Performance Loss|\berror\b", re.IGNORECASE)

SECTION = re.compile(r"^\.text\.(?P<kernel>[^:\s]+):")
INSTRUCTION = re.compile(r"^\s*/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?(?P<operation>[A-Z][A-Z0-9_.]*)")

# Instructions that tell whether a kernel is what it is meant to be.
COUNTED = ("HGMMA", "HMMA", "UTMALDG", "LDG.128", "LDGSTS", "STG.128", "LDL", "STL")


@dataclass(frozen=True)
class Resources:
    """What one kernel takes on one architecture."""

    registers: int
    spill_bytes: int
    stack_bytes: int
    static_shared_bytes: int


def resources(log: str) -> dict[str, Resources]:
    """What `ptxas -v` says of each kernel."""
    found = {}
    name, frame = "", (0, 0)
    for line in log.splitlines():
        if entry := ENTRY.match(line):
            name, frame = entry["name"], (0, 0)
        elif match := FRAME.search(line):
            frame = (int(match["stack"]), int(match["stores"]) + int(match["loads"]))
        elif (used := USED.match(line)) and name:
            shared = SHARED.search(line)
            found[name] = Resources(int(used["registers"]), frame[1], frame[0], int(shared["bytes"]) if shared else 0)
            name = ""
    return found


def complaints(log: str) -> list[str]:
    """Every line of a compiler's output that is a warning, once."""
    lines = (line.strip() for line in log.splitlines())
    return list(dict.fromkeys(line for line in lines if COMPLAINT.search(line) and not line.startswith("Remark:")))


def counted_names(operation: str) -> list[str]:
    """Under which of the counted names an instruction falls."""
    base, *modifiers = operation.split(".")
    names = [base] if base in COUNTED else []
    if "128" in modifiers and f"{base}.128" in COUNTED:
        names.append(f"{base}.128")
    return names


def instructions(disassembly: str) -> dict[str, dict[str, int]]:
    """How often each kernel has each of the counted instructions, in what `nvdisasm -c` prints."""
    counts: dict[str, Counter[str]] = {}
    kernel = ""
    for line in disassembly.splitlines():
        if section := SECTION.match(line):
            kernel = section["kernel"]
            counts[kernel] = Counter()
        elif kernel and (instruction := INSTRUCTION.match(line)):
            counts[kernel].update(counted_names(instruction["operation"]))
    return {kernel: {name: count[name] for name in COUNTED} for kernel, count in counts.items()}
