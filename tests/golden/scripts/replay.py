#!/usr/bin/env python3
"""Checks that pipeline_t2i can be reproduced from the files alone: the networks, the recorded draws and this file.

No pipeline and no scheduler of diffusers takes part, so this is the recipe that an implementation follows. Prints the
largest and the mean difference from the recorded tensors.
"""

import argparse
import json
import math
from pathlib import Path

import reference  # first: it sets up the environment
import numpy as np
import torch
import torch.nn.functional as F
from diffusers import PriorTransformer, UNet2DConditionModel, UNet2DModel
from safetensors.torch import load_file
from transformers import CLIPTextModelWithProjection

TRAIN_STEPS = 1000


def squared_cosine(u):
    """The cumulative signal share at time u in [0, 1] (Nichol & Dhariwal 2021, equation 17)."""
    return math.cos((u + 0.008) / 1.008 * math.pi / 2) ** 2


def beta(step):
    ratio = squared_cosine((step + 1) / TRAIN_STEPS) / squared_cosine(step / TRAIN_STEPS)
    return min(1 - ratio, 0.999)


ONE = np.float32(1)
# Computed in float64, stored as float32; torch accumulates the product in float64.
betas = np.array([beta(step) for step in range(TRAIN_STEPS)]).astype(np.float32)
alphas_cumprod = np.cumprod((ONE - betas).astype(np.float64)).astype(np.float32)


def timesteps(steps):
    """Evenly spaced from 999 down to 0, rounded half to even."""
    return [int(t) for t in np.round(np.arange(steps) * ((TRAIN_STEPS - 1) / (steps - 1)))[::-1]]


def scheduler_step(variance, prediction, clip, model_output, x, t, previous, noise):
    """One step of the UnCLIP scheduler.

    variance: "fixed_small_log" or "learned_range"; prediction: "sample" or "epsilon"; clip: x0 is clamped to +-clip;
    previous: the next timestep of the loop, None at its last step; noise: None when t = 0.
    """
    signal = alphas_cumprod[t]
    if previous is not None:
        signal_previous = alphas_cumprod[previous]
    else:
        signal_previous = alphas_cumprod[t - 1] if t > 0 else ONE
    adjacent = previous is None or previous == t - 1
    step_beta = betas[t] if adjacent else ONE - signal / signal_previous
    step_alpha = (ONE - betas[t]) if adjacent else ONE - step_beta
    noise_share, noise_share_previous = ONE - signal, ONE - signal_previous

    channels = x.shape[1]
    learned = None
    if variance == "learned_range":
        model_output, learned = model_output[:, :channels], model_output[:, channels:]
    if prediction == "sample":
        x0 = model_output
    else:
        x0 = (x - float(np.sqrt(noise_share)) * model_output) / float(np.sqrt(signal))
    x0 = x0.clamp(-clip, clip)
    x0_weight = float(np.sqrt(signal_previous) * step_beta / noise_share)
    x_weight = float(np.sqrt(step_alpha) * noise_share_previous / noise_share)
    result = x0_weight * x0 + x_weight * x
    if t > 0:
        smallest = noise_share_previous / noise_share * step_beta
        if variance == "fixed_small_log":
            deviation = float(np.exp(np.float32(0.5) * np.log(max(smallest, np.float32(1e-20)))))
        else:
            fraction = (learned + 1) / 2
            low, high = float(np.log(smallest)), float(np.log(step_beta))
            deviation = (0.5 * (fraction * high + (1 - fraction) * low)).exp()
        result = result + deviation * noise
    return result


def sample(steps, draws, variance, prediction, clip, model):
    """A whole loop: `model(x, t, is_last)` gives the guided output; draws: the start, then one for every t > 0."""
    x = next(draws)
    schedule = timesteps(steps)
    for index, t in enumerate(schedule):
        previous = schedule[index + 1] if index + 1 < len(schedule) else None
        output = model(x, torch.tensor(t), previous is None)
        noise = next(draws) if t > 0 else None
        x = scheduler_step(variance, prediction, clip, output, x, t, previous, noise)
    return x


