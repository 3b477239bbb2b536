#!/usr/bin/env python3
"""The judge of the evaluation, trained on icons and shapes composed, degraded and distorted at random.

Input: icons.npz. Output: checkpoints/judge.pt (judge).
"""

import random

import numpy as np
import torch
import torch.nn.functional as F
from common import Budget, MovingAverage, Stage, adamw, cosine_rate, set_rate
from judge import SIZE, Judge
from paths import training_parser
from pictures import COLOURS, SHAPE, SHAPE_COLOURS, SHAPES, compose

SEED = 5
WEIGHT_DECAY = 0.05
AVERAGE = 0.998
ICON_PIXELS = 64
SHAPE_PICTURES = 4000
SHAPE_SHARE = 8  # one in so many of a batch is a shape
SAVE_EVERY = 60  # seconds
SMOOTHING = 0.1  # of the labels
DEGRADED_SHARE, SMALLEST = 0.8, 14  # how often, and to how few pixels


class Icons:
    """Icons composed on coloured backgrounds, all at once and differently every time."""

    def __init__(self, stored):
        icons, have = stored["icons"], stored["have"]
        self.pairs = torch.from_numpy(np.argwhere(have))  # [n, (concept, style)]
        chosen = torch.from_numpy(icons[have]).permute(0, 3, 1, 2)
        parts = [F.interpolate(part.float() / 255, size=ICON_PIXELS, mode="area") for part in chosen.split(64)]
        rgba = torch.cat(parts)
        self.rgba = torch.cat([rgba[:, :3] * rgba[:, 3:], rgba[:, 3:]], 1)  # premultiplied
        self.colours = torch.tensor(list(COLOURS.values())) / 255

    def draw(self, count):
        """(pictures [count, 3, SIZE, SIZE] in 0..1, concepts [count])"""
        rows = torch.randint(0, len(self.pairs), (count,))
        zoom = 1 / (0.7 + 0.3 * torch.rand(count))  # larger numbers make the icon smaller
        angle = torch.randn(count) * 0.06
        stretch = 1 + torch.randn(count, 2) * 0.04
        shift = (torch.rand(count, 2) * 2 - 1) * ((zoom - 1).clamp(min=0) + 0.03)[:, None]
        cos, sin = angle.cos() * zoom, angle.sin() * zoom
        affine = torch.stack(
            [
                torch.stack([cos * stretch[:, 0], -sin, shift[:, 0]], 1),
                torch.stack([sin, cos * stretch[:, 1], shift[:, 1]], 1),
            ],
            1,
        )
        grid = F.affine_grid(affine, [count, 4, SIZE, SIZE], align_corners=False)
        drawn = F.grid_sample(self.rgba[rows], grid, align_corners=False)
        colours = self.colours[torch.randint(0, len(self.colours), (count,))]
        colours = (colours + torch.randn(count, 3) * 0.03).clamp(0, 1).view(-1, 3, 1, 1)
        return drawn[:, :3] + (1 - drawn[:, 3:]) * colours, self.pairs[rows, 0]


def shape_pictures(count):
    """(pictures [count, 3, SIZE, SIZE] in 0..1, labels [count, 4])"""
    rng = random.Random(SEED)
    pictures, labels = [], []
    for _ in range(count):
        colour, below = rng.sample(range(len(SHAPE_COLOURS)), 2)
        shape, shape_below = rng.randrange(len(SHAPES)), rng.choice([-1, -1, 0, 1, 2, 3, 4, 5])
        picture = compose(rng, None, (SHAPE, colour, shape, below, shape_below)).resize((SIZE, SIZE))
        pictures.append(np.asarray(picture))
        labels.append((shape, colour, shape_below % (len(SHAPES) + 1), below))
    return torch.from_numpy(np.array(pictures)).permute(0, 3, 1, 2).float() / 255, torch.tensor(labels)


