#!/usr/bin/env python3
"""Stage 1: icons -> training pictures, held-out pictures, tokenizer. About 2 minutes on 2 cores.

Input: the npm packages that fetch.sh unpacks. Output, in the work folder:
  concepts.json  names and tags of every concept
  icons.npz      icons [concept, style, 128, 128, 4] uint8, have [concept, style] bool
  train.npz      x [sample, 32, 32, 3] uint8, m [sample, 5] int16 (see pictures.py)
  held.npz       the same for combinations that the training never sees
  sr.npz         q [sample, 128, 128, 3] and x [sample, 32, 32, 3] uint8, for super resolution
  tokenizer/     2048 entries, context of 24 tokens
  data_sheet.png the first 160 pictures
"""

import json
import random
import time
from pathlib import Path

import numpy as np
from bpe import FIXED_TOKENS, VOCABULARY, WORD, read_tokenizer, train_bpe, write_tokenizer
from captions import caption
from icons import HERE, core_names, load_icons
from paths import work_parser
from pictures import ICON, PAIR, PLACED, SHAPE, compose_all, draw_held_out, draw_kind, draw_samples
from PIL import Image

SEED = 0
TRAIN_SEED, HELD_SEED, SUPER_RES_SEED = 1000, 900_000, 5000  # of the pictures' jitter
HELD_OUT = 1200  # icons, at most
HELD_OUT_COMPOSITIONS = 100  # of each kind
SUPER_RES_SAMPLES = 6000
CAPTIONED_SAMPLES = 60_000  # one caption each, to count words
NAME_WEIGHT = 20  # how often every name and tag counts beside the captions


def count_words(rng, concepts, samples):
    """Word -> how often, in captions and in all names and tags."""
    counts = {}
    for sample in samples[:CAPTIONED_SAMPLES]:
        for word in WORD.findall(caption(rng, concepts, sample)):
            counts[word] = counts.get(word, 0) + 1
    for concept in concepts:
        for name in concept["names"] + concept["tags"]:
            for word in WORD.findall(name):
                counts[word] = counts.get(word, 0) + NAME_WEIGHT
    return counts


def write_sheet(path, pictures, columns=16, rows=10, cell=64):
    sheet = Image.new("RGB", (columns * cell, rows * cell))
    for i, picture in enumerate(pictures[: columns * rows]):
        sheet.paste(Image.fromarray(picture).resize((cell, cell)), (i % columns * cell, i // columns * cell))
    sheet.save(path)


def main():
    parser = work_parser(__doc__)
    parser.add_argument(
        "--npm", default=str(HERE / "work" / "npm"), help="folder of the unpacked packages (%(default)s)"
    )
    parser.add_argument("--icons", type=int, default=52_000, help="icon pictures to draw (%(default)s)")
    parser.add_argument("--shapes", type=int, default=5000, help="shape pictures to draw (%(default)s)")
    parser.add_argument("--placed", type=int, default=4000, help="pictures of small or placed icons (%(default)s)")
    parser.add_argument("--pairs", type=int, default=5000, help="pictures of two icons (%(default)s)")
    parser.add_argument("--tokenizer", type=Path, help="folder of a tokenizer to keep, instead of training one")
    parser.add_argument(
        "--reuse-icons", action="store_true", help="take icons.npz and concepts.json from the work folder"
    )
    args = parser.parse_args()
    work = args.work
    work.mkdir(parents=True, exist_ok=True)
    began = time.time()
    rng = random.Random(SEED)

    def done(what, count):
        print(f"{time.time() - began:4.0f} s  {what}: {count}", flush=True)

    if args.reuse_icons:
        concepts = json.loads((work / "concepts.json").read_text())
        stored = np.load(work / "icons.npz")
        icons, have = stored["icons"], stored["have"]
    else:
        concepts, icons, have = load_icons(args.npm)
        np.savez_compressed(work / "icons.npz", icons=icons, have=have)
        (work / "concepts.json").write_text(json.dumps(concepts, indent=0))
    done("concepts", len(concepts))
    done("icons", int(have.sum()))

    core = core_names()
    pairable = [index for index, concept in enumerate(concepts) if concept["names"][0] in core]
    counts = {ICON: args.icons, SHAPE: args.shapes, PLACED: args.placed, PAIR: args.pairs}
    samples = draw_samples(rng, have, pairable, counts)
    small, _ = compose_all(icons, samples, TRAIN_SEED)
    np.savez(work / "train.npz", x=small, m=np.array(samples, np.int16))
    done("training pictures", len(small))

    held = draw_held_out(rng, have, HELD_OUT)
    for kind in (SHAPE, PLACED, PAIR):
        held += draw_kind(rng, have, pairable, kind, HELD_OUT_COMPOSITIONS, held=True)
    small, _ = compose_all(icons, held, HELD_SEED)
    np.savez(work / "held.npz", x=small, m=np.array(held, np.int16))
    done("held-out pictures", len(small))

    small, large = compose_all(icons, samples[:SUPER_RES_SAMPLES], SUPER_RES_SEED, keep_large=True)
    np.savez(work / "sr.npz", q=large, x=small)
    done("super-resolution pictures", len(large))

    if args.tokenizer:
        vocabulary, merges = read_tokenizer(args.tokenizer)
    else:
        vocabulary, merges = train_bpe(count_words(rng, concepts, samples), VOCABULARY - FIXED_TOKENS)
    write_tokenizer(work / "tokenizer", vocabulary, merges)
    done("tokens", len(vocabulary))
    write_sheet(work / "data_sheet.png", large)
    for sample in samples[:30]:
        print(caption(rng, concepts, sample))


if __name__ == "__main__":
    main()
