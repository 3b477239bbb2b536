"""Compiles kernels for every architecture and joins the results into fatbins."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from . import cubin, listing, sources
from .problem import BuildError
from .toolchain import Toolchain

# Newest first, because those take longest. `sm_90a`, not `sm_90`: wgmma exists only there.
ARCHITECTURES = ("sm_90a", "sm_89", "sm_80")
# What newer devices compile for themselves.
PTX = "compute_80"
FLAGS = ("-std=c++17", "-Iinclude", "-Xptxas=-v")
FATBIN_FLAGS = ("-64", "--compress-mode=size")


@dataclass(frozen=True)
class Image:
    """A module compiled for one target."""

    target: str
    path: Path
    headers: list[str]
    complaints: list[str]
    seconds: float


@dataclass(frozen=True)
class Kernel:
    """What is known of a compiled kernel on one architecture."""

    interface: cubin.KernelInterface
    resources: listing.Resources
    instructions: dict[str, int]


@dataclass(frozen=True)
class Module:
    """A `.cu` file, compiled."""

    name: str
    fatbin: bytes
    headers: list[str]
    # By architecture, then by kernel.
    kernels: dict[str, dict[str, Kernel]]
    complaints: list[str]
    # How long its compilations took, one after another.
    seconds: float = 0.0


def run(command: list[str], folder: Path, scratch: Path) -> str:
    """What a tool prints; what it complains about when it fails is the error."""
    environment = {**os.environ, "TMPDIR": str(scratch), "LC_ALL": "C"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise BuildError(f"{Path(command[0]).name} failed:\n{(done.stdout + done.stderr).strip()}")
    return done.stdout + done.stderr


class Compiler:
    """Compiles the modules of one folder, in parallel; intermediate files go to `scratch`."""

    def __init__(self, toolchain: Toolchain, folder: Path, scratch: Path) -> None:
        self.toolchain = toolchain
        self.folder = folder
        self.scratch = scratch

    def compile(self, names: list[str]) -> list[Module]:
        """All modules in the order of their names; every module that does not compile is in the error."""
        jobs = [(name, target) for name in names for target in (*ARCHITECTURES, PTX)]
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            # The tools are processes of their own, so threads keep every core busy.
            running = {(name, target): pool.submit(self.compile_for, name, target) for name, target in jobs}
            failures: dict[tuple[str, str], list[str]] = {}
            for (name, target), result in running.items():
                if error := result.exception():
                    failures.setdefault((name, str(error)), []).append(target)
            if failures:
                raise BuildError(
                    "\n".join(f"{name}.cu for {', '.join(on)}: {error}" for (name, error), on in failures.items())
                )
            results = {job: result.result() for job, result in running.items()}
            joined = [
                pool.submit(self.join, name, {target: results[name, target] for target in (*ARCHITECTURES, PTX)})
                for name in names
            ]
            return [module.result() for module in joined]

    def compile_for(self, name: str, target: str) -> tuple[Image, dict[str, Kernel]]:
        """One module for one target, and its kernels if that is an architecture."""
        is_ptx = target == PTX
        output = self.scratch / f"{name}.{target}.{'ptx' if is_ptx else 'cubin'}"
        rule = self.scratch / f"{name}.{target}.d"
        where = f"-gencode=arch={target.replace('sm_', 'compute_')},code={target}"
        command = [self.toolchain.tool("nvcc"), *FLAGS, where, "-ptx" if is_ptx else "-cubin"]
        # Paths relative to the folder keep its place out of what is compiled.
        began = time.monotonic()
        log = self.run([*command, "-MMD", "-MF", str(rule), "-o", str(output), f"{name}.cu"])
        headers = sources.dependencies(rule.read_text(), self.folder)
        image = Image(target, output, headers, listing.complaints(log), time.monotonic() - began)
        return image, {} if is_ptx else self.kernels(output, log)

    def kernels(self, path: Path, log: str) -> dict[str, Kernel]:
        resources = listing.resources(log)
        counts = listing.instructions(self.disassemble(path))
        found = cubin.interfaces(path.read_bytes())
        unknown = sorted(name for name in found if name not in resources or name not in counts)
        if unknown:
            raise BuildError(
                f"ptxas or nvdisasm said nothing of {', '.join(unknown)}: listing.py must learn their format"
            )
        return {name: Kernel(found[name], resources[name], counts[name]) for name in sorted(found)}

    def disassemble(self, path: Path) -> str:
        return self.run([self.toolchain.tool("nvdisasm"), "-c", str(path)])

    def join(self, name: str, results: dict[str, tuple[Image, dict[str, Kernel]]]) -> Module:
        """One fatbin of a module's images."""
        output = self.scratch / f"{name}.fatbin"
        command = [self.toolchain.tool("fatbinary"), *FATBIN_FLAGS, f"--create={output}"]
        for target, (image, _) in sorted(results.items()):
            kind = "ptx" if target == PTX else "elf"
            command.append(f"--image3=kind={kind},sm={target.split('_')[1]},file={image.path}")
        self.run(command)
        images = [image for image, _ in results.values()]
        return Module(
            name=name,
            fatbin=output.read_bytes(),
            headers=sorted({header for image in images for header in image.headers}),
            kernels={target: kernels for target, (_, kernels) in results.items() if target != PTX},
            complaints=list(dict.fromkeys(complaint for image in images for complaint in image.complaints)),
            seconds=sum(image.seconds for image in images),
        )

    def code(self, fatbin: Path) -> dict[str, str]:
        """What a fatbin's images say, in words, by file: to compare two that differ in bytes only."""
        with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
            for what in ("-xelf", "-xptx"):
                self.run([self.toolchain.tool("cuobjdump"), what, "all", str(fatbin)], Path(folder))
            return {
                path.name: self.disassemble(path) if path.suffix == ".cubin" else path.read_text()
                for path in sorted(Path(folder).iterdir())
            }

    def run(self, command: list[str], folder: Path | None = None) -> str:
        return run(command, folder or self.folder, self.scratch)
