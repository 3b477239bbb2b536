#!/usr/bin/env python3
"""Writes emoji/clip_arithmetic.safetensors: cosines of the embedded model's CLIP, and mixed embeddings.

`cosines[i, j]` is the similarity of picture i and text j, from transformers in float64; `cosines_error` holds the largest
and the mean error that transformers makes in float32. `slerp.*` and `sum` are numpy's, in float64.
"""

import argparse
from pathlib import Path

import numpy as np
import reference  # first: it sets up the environment
import torch
from PIL import Image
from safetensors.numpy import save_file
from transformers import CLIPTextModelWithProjection, CLIPTokenizer, CLIPVisionModelWithProjection

GOLDEN = Path(__file__).resolve().parent.parent
MODEL = GOLDEN.parents[1] / "workflows" / "models" / "emoji-unclip"
PICTURES = ["emoji/golden_emoji.png", "A/images/a0_rgb_97x61.png", "A/images/a3_rgb_300x200.png"]
TEXTS = ["a flat apple on a blue background", "apple", "a cat", "a 3d rocket on a red background", ""]
AMOUNTS = [0.1, 0.25, 0.5, 0.9]
WEIGHTS = [1.0, 0.5, -0.75]


def cosines(dtype):
    """[pictures, texts]"""
    text_encoder = CLIPTextModelWithProjection.from_pretrained(str(MODEL / "text_encoder")).to(dtype).eval()
    image_encoder = CLIPVisionModelWithProjection.from_pretrained(str(MODEL / "image_encoder")).to(dtype).eval()
    tokenizer = CLIPTokenizer.from_pretrained(str(MODEL / "tokenizer"))
    processor = reference.ImageProcessor.from_pretrained(str(MODEL / "feature_extractor"))
    ids = tokenizer(TEXTS, padding="max_length", truncation=True, return_tensors="pt").input_ids
    images = [Image.open(GOLDEN / path).convert("RGB") for path in PICTURES]
    pixels = torch.cat([processor(images=image, return_tensors="pt").pixel_values for image in images])
    with torch.no_grad():
        texts = torch.nn.functional.normalize(text_encoder(ids).text_embeds, dim=-1)
        pictures = torch.nn.functional.normalize(image_encoder(pixels.to(dtype)).image_embeds, dim=-1)
    return (pictures @ texts.T).double().numpy()


def slerp(a, b, amount):
    """Directions on the arc, lengths evenly; each row by itself."""
    of_a, of_b = np.linalg.norm(a, axis=-1, keepdims=True), np.linalg.norm(b, axis=-1, keepdims=True)
    angle = np.arccos(np.sum(a / of_a * b / of_b, axis=-1, keepdims=True))
    direction = (np.sin((1 - amount) * angle) * a / of_a + np.sin(amount * angle) * b / of_b) / np.sin(angle)
    return ((1 - amount) * of_a + amount * of_b) * direction


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=GOLDEN / "emoji", help="the folder (%(default)s)")
    out = parser.parse_args().out
    exact = cosines(torch.float64)
    error = np.abs(cosines(torch.float32) - exact)
    print(f"cosines, float32 against float64: max {error.max():.2e}, mean {error.mean():.2e}")

    generator = np.random.default_rng(0)
    first, second, third = (generator.normal(size=(3, 128), scale=s).astype(np.float32) for s in (1.0, 2.5, 1.0))
    a, b, c = (x.astype(np.float64) for x in (first, second, third))
    total = WEIGHTS[0] * a + WEIGHTS[1] * b + WEIGHTS[2] * c
    total *= np.linalg.norm(a, axis=-1, keepdims=True) / np.linalg.norm(total, axis=-1, keepdims=True)
    tensors = {
        "cosines": exact,
        "cosines_error": np.array([error.max(), error.mean()]),
        "first": first,
        "second": second,
        "third": third,
        "sum": total,
    }
    tensors |= {f"slerp.{amount}": slerp(a, b, amount) for amount in AMOUNTS}
    tensors = {name: np.ascontiguousarray(tensor, dtype=np.float32) for name, tensor in tensors.items()}
    save_file(tensors, str(out / "clip_arithmetic.safetensors"), {"about": __doc__.splitlines()[0]})


if __name__ == "__main__":
    main()
