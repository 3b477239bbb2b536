#!/usr/bin/env python3
"""Metrics of the whole pipeline, judged by its own image encoder (and so optimistic).

Input: the work folder and the exported model. Output in the work folder: metrics.json, eval_bare.png (prompts that are
bare names), eval_held.png (combinations that the training never saw).
"""

import json
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from captions import full_caption, with_article
from common import Stage, clip_pixels, concept_centroids
from icons import core_names
from models import CLIP_IMAGE_SIZE
from paths import stage_parser
from PIL import Image
from sample import contact_sheet, load_pipeline
from transformers import CLIPVisionModelWithProjection

BATCH = 24
FIRST_SEED = 1000  # of picture 0; picture i has FIRST_SEED + i
SHEET = 72  # pictures
MISSED = 60  # names listed


def share(hits):
    """The share of true values, or of rows with one."""
    return (hits.any(1) if hits.ndim == 2 else hits).float().mean().item()


def cosine(a, b):
    return F.cosine_similarity(a, b).mean().item()


class Judge:
    """Nearest concept of an image embedding, by centroid and by text."""

    def __init__(self, stage, text_encoder, mean, centroids):
        self.mean, self.centroids = mean, centroids
        names = [with_article(concept["names"][0]) for concept in stage.concepts]
        self.names = F.normalize(text_encoder(stage.tokens(names)[0]).text_embeds, dim=-1)

    def by_centroid(self, embeddings):
        return F.normalize(embeddings - self.mean, dim=-1) @ self.centroids.T

    def by_text(self, embeddings):
        return F.normalize(embeddings, dim=-1) @ self.names.T


class Sampler:
    """Draws pictures, and keeps the prior's embeddings."""

    def __init__(self, args, pipeline, image_encoder):
        self.pipeline, self.image_encoder = pipeline, image_encoder
        self.guidance = {
            "prior_guidance_scale": args.prior_guidance,
            "decoder_guidance_scale": args.decoder_guidance,
        }

    def draw(self, prompts):
        """(pictures, prior's embeddings, embeddings of the pictures, seconds)"""
        pictures, embeddings = [], []
        prior_class = type(self.pipeline.prior)
        original = prior_class.post_process_latents

        def keep(prior, latents):
            embeddings.append(original(prior, latents))
            return embeddings[-1]

        began = time.time()
        prior_class.post_process_latents = keep
        try:
            for start in range(0, len(prompts), BATCH):
                batch = prompts[start : start + BATCH]
                seeds = range(FIRST_SEED + start, FIRST_SEED + start + len(batch))
                generators = [torch.Generator().manual_seed(seed) for seed in seeds]
                pictures += self.pipeline(batch, generator=generators, **self.guidance).images
        finally:
            prior_class.post_process_latents = original
        seconds = time.time() - began
        size = (CLIP_IMAGE_SIZE, CLIP_IMAGE_SIZE)
        small = np.stack([np.asarray(picture.resize(size, Image.BICUBIC)) for picture in pictures])
        pixels = clip_pixels(torch.from_numpy(small).permute(0, 3, 1, 2))
        return pictures, torch.cat(embeddings), self.image_encoder(pixels).image_embeds, seconds


def judge_pictures(stage, judge, embeddings, truth, seconds):
    truth = torch.tensor(truth)
    by_centroid = judge.by_centroid(embeddings)
    hits = by_centroid.argmax(-1) == truth
    top5 = by_centroid.topk(5, -1).indices == truth[:, None]
    return {
        "n": len(truth),
        "nearest_concept_centroid": share(hits),
        "centroid_top5": share(top5),
        "nearest_concept_text": share(judge.by_text(embeddings).argmax(-1) == truth),
        "seconds_per_image_batched": seconds / len(truth),
        "missed": [stage.concepts[int(concept)]["names"][0] for concept in truth[~hits]][:MISSED],
    }


