#!/usr/bin/env python3
"""Stage 7: the variance half of the decoder's output, fitted with the variational bound; everything else stays.

Only the last 3 of 6 channels of conv_out are trained (learned_range: Nichol & Dhariwal 2021, equation 15).
Input: train.npz, icons.npz, clip.pt, emb_train.pt, dec.pt. Output: checkpoints/dec_var.pt (dec, tp).
"""

import random

import models
import numpy as np
import torch
import torch.nn.functional as F
from captions import caption
from common import (
    ALPHAS_CUMPROD,
    TRAIN_STEPS,
    Budget,
    Stage,
    canonical_targets,
    cosine_rate,
    noised,
    pad_mask,
    set_rate,
)
from diffusers.models.attention_processor import AttnAddedKVProcessor
from paths import stage_parser

SEED = 4
BATCH = 32
PEAK_RATE = 3e-3
FIRST_BIAS = -0.5
MAX_DIVERGENCE = 5  # per sample, so that single ones do not dominate
OVERSHOOT_WEIGHT = 0.01  # for outputs beyond -1..1


class Posterior:
    """Tables [1000] of q(x_{t-1} | x_t, x_0) (Ho et al. 2020, equations 6 and 7)."""

    def __init__(self):
        signal = ALPHAS_CUMPROD.double()
        previous = torch.cat([torch.ones(1).double(), signal[:-1]])
        beta = 1 - signal / previous
        variance = (1 - previous) / (1 - signal) * beta
        # The variance of step 0 is zero: its logarithm is replaced by that of step 1.
        self.log_low = torch.cat([variance[1:2], variance[1:]]).log().float()
        self.log_high = beta.log().float()
        self.x0_weight = (previous.sqrt() * beta / (1 - signal)).float()


def at(table, t):
    return table[t].view(-1, 1, 1, 1)


def main():
    parser = stage_parser(__doc__)
    parser.add_argument("seconds", type=float, help="wall-clock budget")
    args = parser.parse_args()
    stage = Stage(args)
    torch.manual_seed(SEED)
    rng = random.Random(SEED)
    _, samples = stage.pictures("train")
    embeddings = stage.embeddings("train")
    targets, target_of = canonical_targets(stage, samples)

    text_encoder = stage.trained_text_encoder()
    state = stage.load("dec.pt")
    decoder, text_proj = models.decoder(stage.shape), models.text_proj(stage.shape)
    decoder.load_state_dict(state["dec"])
    text_proj.load_state_dict(state["tp"])
    decoder.eval()
    text_proj.eval()
    decoder.set_attn_processor(AttnAddedKVProcessor())
    weight = torch.nn.Parameter(decoder.conv_out.weight[3:].detach().clone())
    bias = torch.nn.Parameter(decoder.conv_out.bias[3:].detach().clone())
    with torch.no_grad():
        bias.fill_(FIRST_BIAS)
    optimizer = torch.optim.Adam([weight, bias], lr=PEAK_RATE)
    features = {}
    decoder.conv_out.register_forward_pre_hook(lambda _module, given: features.update(last=given[0].detach()))
    posterior = Posterior()

    budget = Budget(args.seconds)
    step, losses = 0, []
    while budget.left():
        step += 1
        set_rate(optimizer, cosine_rate(budget.fraction(), PEAK_RATE))
        chosen = torch.randint(0, len(samples), (BATCH,))
        x0 = targets[target_of[chosen]].float() / 127.5 - 1
        ids, mask = stage.tokens([caption(rng, stage.concepts, samples[i]) for i in chosen.tolist()])
        t = torch.randint(1, TRAIN_STEPS, (BATCH,))
        noise = torch.randn_like(x0)
        signal = at(ALPHAS_CUMPROD.float(), t)
        xt = noised(x0, noise, signal)
        with torch.no_grad(), stage.bfloat16():
            text = text_encoder(ids)
            states, added = text_proj(
                image_embeddings=embeddings[chosen],
                prompt_embeds=text.text_embeds,
                text_encoder_hidden_states=text.last_hidden_state,
                do_classifier_free_guidance=False,
            )
            predicted = decoder(xt, t, states, class_labels=added, attention_mask=pad_mask(mask)).sample[:, :3].float()
        v = F.conv2d(features["last"].float(), weight, bias, padding=1)
        fraction = (v + 1) / 2
        low = at(posterior.log_low, t)
        log_variance = fraction * at(posterior.log_high, t) + (1 - fraction) * low
        predicted_x0 = ((xt - (1 - signal).sqrt() * predicted) / signal.sqrt()).clamp(-1, 1)
        distance = (at(posterior.x0_weight, t) * (predicted_x0 - x0)) ** 2
        divergence = 0.5 * (log_variance - low - 1 + (low - log_variance).exp() + distance * (-log_variance).exp())
        bound = divergence.mean((1, 2, 3)).clamp(max=MAX_DIVERGENCE).mean()
        loss = bound + OVERSHOOT_WEIGHT * (v.abs() - 1).relu().mean()

        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if step % 50 == 0:
            print(
                f"step {step}, {budget.elapsed():.0f} s: loss {np.mean(losses[-50:]):.5f}, output mean "
                f"{v.mean().item():.3f} min {v.min().item():.2f} max {v.max().item():.2f}",
                flush=True,
            )
    with torch.no_grad():
        decoder.conv_out.weight[3:].copy_(weight)
        decoder.conv_out.bias[3:].copy_(bias)
    stage.save("dec_var.pt", dec=decoder, tp=text_proj)
    print("steps:", step)


if __name__ == "__main__":
    main()
