#!/usr/bin/env python3
"""Stage 2: CLIP, text tower and vision transformer.

Contrastive loss, for each picture also against a caption with a swapped attribute, plus heads for concept, style and
background that only the training has. With --resume and --known, the embeddings of pictures of known concepts are held
where they were, so that a prior and a decoder that know them keep what they know.
Input: train.npz, held.npz, tokenizer/. Output: checkpoints/clip.pt (te, ie).
"""

import copy
import json
import random
from pathlib import Path

import models
import numpy as np
import torch
import torch.nn.functional as F
from captions import caption, full_caption, swapped, with_article
from common import Budget, Stage, adamw, clip_pixels, cosine_rate, set_rate
from icons import STYLES
from paths import training_parser
from pictures import COLOUR_NAMES, ICON, PAIR, PLACED, SHAPE, SHAPES

SEED = 0
WEIGHT_DECAY = 0.05
FIRST_LOG_SCALE, RESUMED_LOG_SCALE, MAX_SCALE = 2.5, 3.2, 60  # of the logits
IGNORED = -100  # label that cross_entropy leaves out
ANCHOR_WEIGHT = 0.5  # of the squared distance to the old embedding, in units of TYPICAL_NORM
TYPICAL_NORM = 11.3  # about sqrt(128): embeddings with unit variance
NORM_WEIGHT = 0.05
HELD_OUT = 500  # pictures judged


def labels_of(samples, n_concepts):
    """[n, 3]: concept (or shape, after the concepts), style (or "no style"), background (or "no background")."""
    rows = []
    for kind, first, second, third, fourth in samples:
        if kind in (ICON, PLACED):
            rows.append([first, second, third])
        elif kind == PAIR:
            rows.append([IGNORED, third, fourth])
        else:
            rows.append([n_concepts + second, len(STYLES), len(COLOUR_NAMES)])
    return torch.tensor(rows)


def known_samples(samples, concepts, known):
    """[n] bool: pictures of one icon or of shapes, of concepts that the model `known` was trained with."""
    if known is None:
        return torch.zeros(len(samples), dtype=torch.bool)
    labels = {concept["label"] for concept in json.loads(known.read_text())}
    return torch.tensor(
        [sample[0] == SHAPE or (sample[0] == ICON and concepts[sample[1]]["label"] in labels) for sample in samples]
    )


def augment(pixels):
    """Contrast and grain vary."""
    batch = len(pixels)
    pixels = pixels * (1 + 0.1 * torch.randn(batch, 1, 1, 1))
    return pixels + 0.1 * torch.rand(batch, 1, 1, 1) * torch.randn_like(pixels)


@torch.no_grad()
def judge(stage, text_encoder, image_encoder, pictures, samples):
    """One line: retrieval of held-out captions, zero-shot concepts."""
    text_encoder.eval()
    image_encoder.eval()
    pictures, samples = pictures[:HELD_OUT], samples[:HELD_OUT]  # icons come first

    def embed(texts):
        return F.normalize(text_encoder(stage.tokens(texts)[0].to(stage.device)).text_embeds, dim=-1)

    images = F.normalize(image_encoder(clip_pixels(pictures).to(stage.device)).image_embeds, dim=-1)
    texts = embed([full_caption(stage.concepts, sample) for sample in samples])
    ranked = (images @ texts.T).topk(5, -1).indices.cpu()
    own = torch.arange(len(samples))[:, None]
    names = embed([with_article(concept["names"][0]) for concept in stage.concepts])
    nearest = (images @ names.T).argmax(-1).cpu()
    truth = torch.tensor([sample[1] for sample in samples])
    text_encoder.train()
    image_encoder.train()
    top1 = (ranked[:, :1] == own).any(1).float().mean()
    top5 = (ranked == own).any(1).float().mean()
    zero_shot = (nearest == truth).float().mean()
    return f"held-out {len(samples)}: caption top1 {top1:.3f} top5 {top5:.3f} | concept zero-shot {zero_shot:.3f}"


