#!/usr/bin/env python3
"""What the embedded model gives in a few steps of every loop, and how far PyTorch is from that in fewer bits.

Writes emoji/short.safetensors: what the unmodified pipeline gives in float64 with draws of golden_emoji, and the first
and the last call of every network, inputs and outputs. Beside it short.json: for each output PyTorch's own error against float64, in float32
(of the whole run as well) and in float16 and bfloat16 (of each call alone, network and inputs rounded), and the versions.
"""

import argparse
import json
import platform
from pathlib import Path

import reference  # first: it sets up the environment
import diffusers
import torch
import transformers
from recording import Noise, run_text_to_image
from safetensors.torch import load_file, save_file

GOLDEN = reference.DEFAULT_OUT.parent
MODEL = GOLDEN.parent.parent / "workflows" / "models" / "emoji-unclip"
PROMPT = "a flat apple on a blue background"
# At t = 999 a rounding of the noise's estimate is divided by 5e-5: with fewer steps after it, single pixels flip.
RUN = {"prior_steps": 2, "decoder_steps": 5, "sr_steps": 4, "prior_g": 2.0, "decoder_g": 3.0}
DTYPES = (torch.float32, torch.float16, torch.bfloat16)
# Super resolution is recorded on a part of its picture: what it does is the same everywhere.
CROP = slice(48, 80)


def error(found, exact):
    """How far `found` is from `exact`; `relative` is that of the norms."""
    difference = found.double() - exact
    return {
        "max_abs": float(difference.abs().max()),
        "mean_abs": float(difference.abs().mean()),
        "relative": float(difference.norm() / exact.norm()),
    }


def name_of(dtype):
    return str(dtype).removeprefix("torch.")


def pipeline(dtype):
    pipe = reference.load_pipeline(MODEL)
    for name in reference.NETWORKS:
        getattr(pipe, name).to(dtype).eval()
    return pipe


def draws():
    """The first draws of every loop of the recorded run, in the order in which the pipeline draws."""
    recorded = load_file(GOLDEN / "emoji" / "golden_emoji.safetensors")
    rows = [("prior_noise", "prior_steps"), ("decoder_noise", "decoder_steps"), ("sr_noise", "sr_steps")]
    return [recorded[key][row : row + 1] for key, steps in rows for row in range(RUN[steps])]


def run(pipe):
    trace = {}
    trace["image"] = run_text_to_image(pipe, PROMPT, RUN, Noise(replay=draws()), trace)
    # The embedding after the last step, as the text projection gets it.
    trace["image_embeds"] = trace["image_embeddings"]
    return {name: trace[name] for name in ("image_embeds", "image_small", "image")}


class Calls:
    """The calls of every network of a run, with their inputs by name."""

    # How the pipeline names what it gives by position.
    POSITIONS = {"prior": ["hidden_states", "timestep"], "text_encoder": ["input_ids"]}

    def __init__(self, pipe):
        self.inputs = {name: [] for name in reference.NETWORKS}
        self.hooks = [
            getattr(pipe, name).register_forward_pre_hook(self.hook(name), with_kwargs=True) for name in self.inputs
        ]

    def hook(self, network):
        def remember(_module, positional, named):
            given = dict(zip(self.POSITIONS.get(network, ["sample", "timestep"]), positional)) | named
            tensors = {key: torch.as_tensor(value) for key, value in given.items() if key != "return_dict"}
            self.inputs[network].append({key: value for key, value in tensors.items() if value.dim() or key == "timestep"})

        return remember

    def remove(self):
        for hook in self.hooks:
            hook.remove()


def stored(value):
    """An input as it is recorded, and as every dtype gets it."""
    if value.dtype == torch.bool:
        return value.to(torch.uint8)
    return value.float() if value.is_floating_point() else value


def outputs(network, module, inputs, dtype):
    """What a network gives for recorded inputs."""
    given = {key: value.to(dtype) if value.is_floating_point() else value for key, value in inputs.items()}
    if "attention_mask" in given:
        given["attention_mask"] = given["attention_mask"].bool()
    flags = {"do_classifier_free_guidance": True} if network == "text_proj" else {}
    with torch.no_grad():
        result = module(**given, **flags)
    if network == "text_encoder":
        return {"text_embeds": result.text_embeds, "last_hidden_state": result.last_hidden_state}
    if network == "text_proj":
        return dict(zip(["encoder_hidden_states", "additive_clip_time_embeddings"], result))
    return {"out": result[0] if isinstance(result, tuple) else next(iter(result.values()))}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=GOLDEN / "emoji", help="folder (%(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads (%(default)s)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    exact = pipeline(torch.float64)
    calls = Calls(exact)
    tensors = run(exact)
    calls.remove()
    figures = {}
    for name, value in run(pipeline(torch.float32)).items():
        figures[f"run.{name}"] = {
            "scale": float(tensors[name].abs().max()), "float32": error(value, tensors[name].double())
        }
    tensors = {f"run.{name}": value for name, value in tensors.items()}

    pipes = {dtype: pipeline(dtype) for dtype in DTYPES}
    for network, of_network in calls.inputs.items():
        for index, inputs in enumerate(of_network[:1] + of_network[1:][-1:]):
            call = f"{network}.{index}"
            inputs = {key: stored(value) for key, value in inputs.items()}
            if network.startswith("super_res"):
                inputs["sample"] = inputs["sample"][:, :, CROP, CROP]
            tensors |= {f"{call}.{key}": value for key, value in inputs.items()}
            wanted = outputs(network, getattr(exact, network), inputs, torch.float64)
            found = {dtype: outputs(network, getattr(pipe, network), inputs, dtype) for dtype, pipe in pipes.items()}
            for key, want in wanted.items():
                tensors[f"{call}.{key}"] = want
                figures[f"{call}.{key}"] = {"scale": float(want.abs().max())} | {
                    name_of(dtype): error(of_dtype[key], want) for dtype, of_dtype in found.items()
                }

    about = {"torch": torch.__version__, "diffusers": diffusers.__version__, "transformers": transformers.__version__}
    about |= {"python": platform.python_version(), "threads": arguments.threads, "prompt": PROMPT, "run": RUN}
    written = {name: stored(value).contiguous().clone() for name, value in tensors.items()}
    save_file(written, str(arguments.out / "short.safetensors"), {"about": "see make_embedded.py"})
    text = json.dumps({"about": about, "errors_against_float64": figures}, indent=1)
    (arguments.out / "short.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
