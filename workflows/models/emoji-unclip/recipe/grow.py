#!/usr/bin/env python3
"""Makes a decoder of twice the size from a trained one: an outer level around the network, which is kept.

Input: checkpoints/dec.pt of --decoder-size and --decoder-channels. Output: checkpoints/dec_grown.pt for twice the size
and one level more, as wide as the first: 24 pixels and 48,64,128 become 48 pixels and 48,48,64,128. The residual blocks
of its new level add nothing at first: it halves and doubles the picture. Train it on with

    train_decoder.py --decoder-size 48 --decoder-channels 48,48,64,128 --resume checkpoints/dec_grown.pt SECONDS
"""

import re

import models
import torch
from common import Stage
from paths import stage_parser


def moved(key):
    """Where a tensor of the small network is in the large one."""
    if key.startswith("down_blocks."):
        return re.sub(r"^down_blocks\.(\d+)", lambda found: f"down_blocks.{int(found[1]) + 1}", key)
    # The up blocks are counted from the deepest level: they keep their numbers.
    return key


def grow(small, large):
    """Copies what has a place and the same shape; returns the names of what is new."""
    state, new = large.state_dict(), []
    taken = {moved(key): tensor for key, tensor in small.state_dict().items()}
    for key, tensor in state.items():
        if key in taken and taken[key].shape == tensor.shape:
            state[key] = taken[key].clone()
        else:
            new.append(key)
            if re.search(r"\.conv2\.(weight|bias)$", key):
                state[key] = torch.zeros_like(tensor)  # a residual block that adds nothing yet
    large.load_state_dict(state)
    return new


def main():
    stage = Stage(stage_parser(__doc__).parse_args())
    state = stage.load("dec.pt")
    small = models.decoder(stage.shape)
    small.load_state_dict(state["dec"])
    channels = stage.shape.decoder_channels
    shape = models.Shape(2 * stage.shape.decoder_size, (channels[0], *channels), stage.shape.super_res_channels)
    torch.manual_seed(0)
    large = models.decoder(shape)
    new = grow(small, large)
    stage.save("dec_grown.pt", dec=large, tp=state["tp"])
    print(f"{shape.decoder_size} pixels, {shape.decoder_channels}: {len(new)} new tensors of {len(large.state_dict())}")


if __name__ == "__main__":
    main()
