#!/usr/bin/env python3
"""Stage 11: what the model knows, under which licences its data are and how it was judged, as model_card.json.

Input: concepts.json of the work folder or beside this file, evaluation.json of the model folder --out. Easel prints the
card (`easel models show`) and names the nearest words that the model knows when a prompt has others.
"""

import json
from pathlib import Path

from icons import STYLES
from paths import HERE, work_parser
from pictures import COLOUR_NAMES, SHAPES

ABOUT = "A small unCLIP model: pictures in the manner of emoji, {0} x {0} pixels and made larger to 128 x 128."

# What captions are worded with, besides names, styles, colours, shapes and places: see captions.py.
WORDS = (
    "a an and at background bottom corner emoji in inside left next of on picture right shape small style the tiny "
    "to top"
).split()

LICENCES = [
    {"what": "weights and recipe", "licence": "MIT OR Apache-2.0"},
    {"what": "Fluent Emoji, flat and 3D, by Microsoft (training pictures)", "licence": "MIT"},
    {"what": "Noto Emoji, by Google (training pictures)", "licence": "Apache-2.0"},
    {"what": "emojibase-data, by Miles Johnson (names and tags)", "licence": "MIT"},
]


def vocabulary(concepts, missed):
    """The names that come out, those that CLIP and the prior understand but the decoder missed, and their synonyms."""
    drawn, understood = {}, {}
    for concept in concepts:
        name, *synonyms = concept["names"]
        known = understood if name in missed else drawn
        known[name] = sorted({*synonyms, *concept["tags"]} - {name})
    return {
        "concepts": dict(sorted(drawn.items())),
        "understood": dict(sorted(understood.items())),
        "styles": STYLES,
        "colours": COLOUR_NAMES,
        "shapes": [shape.removesuffix(" shape") for shape in SHAPES],
        "words": WORDS,
    }


def evaluation(found):
    """What evaluation.json says, in words."""
    held_out, binding = found["held_out"], found["attribute_binding"]
    judged = "as judged by a classifier that is no part of the model"
    return [
        {"what": f"bare names that come out as what they name, {judged}", "value": found["recognised"]},
        {"what": "combinations never seen in training that do", "value": held_out["recognised"]},
        {"what": "their backgrounds that have the colour asked for", "value": held_out["background_colour"]},
        {"what": "shapes on shapes, pairs and places with everything right", "value": binding["all"]},
        {
            "what": "captions of held-out combinations found by their picture",
            "value": held_out["clip_retrieval"]["top1"],
        },
    ]


def main():
    parser = work_parser(__doc__)
    parser.add_argument("--out", type=Path, help="the model folder (WORK/emoji-unclip)")
    args = parser.parse_args()
    out = args.out or args.work / "emoji-unclip"
    own = args.work / "concepts.json"
    concepts = json.loads((own if own.exists() else HERE / "concepts.json").read_text(encoding="utf-8"))
    found = json.loads((out / "evaluation.json").read_text())
    card = {
        "about": ABOUT.format(found["decoder_pixels"]),
        "vocabulary": vocabulary(concepts, set(found["bare_names"]["missed"])),
        "licences": LICENCES,
        "evaluation": evaluation(found),
    }
    path = out / "model_card.json"
    path.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{path}: {len(card['vocabulary']['concepts'])} concepts")


if __name__ == "__main__":
    main()
