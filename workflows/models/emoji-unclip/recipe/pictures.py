"""Pictures of icons and shapes on coloured backgrounds, described by short tuples.

A sample is (ICON, concept, style, background colour, -1) or (SHAPE, colour, shape, colour below, shape below): indices
into the concepts, STYLES, COLOUR_NAMES, SHAPE_COLOURS and SHAPES. A shape below of -1 means a plain background.
"""

import math
import os
import random
from multiprocessing import Pool

import numpy as np
from icons import STYLES
from PIL import Image, ImageDraw

ICON, SHAPE = 0, 1
COLOURS = {
    "white": (255, 255, 255),
    "black": (25, 25, 28),
    "red": (222, 44, 48),
    "orange": (245, 140, 30),
    "yellow": (250, 215, 60),
    "green": (52, 168, 83),
    "blue": (45, 105, 225),
    "purple": (135, 65, 190),
    "pink": (250, 150, 190),
    "brown": (125, 80, 50),
    "gray": (150, 150, 155),
    "cyan": (70, 205, 220),
}
COLOUR_NAMES = list(COLOURS)
SHAPES = ["circle", "square", "triangle", "heart shape", "star shape", "diamond shape"]
CIRCLE, SQUARE, TRIANGLE, HEART, STAR, DIAMOND = range(6)
SHAPE_COLOURS = ["red", "orange", "yellow", "green", "blue", "purple", "black", "white"]

SIZE = 128  # pixels of a picture
SHAPE_CANVAS = 256  # pixels; shapes are drawn at this size and scaled down to SIZE
COLOUR_JITTER = 8  # levels of 255
HELD_OUT_ONE_IN = 20  # combinations
WHITE_SHARE = 0.3  # of the icon samples have a white background; the others any, white included
SAMPLES_PER_TASK = 500


def hash32(*parts):
    """A 32-bit hash of the parts' text: FNV-1a, then a finaliser."""
    value = 2166136261
    for byte in "/".join(map(str, parts)).encode():
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    value ^= value >> 15
    value = (value * 2246822519) & 0xFFFFFFFF
    return value ^ (value >> 13)


def held_out(concept, style, background):
    """Whether the combination is kept out of the training: about 5 % of them."""
    return hash32("icon", concept, style, background) % HELD_OUT_ONE_IN == 0


def held_out_shape(colour, shape, colour_below, shape_below):
    return hash32("shape", colour, shape, colour_below, shape_below) % HELD_OUT_ONE_IN == 0


class Still:
    """Stands in for a random source: always the middle."""

    def randint(self, low, high):
        return (low + high) // 2


def jittered(rng, name):
    """The named colour, each channel moved by up to COLOUR_JITTER."""
    return tuple(int(min(255, max(0, level + rng.randint(-COLOUR_JITTER, COLOUR_JITTER)))) for level in COLOURS[name])


