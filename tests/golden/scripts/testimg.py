"""Deterministic synthetic test pictures of odd and non-square sizes."""

from pathlib import Path

import numpy as np
from PIL import Image

# File name, width, height, seed, standard deviation of the grain in levels of 255.
IMAGES = [
    ("a0_rgb_97x61.png", 97, 61, 1, 12),
    ("a1_rgb_40x75.png", 40, 75, 2, 12),
    ("a2_rgb_64x64.png", 64, 64, 3, 12),
    ("a3_rgb_300x200.png", 300, 200, 4, 0),
]


def picture(width, height, seed, grain):
    """An RGB picture: waves, a gradient, a disc and grain in every channel."""
    random = np.random.RandomState(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    channels = []
    for _ in range(4):  # the fourth is dropped, but its draws belong to the sequence
        a, b, c, d = random.uniform(0.5, 3.0, 4)
        waves = 127 + 70 * np.sin(a * x / width * 6.28 + c) * np.cos(b * y / height * 6.28 + d)
        value = waves + 40 * (x / width - y / height)
        cx = random.uniform(0.2, 0.8) * width
        cy = random.uniform(0.2, 0.8) * height
        radius = random.uniform(0.1, 0.3) * min(width, height)
        value = np.where((x - cx) ** 2 + (y - cy) ** 2 < radius * radius, random.uniform(0, 255), value)
        channels.append(value + (random.randn(height, width) * grain if grain else 0))
    levels = np.clip(np.stack(channels, -1), 0, 255).round().astype(np.uint8)
    return Image.fromarray(levels[..., :3], "RGB")


def write(folder):
    """Writes every picture as PNG; returns [(file name, picture as read back)]."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, width, height, seed, grain in IMAGES:
        picture(width, height, seed, grain).save(folder / name, optimize=True)
    return [(name, Image.open(folder / name)) for name, *_ in IMAGES]
