#!/usr/bin/env python3
"""How far do typical mistakes move the pictures? Tells whether a tolerance is tight enough to see them.

Replays pipeline_t2i once per mistake and prints the differences from the recorded pictures.
"""

import argparse
from pathlib import Path

import reference  # first: it sets up the environment
import numpy as np
import replay
import torch
import torch.nn.functional as F


def identity(original):
    return original


def tanh_gelu(original):
    return lambda x, approximate="none": original(x, approximate="tanh")


def no_antialias(original):
    def interpolate(x, **options):
        if options.get("mode") == "bicubic":
            options["antialias"] = False
        return original(x, **options)

    return interpolate


def half_up(_original):
    return lambda steps: [int(np.floor(i * (999 / (steps - 1)) + 0.5)) for i in range(steps)][::-1]


def single_product(_original):
    return np.cumprod(np.float32(1) - replay.betas, dtype=np.float32)


def small_epsilon(original):
    return lambda x, groups, weight=None, bias=None, eps=1e-5: original(x, groups, weight, bias, 1e-6)


def added_key_masks_ignored(original):
    """Drops the masks where there are more keys than queries, as in the decoder; square ones stay."""

    def attention(query, key, value, attn_mask=None, **options):
        if attn_mask is not None and attn_mask.shape[-1] != attn_mask.shape[-2]:
            attn_mask = None
        return original(query, key, value, attn_mask=attn_mask, **options)

    return attention


def clip_to_one(original):
    return lambda variance, prediction, clip, *rest: original(variance, prediction, 1.0, *rest)


def erf_sigmoid(_original):
    return lambda x: 0.5 * (1 + torch.erf(x / 1.702 / 2**0.5))


MISTAKES = [
    ("no mistake", replay, "timesteps", identity),
    ("tanh GELU", F, "gelu", tanh_gelu),
    ("bicubic without antialias", F, "interpolate", no_antialias),
    ("timesteps rounded half up", replay, "timesteps", half_up),
    ("alphas_cumprod accumulated in float32", replay, "alphas_cumprod", single_product),
    ("GroupNorm eps 1e-6", F, "group_norm", small_epsilon),
    ("masks of the decoder ignored", F, "scaled_dot_product_attention", added_key_masks_ignored),
    ("clip range 5 -> 1 in the prior", replay, "scheduler_step", clip_to_one),
    ("text encoder: erf GELU for quick GELU", torch, "sigmoid", erf_sigmoid),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--golden", type=Path, default=reference.DEFAULT_OUT, help="the recorded set (%(default)s)")
    golden = parser.parse_args().golden
    for name, owner, attribute, mistake in MISTAKES:
        original = getattr(owner, attribute)
        setattr(owner, attribute, mistake(original))
        try:
            replayed, recorded = replay.replay(golden)["image"]
        finally:
            setattr(owner, attribute, original)
        print(f"{name:40s} image {replay.describe(replayed, recorded)}", flush=True)


if __name__ == "__main__":
    main()
