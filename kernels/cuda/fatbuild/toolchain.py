"""The pinned compiler: wheels from the Python package index, unpacked into a folder of their own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .problem import BuildError

REQUIREMENT = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>[0-9.]+)\s+--hash=sha256:[0-9a-f]{64}$")

# What decides about the bytes of a fatbin; the others only read them.
MAKERS = ("nvidia-cuda-nvcc", "nvidia-nvvm", "nvidia-cuda-crt", "nvidia-cuda-runtime", "nvidia-cuda-cccl")


@dataclass(frozen=True)
class Toolchain:
    """Where the tools are."""

    folder: Path

    @property
    def cuda(self) -> Path:
        return self.folder / "nvidia" / "cu13"

    def tool(self, name: str) -> str:
        return str(self.cuda / "bin" / name)


def pinned_versions(requirements: str) -> dict[str, str]:
    """Versions by package, as the requirements file pins them."""
    versions = {}
    for line in requirements.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        match = REQUIREMENT.match(line)
        if not match:
            raise BuildError(f"toolchain.txt: `{line}` is not `NAME==VERSION --hash=sha256:…`: pin it with its hash")
        versions[match["name"]] = match["version"]
    return versions


def compiler_versions(requirements: str) -> dict[str, str]:
    """The versions of what makes fatbins, for the manifest."""
    versions = pinned_versions(requirements)
    missing = [name for name in MAKERS if name not in versions]
    if missing:
        raise BuildError(f"toolchain.txt does not pin {', '.join(missing)}: add what is missing")
    return {name: versions[name] for name in MAKERS}


def install(requirements: Path, folder: Path) -> Toolchain:
    """The toolchain in `folder`, which is filled first unless it holds exactly these wheels already."""
    toolchain = Toolchain(folder)
    stamp = folder / "installed.txt"
    wanted = requirements.read_text()
    pinned_versions(wanted)
    need_host_compiler()
    if stamp.is_file() and stamp.read_text() == wanted:
        return toolchain
    need_platform()
    print(f"installing the compiler's wheels into {folder}", file=sys.stderr, flush=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="cuda-toolchain-") as scratch:
        fresh = Path(scratch) / "wheels"
        download(requirements, fresh)
        # Wheels are zip files: pip does not mark every tool as a program.
        for tool in [*(fresh / "nvidia/cu13/bin").iterdir(), *(fresh / "nvidia/cu13/nvvm/bin").iterdir()]:
            if tool.is_file():
                tool.chmod(0o755)
        (fresh / stamp.name).write_text(wanted)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
    return toolchain


def download(requirements: Path, folder: Path) -> None:
    """Asks pip for the wheels; only pip is needed for that, no virtual environment."""
    pip = [sys.executable, "-m", "pip"]
    if subprocess.run([*pip, "--version"], capture_output=True).returncode != 0:
        raise BuildError(
            f"{sys.executable} has no pip, which fetches the compiler: install it (Debian: apt-get install python3-pip)"
        )
    command = [*pip, "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
    command += ["--only-binary=:all:", "--root-user-action=ignore", "--target", str(folder), "-r", str(requirements)]
    if subprocess.run(command).returncode != 0:
        raise BuildError(
            "pip could not fetch the compiler's wheels (see above): it needs the Python package index, or a folder"
            " with the wheels that toolchain.txt names (PIP_FIND_LINKS=FOLDER PIP_NO_INDEX=1)"
        )


def need_platform() -> None:
    machine = os.uname()
    if (machine.sysname, machine.machine) != ("Linux", "x86_64"):
        raise BuildError(
            f"the compiler is pinned for Linux on x86-64, and this is {machine.sysname} on {machine.machine}:"
            " build the kernels there"
        )


def need_host_compiler() -> None:
    """nvcc has the host's compiler preprocess what it compiles."""
    if not shutil.which("gcc") or not shutil.which("g++"):
        raise BuildError("nvcc preprocesses with gcc, and there is none: install g++ (Debian: apt-get install g++)")
