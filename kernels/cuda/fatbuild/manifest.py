"""`manifest.json`: what the fatbins were made of and what their kernels use."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from pathlib import Path
from typing import Any

from . import sources
from .compile import ARCHITECTURES, FATBIN_FLAGS, FLAGS, PTX, Module
from .problem import BuildError

FILE = "manifest.json"

# Objects that stand on one line, so that a change of one kernel is a change of few lines.
FLAT = re.compile(r'\{\s*("registers"[^{}]*?)\s*\}')
PARAMETER = re.compile(r"\[\s*(\d+),\s*(\d+)\s*\]")
PARAMETERS = re.compile(r'"parameters": \[([^a-z"]*)\]')

Json = dict[str, Any]


def header(compiler: dict[str, str]) -> Json:
    """What holds for all modules."""
    return {
        "about": "Made by kernels/cuda/build.py; do not edit.",
        "compiler": compiler,
        "flags": list(FLAGS),
        "fatbin_flags": list(FATBIN_FLAGS),
        "targets": [*sorted(ARCHITECTURES), PTX],
    }


def entry(module: Module, hashes: dict[str, str]) -> Json:
    """A module's part of the manifest; `hashes` are those of `sources.hashes` from before it was compiled."""
    names = sorted({name for kernels in module.kernels.values() for name in kernels})
    return {
        **inputs(module.name, module.headers, hashes),
        "fatbin_sha256": hashlib.sha256(module.fatbin).hexdigest(),
        "fatbin_bytes": len(module.fatbin),
        "kernels": {name: kernel_entry(module, name) for name in names},
    }


def inputs(name: str, headers: list[str], hashes: dict[str, str]) -> Json:
    return {
        "source_sha256": hashes.get(f"{name}.cu"),
        "headers": {path: hashes.get(path) for path in headers},
    }


def kernel_entry(module: Module, name: str) -> Json:
    found = {target: kernels[name] for target, kernels in sorted(module.kernels.items()) if name in kernels}
    interfaces = {kernel.interface for kernel in found.values()}
    if len(interfaces) != 1:
        raise BuildError(
            f"{module.name}.cu: `{name}` takes other arguments or blocks on one architecture than on another:"
            " make its signature and its launch bounds the same everywhere"
        )
    interface = interfaces.pop()
    return {
        "parameters": [list(parameter) for parameter in interface.parameters],
        "max_threads": interface.max_threads,
        "architectures": {
            target: {**dataclasses.asdict(kernel.resources), **kernel.instructions} for target, kernel in found.items()
        },
    }


def render(manifest: Json) -> str:
    """The manifest's text: the same for the same content, and readable."""
    text = json.dumps(manifest, indent=1, sort_keys=False)
    text = FLAT.sub(lambda match: "{" + re.sub(r"\s*\n\s*", " ", match[1]) + "}", text)
    text = PARAMETERS.sub(
        lambda match: '"parameters": [' + ", ".join(f"[{a}, {b}]" for a, b in PARAMETER.findall(match[1])) + "]", text
    )
    return text + "\n"


def read(path: Path) -> Json:
    """The committed manifest; one that is missing is empty."""
    try:
        manifest = json.loads(path.read_text())
    except FileNotFoundError:
        return {"modules": {}}
    except ValueError as error:
        raise BuildError(f"{path} is no JSON ({error}): run kernels/cuda/build.py to make it anew") from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("modules"), dict):
        raise BuildError(f"{path} has no `modules`: run kernels/cuda/build.py to make it anew")
    return manifest


def is_current(manifest: Json, name: str, head: Json, folder: Path, hashes: dict[str, str]) -> bool:
    """Whether a module's fatbin was made of what is in `folder` now, as `head` says."""
    known = manifest["modules"].get(name)
    fatbin = fatbin_path(folder, name)
    if known is None or not fatbin.is_file() or {key: manifest.get(key) for key in head} != head:
        return False
    now = {**inputs(name, list(known.get("headers", {})), hashes), "fatbin_sha256": sources.sha256(fatbin)}
    return all(known.get(key) == value for key, value in now.items())


def fatbin_path(folder: Path, name: str) -> Path:
    return folder / "fatbins" / f"{name}.fatbin"
