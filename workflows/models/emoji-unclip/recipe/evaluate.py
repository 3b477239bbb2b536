#!/usr/bin/env python3
"""How good a model folder is, judged by a classifier that the pipeline never sees (judge.py).

The same prompts and seeds for every model, so that two can be compared. Input: concepts.json, held.npz, icons.npz and
judge.pt of the work folder, and a model folder. Output: evaluation.json in the model folder (or --out), and sheets of
what was drawn in the work folder.
"""

import json
import random
import time
from pathlib import Path

import models
import numpy as np
import torch
import torch.nn.functional as F
from captions import full_caption, with_article
from common import Stage, clip_pixels, read_model
from judge import Judge, background_colour, cut_out, halves, place_of, seen
from paths import stage_parser
from pictures import ICON, PAIR, PLACED, SHAPE, SHAPES, compose
from sample import contact_sheet, load_pipeline

BATCH = 22
FIRST_SEED = 1000  # of picture 0; picture i has FIRST_SEED + i
SHEET = 96  # pictures
REAL = 600  # pictures that the judge itself is judged on
TIMED = "a cat"


def share(hits):
    return float(torch.as_tensor(hits).float().mean())


def cosine(a, b):
    return F.cosine_similarity(a, b).mean().item()


def to_tensor(pictures):
    """PIL pictures -> [n, 3, height, width] in 0..1"""
    return torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures])).permute(0, 3, 1, 2).float() / 255


def in_bfloat16(network):
    """Makes a network multiply in bfloat16: what is drawn looks the same, in a third of the time."""
    forward = network.forward

    def quick(*inputs, **options):
        with torch.autocast("cpu", torch.bfloat16):
            output = forward(*inputs, **options)
        output.sample = output.sample.float()
        return output

    network.forward = quick


class Sampler:
    """Draws pictures with diffusers' pipeline, and keeps the prior's embeddings."""

    def __init__(self, stage, model, guidance, quick):
        self.stage, self.guidance = stage, guidance
        self.pipeline = load_pipeline(model)
        self.alone = self._seconds()
        self.seed = FIRST_SEED
        if quick:
            for network in (self.pipeline.decoder, self.pipeline.super_res_first, self.pipeline.super_res_last):
                in_bfloat16(network)

    def draw(self, prompts, sheet=None):
        """(pictures [n, 3, 128, 128] in 0..1, the prior's embeddings)"""
        drawn, embeddings = [], []
        prior_class = type(self.pipeline.prior)
        original = prior_class.post_process_latents

        def keep(prior, latents):
            embeddings.append(original(prior, latents))
            return embeddings[-1]

        prior_class.post_process_latents = keep
        try:
            for start in range(0, len(prompts), BATCH):
                batch = prompts[start : start + BATCH]
                generators = [torch.Generator().manual_seed(self.seed + k) for k in range(len(batch))]
                self.seed += len(batch)
                drawn += self.pipeline(batch, generator=generators, **self.guidance).images
                print(f"{len(drawn)}/{len(prompts)}", end="\r", flush=True)
        finally:
            prior_class.post_process_latents = original
        if sheet:
            contact_sheet(drawn[:SHEET], prompts[:SHEET], self.stage.work / sheet, columns=12)
        return to_tensor(drawn), torch.cat(embeddings)

    def _seconds(self):
        """Of one picture alone, in float32."""
        began = time.time()
        self.pipeline(TIMED, **self.guidance)
        return time.time() - began


def judge_names(stage, judge, sampler, every):
    """Bare names, one picture each, of every `every`-th concept."""
    truth = torch.arange(0, len(stage.concepts), every)
    names = [stage.concepts[index]["names"][0] for index in truth.tolist()]
    pictures, _ = sampler.draw([with_article(name) for name in names], "evaluated_names.png")
    logits = judge(seen(pictures))[0]
    hits = logits.argmax(-1) == truth
    return {
        "n": len(names),
        "recognised": share(hits),
        "among_first_five": share((logits.topk(5, -1).indices == truth[:, None]).any(1)),
        "missed": [name for name, hit in zip(names, hits) if not hit],
    }


def judge_held_out(stage, judge, sampler, model, held, limit):
    """Combinations of concept, style and background that the training never saw; CLIP and the prior on them, too."""
    pictures, samples = held
    icons = [row for row, sample in enumerate(samples) if sample[0] == ICON]
    encoders = read_model(model, "clip.pt")
    image_encoder = models.image_encoder()
    image_encoder.load_state_dict(encoders["ie"])
    truth = image_encoder.eval()(clip_pixels(pictures[icons])).image_embeds
    captions = [full_caption(stage.concepts, samples[row]) for row in icons]
    text_encoder = sampler.pipeline.text_encoder
    texts = F.normalize(text_encoder(stage.tokens(captions)[0]).text_embeds, dim=-1)
    found = (F.normalize(truth, dim=-1) @ texts.T).topk(5, -1).indices == torch.arange(len(icons))[:, None]

    drawn, embeddings = sampler.draw(captions[:limit], "evaluated_held_out.png")
    concepts = torch.tensor([samples[row][1] for row in icons[:limit]])
    colours = torch.tensor([samples[row][3] for row in icons[:limit]])
    hits = judge(seen(drawn))[0].argmax(-1) == concepts
    mean = truth.mean(0)
    return {
        "n": len(drawn),
        "recognised": share(hits),
        "background_colour": share(background_colour(drawn) == colours),
        "clip_retrieval": {"n": len(icons), "top1": share(found[:, 0]), "top5": share(found.any(1))},
        "prior_cosine": {
            "raw": cosine(embeddings, truth[:limit]),
            "centred": cosine(embeddings - mean, truth[:limit] - mean),
        },
    }


