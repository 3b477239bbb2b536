"""Times one step of the two full-size UNets in PyTorch, compiled, channels last, with random weights; one JSON line each.

The networks are those of the checkpoints: blocks of resnets, in the decoder with attention to the picture and to 81
added tokens (Ramesh et al. 2022), as `tests/karlo-config` describes them. What depends on the timestep alone is given.
`--device cpu --shrink 10` tries the script without a GPU.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from timing import CpuClock, CudaClock

DTYPES = {"bf16": torch.bfloat16, "f16": torch.float16}
GROUPS = 32
TOKENS = 81
# How many pictures a step has: the decoder takes both branches of a guided step.
BATCH = {"decoder": 2, "super_res_last": 1}

Config = dict[str, Any]


class Resnet(nn.Module):
    """`ResnetBlock2D`: two convolutions with a time embedding between them, around a residual connection."""

    def __init__(self, config: Config, inner: int, out: int, resample: str = "keep") -> None:
        super().__init__()
        self.scales = config["resnet_time_scale_shift"] == "scale_shift"
        self.resample = resample
        self.norm1 = nn.GroupNorm(GROUPS, inner, config["norm_eps"])
        self.conv1 = nn.Conv2d(inner, out, 3, padding=1)
        self.time_emb_proj = nn.Linear(4 * config["block_out_channels"][0], 2 * out if self.scales else out)
        self.norm2 = nn.GroupNorm(GROUPS, out, config["norm_eps"])
        self.conv2 = nn.Conv2d(out, out, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(inner, out, 1) if inner != out else nn.Identity()

    def resampled(self, x: Tensor) -> Tensor:
        if self.resample == "up":
            return F.interpolate(x, scale_factor=2.0, mode="nearest")
        return F.avg_pool2d(x, 2) if self.resample == "down" else x

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        hidden = self.conv1(self.resampled(F.silu(self.norm1(x))))
        time = self.time_emb_proj(time)[:, :, None, None]
        if self.scales:
            scale, shift = time.chunk(2, dim=1)
            hidden = self.norm2(hidden) * (1 + scale) + shift
        else:
            hidden = self.norm2(hidden + time)
        return self.conv_shortcut(self.resampled(x)) + self.conv2(F.silu(hidden))


class Attention(nn.Module):
    """`Attention` with added keys and values."""

    def __init__(self, config: Config, channels: int) -> None:
        super().__init__()
        self.heads = channels // config["attention_head_dim"]
        self.group_norm = nn.GroupNorm(GROUPS, channels, 1e-5)
        self.to_q, self.to_k, self.to_v = (nn.Linear(channels, channels) for _ in range(3))
        self.add_k_proj, self.add_v_proj = (nn.Linear(config["cross_attention_dim"], channels) for _ in range(2))
        self.to_out = nn.Linear(channels, channels)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        hidden = self.group_norm(x).permute(0, 2, 3, 1).reshape(batch, height * width, channels)
        keys = torch.cat([self.add_k_proj(context), self.to_k(hidden)], dim=1)
        values = torch.cat([self.add_v_proj(context), self.to_v(hidden)], dim=1)
        q, k, v = (t.unflatten(2, (self.heads, -1)).transpose(1, 2) for t in (self.to_q(hidden), keys, values))
        attended = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        out = self.to_out(attended).reshape(batch, height, width, channels).permute(0, 3, 1, 2)
        return x + out


class Block(nn.Module):
    """Resnets, in blocks with attention each followed by one, then perhaps a resnet that changes the resolution."""

    def __init__(self, config: Config, inners: list[int], out: int, attends: bool, resample: str) -> None:
        super().__init__()
        self.resnets = nn.ModuleList(Resnet(config, inner, out) for inner in inners)
        self.attentions = nn.ModuleList(Attention(config, out) for _ in inners) if attends else None
        self.resampler = Resnet(config, out, out, resample) if resample != "keep" else None

    def layer(self, index: int, x: Tensor, time: Tensor, context: Tensor | None) -> Tensor:
        x = self.resnets[index](x, time)
        return self.attentions[index](x, context) if self.attentions is not None else x


class UNet(nn.Module):
    """`UNet2DConditionModel` and `UNet2DModel` with the blocks above."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        channels, layers = config["block_out_channels"], config["layers_per_block"]
        last = len(channels) - 1
        self.conv_in = nn.Conv2d(config["in_channels"], channels[0], 3, padding=1)
        self.down_blocks, self.up_blocks = nn.ModuleList(), nn.ModuleList()
        for i, (out, kind) in enumerate(zip(channels, config["down_block_types"])):
            inners = [channels[max(i - 1, 0)]] + [out] * (layers - 1)
            self.down_blocks.append(Block(config, inners, out, "CrossAttn" in kind, "down" if i < last else "keep"))
        self.mid_first = Resnet(config, channels[-1], channels[-1])
        attends = "CrossAttn" in config.get("mid_block_type", "")
        self.mid_attention = Attention(config, channels[-1]) if attends else None
        self.mid_last = Resnet(config, channels[-1], channels[-1])
        for i, kind in enumerate(config["up_block_types"]):
            out, before, skip = channels[last - i], channels[min(last - i + 1, last)], channels[max(last - i - 1, 0)]
            inners = [before + out] + [2 * out] * (layers - 1) + [out + skip]
            self.up_blocks.append(Block(config, inners, out, "CrossAttn" in kind, "up" if i < last else "keep"))
        self.conv_norm_out = nn.GroupNorm(GROUPS, channels[0], config["norm_eps"])
        self.conv_out = nn.Conv2d(channels[0], config["out_channels"], 3, padding=1)

    def forward(self, x: Tensor, time: Tensor, context: Tensor | None) -> Tensor:
        x = self.conv_in(x)
        skips = [x]
        for block in self.down_blocks:
            for index in range(len(block.resnets)):
                x = block.layer(index, x, time, context)
                skips.append(x)
            if block.resampler is not None:
                x = block.resampler(x, time)
                skips.append(x)
        x = self.mid_first(x, time)
        x = self.mid_attention(x, context) if self.mid_attention is not None else x
        x = self.mid_last(x, time)
        for block in self.up_blocks:
            for index in range(len(block.resnets)):
                x = block.layer(index, torch.cat([x, skips.pop()], dim=1), time, context)
            x = block.resampler(x, time) if block.resampler is not None else x
        return self.conv_out(F.silu(self.conv_norm_out(x)))


