"""The kernels' sources and the rules that they keep."""

from __future__ import annotations

import fnmatch
import hashlib
import re
from pathlib import Path

from .problem import Problem

INCLUDE = re.compile(r'^\s*#\s*include\s*(?P<what>["<][^">]*[">])', re.MULTILINE)
ALLOWED_INCLUDE = re.compile(r'^"easel/[a-z0-9_/]+\.cuh"$')
COMMENT_OR_STRING = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.DOTALL)
ASSEMBLY = re.compile(r"\b(?:asm|__asm|__asm__)\b")
SHARED = re.compile(r"\b__shared__\b")
PRINT = re.compile(r"\bprintf\b")

# `//   NAME_{f16,bf16}`, and below it, set in further, what it is: `3 stages: 48 KB of shared memory.`
VERSION = re.compile(r"^//   (?P<name>[\w*]+)_\{[^}]*\}\n(?P<about>(?://       .*\n)+)", re.MULTILINE)
KIB = re.compile(r"\b(?P<number>\d+) KB\b")

RULES = (
    (ASSEMBLY, "bare `asm`", "wrap it in include/easel/nvcc/ and give the emulation the same name"),
    (SHARED, "bare `__shared__`", "use BLOCK_SHARED or DYNAMIC_SHARED, which the emulation knows"),
    (PRINT, "`printf`", "take it out: kernels do not print"),
)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def hashes(folder: Path) -> dict[str, str]:
    """The hashes of everything that modules can be made of, by path in the folder."""
    paths = [*folder.glob("*.cu"), *(path for path in (folder / "include").rglob("*") if path.is_file())]
    return {path.relative_to(folder).as_posix(): sha256(path) for path in sorted(paths)}


def modules(folder: Path) -> list[str]:
    """The names of all `.cu` files."""
    return sorted(path.stem for path in folder.glob("*.cu"))


def without_comments(text: str) -> str:
    """The text with comments and strings blanked, line for line."""
    return COMMENT_OR_STRING.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def kernel_problems(name: str, text: str) -> list[Problem]:
    """What a kernel's source must not have."""
    problems = []
    # Paths are strings, so includes are looked for in the text as it is.
    for match in INCLUDE.finditer(text):
        if not ALLOWED_INCLUDE.match(match["what"]):
            where = f"{name}:{line_of(text, match.start('what'))}"
            remedy = "kernels include easel/*.cuh only, so that the emulation can compile them too"
            problems.append(Problem(where, f"includes {match['what']}", remedy))
    return problems + rule_problems(name, text)


def rule_problems(name: str, text: str) -> list[Problem]:
    code = without_comments(text)
    return [
        Problem(f"{name}:{line_of(code, match.start())}", what, remedy)
        for rule, what, remedy in RULES
        for match in rule.finditer(code)
    ]


def header_problems(name: str, text: str) -> list[Problem]:
    """What a header outside `nvcc/` must not have: it is read by the emulation's compiler too."""
    code = without_comments(text)
    return [
        Problem(f"{name}:{line_of(code, match.start())}", RULES[0][1], RULES[0][2]) for match in ASSEMBLY.finditer(code)
    ]


def relative_includes(name: str, text: str) -> list[Problem]:
    """Includes that NVRTC, which gets the headers by name and not by place, does not find."""
    remedy = 'write "easel/…": NVRTC gets the headers by name, not by place'
    return [
        Problem(f"{name}:{line_of(text, match.start('what'))}", f"includes {match['what']}", remedy)
        for match in INCLUDE.finditer(text)
        if match["what"][0] == '"' and not match["what"].startswith('"easel/')
    ]


def dynamic_shared_bytes(text: str, kernel: str) -> int | None:
    """What a kernel's launches ask for, as the comment on top of its file says; the compiler does not know it."""
    for version in VERSION.finditer(text):
        if fnmatch.fnmatchcase(kernel, f"{version['name']}_*"):
            size = KIB.search(version["about"])
            return int(size["number"]) * 1024 if size else None
    return None


def all_problems(folder: Path, names: list[str]) -> list[Problem]:
    """The rules that the sources in `folder` break."""
    problems = [
        problem for name in names for problem in kernel_problems(f"{name}.cu", (folder / f"{name}.cu").read_text())
    ]
    halves = (folder / "include/easel/nvcc", folder / "include/easel/emulation")
    for path in sorted((folder / "include").rglob("*")):
        if not path.is_file():
            continue
        place, text = path.relative_to(folder).as_posix(), path.read_text()
        problems += relative_includes(place, text)
        if not any(half in path.parents for half in halves):
            problems += header_problems(place, text)
    return problems


def dependencies(rule: str, folder: Path) -> list[str]:
    """The headers in `folder` that a make rule of the compiler (`-MMD`) names, relative to it."""
    _, _, needs = rule.partition(" : ")
    found = set()
    for word in needs.replace("\\\n", " ").split():
        path = Path(word)
        path = path if path.is_absolute() else folder / path
        relative = path.resolve()
        if folder.resolve() in relative.parents and relative.suffix != ".cu":
            found.add(relative.relative_to(folder.resolve()).as_posix())
    return sorted(found)
