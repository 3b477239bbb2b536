#!/usr/bin/env python3
"""Records what the network gives in PyTorch in float64 for small pictures, and how far PyTorch is from that in fewer bits.

Writes upscale.safetensors: inputs and outputs, [1, 3, height, width], as the network takes and gives them (0..1, not
clamped). Beside it upscale.json: of each output the error against float64 in float32, float16 and bfloat16 (weights and
input rounded to that), and the versions.
"""

import argparse
import json
import platform
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from srvgg import load

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[3]
PICTURE = ROOT / "workflows" / "pictures" / "small" / "cat.png"
DTYPES = (torch.float32, torch.float16, torch.bfloat16)


def pixels(levels):
    """[height, width, 3] of 0..255 to what the network takes."""
    return torch.from_numpy(levels.copy()).permute(2, 0, 1)[None].double() / 255


def pictures():
    """Inputs by name. Nothing is harder than noise, and odd sizes have a border everywhere."""
    random = np.random.default_rng(0)
    return {
        "pixel": pixels(np.array([[[200, 30, 120]]], np.uint8)),
        "noise": pixels(random.integers(0, 256, (17, 23, 3), np.uint8)),
        "emoji": pixels(np.asarray(Image.open(PICTURE).convert("RGB"))),
    }


def error(found, exact):
    """How far `found` is from `exact`; `relative` is that of the norms."""
    difference = found.double() - exact
    return {
        "max_abs": float(difference.abs().max()),
        "mean_abs": float(difference.abs().mean()),
        "relative": float(difference.norm() / exact.norm()),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "tests" / "golden" / "upscale", help="folder (%(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads (%(default)s)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.out.mkdir(parents=True, exist_ok=True)

    part = HERE.parent / "upscaler"
    exact, networks = load(part, torch.float64), {dtype: load(part, dtype) for dtype in DTYPES}
    tensors, figures = {}, {}
    for name, picture in pictures().items():
        # What is stored is what every dtype gets.
        picture = picture.float()
        with torch.no_grad():
            want = exact(picture.double())
            found = {dtype: network(picture.to(dtype)) for dtype, network in networks.items()}
        tensors |= {f"{name}.image": picture, f"{name}.out": want.float()}
        figures[f"{name}.out"] = {"scale": float(want.abs().max())} | {
            str(dtype).removeprefix("torch."): error(of_dtype, want) for dtype, of_dtype in found.items()
        }

    about = {"torch": torch.__version__, "python": platform.python_version(), "threads": arguments.threads}
    written = {name: value.contiguous().clone() for name, value in tensors.items()}
    save_file(written, str(arguments.out / "upscale.safetensors"), {"about": "see recipe/golden.py of the model"})
    text = json.dumps({"about": about, "errors_against_float64": figures}, indent=1)
    (arguments.out / "upscale.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
