#!/usr/bin/env python3
"""Stage 6: super resolution, from the decoder's size to 128 x 128.

Trained on crops of 64 x 64 with noise and blur on the small picture; the noise's loss is weighted by min(SNR, 5)/SNR.
Input: sr.npz. Output: checkpoints/sr.pt (sr): averaged weights.
"""

import models
import numpy as np
import torch
import torch.nn.functional as F
from common import ALPHAS_CUMPROD, Budget, MovingAverage, Stage, cosine_rate, noised, set_rate, stratified_timesteps
from paths import training_parser
from PIL import Image

SEED = 3
WEIGHT_DECAY = 0.01
AVERAGE = 0.998
MAX_SNR = 5
LOSS_SCALE = 0.5
CROP = 64  # pixels
CROP_GRID = 8  # pixels between possible corners of the crop
BLUR_SHARE, BLUR = 0.3, 0.35  # how often, how much
CONDITION_NOISE = 0.15  # at most, of the range -1..1
SAVE_EVERY = 90  # seconds


def small_pictures(stored, size):
    """[n, 3, size, size] uint8: the 32 x 32 pictures, or the large ones averaged to another size."""
    if size == 32:
        small = stored["x"]
    else:
        small = np.stack([np.asarray(Image.fromarray(large).resize((size, size), Image.BOX)) for large in stored["q"]])
    return torch.from_numpy(small).permute(0, 3, 1, 2)


def loss_weights():
    """[1000]: min(SNR, 5)/SNR, scaled to mean LOSS_SCALE."""
    snr = ALPHAS_CUMPROD / (1 - ALPHAS_CUMPROD)
    weights = snr.clamp(max=MAX_SNR) / snr
    return weights / weights.mean() * LOSS_SCALE


def spoil_condition(small):
    """Blurs some batches and adds noise: the decoder's pictures are not perfect either. Range -1..1."""
    if torch.rand(()) < BLUR_SHARE:
        blurred = F.avg_pool2d(F.pad(small, (1, 1, 1, 1), mode="replicate"), 3, 1)
        small = blurred * BLUR + small * (1 - BLUR)
    noise = torch.randn_like(small) * torch.rand(len(small), 1, 1, 1) ** 2 * CONDITION_NOISE
    return (small + noise).clamp(-1, 1)


def spoil_start(xt, x0, t, signal):
    """Mixes rubbish into x_t; returns it and the noise that leads back to x_0.

    The scheduler's first step divides by sqrt(alpha-bar), about 5e-5: its x_0 is saturated rubbish, and later x_t still
    contain some of it. This teaches the network to trust the condition instead.
    """
    batch = len(x0)
    if torch.rand(()) < 0.6:
        rubbish = (torch.randn(batch, 3, 1, 1) * 2).clamp(-1, 1)
    else:
        rubbish = (torch.randn(batch, 3, 1, 1) * 0.7 + torch.randn_like(x0) * 2).clamp(-1, 1)
    most = torch.where(t > 700, 1.0, torch.where(t > 480, 0.4, torch.where(t > 250, 0.12, 0.03)))
    share = torch.rand(batch) * most * (torch.rand(batch) < 0.75)
    xt = xt + signal.sqrt() * share.view(-1, 1, 1, 1) * (rubbish - x0)
    return xt, (xt - signal.sqrt() * x0) / (1 - signal).sqrt()


def main():
    parser = training_parser(__doc__)
    parser.add_argument("--batch", type=int, default=8, help="crops per step (%(default)s)")
    parser.add_argument("--rate", type=float, default=1.2e-3, help="peak learning rate (%(default)s)")
    args = parser.parse_args()
    stage = Stage(args)
    device, batch = stage.device, args.batch
    torch.manual_seed(SEED)
    stored = np.load(stage.work / "sr.npz")
    large = torch.from_numpy(stored["q"]).permute(0, 3, 1, 2)
    small = small_pictures(stored, stage.shape.decoder_size)
    size = models.SUPER_RES_SIZE

    network = models.super_res(stage.shape)
    state = stage.resumed("sr.pt")
    if state:
        network.load_state_dict(state["sr"])
    network.to(device)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=args.rate, betas=(0.9, 0.99), weight_decay=WEIGHT_DECAY, fused=True
    )
    average = MovingAverage([network], AVERAGE)
    weights = loss_weights()

    budget = Budget(args.seconds)
    step, losses = 0, []
    while budget.left():
        step += 1
        set_rate(optimizer, cosine_rate(budget.fraction(), args.rate, warm=0.03, end=0.01))
        chosen = torch.randint(0, len(large), (batch,))
        condition = small[chosen].float() / 127.5 - 1
        x0 = large[chosen].float() / 127.5 - 1
        condition = spoil_condition(condition)
        condition = F.interpolate(condition, size=[size, size], mode="bicubic", align_corners=False, antialias=True)
        top, left = (torch.randint(0, (size - CROP) // CROP_GRID + 1, (2,)) * CROP_GRID).tolist()
        condition = condition[:, :, top : top + CROP, left : left + CROP]
        x0 = x0[:, :, top : top + CROP, left : left + CROP]
        t = stratified_timesteps(batch)
        noise = torch.randn_like(x0)
        signal = ALPHAS_CUMPROD[t].view(-1, 1, 1, 1)
        xt, noise = spoil_start(noised(x0, noise, signal), x0, t, signal)
        with stage.bfloat16():
            predicted = network(torch.cat([xt, condition], 1).to(device), t.to(device)).sample
        error = ((predicted.float() - noise.to(device)) ** 2).mean((1, 2, 3))
        loss = (error * weights[t].to(device)).mean()

        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        average.step()
        losses.append(loss.item())
        if step % 50 == 0:
            print(f"step {step}, {budget.elapsed():.0f} s: loss {np.mean(losses[-100:]):.4f}", flush=True)
        if budget.every(SAVE_EVERY):
            with average:
                stage.save("sr.pt", sr=network)
    with average:
        stage.save("sr.pt", sr=network)
    print("steps:", step)


if __name__ == "__main__":
    main()
