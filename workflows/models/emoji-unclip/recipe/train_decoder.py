#!/usr/bin/env python3
"""Stage 4: decoder and text projection.

Predicts the noise; loss weight min(SNR^-1/2, 4), normalised to mean 1. Conditioned on the embedding of a jittered
picture (plus noise) and on a caption; the target is the same picture, still and centred. The variance half of the last
convolution is fitted afterwards (fit_variance.py).
Input: train.npz, icons.npz, clip.pt, emb_train.pt. Output: checkpoints/dec.pt (dec, tp): averaged weights.
"""

import random

import models
import numpy as np
import torch
from attention import LowPrecisionAttention
from captions import caption
from common import (
    ALPHAS_CUMPROD,
    Budget,
    MovingAverage,
    Stage,
    adamw,
    canonical_targets,
    noised,
    pad_mask,
    set_rate,
    stratified_timesteps,
)
from paths import training_parser

SEED = 1
WEIGHT_DECAY = 0.01
WARM_UP = 0.015  # share of the budget
FINAL_RATE = 0.01  # of the peak
MAX_LOSS_WEIGHT = 4.0
EMBEDDING_NOISE = 0.35  # at most, in standard deviations of the embeddings
NO_TEXT_BELOW, NO_IMAGE_BELOW, NO_IMAGE_ABOVE = 0.20, 0.08, 0.88  # 8 % neither, 12 % image only, 12 % text only
SAVE_EVERY = 120  # seconds


def rate_at(fraction, peak, hold):
    """Warm-up, constant until `hold` of the budget, then half a cosine down to FINAL_RATE."""
    rate = peak * min(1, fraction / WARM_UP)
    if fraction < hold:
        return rate
    return rate * (FINAL_RATE + (1 - FINAL_RATE) * 0.5 * (1 + np.cos(np.pi * min(1, (fraction - hold) / (1 - hold)))))


def loss_weights():
    """[1000]: min(SNR^-1/2, 4), divided by its mean."""
    snr = ALPHAS_CUMPROD / (1 - ALPHAS_CUMPROD)
    weights = (snr**-0.5).clamp(max=MAX_LOSS_WEIGHT)
    return weights / weights.mean()


def initialise(decoder, text_proj):
    with torch.no_grad():
        decoder.conv_out.weight[3:].zero_()
        decoder.conv_out.bias[3:].fill_(-1.0)  # smallest variance until it is fitted
        decoder.conv_out.weight[:3].mul_(0.1)
        torch.nn.init.normal_(text_proj.learned_classifier_free_guidance_embeddings, std=0.5)


def main():
    parser = training_parser(__doc__)
    parser.add_argument("--batch", type=int, default=32, help="pictures per step in the first half (%(default)s)")
    parser.add_argument("--batch-late", type=int, default=48, help="in the second half (%(default)s)")
    parser.add_argument("--rate", type=float, default=8e-4, help="peak learning rate (%(default)s)")
    parser.add_argument("--hold", type=float, default=0.4, help="share of the budget at that rate (%(default)s)")
    parser.add_argument("--average", type=float, default=0.998, help="decay of the averaged weights (%(default)s)")
    args = parser.parse_args()
    stage = Stage(args)
    device, concepts = stage.device, stage.concepts
    torch.manual_seed(SEED)
    rng = random.Random(SEED)
    _, samples = stage.pictures("train")
    embeddings = stage.embeddings("train")
    spread = embeddings.std(0)
    targets, target_of = canonical_targets(stage, samples)

    text_encoder = stage.trained_text_encoder().requires_grad_(False)
    decoder, text_proj = models.decoder(stage.shape), models.text_proj(stage.shape)
    decoder.set_attn_processor(LowPrecisionAttention())
    initialise(decoder, text_proj)
    state = stage.resumed("dec.pt")
    if state:
        decoder.load_state_dict(state["dec"])
        text_proj.load_state_dict(state["tp"])
    for network in (decoder, text_proj, text_encoder):
        network.to(device)
    parameters = [*decoder.parameters(), *text_proj.parameters()]
    optimizer = adamw(parameters, WEIGHT_DECAY, lr=args.rate, betas=(0.9, 0.99), fused=True)
    average = MovingAverage([decoder, text_proj], args.average)
    weights = loss_weights()
    null_ids, null_mask = stage.tokens([""])

    budget = Budget(args.seconds)
    step, seen, losses = 0, 0, []
    decoder.train()
    while budget.left():
        step += 1
        fraction = budget.fraction()
        batch = args.batch if fraction < 0.5 else args.batch_late
        set_rate(optimizer, rate_at(fraction, args.rate, args.hold))
        chosen = torch.randint(0, len(samples), (batch,))
        x0 = targets[target_of[chosen]].float().to(device) / 127.5 - 1
        image = (
            embeddings[chosen] + torch.randn(batch, models.EMBEDDING) * spread * torch.rand(batch, 1) * EMBEDDING_NOISE
        )
        ids, mask = stage.tokens([caption(rng, concepts, samples[i]) for i in chosen.tolist()])
        u = torch.rand(batch)
        no_text = u < NO_TEXT_BELOW
        no_image = (u < NO_IMAGE_BELOW) | (u > NO_IMAGE_ABOVE)
        ids[no_text] = null_ids[0]
        mask[no_text] = null_mask[0]
        length = int(mask.sum(1).max())
        with torch.no_grad():
            text = text_encoder(ids[:, :length].to(device))
        t = stratified_timesteps(batch)
        noise = torch.randn_like(x0)
        xt = noised(x0, noise, ALPHAS_CUMPROD[t].view(-1, 1, 1, 1).to(device))
        null_image = text_proj.learned_classifier_free_guidance_embeddings[None]
        image = torch.where(no_image[:, None].to(device), null_image, image.to(device))
        with stage.bfloat16():
            states, added = text_proj(
                image_embeddings=image,
                prompt_embeds=text.text_embeds,
                text_encoder_hidden_states=text.last_hidden_state,
                do_classifier_free_guidance=False,
            )
            predicted = decoder(
                xt, t.to(device), states, class_labels=added, attention_mask=pad_mask(mask[:, :length]).to(device)
            ).sample
        error = ((predicted[:, :3].float() - noise) ** 2).mean((1, 2, 3))
        loss = (error * weights[t].to(device)).mean()

        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        average.step()
        seen += batch
        losses.append((loss.item(), error.mean().item()))
        if step % 50 == 0:
            recent = np.mean(losses[-100:], axis=0)
            rate = seen / budget.elapsed()
            print(
                f"step {step}, {budget.elapsed():.0f} s, {seen} samples, {rate:.0f}/s: "
                f"loss {recent[0]:.4f} mse {recent[1]:.4f}",
                flush=True,
            )
        if budget.every(SAVE_EVERY):
            with average:
                stage.save("dec.pt", dec=decoder, tp=text_proj)
    with average:
        stage.save("dec.pt", dec=decoder, tp=text_proj)
    print("steps:", step, "samples:", seen)


if __name__ == "__main__":
    main()
