"""Captions of samples (see pictures.py), worded at random."""

from icons import STYLES
from pictures import COLOUR_NAMES, ICON, PAIR, PLACE_NAMES, PLACED, SHAPE, SHAPE_COLOURS, SHAPES


def with_article(text):
    return ("an " if text[0] in "aeiou" else "a ") + text


def full_caption(concepts, sample):
    """The plain caption that says everything: "a flat apple on a blue background"."""
    kind = sample[0]
    if kind == SHAPE:
        return shape_captions(sample)[0]
    if kind == PAIR:
        _, left, right, style, background = sample
        names = [concepts[concept]["names"][0] for concept in (left, right)]
        return pair_captions(*names, STYLES[style], COLOUR_NAMES[background])[0]
    _, concept, style, background, place = sample
    name = concepts[concept]["names"][0]
    if kind == PLACED:
        return placed_captions(name, STYLES[style], COLOUR_NAMES[background], PLACE_NAMES[place])[0]
    return f"{with_article(STYLES[style])} {name} on {with_article(COLOUR_NAMES[background])} background"


def shape_captions(sample):
    _, colour, shape, colour_below, shape_below = sample
    colour = SHAPE_COLOURS[colour]
    shape = SHAPES[shape].replace(" shape", "")
    below = SHAPE_COLOURS[colour_below]
    if shape_below >= 0:
        other = SHAPES[shape_below].replace(" shape", "")
        return [
            f"{with_article(colour)} {shape} on {with_article(below)} {other}",
            f"{colour} {shape} on {with_article(below)} {other}",
            f"{with_article(colour)} {shape} on {below} {other}",
            f"{with_article(colour)} {shape} inside {with_article(below)} {other}",
        ]
    return [
        f"{with_article(colour)} {shape} on {with_article(below)} background",
        f"{colour} {shape} on {below} background",
        f"{colour} {shape}, {below} background",
        f"{with_article(colour)} {shape} shape on {with_article(below)} background",
    ]


def placed_captions(name, style, colour, place):
    """All ways to say it, the fullest first; without the colour only if it is white."""
    if place == "small":
        plain = [f"a small {name}", f"small {name}", f"a tiny {name}", f"a small {style} {name}"]
        full = [f"a small {style} {name} on {with_article(colour)} background"]
        full += [f"{text} on {with_article(colour)} background" for text in plain[:3]]
    else:
        where = (
            f"in the {place} corner" if " " in place else f"{'on' if place in ('left', 'right') else 'at'} the {place}"
        )
        plain = [f"{with_article(name)} {where}", f"{name} {where}", f"{with_article(style)} {name} {where}"]
        full = [f"{with_article(style)} {name} {where}, {colour} background"]
        full += [f"{text}, {colour} background" for text in plain[:2]]
    return full + (plain if colour == "white" else [])


def pair_captions(left, right, style, colour):
    """All ways to say it, the fullest first; without the colour only if it is white."""
    a, b = with_article(left), with_article(right)
    plain = [f"{a} next to {b}", f"{left} and {right}", f"{a} and {b}", f"{left} next to {right}"]
    full = [f"{with_article(style)} {left} next to {b} on {with_article(colour)} background"]
    full += [f"{text} on {with_article(colour)} background" for text in plain]
    return full + (plain if colour == "white" else [])


def some_name(rng, concept):
    """The main name mostly, sometimes another one or a tag."""
    names, tags = concept["names"], concept["tags"]
    u = rng.random()
    if u < 0.6:
        return names[0]
    if u < 0.9 or not tags:
        return rng.choice(names)
    return rng.choice(tags)


def icon_caption(rng, concepts, sample):
    _, concept, style, background = sample[:4]
    name = some_name(rng, concepts[concept])
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
    kind = sample[0]
    if kind == ICON:
        return icon_caption(rng, concepts, sample)
    if kind == SHAPE:
        return rng.choice(shape_captions(sample))
    if kind == PLACED:
        _, concept, style, background, place = sample
        name = some_name(rng, concepts[concept])
        return rng.choice(placed_captions(name, STYLES[style], COLOUR_NAMES[background], PLACE_NAMES[place]))
    _, left, right, style, background = sample
    names = [some_name(rng, concepts[concept]) for concept in (left, right)]
    return rng.choice(pair_captions(*names, STYLES[style], COLOUR_NAMES[background]))


def other_than(rng, count, taken):
    return (taken + rng.randrange(1, count)) % count


def swapped(rng, sample):
    """A sample that differs in one attribute, or in which thing has it: its caption is a hard negative."""
    kind, first, second, third, fourth = sample
    if kind == SHAPE:
        if fourth >= 0 and rng.random() < 0.5:
            return (kind, first, fourth, third, second) if fourth != second else (kind, third, second, first, fourth)
        return kind, third, second, first, fourth
    if kind == PAIR:
        return kind, second, first, third, fourth
    if kind == PLACED:
        return kind, first, second, third, other_than(rng, len(PLACE_NAMES), fourth)
    if rng.random() < 0.5:
        return kind, first, other_than(rng, len(STYLES), second), third, fourth
    return kind, first, second, other_than(rng, len(COLOUR_NAMES), third), fourth