def degrade(pictures):
    """Loses detail, changes contrast and colour, bends and grains: generated pictures are not perfect either."""
    count = len(pictures)
    if torch.rand(()) < DEGRADED_SHARE:
        size = int(torch.randint(SMALLEST, SIZE, ()))
        small = F.interpolate(pictures, size=(size, size), mode="bilinear", antialias=True)
        pictures = F.interpolate(small, size=(SIZE, SIZE), mode="bicubic", align_corners=False)
    bend = F.interpolate(torch.randn(count, 2, 5, 5) * 0.035, size=(SIZE, SIZE), mode="bicubic", align_corners=False)
    plain = F.affine_grid(torch.eye(2, 3).repeat(count, 1, 1), [count, 3, SIZE, SIZE], align_corners=False)
    pictures = F.grid_sample(pictures, plain + bend.permute(0, 2, 3, 1), padding_mode="border", align_corners=False)
    middle = pictures.mean((1, 2, 3), keepdim=True)
    pictures = middle + (pictures - middle) * (1 + torch.randn(count, 1, 1, 1) * 0.12)
    pictures = pictures + torch.randn(count, 3, 1, 1) * 0.03
    grain = torch.rand(count, 1, 1, 1) ** 2 * 0.12
    return (pictures + grain * torch.randn_like(pictures)).clamp(0, 1)


@torch.no_grad()
def report(judge, icons):
    """One line: how many new compositions it names, clean and degraded."""
    judge.eval()
    hits = []
    for spoil in (lambda pictures: pictures, degrade):
        drawn = [icons.draw(250) for _ in range(4)]
        hits.append(np.mean([(judge(spoil(x))[0].argmax(-1) == y).float().mean().item() for x, y in drawn]))
    judge.train()
    return f"named: clean {hits[0]:.3f}, degraded {hits[1]:.3f}"


def main():
    parser = training_parser(__doc__)
    parser.add_argument("--batch", type=int, default=128, help="pictures per step (%(default)s)")
    parser.add_argument("--rate", type=float, default=2e-3, help="peak learning rate (%(default)s)")
    args = parser.parse_args()
    stage = Stage(args)
    torch.manual_seed(SEED)
    icons = Icons(np.load(stage.work / "icons.npz"))
    shapes, shape_labels = shape_pictures(SHAPE_PICTURES)
    judge = Judge(len(stage.concepts))
    state = stage.resumed("judge.pt")
    if state:
        judge.load_state_dict(state["judge"])
    judge.to(stage.device)
    optimizer = adamw(list(judge.parameters()), WEIGHT_DECAY, lr=args.rate)
    average = MovingAverage([judge], AVERAGE)
    n_shapes = args.batch // SHAPE_SHARE

    budget = Budget(args.seconds)
    step, losses = 0, []
    while budget.left():
        step += 1
        set_rate(optimizer, cosine_rate(budget.fraction(), args.rate))
        pictures, concepts = icons.draw(args.batch - n_shapes)
        chosen = torch.randint(0, SHAPE_PICTURES, (n_shapes,))
        pictures = degrade(torch.cat([pictures, shapes[chosen]])).to(stage.device)
        with stage.bfloat16():
            concept, shape = judge(pictures)
        loss = F.cross_entropy(concept[:-n_shapes].float(), concepts.to(stage.device), label_smoothing=SMOOTHING)
        for k, logits in enumerate(shape):
            loss = loss + 0.1 * F.cross_entropy(logits[-n_shapes:].float(), shape_labels[chosen, k].to(stage.device))

        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        average.step()
        losses.append(loss.item())
        if budget.every(SAVE_EVERY):
            with average:
                stage.save("judge.pt", judge=judge)
                line = report(judge.cpu(), icons)
            judge.to(stage.device)
            print(f"step {step}, {budget.elapsed():.0f} s: loss {np.mean(losses[-50:]):.3f} {line}", flush=True)
    with average:
        stage.save("judge.pt", judge=judge)
        print(report(judge.cpu(), icons))
    print("steps:", step)


if __name__ == "__main__":
    main()