def compose_icon(rng, icon, background):
    """An RGBA icon on a background of the named colour, size and place varied by `rng`: RGB, SIZE pixels."""
    size = rng.randint(98, 122)
    margin = SIZE - size
    shift = min(8, margin // 2)
    picture = Image.new("RGB", (SIZE, SIZE), jittered(rng, background))
    scaled = Image.fromarray(icon).resize((size, size), Image.LANCZOS)
    place = (margin // 2 + rng.randint(-shift, shift), margin // 2 + rng.randint(-shift, shift))
    picture.paste(scaled, place, scaled)
    return picture


def draw_shape(canvas, shape, cx, cy, radius, colour):
    """Fills one shape around (cx, cy); its outline is about `radius` away from there."""
    if shape == CIRCLE:
        canvas.ellipse([cx - radius, cy - radius, cx + radius, cy + radius], fill=colour)
        return
    if shape == SQUARE:
        half = radius * 0.88
        canvas.rectangle([cx - half, cy - half, cx + half, cy + half], fill=colour)
        return
    if shape == HEART:
        outline = []
        for t in np.linspace(0, 2 * np.pi, 60):
            height = 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
            outline.append((cx + radius * math.sin(t) ** 3, cy - radius * height / 16))
    else:
        # Corners as (degrees, share of the radius).
        corners = {
            TRIANGLE: [(90 + 120 * k, 1.1) for k in range(3)],
            DIAMOND: [(90 * k, 1) for k in range(4)],
            STAR: [(90 + 36 * k, 1.08 if k % 2 == 0 else 0.45) for k in range(10)],
        }[shape]
        drop = radius * 0.2 if shape == TRIANGLE else 0
        outline = [
            (
                cx + radius * share * math.cos(math.radians(degrees)),
                cy + drop - radius * share * math.sin(math.radians(degrees)),
            )
            for degrees, share in corners
        ]
    canvas.polygon(outline, fill=colour)


def compose_shape(rng, colour, shape, colour_below, shape_below):
    """A shape on top of another one (on gray), or, if `shape_below` < 0, on a plain background: RGB, SIZE pixels."""
    stacked = shape_below >= 0
    background = jittered(rng, "gray" if stacked else colour_below)
    picture = Image.new("RGB", (SHAPE_CANVAS, SHAPE_CANVAS), background)
    canvas = ImageDraw.Draw(picture)
    cx = SHAPE_CANVAS / 2 + rng.randint(-10, 10)
    cy = SHAPE_CANVAS / 2 + rng.randint(-10, 10)
    if stacked:
        radius = rng.randint(102, 114)
        draw_shape(canvas, shape_below, cx, cy, radius, jittered(rng, colour_below))
        radius *= 0.42 if shape_below in (TRIANGLE, STAR, DIAMOND) else 0.52
        drop = radius * 0.25 if shape_below == TRIANGLE else 0
        draw_shape(canvas, shape, cx, cy + drop, radius, jittered(rng, colour))
    else:
        draw_shape(canvas, shape, cx, cy, rng.randint(66, 96), jittered(rng, colour))
    return picture.resize((SIZE, SIZE), Image.LANCZOS)


def compose(rng, icons, sample):
    """The picture of a sample: RGB, SIZE pixels. `rng` varies size, place and colours; Still() does not."""
    if sample[0] == ICON:
        _, concept, style, background, _ = sample
        return compose_icon(rng, icons[concept, style], COLOUR_NAMES[background])
    _, colour, shape, colour_below, shape_below = sample
    return compose_shape(rng, SHAPE_COLOURS[colour], shape, SHAPE_COLOURS[colour_below], shape_below)


def draw_samples(rng, have, n_icons, n_shapes):
    """Samples for the training, shuffled, none of them held out; have: [concept, style] bool."""
    samples = []
    pairs = [(concept, style) for concept in range(len(have)) for style in range(len(STYLES)) if have[concept, style]]
    while len(samples) < n_icons:
        rng.shuffle(pairs)
        for concept, style in pairs:
            while True:
                background = 0 if rng.random() < WHITE_SHARE else rng.randrange(len(COLOUR_NAMES))
                if not held_out(concept, style, background):
                    break
            samples.append((ICON, concept, style, background, -1))
            if len(samples) == n_icons:
                break
    while len(samples) < n_icons + n_shapes:
        colour, colour_below = rng.sample(range(len(SHAPE_COLOURS)), 2)
        shape = rng.randrange(len(SHAPES))
        shape_below = rng.choice([-1, -1, 0, 1, 2, 3, 4, 5])
        if not held_out_shape(colour, shape, colour_below, shape_below):
            samples.append((SHAPE, colour, shape, colour_below, shape_below))
    rng.shuffle(samples)
    return samples


def draw_held_out(rng, have, count):
    """`count` of the held-out icon samples."""
    samples = [
        (ICON, concept, style, background, -1)
        for concept in range(len(have))
        for style in range(len(STYLES))
        for background in range(len(COLOUR_NAMES))
        if have[concept, style] and held_out(concept, style, background)
    ]
    rng.shuffle(samples)
    return samples[:count]


def canonical(icons, samples, size):
    """One still, centred picture for each different sample.

    Returns (pictures [n, size, size, 3] uint8, for each sample the index of its picture).
    """
    different = sorted(set(samples))
    index = {sample: i for i, sample in enumerate(different)}
    still = Still()
    pictures = [np.asarray(compose(still, icons, sample).resize((size, size), Image.BOX)) for sample in different]
    return np.array(pictures), np.array([index[sample] for sample in samples])


_icons = None  # of a worker process


def _set_icons(icons):
    global _icons
    _icons = icons


def _compose_chunk(task):
    seed, samples, keep_large = task
    rng = random.Random(seed)
    small, large = [], []
    for sample in samples:
        picture = compose(rng, _icons, sample)
        small.append(np.asarray(picture.reduce(4)))
        if keep_large:
            large.append(np.asarray(picture))
    return np.array(small), np.array(large)


def compose_all(icons, samples, seed, keep_large=False):
    """Pictures of all samples, on all cores: ([n, 32, 32, 3] uint8, [n, 128, 128, 3] uint8 or None)."""
    tasks = [
        (seed + start, samples[start : start + SAMPLES_PER_TASK], keep_large)
        for start in range(0, len(samples), SAMPLES_PER_TASK)
    ]
    with Pool(os.cpu_count(), initializer=_set_icons, initargs=(icons,)) as pool:
        chunks = pool.map(_compose_chunk, tasks)
    small = np.concatenate([chunk for chunk, _ in chunks])
    return small, (np.concatenate([chunk for _, chunk in chunks]) if keep_large else None)
