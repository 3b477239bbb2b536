#!/usr/bin/env python3
"""Stage 3: CLIP image embeddings of all pictures.

Input: train.npz, held.npz, clip.pt. Output: checkpoints/emb_train.pt and emb_held.pt, [n, 128] float32.
"""

import models
import torch
from common import Stage, clip_pixels
from paths import stage_parser

BATCH = 512


def main():
    stage = Stage(stage_parser(__doc__).parse_args())
    encoder = models.image_encoder()
    encoder.load_state_dict(stage.load("clip.pt")["ie"])
    encoder.eval()
    with torch.no_grad():
        for name in ("train", "held"):
            pictures, _ = stage.pictures(name)
            parts = [
                encoder(clip_pixels(pictures[start : start + BATCH])).image_embeds.float()
                for start in range(0, len(pictures), BATCH)
            ]
            embeddings = torch.cat(parts)
            torch.save(embeddings, stage.checkpoints / f"emb_{name}.pt")
            print(
                name, tuple(embeddings.shape), "mean", embeddings.mean().item(), "std", embeddings.std(0).mean().item()
            )


if __name__ == "__main__":
    main()
