"""What every compiled kernel must keep to."""

from __future__ import annotations

from pathlib import Path

from . import manifest as manifests
from . import sources
from .compile import Compiler, Module
from .manifest import Json
from .problem import Problem

REBUILD = "run `python3 kernels/cuda/build.py` and commit what it changes"


def module_problems(module: Module) -> list[Problem]:
    """What is wrong with a module as it was compiled."""
    problems = [
        Problem(f"{module.name}.cu", complaint, "the compiler warns: mend the source, warnings are errors here")
        for complaint in module.complaints
    ]
    if not any(module.kernels.values()):
        problems.append(
            Problem(f"{module.name}.cu", "has no kernel", 'write one (`extern "C" __global__`) or remove the file')
        )
    for target, kernels in sorted(module.kernels.items()):
        for name, kernel in kernels.items():
            facts = {"spill_bytes": kernel.resources.spill_bytes, **kernel.instructions}
            problems += kernel_problems(f"{module.name}.cu: {name} on {target}", name, target, facts)
    return problems


def kernel_problems(where: str, name: str, target: str, facts: dict[str, int]) -> list[Problem]:
    problems = []
    if facts["spill_bytes"]:
        what = f"spills {facts['spill_bytes']} bytes of registers"
        problems.append(Problem(where, what, "use a smaller tile or fewer stages, or relax __launch_bounds__"))
    local = facts["LDL"] + facts["STL"]
    if local:
        what = f"has {local} accesses to local memory (LDL, STL)"
        remedy = "index arrays by constants only (unroll the loops over them) so that they stay in registers"
        problems.append(Problem(where, what, remedy))
    if "_wgmma_" in f"{name}_" and target == "sm_90a" and not facts["HGMMA"]:
        problems.append(
            Problem(where, "has no HGMMA instruction", "it must call wgmma_m64k16, or lose `wgmma` in its name")
        )
    if "_mma_" in f"{name}_" and not facts["HMMA"]:
        problems.append(
            Problem(where, "has no HMMA instruction", "it must call mma_m16n8k16, or lose `mma` in its name")
        )
    return problems


def staleness(
    committed: Json, head: Json, modules: list[Module], hashes: dict[str, str], compiler: Compiler
) -> list[Problem]:
    """Where the committed manifest and fatbins are not what the sources give."""
    problems = []
    if {key: committed.get(key) for key in head} != head:
        problems.append(Problem("manifest.json", "names another compiler, other flags or other targets", REBUILD))
    for module in modules:
        problems += module_staleness(committed["modules"].get(module.name), module, hashes, compiler)
    return problems


def module_staleness(known: Json | None, module: Module, hashes: dict[str, str], compiler: Compiler) -> list[Problem]:
    path = manifests.fatbin_path(compiler.folder, module.name)
    place = f"fatbins/{path.name}"
    if known is None:
        return [Problem("manifest.json", f"does not know {module.name}.cu", REBUILD)]
    if not path.is_file():
        return [Problem(place, "is missing", REBUILD)]
    fresh = manifests.entry(module, hashes)
    about_bytes = ("fatbin_sha256", "fatbin_bytes")
    changed = [key for key in fresh if key not in about_bytes and fresh[key] != known.get(key)]
    if changed:
        return [Problem("manifest.json", f"{module.name}: {', '.join(changed)} changed since", REBUILD)]
    committed = path.read_bytes()
    problems = []
    if sources.sha256(path) != known.get("fatbin_sha256") or len(committed) != known.get("fatbin_bytes"):
        problems.append(Problem(place, "is not the one that manifest.json describes", REBUILD))
    # Another host compiler may give other bytes around the same code.
    if committed != module.fatbin and compiler.code(path) != compiler.code(compiler.scratch / path.name):
        problems.append(Problem(place, "holds other code than the sources give", REBUILD))
    return problems


def leftovers(committed: Json, names: list[str], folder: Path) -> list[Problem]:
    """What belongs to no source any more."""
    stale = sorted(set(committed["modules"]) - set(names))
    problems = [Problem("manifest.json", f"knows {name}.cu, which is gone", REBUILD) for name in stale]
    files = sorted(
        path for path in (folder / "fatbins").glob("*") if path.stem not in names or path.suffix != ".fatbin"
    )
    return problems + [Problem(f"fatbins/{path.name}", "belongs to no source", REBUILD) for path in files]