def shrunk(config: Config, by: int) -> Config:
    """A network of the same form that is small enough to try the script with."""
    channels = [max(GROUPS, c // by // GROUPS * GROUPS) for c in config["block_out_channels"]]
    return {**config, "block_out_channels": channels, "sample_size": 16, "attention_head_dim": GROUPS}


def step(config: Config, batch: int, device: str, dtype: torch.dtype, mode: str) -> Any:
    """A call of one compiled step on random input."""
    with torch.device(device):
        unet = UNet(config).to(dtype=dtype, memory_format=torch.channels_last).eval()
        side, width = config["sample_size"], 4 * config["block_out_channels"][0]
        x = torch.randn(batch, config["in_channels"], side, side, dtype=dtype).to(memory_format=torch.channels_last)
        time = torch.randn(batch, width, dtype=dtype)
        context = (
            torch.randn(batch, TOKENS, config["cross_attention_dim"], dtype=dtype)
            if "cross_attention_dim" in config
            else None
        )
    compiled = unet if mode == "eager" else torch.compile(unet, mode=mode)
    return lambda: compiled(x, time, context)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--shrink", type=int, default=1, help="divide the channels by this")
    parser.add_argument("--mode", default="max-autotune", help="torch.compile's mode, or `eager`")
    parser.add_argument("--configs", type=Path, default=Path(__file__).resolve().parents[1] / "karlo-config")
    parser.add_argument("parts", nargs="*", default=list(BATCH))
    arguments = parser.parse_args()
    torch.backends.cudnn.benchmark = True
    torch.manual_seed(0)
    clock = CudaClock() if arguments.device == "cuda" else CpuClock()
    for part in arguments.parts:
        config = json.loads((arguments.configs / part / "config.json").read_text())
        config = config if arguments.shrink == 1 else shrunk(config, arguments.shrink)
        with torch.inference_mode():
            call = step(config, BATCH[part], clock.device, DTYPES["bf16"], arguments.mode)
            for _ in range(3):  # compiles, then records its graph
                call()
            line = {"case": f"step {part}", "dtype": "bf16", "peer": f"torch.compile {arguments.mode}"}
            print(json.dumps({**line, "milliseconds": clock.time_eager(call)}), flush=True)


if __name__ == "__main__":
    main()