@torch.no_grad()
def replay(folder):
    """Returns {stage: (replayed, recorded)}."""
    folder = Path(folder)
    pipeline = folder / "models" / "pipeline"

    def load(cls, name):
        return cls.from_pretrained(str(pipeline / name)).eval()

    recorded = load_file(str(folder / "pipeline_t2i.safetensors"))
    tokens = load_file(str(folder / "text_encoder.safetensors"))
    manifest = json.loads((folder / "manifest.json").read_text())
    settings = manifest["files"]["pipeline_t2i"]["settings"]
    prior_clip = json.loads((pipeline / "prior_scheduler" / "scheduler_config.json").read_text())["clip_sample_range"]
    draws = iter([recorded[name] for name in sorted(recorded) if name.startswith("draw.")])

    text_encoder = load(CLIPTextModelWithProjection, "text_encoder")
    prior = load(PriorTransformer, "prior")
    text_proj = load(reference.UnCLIPTextProjModel, "text_proj")
    decoder = load(UNet2DConditionModel, "decoder")
    super_res_first = load(UNet2DModel, "super_res_first")
    super_res_last = load(UNet2DModel, "super_res_last")

    text = text_encoder(torch.cat([tokens["uncond.input_ids"], tokens["input_ids"]]))
    mask = torch.cat([tokens["uncond.attention_mask"], tokens["attention_mask"]]).bool()

    def prior_model(x, t, _is_last):
        out = prior(torch.cat([x, x]), t, text.text_embeds, text.last_hidden_state, mask).predicted_image_embedding
        uncond, cond = out.chunk(2)
        return uncond + settings["prior_g"] * (cond - uncond)

    latents = sample(settings["prior_steps"], draws, "fixed_small_log", "sample", prior_clip, prior_model)
    embeds = prior.post_process_latents(latents)

    states, added = text_proj(
        image_embeddings=embeds,
        prompt_embeds=text.text_embeds,
        text_encoder_hidden_states=text.last_hidden_state,
        do_classifier_free_guidance=True,
    )
    decoder_mask = F.pad(mask, (text_proj.config.clip_extra_context_tokens, 0), value=True)

    def decoder_model(x, t, _is_last):
        out = decoder(
            torch.cat([x, x]), t, encoder_hidden_states=states, class_labels=added, attention_mask=decoder_mask
        ).sample
        uncond, cond = out.chunk(2)
        epsilon = uncond[:, :3] + settings["decoder_g"] * (cond[:, :3] - uncond[:, :3])
        return torch.cat([epsilon, cond[:, 3:]], 1)

    small = sample(settings["decoder_steps"], draws, "learned_range", "epsilon", 1.0, decoder_model).clamp(-1, 1)
    size = super_res_first.config.sample_size
    upscaled = F.interpolate(small, size=[size, size], mode="bicubic", align_corners=False, antialias=True)

    def super_res_model(x, t, is_last):
        network = super_res_last if is_last else super_res_first
        return network(torch.cat([x, upscaled], 1), t).sample

    large = sample(settings["sr_steps"], draws, "fixed_small_log", "epsilon", 1.0, super_res_model)
    assert next(draws, None) is None, "draws left over"
    image = (large * 0.5 + 0.5).clamp(0, 1).permute(0, 2, 3, 1)

    tables = load_file(str(folder / "scheduler.safetensors"))
    return {
        "betas": (torch.from_numpy(betas), tables["betas"]),
        "alphas_cumprod": (torch.from_numpy(alphas_cumprod), tables["alphas_cumprod"]),
        "image_embeddings": (embeds, recorded["image_embeddings"]),
        "image_small": (small, recorded["image_small"]),
        "image": (image, recorded["image"]),
    }


def describe(replayed, recorded):
    error = (replayed - recorded).abs()
    return f"max {float(error.max()):.2e} mean {float(error.mean()):.2e}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--golden", type=Path, default=reference.DEFAULT_OUT, help="the recorded set (%(default)s)")
    for stage, (replayed, recorded) in replay(parser.parse_args().golden).items():
        print(f"{stage:18s} {describe(replayed, recorded)}")


if __name__ == "__main__":
    main()
