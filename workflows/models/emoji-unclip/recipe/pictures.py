"""Pictures of icons and shapes on coloured backgrounds, described by short tuples.

A sample is one of
    (ICON, concept, style, background colour, -1)
    (SHAPE, colour, shape, colour below, shape below)    a shape below of -1 means a plain background
    (PLACED, concept, style, background colour, place)   smaller, and in a certain place
    (PAIR, left concept, right concept, style, background colour)
with indices into the concepts, STYLES, COLOUR_NAMES, SHAPE_COLOURS, SHAPES and PLACES.
"""

import math
import os
import random
from multiprocessing import Pool

import numpy as np
from icons import STYLES
from PIL import Image, ImageDraw

ICON, SHAPE, PLACED, PAIR = range(4)
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
# Words, and where the icon is: shares of the room that it leaves, from the left and from the top.
PLACES = {
    "small": (0.5, 0.5),
    "left": (0.06, 0.5),
    "right": (0.94, 0.5),
    "top": (0.5, 0.06),
    "bottom": (0.5, 0.94),
    "top left": (0.06, 0.06),
    "top right": (0.94, 0.06),
    "bottom left": (0.06, 0.94),
    "bottom right": (0.94, 0.94),
}
PLACE_NAMES = list(PLACES)
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


def held_out_placed(concept, style, background, place):
    return hash32("placed", concept, style, background, place) % HELD_OUT_ONE_IN == 0


def held_out_pair(left, right):
    """Whether two concepts are never seen in this order, in any style and on any background."""
    return hash32("pair", left, right) % HELD_OUT_ONE_IN == 0


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


def compose_placed(rng, icon, background, place):
    """Like compose_icon, but about half as large and in the named place."""
    size = rng.randint(62, 72)
    picture = Image.new("RGB", (SIZE, SIZE), jittered(rng, background))
    scaled = Image.fromarray(icon).resize((size, size), Image.LANCZOS)
    corner = tuple(round(share * (SIZE - size)) + rng.randint(-3, 3) for share in PLACES[place])
    picture.paste(scaled, corner, scaled)
    return picture


def compose_pair(rng, left, right, background):
    """Two RGBA icons beside each other."""
    picture = Image.new("RGB", (SIZE, SIZE), jittered(rng, background))
    for icon, centre in ((left, SIZE // 4), (right, SIZE - SIZE // 4)):
        size = rng.randint(56, 62)
        scaled = Image.fromarray(icon).resize((size, size), Image.LANCZOS)
        corner = (centre - size // 2 + rng.randint(-1, 1), SIZE // 2 - size // 2 + rng.randint(-6, 6))
        picture.paste(scaled, corner, scaled)
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
    if sample[0] == PLACED:
        _, concept, style, background, place = sample
        return compose_placed(rng, icons[concept, style], COLOUR_NAMES[background], PLACE_NAMES[place])
    if sample[0] == PAIR:
        _, left, right, style, background = sample
        return compose_pair(rng, icons[left, style], icons[right, style], COLOUR_NAMES[background])
    _, colour, shape, colour_below, shape_below = sample
    return compose_shape(rng, SHAPE_COLOURS[colour], shape, SHAPE_COLOURS[colour_below], shape_below)


def draw_background(rng):
    return 0 if rng.random() < WHITE_SHARE else rng.randrange(len(COLOUR_NAMES))


def draw_icons(rng, have, count):
    """`count` icon samples: every concept in every style that it has equally often, none held out."""
    pairs = [(concept, style) for concept in range(len(have)) for style in range(len(STYLES)) if have[concept, style]]
    samples = []
    while len(samples) < count:
        rng.shuffle(pairs)
        for concept, style in pairs[: count - len(samples)]:
            background = draw_background(rng)
            while held_out(concept, style, background):
                background = draw_background(rng)
            samples.append((ICON, concept, style, background, -1))
    return samples


def draw_one_shape(rng, _have, _pairable):
    colour, colour_below = rng.sample(range(len(SHAPE_COLOURS)), 2)
    shape = rng.randrange(len(SHAPES))
    shape_below = rng.choice([-1, -1, 0, 1, 2, 3, 4, 5])
    return SHAPE, colour, shape, colour_below, shape_below


def draw_one_placed(rng, have, _pairable):
    concept, style = rng.randrange(len(have)), rng.randrange(len(STYLES))
    place = rng.choice([0, rng.randrange(len(PLACES))])
    return (PLACED, concept, style, draw_background(rng), place) if have[concept, style] else None


def draw_one_pair(rng, have, pairable):
    left, right = rng.sample(pairable, 2)
    style = rng.randrange(len(STYLES))
    return (PAIR, left, right, style, draw_background(rng)) if have[left, style] and have[right, style] else None


def is_held_out(sample):
    """Whether the training never sees this."""
    kind = sample[0]
    if kind == ICON:
        return held_out(*sample[1:4])
    if kind == SHAPE:
        return held_out_shape(*sample[1:])
    if kind == PLACED:
        return held_out_placed(*sample[1:])
    return held_out_pair(*sample[1:3])


def draw_kind(rng, have, pairable, kind, count, held=False):
    """`count` samples of SHAPE, PLACED or PAIR, all held out or none; pairable: the concepts that pairs are made of."""
    draw = {SHAPE: draw_one_shape, PLACED: draw_one_placed, PAIR: draw_one_pair}[kind]
    samples = []
    while len(samples) < count:
        sample = draw(rng, have, pairable)
        if sample is not None and is_held_out(sample) == held:
            samples.append(sample)
    return samples


def draw_samples(rng, have, pairable, counts):
    """Samples for the training, shuffled, none of them held out.

    have: [concept, style] bool; counts: how many of each kind.
    """
    samples = draw_icons(rng, have, counts[ICON])
    for kind in (SHAPE, PLACED, PAIR):
        samples += draw_kind(rng, have, pairable, kind, counts[kind])
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