def judge_clip(stage, judge, text_encoder, images, samples):
    """Retrieval of captions and pictures, and zero-shot concepts, on held-out pictures' embeddings."""
    normalised = F.normalize(images, dim=-1)
    captions = [full_caption(stage.concepts, sample) for sample in samples]
    texts = F.normalize(text_encoder(stage.tokens(captions)[0]).text_embeds, dim=-1)
    own = torch.arange(len(samples))[:, None]
    to_text = (normalised @ texts.T).topk(5, -1).indices == own
    to_image = (texts @ normalised.T).topk(5, -1).indices == own
    truth = torch.tensor([sample[1] for sample in samples])
    retrieval = {
        "n": len(samples),
        "top1": share(to_text[:, :1]),
        "top5": share(to_text),
        "text_to_image_top1": share(to_image[:, :1]),
        "text_to_image_top5": share(to_image),
    }
    concept = {
        "zero_shot": share(judge.by_text(images).argmax(-1) == truth),
        "centroid": share(judge.by_centroid(images).argmax(-1) == truth),
    }
    return retrieval, concept


@torch.no_grad()
def evaluate(stage, args):
    model = args.model or stage.work / "emoji-unclip"
    pipeline = load_pipeline(model)
    image_encoder = CLIPVisionModelWithProjection.from_pretrained(
        str(model / "image_encoder"), torch_dtype=torch.float32
    ).eval()
    _, held = stage.pictures("held")
    _, samples = stage.pictures("train")
    held_embeddings = stage.embeddings("held")
    mean, centroids = concept_centroids(stage.embeddings("train"), samples, len(stage.concepts))
    judge = Judge(stage, pipeline.text_encoder, mean, centroids)
    sampler = Sampler(args, pipeline, image_encoder)
    metrics = {}
    metrics["clip_retrieval_held"], metrics["real_held_concept"] = judge_clip(
        stage, judge, pipeline.text_encoder, held_embeddings, held
    )

    known = core_names()
    core = [index for index, concept in enumerate(stage.concepts) if concept["names"][0] in known]
    chosen = np.random.default_rng(0).permutation(core)[: args.bare].tolist()
    prompts = [with_article(stage.concepts[concept]["names"][0]) for concept in chosen]
    pictures, _, embeddings, seconds = sampler.draw(prompts)
    metrics["generated_bare_name"] = judge_pictures(stage, judge, embeddings, chosen, seconds)
    contact_sheet(pictures[:SHEET], prompts[:SHEET], stage.work / "eval_bare.png", columns=12)

    rows = [index for index, sample in enumerate(held) if sample[1] in set(core)][: args.held]
    chosen = [held[row] for row in rows]
    prompts = [full_caption(stage.concepts, sample) for sample in chosen]
    pictures, from_prior, embeddings, seconds = sampler.draw(prompts)
    truth = held_embeddings[rows]
    concepts = [sample[1] for sample in chosen]
    metrics["generated_held_out"] = judge_pictures(stage, judge, embeddings, concepts, seconds)
    for name, values in (("prior_cosine_to_true", from_prior), ("generated_image_cosine_to_true", embeddings)):
        metrics[name] = {"raw": cosine(values, truth), "centred": cosine(values - mean, truth - mean)}
    contact_sheet(pictures[:SHEET], prompts[:SHEET], stage.work / "eval_held.png", columns=12)

    began = time.time()
    pipeline("a cat", **sampler.guidance)
    metrics["seconds_one_image_25_25_7"] = time.time() - began
    metrics["guidance"] = [args.prior_guidance, args.decoder_guidance]
    return metrics


def main():
    parser = stage_parser(__doc__)
    parser.add_argument("--model", type=Path, help="model folder (WORK/emoji-unclip)")
    parser.add_argument("--prior-guidance", type=float, default=2.0, help="(%(default)s)")
    parser.add_argument("--decoder-guidance", type=float, default=3.0, help="(%(default)s)")
    parser.add_argument("--bare", type=int, default=96, help="bare names drawn (%(default)s)")
    parser.add_argument("--held", type=int, default=60, help="held-out combinations drawn (%(default)s)")
    args = parser.parse_args()
    stage = Stage(args)
    report = json.dumps(evaluate(stage, args), indent=1)
    (stage.work / "metrics.json").write_text(report)
    print(report)


if __name__ == "__main__":
    main()
