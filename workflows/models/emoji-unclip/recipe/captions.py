"""Captions of samples (see pictures.py), worded at random."""

from icons import STYLES
from pictures import COLOUR_NAMES, SHAPE, SHAPE_COLOURS, SHAPES


def with_article(text):
    return ("an " if text[0] in "aeiou" else "a ") + text


def full_caption(concepts, sample):
    """The plain caption that says everything: "a flat apple on a blue background"."""
    _, concept, style, background, _ = sample
    name = concepts[concept]["names"][0]
    return f"{with_article(STYLES[style])} {name} on {with_article(COLOUR_NAMES[background])} background"


def shape_caption(rng, sample):
    _, colour, shape, colour_below, shape_below = sample
    colour = SHAPE_COLOURS[colour]
    shape = SHAPES[shape].replace(" shape", "")
    below = SHAPE_COLOURS[colour_below]
    if shape_below >= 0:
        other = SHAPES[shape_below].replace(" shape", "")
        return rng.choice(
            [
                f"{with_article(colour)} {shape} on {with_article(below)} {other}",
                f"{colour} {shape} on {with_article(below)} {other}",
                f"{with_article(colour)} {shape} on {below} {other}",
                f"{with_article(colour)} {shape} inside {with_article(below)} {other}",
            ]
        )
    return rng.choice(
        [
            f"{with_article(colour)} {shape} on {with_article(below)} background",
            f"{colour} {shape} on {below} background",
            f"{colour} {shape}, {below} background",
            f"{with_article(colour)} {shape} shape on {with_article(below)} background",
        ]
    )


def icon_caption(rng, concepts, sample):
    _, concept, style, background = sample[:4]
    names, tags = concepts[concept]["names"], concepts[concept]["tags"]
    u = rng.random()
    if u < 0.6:
        name = names[0]
    elif u < 0.9 or not tags:
        name = rng.choice(names)
    else:
        name = rng.choice(tags)
    style, colour = STYLES[style], COLOUR_NAMES[background]
    u = rng.random()
    if u < 0.45:
        return rng.choice(
            [
                f"{with_article(style)} {name} on {with_article(colour)} background",
                f"{style} {name} on {colour} background",
                f"{with_article(style)} {name}, {colour} background",
                f"{name}, {style} style, {colour} background",
                f"{style} {name}, {colour} background",
            ]
        )
    if u < 0.72:
        return rng.choice(
            [
                f"{with_article(name)} on {with_article(colour)} background",
                f"{name} on {colour} background",
                f"{name}, {colour} background",
                f"the {name} on {with_article(colour)} background",
            ]
        )
    if background == 0 or u > 0.97:  # a prompt without a background mostly means white
        return rng.choice(
            [
                name,
                name,
                with_article(name),
                with_article(name),
                f"{with_article(style)} {name}",
                f"{style} {name}",
                f"{name}, {style} style",
                f"a picture of {with_article(name)}",
                f"an emoji of {with_article(name)}",
                f"the {name}",
            ]
        )
    return rng.choice(
        [
            f"{name} on {colour}",
            f"{with_article(name)} on {colour}",
            f"{with_article(style)} {name} on {colour}",
            f"{name}, {colour}",
        ]
    )


def caption(rng, concepts, sample):
    """One of the ways to say what the sample shows."""
    return shape_caption(rng, sample) if sample[0] == SHAPE else icon_caption(rng, concepts, sample)
