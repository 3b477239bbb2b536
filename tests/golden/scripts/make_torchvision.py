#!/usr/bin/env python3
"""Writes image_processor_torchvision.safetensors: the tiny cases of image_processor with the torchvision backend.

Needs torchvision beside requirements.txt. transformers 5 prefers that backend when torchvision is installed, and its
resampling differs from Pillow's by up to two levels of 255.
"""

import argparse
from pathlib import Path

import reference  # first: it sets up the environment
import testimg
from safetensors.torch import save_file
from transformers import CLIPImageProcessor


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=reference.DEFAULT_OUT, help="the golden set (%(default)s)")
    out = parser.parse_args().out
    folder = out / "models" / "image_variation" / "feature_extractor"
    processor = CLIPImageProcessor.from_pretrained(str(folder))
    tensors = {
        f"tiny{index}.pixel_values": processor(images=image, return_tensors="pt").pixel_values.contiguous()
        for index, (_, image) in enumerate(testimg.write(out / "images"))
    }
    save_file(
        tensors, str(out / "image_processor_torchvision.safetensors"), {"about": "same cases, torchvision backend"}
    )


if __name__ == "__main__":
    main()
