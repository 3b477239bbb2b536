#!/usr/bin/env python3
"""Compiles the CUDA kernels of this folder into fatbins/ and says in manifest.json what they are made of and what they use.

    build.py [NAME]...             makes anew what changed (of the named .cu files, or of all); nothing, if a rule is broken
    build.py --check [NAME]...     compiles everything and fails if what is committed is not what the sources give
    build.py --try [NAME]...       compiles, looks for what --check would refuse, and writes nothing
    build.py --report              a table of the hot kernels, from manifest.json

The compiler is fetched from the Python package index, pinned by toolchain.txt. Nothing else is needed but Python 3.9
with pip, and gcc, with which nvcc preprocesses.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from fatbuild import gates, manifest, report, sources, toolchain
from fatbuild.compile import Compiler, Module
from fatbuild.problem import BuildError, Problem

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "toolchain.txt"


def default_toolchain() -> Path:
    target = os.environ.get("CARGO_TARGET_DIR")
    return (Path(target) if target else HERE.parent.parent / "target") / "cuda-toolchain"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="compare what is committed with what the sources give")
    mode.add_argument("--try", action="store_true", dest="dry", help="compile and judge, write nothing")
    mode.add_argument("--report", action="store_true", help="print a table of the hot kernels")
    parser.add_argument(
        "--kernels", type=Path, default=HERE, metavar="DIR", help="the kernels' folder, if it is not this one"
    )
    parser.add_argument(
        "--toolchain", type=Path, default=default_toolchain(), metavar="DIR", help="where the compiler is put"
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a .cu file's name; all if none is given")
    return parser.parse_args()


def chosen(folder: Path, wanted: list[str]) -> list[str]:
    """The modules to look at."""
    known = sources.modules(folder)
    names = [Path(name).stem for name in wanted]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BuildError(
            f"{folder} has no {', '.join(f'{name}.cu' for name in unknown)}; it has {', '.join(known) or 'none'}"
        )
    return names or known


def write(path: Path, content: bytes) -> None:
    """Whole or not at all, and not if it is there already."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_bytes(content)
    temporary.replace(path)


def regenerate(
    folder: Path, committed: manifest.Json, head: manifest.Json, modules: list[Module], hashes: dict[str, str]
) -> None:
    """Brings fatbins and manifest up to date with what was compiled."""
    names = sources.modules(folder)
    entries = {name: entry for name, entry in committed["modules"].items() if name in names}
    for module in modules:
        write(manifest.fatbin_path(folder, module.name), module.fatbin)
        entries[module.name] = manifest.entry(module, hashes)
    for path in (folder / "fatbins").glob("*.fatbin"):
        if path.stem not in names:
            path.unlink()
    write(folder / manifest.FILE, manifest.render({**head, "modules": dict(sorted(entries.items()))}).encode())


def build(arguments: argparse.Namespace) -> list[Problem]:
    """Does what was asked for; what is wrong comes back, and then nothing was written."""
    folder = arguments.kernels.resolve()
    names = chosen(folder, arguments.names)
    committed = manifest.read(folder / manifest.FILE)
    head = manifest.header(toolchain.compiler_versions(REQUIREMENTS.read_text()))
    writes = not (arguments.check or arguments.dry)
    if writes and {key: committed.get(key) for key in head} != head:
        names = sources.modules(folder)  # one header holds for all of them
    # Taken before anything is compiled: a source that is saved meanwhile is then seen to have changed.
    hashes = sources.hashes(folder)
    todo = [name for name in names if not (writes and manifest.is_current(committed, name, head, folder, hashes))]
    problems = sources.all_problems(folder, names)
    tools = toolchain.install(REQUIREMENTS, arguments.toolchain.resolve())
    with tempfile.TemporaryDirectory(prefix="easel-kernels-") as scratch:
        compiler = Compiler(tools, folder, Path(scratch))
        began = time.monotonic()
        modules = compiler.compile(todo)
        for module in modules:
            print(f"{module.name:24} {len(module.fatbin):8} bytes {module.seconds:6.1f} s")
        size = sum(len(module.fatbin) for module in modules)
        print(
            f"compiled {len(modules)} of {len(names)} files in {time.monotonic() - began:.0f} s, {size} bytes of fatbins"
        )
        for module in modules:
            problems += gates.module_problems(module)
        if writes and not problems:
            regenerate(folder, committed, head, modules, hashes)
        if arguments.check:
            problems += gates.staleness(committed, head, modules, hashes, compiler)
            problems += gates.leftovers(committed, sources.modules(folder), folder)
    return problems


def main() -> int:
    arguments = parse_arguments()
    try:
        if arguments.report:
            print(report.report(manifest.read(arguments.kernels / manifest.FILE), arguments.kernels))
            return 0
        problems = build(arguments)
    except BuildError as error:
        print(f"build.py: {error}", file=sys.stderr)
        return 2
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        print(f"build.py: {len(problems)} problems", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
