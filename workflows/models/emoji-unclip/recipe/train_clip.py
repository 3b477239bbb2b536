#!/usr/bin/env python3
"""Stage 2: CLIP, text tower and vision transformer.

Contrastive loss, plus heads for concept, style and background that only the training has.
Input: train.npz, held.npz, tokenizer/. Output: checkpoints/clip.pt (te, ie).
"""

import random

import models
import numpy as np
import torch
import torch.nn.functional as F
from captions import caption, full_caption, with_article
from common import Budget, Stage, adamw, clip_pixels, cosine_rate, set_rate
from icons import STYLES
from paths import stage_parser
from pictures import COLOUR_NAMES, ICON, SHAPES

SEED = 0
PEAK_RATE = 1.5e-3
WEIGHT_DECAY = 0.05
FIRST_LOG_SCALE, MAX_SCALE = 2.5, 60  # of the logits
TYPICAL_NORM = 11.3  # about sqrt(128): embeddings with unit variance
NORM_WEIGHT = 0.05
HELD_OUT = 500  # pictures judged


def labels_of(samples, n_concepts):
    """[n, 3]: concept (or shape, after the concepts), style (or "no style"), background (or "no background")."""
    rows = []
    for sample in samples:
        if sample[0] == ICON:
            rows.append([sample[1], sample[2], sample[3]])
        else:
            rows.append([n_concepts + sample[2], len(STYLES), len(COLOUR_NAMES)])
    return torch.tensor(rows)


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
    pictures, samples = pictures[:HELD_OUT], samples[:HELD_OUT]

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
    parser = stage_parser(__doc__)
    parser.add_argument("seconds", type=float, help="wall-clock budget")
    parser.add_argument("--batch", type=int, default=256, help="pictures per step (%(default)s)")
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
    # One shape more than there are, as in the run that made the shipped weights: the last is never a label.
    classes = (len(concepts) + len(SHAPES) + 1, len(STYLES) + 1, len(COLOUR_NAMES) + 1)
    heads = torch.nn.ModuleList([torch.nn.Linear(models.EMBEDDING, count) for count in classes]).to(device)
    parameters = [
        *text_encoder.parameters(),
        *image_encoder.parameters(),
        *heads.parameters(),
        log_scale,
    ]
    optimizer = adamw(parameters, WEIGHT_DECAY, lr=1e-3, betas=(0.9, 0.98))
    labels = labels_of(samples, len(concepts))

    budget = Budget(args.seconds)
    step, losses = 0, []
    while budget.left():
        step += 1
        set_rate(optimizer, cosine_rate(budget.fraction(), PEAK_RATE))
        chosen = torch.randint(0, len(samples), (args.batch,))
        pixels = augment(clip_pixels(pictures[chosen]))
        ids, mask = stage.tokens([caption(rng, concepts, samples[i]) for i in chosen.tolist()])
        ids = ids[:, : int(mask.sum(1).max())]
        truth = labels[chosen].to(device)
        with stage.bfloat16():
            image = image_encoder(pixels.to(device)).image_embeds
            text = text_encoder(ids.to(device)).text_embeds
        image, text = image.float(), text.float()

        logits = F.normalize(image, dim=-1) @ F.normalize(text, dim=-1).T * log_scale.exp().clamp(max=MAX_SCALE)
        own = torch.arange(args.batch, device=device)
        contrastive = (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2
        auxiliary = 0
        for k, head in enumerate(heads):
            auxiliary = auxiliary + F.cross_entropy(head(image), truth[:, k]) * 0.3
            auxiliary = auxiliary + F.cross_entropy(head(text), truth[:, k]) * (0.3 if k == 0 else 0.1)
        norms = (image.norm(dim=-1) / TYPICAL_NORM - 1) ** 2 + (text.norm(dim=-1) / TYPICAL_NORM - 1) ** 2
        loss = contrastive + auxiliary + NORM_WEIGHT * norms.mean()

        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        losses.append((contrastive.item(), auxiliary.item()))
        if step % 50 == 0:
            recent = np.mean(losses[-50:], axis=0)
            print(
                f"step {step}, {budget.elapsed():.0f} s: contrastive {recent[0]:.3f} auxiliary {recent[1]:.3f} "
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
