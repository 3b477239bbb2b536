"""The judge: a small convolutional network that names what a picture shows. It is never part of the pipeline.

It is trained on the icons and on drawn shapes alone (train_judge.py), and knows nothing of CLIP.
"""

import torch
import torch.nn.functional as F
from pictures import COLOURS, PLACES, SHAPE_COLOURS, SHAPES
from torch import nn

SIZE = 48  # pixels of what it looks at
BORDER = 4  # of 48 pixels: where the background is read
DIFFERENT = 0.2  # from the background, of 0..1 in any channel: the foreground


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


def foreground(picture):
    """(top, bottom, left, right) of what differs from the background of a picture [3, height, width], or None."""
    plain = background(picture[None])[0].view(3, 1, 1)
    different = (picture - plain).abs().amax(0) > DIFFERENT
    rows, columns = different.any(1).nonzero().flatten(), different.any(0).nonzero().flatten()
    if not len(rows):
        return None
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def cut_out(picture):
    """[1, 3, SIZE, SIZE]: what differs from the background of a picture [3, height, width], as large as possible."""
    box = foreground(picture)
    if box is None:
        return seen(picture[None])
    top, bottom, left, right = box
    height, width = bottom - top, right - left
    side = round(max(height, width) * 1.1)
    canvas = background(picture[None]).view(1, 3, 1, 1).expand(1, 3, side, side).clone()
    y, x = (side - height) // 2, (side - width) // 2
    canvas[0, :, y : y + height, x : x + width] = picture[:, top:bottom, left:right]
    return seen(canvas)


def place_of(picture):
    """Index of the place in PLACES that is nearest to the middle of the foreground of [3, height, width]; -1: none."""
    box = foreground(picture)
    if box is None:
        return -1
    top, bottom, left, right = box
    height, width = picture.shape[-2:]
    shares = torch.tensor([(left / max(1, width - (right - left))), top / max(1, height - (bottom - top))])
    return int(torch.cdist(shares[None].float(), torch.tensor(list(PLACES.values()))).argmin())


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
