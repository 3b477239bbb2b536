"""SRVGGNetCompact in PyTorch: convolutions at the small picture's size, then a pixel shuffle (Wang et al. 2021, Real-ESRGAN)."""

import json

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn


class SRVGGNetCompact(nn.Module):
    """[batch, 3, height, width] in 0..1 to [batch, 3, upscale * height, upscale * width], about in 0..1."""

    def __init__(self, num_in_ch, num_out_ch, num_feat, num_conv, upscale, act_type):
        super().__init__()
        assert act_type == "prelu", act_type
        self.upscale = upscale
        widths = [num_in_ch] + [num_feat] * (num_conv + 1)
        self.body = nn.ModuleList()
        for before, after in zip(widths, widths[1:]):
            self.body += [nn.Conv2d(before, after, 3, padding=1), nn.PReLU(after)]
        self.body.append(nn.Conv2d(num_feat, num_out_ch * upscale**2, 3, padding=1))

    def forward(self, x):
        out = x
        for layer in self.body:
            out = layer(out)
        # What is learnt is the difference to the picture with larger pixels.
        return F.pixel_shuffle(out, self.upscale) + F.interpolate(x, scale_factor=self.upscale, mode="nearest")


def load(part, dtype=torch.float32):
    """The network in a folder of a config.json and weights, for inference."""
    config = json.loads((part / "config.json").read_text())
    assert config.pop("_class_name") == "SRVGGNetCompact"
    network = SRVGGNetCompact(**config)
    network.load_state_dict(load_file(part / "diffusion_pytorch_model.safetensors"))
    return network.to(dtype).eval()
