"""The judge: a small convolutional network that names what a picture shows. It is never part of the pipeline.

It is trained on the icons and on drawn shapes alone (train_judge.py), and knows nothing of CLIP.
"""

import torch
import torch.nn.functional as F
from pictures import COLOURS, SHAPE_COLOURS, SHAPES
from torch import nn

SIZE = 48  # pixels of what it looks at
BORDER = 4  # of 48 pixels: where the background is read
CORNER_SHARE = 0.5  # of the border's pixels nearest to one colour, at least, for the background to be that colour


class Block(nn.Module):
    """Two convolutions beside a short cut."""

    def __init__(self, before, after, stride):
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.second = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(after), nn.BatchNorm2d(after)])
        self.short = nn.Conv2d(before, after, 1, stride)

    def forward(self, x):
        hidden = F.relu(self.norms[0](self.first(x)))
        return F.relu(self.norms[1](self.second(hidden)) + self.short(x))


class Judge(nn.Module):
    """Pictures [n, 3, 48, 48] in 0..1 -> logits: of the concept, and of (shape, colour, shape below, colour below)."""

    def __init__(self, n_concepts):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 32, 5, 2, 2),
            nn.ReLU(),
            Block(32, 64, 1),
            Block(64, 96, 2),
            Block(96, 160, 2),
            Block(160, 224, 1),
        )
        self.concept = nn.Linear(224 * 4, n_concepts)
        counts = (len(SHAPES), len(SHAPE_COLOURS), len(SHAPES) + 1, len(SHAPE_COLOURS))
        self.shapes = nn.ModuleList([nn.Linear(224 * 4, count) for count in counts])

    def features(self, pictures):
        return F.adaptive_avg_pool2d(self.body((pictures - 0.5) * 4), 2).flatten(1)

    def forward(self, pictures):
        features = self.features(pictures)
        return self.concept(features), [head(features) for head in self.shapes]


def seen(pictures):
    """What the judge looks at: [n, 3, height, width] in 0..1 of any size, made SIZE x SIZE."""
    return F.interpolate(pictures, size=(SIZE, SIZE), mode="bilinear", antialias=True).clamp(0, 1)


def halves(pictures):
    """The two icons of pair pictures, each as large as a single icon would be."""
    height, width = pictures.shape[-2:]
    top, bottom = height // 4, height - height // 4
    return [seen(pictures[:, :, top:bottom, left : left + width // 2]) for left in (0, width // 2)]


def cut_out(pictures):
    """Crops every picture to the square around what differs from its background."""
    crops = []
    for picture in pictures:
        difference = (picture - background(picture[None])[0].view(3, 1, 1)).abs().amax(0) > 0.2
        rows, columns = difference.any(1).nonzero().flatten(), difference.any(0).nonzero().flatten()
        if len(rows):
            top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
            side = int(max(bottom - top, right - left) * 1.1) + 2
            cy, cx = int(top + bottom) // 2, int(left + right) // 2
            padded = F.pad(picture[None], (side, side, side, side), mode="replicate" if side < 0 else "constant")
            mask = F.pad(torch.ones_like(picture[None]), (side, side, side, side))
            padded = padded + (1 - mask) * background(picture[None]).view(1, 3, 1, 1)
            cy, cx = cy + side, cx + side
            picture = padded[0, :, cy - side // 2 : cy + side // 2, cx - side // 2 : cx + side // 2]
        crops.append(seen(picture[None]))
    return torch.cat(crops)


def background(pictures):
    """[n, 3]: the median of every picture's border."""
    small = seen(pictures)
    rim = [small[:, :, :BORDER].flatten(2), small[:, :, -BORDER:].flatten(2)]
    rim += [small[:, :, :, :BORDER].flatten(2), small[:, :, :, -BORDER:].flatten(2)]
    return torch.cat(rim, -1).median(-1).values


def background_colour(pictures):
    """[n]: index of the named colour that is nearest to the background."""
    named = torch.tensor(list(COLOURS.values())) / 255
    return torch.cdist(background(pictures), named).argmin(-1)