def main():
    parser = training_parser(__doc__)
    parser.add_argument("--batch", type=int, default=256, help="pictures per step (%(default)s)")
    parser.add_argument("--rate", type=float, default=1.5e-3, help="peak learning rate (%(default)s)")
    parser.add_argument("--known", type=Path, help="concepts.json of the model that --resume starts from")
    args = parser.parse_args()
    stage = Stage(args)
    device, concepts = stage.device, stage.concepts
    torch.manual_seed(SEED)
    rng = random.Random(SEED)
    pictures, samples = stage.pictures("train")
    held = stage.pictures("held")

    text_encoder = models.text_encoder(stage.vocabulary).to(device)
    image_encoder = models.image_encoder().to(device)
    log_scale = torch.nn.Parameter(torch.tensor(FIRST_LOG_SCALE, device=device))
    old_encoder = None
    state = stage.resumed("clip.pt")
    if state:
        text_encoder.load_state_dict(state["te"])
        image_encoder.load_state_dict(state["ie"])
        log_scale.data.fill_(RESUMED_LOG_SCALE)
        old_encoder = copy.deepcopy(image_encoder).eval().requires_grad_(False)
    anchored = known_samples(samples, concepts, args.known)
    classes = (len(concepts) + len(SHAPES), len(STYLES) + 1, len(COLOUR_NAMES) + 1)
    heads = torch.nn.ModuleList([torch.nn.Linear(models.EMBEDDING, count) for count in classes]).to(device)
    parameters = [
        *text_encoder.parameters(),
        *image_encoder.parameters(),
        *heads.parameters(),
        log_scale,
    ]
    optimizer = adamw(parameters, WEIGHT_DECAY, lr=1e-3, betas=(0.9, 0.98))
    labels = labels_of(samples, len(concepts))

    if state:
        print("at the start:", judge(stage, text_encoder, image_encoder, *held), flush=True)
    budget = Budget(args.seconds)
    step, losses = 0, []
    while budget.left():
        step += 1
        set_rate(optimizer, cosine_rate(budget.fraction(), args.rate))
        chosen = torch.randint(0, len(samples), (args.batch,))
        pixels = augment(clip_pixels(pictures[chosen]))
        drawn = [samples[i] for i in chosen.tolist()]
        texts = [caption(rng, concepts, sample) for sample in drawn]
        texts += [full_caption(concepts, swapped(rng, sample)) for sample in drawn]
        ids, mask = stage.tokens(texts)
        ids = ids[:, : int(mask.sum(1).max())]
        truth = labels[chosen].to(device)
        with stage.bfloat16():
            image = image_encoder(pixels.to(device)).image_embeds
            text = text_encoder(ids.to(device)).text_embeds
        image, text = image.float(), text.float()

        # Pictures choose among all captions and all swapped ones, captions among all pictures.
        scale = log_scale.exp().clamp(max=MAX_SCALE)
        logits = F.normalize(image, dim=-1) @ F.normalize(text, dim=-1).T * scale
        text = text[: args.batch]
        own = torch.arange(args.batch, device=device)
        contrastive = (F.cross_entropy(logits, own) + F.cross_entropy(logits[:, : args.batch].T, own)) / 2
        auxiliary = 0
        for k, head in enumerate(heads):
            auxiliary = auxiliary + F.cross_entropy(head(image), truth[:, k]) * 0.3
            auxiliary = auxiliary + F.cross_entropy(head(text), truth[:, k]) * (0.3 if k == 0 else 0.1)
        norms = (image.norm(dim=-1) / TYPICAL_NORM - 1) ** 2 + (text.norm(dim=-1) / TYPICAL_NORM - 1) ** 2
        loss = contrastive + auxiliary + NORM_WEIGHT * norms.mean()
        held_fast = anchored[chosen].to(device)
        anchor = torch.zeros((), device=device)
        if old_encoder is not None and held_fast.any():
            with torch.no_grad(), stage.bfloat16():
                old = old_encoder(pixels.to(device)[held_fast]).image_embeds.float()
            anchor = ((image[held_fast] - old) ** 2).sum(-1).mean() / TYPICAL_NORM**2
            loss = loss + ANCHOR_WEIGHT * anchor

        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        losses.append((contrastive.item(), auxiliary.item(), anchor.item()))
        if step % 50 == 0:
            recent = np.mean(losses[-50:], axis=0)
            print(
                f"step {step}, {budget.elapsed():.0f} s: contrastive {recent[0]:.3f} auxiliary {recent[1]:.3f} "
                f"anchor {recent[2]:.3f} "
                f"scale {log_scale.exp().item():.1f} |image| {image.norm(dim=-1).mean().item():.1f}",
                flush=True,
            )
        if budget.every(60):
            print(judge(stage, text_encoder, image_encoder, *held), flush=True)
            stage.save("clip.pt", te=text_encoder, ie=image_encoder)
    print(judge(stage, text_encoder, image_encoder, *held))
    stage.save("clip.pt", te=text_encoder, ie=image_encoder)
    print("steps:", step)


if __name__ == "__main__":
    main()
