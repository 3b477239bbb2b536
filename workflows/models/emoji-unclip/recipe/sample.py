#!/usr/bin/env python3
"""A contact sheet of text -> image with diffusers' own pipeline in float32. Prompts: one a line on standard input.

Picture i is drawn with the seed i.
"""

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import models
import torch
from paths import HERE
from PIL import Image, ImageDraw

MODEL = HERE.parent
CELL = (150, 170)  # pixels of a picture with its caption
PICTURE = 128
LINE = 11  # pixels
CHARACTERS, LINES = 23, 3  # of a caption


def add_pipeline_arguments(parser, prior_guidance=2.0, decoder_guidance=3.0):
    parser.add_argument("--model", type=Path, default=MODEL, help="model folder (%(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads (%(default)s)")
    parser.add_argument("--prior-guidance", type=float, default=prior_guidance, help="(%(default)s)")
    parser.add_argument("--decoder-guidance", type=float, default=decoder_guidance, help="(%(default)s)")


def load_pipeline(folder):
    """diffusers' UnCLIPPipeline on the stored weights, computing in float32."""
    try:
        from diffusers import UnCLIPPipeline
    except ImportError:
        from diffusers.pipelines.deprecated.unclip import UnCLIPPipeline
    # diffusers 0.42 no longer finds the text projection by its Karlo name.
    sys.modules.setdefault("unclip", sys.modules[models.UnCLIPTextProjModel.__module__])
    text_proj = models.UnCLIPTextProjModel.from_pretrained(str(folder / "text_proj"), torch_dtype=torch.float32)
    pipeline = UnCLIPPipeline.from_pretrained(str(folder), torch_dtype=torch.float32, text_proj=text_proj)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def wrap(text):
    lines, line = [], ""
    for word in text.split():
        if len(line) + len(word) > CHARACTERS:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [*lines, line][:LINES]


def contact_sheet(images, captions, path, columns=6):
    """Writes the pictures with their captions, row by row."""
    width, height = CELL
    rows = (len(images) + columns - 1) // columns
    sheet = Image.new("RGB", (columns * width, rows * height), "white")
    canvas = ImageDraw.Draw(sheet)
    for i, (image, caption) in enumerate(zip(images, captions)):
        x, y = i % columns * width + LINE, i // columns * height + 4
        sheet.paste(image.resize((PICTURE, PICTURE)), (x, y))
        for j, line in enumerate(wrap(caption)):
            canvas.text((x, y + PICTURE + 1 + LINE * j), line, fill="black")
    sheet.save(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="PNG to write")
    parser.add_argument("--steps", type=int, default=25, help="of prior and decoder (%(default)s)")
    parser.add_argument("--columns", type=int, default=6, help="(%(default)s)")
    add_pipeline_arguments(parser)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    prompts = [line.strip() for line in sys.stdin if line.strip()]
    pipeline = load_pipeline(args.model)
    began = time.time()
    images = pipeline(
        prompts,
        generator=[torch.Generator().manual_seed(seed) for seed in range(len(prompts))],
        prior_guidance_scale=args.prior_guidance,
        decoder_guidance_scale=args.decoder_guidance,
        prior_num_inference_steps=args.steps,
        decoder_num_inference_steps=args.steps,
    ).images
    print(f"{time.time() - began:.1f} s for {len(prompts)} pictures")
    contact_sheet(images, prompts, args.out, args.columns)


if __name__ == "__main__":
    main()
