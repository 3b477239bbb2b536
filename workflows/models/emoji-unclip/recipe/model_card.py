#!/usr/bin/env python3
"""Stage 9: what the model knows, under which licences its data are and how it was judged, as model_card.json.

Input: concepts.json and core.txt beside this file, metrics.json of the model folder --out. Easel prints the card
(`easel models show`) and names the nearest words that the model knows when a prompt has others.
"""

import json
import re
from pathlib import Path

from icons import STYLES
from paths import HERE, work_parser
from pictures import COLOUR_NAMES, SHAPES

ABOUT = "A small unCLIP model: pictures in the manner of emoji, 24 x 24 pixels and made larger to 128 x 128."

# What captions are worded with, besides names, styles, colours and shapes: see captions.py.
WORDS = ["a", "an", "the", "on", "inside", "background", "style", "shape", "picture", "emoji", "of"]

LICENCES = [
    {"what": "weights and recipe", "licence": "MIT OR Apache-2.0"},
    {"what": "Fluent Emoji, flat and 3D, by Microsoft (training pictures)", "licence": "MIT"},
    {"what": "Noto Emoji, by Google (training pictures)", "licence": "Apache-2.0"},
    {"what": "emojibase-data, by Miles Johnson (names and tags)", "licence": "MIT"},
]


def vocabulary(concepts, core):
    """The names that the decoder draws, those that only CLIP and the prior understand, and their synonyms."""
    drawn, understood = {}, {}
    for concept in concepts:
        name, *synonyms = concept["names"]
        known = drawn if core is None or name in core else understood
        known[name] = sorted({*synonyms, *concept["tags"]} - {name})
    return {
        "concepts": dict(sorted(drawn.items())),
        "understood": dict(sorted(understood.items())),
        "styles": STYLES,
        "colours": COLOUR_NAMES,
        "shapes": [shape.removesuffix(" shape") for shape in SHAPES],
        "words": WORDS,
    }


def evaluation(metrics):
    """What metrics.json says, in words."""
    bare, held_out = metrics["generated_bare_name"], metrics["generated_held_out"]
    own = "judged by the model's own image encoder, and so optimistic"
    return [
        {"what": f"bare names that come out nearest to their concept ({own})", "value": bare["nearest_concept_centroid"]},
        {"what": f"combinations never seen in training that do ({own})", "value": held_out["nearest_concept_centroid"]},
        {"what": "captions of held-out combinations found by their picture", "value": metrics["clip_retrieval_held"]["top1"]},
    ]


def main():
    parser = work_parser(__doc__)
    parser.add_argument("--out", type=Path, help="the model folder (WORK/emoji-unclip)")
    parser.add_argument("--all-concepts", action="store_true", help="the decoder was trained on all concepts")
    args = parser.parse_args()
    out = args.out or args.work / "emoji-unclip"
    concepts = json.loads((HERE / "concepts.json").read_text(encoding="utf-8"))
    core = None if args.all_concepts else set(re.split(r"[|\n]", (HERE / "core.txt").read_text(encoding="utf-8").strip()))
    metrics = json.loads((out / "metrics.json").read_text())
    card = {
        "about": ABOUT,
        "vocabulary": vocabulary(concepts, core),
        "licences": LICENCES,
        "evaluation": evaluation(metrics),
    }
    path = out / "model_card.json"
    path.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{path}: {len(card['vocabulary']['concepts'])} concepts")


if __name__ == "__main__":
    main()
