"""What the training stages share: the work folder, budgets in seconds, averaged weights, checkpoints."""

import json
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import models
import numpy as np
import torch
import torch.nn.functional as F
from bpe import CONTEXT_LENGTH
from models import ALPHAS_CUMPROD, TRAIN_STEPS  # noqa: F401, the stages take the first from here
from pictures import ICON
from safetensors.torch import load_file
from transformers import CLIPTokenizer

# CLIP's normalisation of RGB in [0, 1].
MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(1, 3, 1, 1)
STD = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(1, 3, 1, 1)


class Stage:
    """A stage's options, and the files that earlier stages left."""

    def __init__(self, args):
        torch.set_num_threads(args.threads)
        self.args = args
        self.work = args.work
        self.device = args.device
        self.shape = models.Shape(args.decoder_size, args.decoder_channels, args.super_res_channels)
        self.concepts = json.loads((self.work / "concepts.json").read_text())
        self.tokenizer = CLIPTokenizer.from_pretrained(str(self.work / "tokenizer"))
        self.checkpoints = self.work / "checkpoints"
        self.checkpoints.mkdir(parents=True, exist_ok=True)

    @property
    def vocabulary(self):
        return len(self.tokenizer)

    def bfloat16(self, enabled=True):
        """The context in which networks run during training."""
        return torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=enabled)

    def pictures(self, name):
        """(pictures [n, 3, height, width] uint8, samples) of train.npz or held.npz."""
        stored = np.load(self.work / f"{name}.npz")
        samples = [tuple(int(value) for value in row) for row in stored["m"]]
        return torch.from_numpy(stored["x"]).permute(0, 3, 1, 2).contiguous(), samples

    def icons(self):
        return np.load(self.work / "icons.npz")["icons"]

    def tokens(self, texts):
        """(ids [n, 24], mask [n, 24] bool)"""
        batch = self.tokenizer(
            texts, padding="max_length", max_length=CONTEXT_LENGTH, truncation=True, return_tensors="pt"
        )
        return batch.input_ids, batch.attention_mask.bool()

    def save(self, name, **parts):
        """Writes the state of modules (or plain tensors) to one file, by rename."""
        state = {key: part.state_dict() if hasattr(part, "state_dict") else part for key, part in parts.items()}
        path = self.checkpoints / name
        torch.save(state, str(path) + ".tmp")
        os.replace(str(path) + ".tmp", path)

    def load(self, name):
        return torch.load(self.checkpoints / name, map_location="cpu")

    def resumed(self, name):
        """What --resume says to start from, like load(name); None without it."""
        where = self.args.resume
        if where is None:
            return None
        if where == "own":
            return self.load(name)
        return read_model(where, name) if Path(where).is_dir() else torch.load(where, map_location="cpu")

    def has(self, name):
        return (self.checkpoints / name).exists()

    def trained_text_encoder(self):
        encoder = models.text_encoder(self.vocabulary)
        encoder.load_state_dict(self.load("clip.pt")["te"])
        return encoder.eval()

    def embeddings(self, name):
        """CLIP image embeddings [n, 128] of train.npz or held.npz."""
        return torch.load(self.checkpoints / f"emb_{name}.pt")


# Checkpoint -> part -> folder of the exported model.
PARTS = {
    "clip.pt": {"te": "text_encoder", "ie": "image_encoder"},
    "dec.pt": {"dec": "decoder", "tp": "text_proj"},
    "prior.pt": {"pr": "prior"},
    "sr.pt": {"sr": "super_res_first"},
}


def read_model(folder, name):
    """The checkpoint that would export as these parts of a model folder."""
    state = {}
    for part, component in PARTS[name].items():
        (path,) = (Path(folder) / component).glob("*.safetensors")
        state[part] = {key: tensor.float() for key, tensor in load_file(path).items()}
    return state


class Budget:
    """A stage's wall-clock time. The learning rate follows it, so that a run always ends with a small one."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.start = time.time()
        self.marked = 0.0

    def elapsed(self):
        return time.time() - self.start

    def fraction(self):
        return self.elapsed() / self.seconds

    def left(self):
        return self.elapsed() < self.seconds

    def every(self, seconds):
        """True if that long has passed since it was last true."""
        if self.elapsed() - self.marked <= seconds:
            return False
        self.marked = self.elapsed()
        return True


def cosine_rate(fraction, peak, warm=0.03, end=0.02):
    """Learning rate: linear warm-up, then half a cosine from `peak` to `end` * `peak`."""
    if fraction < warm:
        return peak * (fraction / warm)
    return peak * (end + (1 - end) * 0.5 * (1 + np.cos(np.pi * min(1, (fraction - warm) / (1 - warm)))))


def set_rate(optimizer, rate):
    for group in optimizer.param_groups:
        group["lr"] = rate


def adamw(parameters, weight_decay, **options):
    """AdamW that decays matrices only, not biases, norms and single vectors."""
    return torch.optim.AdamW(
        [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
            {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
        ],
        **options,
    )


class MovingAverage:
    """An exponential moving average of modules' weights, which warms up to `decay`."""

    def __init__(self, modules, decay):
        self.parameters = [parameter for module in modules for parameter in module.parameters()]
        self.average = [parameter.detach().clone() for parameter in self.parameters]
        self.decay = decay
        self.steps = 0

    def step(self):
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        with torch.no_grad():
            torch._foreach_lerp_(self.average, [parameter.detach() for parameter in self.parameters], 1 - decay)

    def __enter__(self):
        """The modules hold the averages inside the `with` block."""
        self._swap()

    def __exit__(self, *_):
        self._swap()

    def _swap(self):
        with torch.no_grad():
            for parameter, average in zip(self.parameters, self.average):
                held = parameter.detach().clone()
                parameter.copy_(average)
                average.copy_(held)


def clip_pixels(pictures):
    """Levels of 255 -> what CLIP's image tower takes."""
    return (pictures.float() / 255 - MEAN) / STD


def stratified_timesteps(batch):
    """One timestep in each of `batch` equal parts of [0, 1000)."""
    t = (torch.arange(batch) + torch.rand(batch)) / batch * TRAIN_STEPS
    return t.long().clamp(max=TRAIN_STEPS - 1)


def noised(x0, noise, signal):
    """x_t from x_0 (Ho et al. 2020, equation 4); `signal` is alpha-bar, broadcast to x0."""
    return signal.sqrt() * x0 + (1 - signal).sqrt() * noise


def canonical_targets(stage, samples):
    """(still pictures [n, 3, size, size] uint8, for each sample the index of its picture) for the decoder."""
    import pictures

    targets, index = pictures.canonical(stage.icons(), samples, stage.shape.decoder_size)
    return torch.from_numpy(targets).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(index)


def pad_mask(mask):
    """The decoder's attention mask: the extra image tokens come first and are always seen."""
    return F.pad(mask, (models.EXTRA_TOKENS, 0), value=True)


def concept_centroids(embeddings, samples, n_concepts):
    """(mean embedding [128], direction of each concept around it [n_concepts, 128], normalised)."""
    labels = torch.tensor([sample[1] if sample[0] == ICON else -1 for sample in samples])
    mean = embeddings.mean(0)
    centroids = torch.stack(
        [F.normalize(embeddings[labels == concept] - mean, dim=-1).mean(0) for concept in range(n_concepts)]
    )
    return mean, F.normalize(centroids, dim=-1)