def everything_right(judge, picture, sample):
    """Whether all that a sample of shapes, a pair or a place says is in a picture [3, height, width]."""
    kind, *said = sample
    if kind == SHAPE:
        colour, shape, below, shape_below = said
        heads = [int(logits.argmax()) for logits in judge(seen(picture[None]))[1]]
        return heads == [shape, colour, shape_below % (len(SHAPES) + 1), below]
    if kind == PAIR:
        return [int(judge(half)[0].argmax()) for half in halves(picture[None])] == said[:2]
    return int(judge(cut_out(picture))[0].argmax()) == said[0] and place_of(picture) == said[3]


def compositions(held, limit):
    """`limit` held-out samples of each kind: shapes on shapes, pairs and places."""
    kinds = {SHAPE: [], PAIR: [], PLACED: []}
    for sample in held[1]:
        if sample[0] in kinds and (sample[0] != SHAPE or sample[4] >= 0):
            kinds[sample[0]].append(sample)
    return [sample for samples in kinds.values() for sample in samples[:limit]]


def shares_right(judge, pictures, chosen):
    right = {SHAPE: [], PAIR: [], PLACED: []}
    for picture, sample in zip(pictures, chosen):
        right[sample[0]].append(everything_right(judge, picture, sample))
    names = {SHAPE: "shapes_on_shapes", PAIR: "pairs", PLACED: "places"}
    by_kind = {names[kind]: share(hits) for kind, hits in right.items()}
    return {"n": len(chosen), "all": share([hit for hits in right.values() for hit in hits]), **by_kind}


def judge_compositions(stage, judge, sampler, held, limit):
    """Held-out compositions: a picture counts if everything that the prompt says is in it."""
    chosen = compositions(held, limit)
    drawn, _ = sampler.draw([full_caption(stage.concepts, sample) for sample in chosen], "evaluated_compositions.png")
    return shares_right(judge, drawn, chosen)


def judge_judge(stage, judge, held, limit):
    """What the judge names rightly of real pictures: the measure of what a model can reach."""
    icons = np.load(stage.work / "icons.npz")["icons"]
    rng = random.Random(0)
    samples = [sample for sample in held[1] if sample[0] == ICON][:REAL]
    pictures = to_tensor([compose(rng, icons, sample) for sample in samples])
    truth = torch.tensor([sample[1] for sample in samples])
    report = {"n": len(samples), "real_pictures": share(judge(seen(pictures))[0].argmax(-1) == truth)}
    for size in (32, 24):
        small = F.interpolate(pictures, size=(size, size), mode="area")
        again = F.interpolate(small, size=(128, 128), mode="bicubic", align_corners=False)
        report[f"real_pictures_at_{size}_pixels"] = share(judge(seen(again))[0].argmax(-1) == truth)
    chosen = compositions(held, limit)
    real = to_tensor([compose(rng, icons, sample) for sample in chosen])
    return {**report, "real_compositions": shares_right(judge, real, chosen)}


@torch.no_grad()
def evaluate(stage, args, model):
    judge = Judge(len(stage.concepts))
    judge.load_state_dict(stage.load("judge.pt")["judge"])
    judge.eval()
    held = stage.pictures("held")
    guidance = {"prior_guidance_scale": args.prior_guidance, "decoder_guidance_scale": args.decoder_guidance}
    sampler = Sampler(stage, model, guidance, args.bfloat16)
    names = judge_names(stage, judge, sampler, args.names_every)
    held_out = judge_held_out(stage, judge, sampler, model, held, args.held)
    config = json.loads((model / "decoder" / "config.json").read_text())
    return {
        "recognised": names["recognised"],
        "recognised_held_out": held_out["recognised"],
        "concepts_recognised": round(names["recognised"] * names["n"]),
        "decoder_pixels": config["sample_size"],
        "bare_names": names,
        "held_out": held_out,
        "attribute_binding": judge_compositions(stage, judge, sampler, held, args.compositions),
        "seconds_per_picture": sampler.alone,
        "threads": args.threads,
        "arithmetic": "bfloat16" if args.bfloat16 else "float32",
        "steps": [25, 25, 7],
        "guidance": [args.prior_guidance, args.decoder_guidance],
        "judge": judge_judge(stage, judge, held, args.compositions),
    }


def rounded(value):
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def main():
    parser = stage_parser(__doc__)
    parser.add_argument("--model", type=Path, help="model folder (WORK/emoji-unclip)")
    parser.add_argument("--out", type=Path, help="file to write (evaluation.json in the model folder)")
    parser.add_argument("--prior-guidance", type=float, default=2.0, help="(%(default)s)")
    parser.add_argument("--decoder-guidance", type=float, default=3.0, help="(%(default)s)")
    parser.add_argument("--names-every", type=int, default=1, help="draw the names of one concept in so many (1)")
    parser.add_argument("--held", type=int, default=110, help="held-out combinations drawn (%(default)s)")
    parser.add_argument("--compositions", type=int, default=33, help="of each kind drawn (%(default)s)")
    parser.add_argument("--bfloat16", action="store_true", help="draw in bfloat16: quicker, the same to look at")
    args = parser.parse_args()
    stage = Stage(args)
    model = args.model or stage.work / "emoji-unclip"
    report = json.dumps(rounded(evaluate(stage, args, model)), indent=1)
    (args.out or model / "evaluation.json").write_text(report + "\n")
    print(report)


if __name__ == "__main__":
    main()
