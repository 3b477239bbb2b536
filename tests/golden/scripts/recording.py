"""Recording a run of the reference: its noise, the tensors between its stages, and what is written of them."""

import json
import sys
from pathlib import Path

import reference  # first: it sets up the environment
import diffusers
import numpy as np
import PIL
import safetensors
import tokenizers
import torch
import torch.nn.functional as F
import transformers
from safetensors.torch import save_file


class Noise:
    """Stands in for diffusers' randn_tensor: records draws of one seeded generator, or replays recorded ones."""

    MODULES = (reference.text_to_image_module, reference.variation_module, reference.scheduler_module)

    def __init__(self, seed=None, replay=None):
        self.generator = torch.Generator().manual_seed(seed) if seed is not None else None
        self.draws = []
        self.replay = list(replay) if replay is not None else None

    def __call__(self, shape, generator=None, device=None, dtype=None, layout=None):
        if self.replay is not None:
            draw = self.replay.pop(0)
            assert tuple(draw.shape) == tuple(shape), (draw.shape, shape)
        else:
            draw = torch.randn(tuple(shape), generator=self.generator, dtype=torch.float32)
            self.draws.append(draw)
        return draw.to(dtype or torch.float32)

    def __enter__(self):
        self.originals = [(module, module.randn_tensor) for module in self.MODULES]
        for module, _ in self.originals:
            module.randn_tensor = self
        return self

    def __exit__(self, error_type, *_):
        for module, original in self.originals:
            module.randn_tensor = original
        if self.replay is not None and error_type is None:
            assert not self.replay, "unused noise"

    def named_draws(self):
        return {f"draw.{index:03d}": draw for index, draw in enumerate(self.draws)}


class Golden:
    """What is written: tensors at once, the manifest at the end."""

    def __init__(self, out):
        self.out = Path(out)
        self.files = {}
        self.noise_floor = {}
        self.info = {}

    def save(self, name, tensors, about, **settings):
        """Writes name.safetensors: float64 becomes float32, booleans become bytes."""
        stored = {}
        for key, value in tensors.items():
            value = value if isinstance(value, torch.Tensor) else torch.as_tensor(value)
            if value.dtype == torch.float64:
                value = value.float()
            if value.dtype == torch.bool:
                value = value.to(torch.uint8)
            stored[key] = value.detach().clone().contiguous()
        save_file(stored, str(self.out / f"{name}.safetensors"), {"about": about})
        layout = {key: [str(value.dtype).replace("torch.", ""), list(value.shape)] for key, value in stored.items()}
        self.files[name] = {"about": about, "settings": settings, "tensors": layout}

    def floor(self, name, single, double):
        """Records how far the reference in float32 is from itself in float64."""
        error = (single.double() - double.double()).abs()
        rank = max(1, int(0.999 * error.numel()))
        self.noise_floor[name] = {
            "max_abs": float(error.max()),
            "mean_abs": float(error.mean()),
            "p999": float(error.flatten().kthvalue(rank).values),
            "rel_to_max": float(error.max() / double.abs().max().clamp_min(1e-30)),
            "scale": float(double.abs().max()),
        }

    def write_manifest(self):
        self.info["versions"] = {
            "python": sys.version.split()[0],
            "torch": torch.__version__,
            "diffusers": diffusers.__version__,
            "transformers": transformers.__version__,
            "tokenizers": tokenizers.__version__,
            "safetensors": safetensors.__version__,
            "numpy": np.__version__,
            "pillow": PIL.__version__,
        }
        manifest = {
            "set": "A",
            "info": self.info,
            "reference_f32_vs_f64": self.noise_floor,
            "files": self.files,
        }
        (self.out / "manifest.json").write_text(json.dumps(manifest, indent=1))


def doubled(*tensors):
    return [tensor.double() for tensor in tensors]


def bicubic(image, size):
    """The pipelines' upscale: NCHW to size x size, bicubic with antialias."""
    return F.interpolate(image, size=[size, size], mode="bicubic", align_corners=False, antialias=True)


def to_bytes(image):
    """What diffusers' numpy_to_pil stores: [0, 1] to levels of 255, half to even."""
    return torch.from_numpy((image.numpy() * 255).round().astype("uint8"))


def hook_outputs(module, names, store, prefix, keep=lambda output: output):
    """Hooks that store the outputs of the submodules `names(path)` selects under prefix + path."""

    def remember(name):
        def hook(_module, _inputs, output):
            if isinstance(output, tuple):
                output = output[0]
            elif hasattr(output, "sample"):
                output = output.sample
            store[prefix + name] = keep(output)

        return hook

    return [sub.register_forward_hook(remember(name)) for name, sub in module.named_modules() if names(name)]


def trace_steps(scheduler, stage, trace):
    """Records what goes into and comes out of every `scheduler.step`; returns what undoes it."""
    original = scheduler.step
    counts = trace.setdefault("_counts", {})

    def step(*arguments, **options):
        result = original(*arguments, **options)
        index = counts.get(stage, 0)
        counts[stage] = index + 1
        trace[f"{stage}.model_output.{index:02d}"] = arguments[0]
        trace[f"{stage}.latents.{index:02d}"] = result.prev_sample
        return result

    scheduler.step = step
    return lambda: scheduler.__dict__.pop("step")


def trace_inputs(module, trace, pick):
    """Records `pick(keyword arguments)` of every call of `module`; returns what undoes it."""
    hook = module.register_forward_pre_hook(
        lambda _module, _inputs, keywords: trace.update(pick(keywords)), with_kwargs=True
    )
    return hook.remove


def upscaled_input(keywords):
    return {"image_upscaled": keywords["sample"][:, 3:]}


def run_text_to_image(pipe, prompts, settings, noise, trace=None, **options):
    """The unmodified UnCLIPPipeline: images, NHWC in [0, 1]; every stage's tensors go into `trace`."""
    undo = []
    if trace is not None:
        undo.append(trace_steps(pipe.prior_scheduler, "prior", trace))
        undo.append(trace_steps(pipe.decoder_scheduler, "decoder", trace))
        undo.append(trace_steps(pipe.super_res_scheduler, "super_res", trace))
        text_proj_inputs = ("image_embeddings", "prompt_embeds", "text_encoder_hidden_states")
        undo.append(trace_inputs(pipe.text_proj, trace, lambda given: {key: given[key] for key in text_proj_inputs}))
        decoder_inputs = ("encoder_hidden_states", "class_labels", "attention_mask")
        undo.append(
            trace_inputs(pipe.decoder, trace, lambda given: {f"decoder.{key}": given[key] for key in decoder_inputs})
        )
        undo.append(trace_inputs(pipe.super_res_first, trace, upscaled_input))
    try:
        with noise, torch.no_grad():
            images = pipe(
                prompts,
                prior_num_inference_steps=settings["prior_steps"],
                decoder_num_inference_steps=settings["decoder_steps"],
                super_res_num_inference_steps=settings["sr_steps"],
                prior_guidance_scale=settings["prior_g"],
                decoder_guidance_scale=settings["decoder_g"],
                output_type="np",
                **options,
            ).images
    finally:
        for restore in undo:
            restore()
    if trace is not None:
        last = trace.pop("_counts")["decoder"] - 1
        trace["image_small"] = trace[f"decoder.latents.{last:02d}"].clamp(-1, 1)
        trace["prior.timesteps"] = pipe.prior_scheduler.timesteps
        trace["decoder.timesteps"] = pipe.decoder_scheduler.timesteps
        trace["super_res.timesteps"] = pipe.super_res_scheduler.timesteps
    return torch.from_numpy(np.asarray(images))


def run_variation(pipe, images, settings, noise, trace=None):
    """The unmodified UnCLIPImageVariationPipeline: images, NHWC in [0, 1]."""
    undo = []
    if trace is not None:
        undo.append(trace_inputs(pipe.text_proj, trace, lambda given: {"image_embeddings": given["image_embeddings"]}))
        undo.append(trace_inputs(pipe.super_res_first, trace, upscaled_input))
    try:
        with noise:
            result = pipe(
                images,
                decoder_num_inference_steps=settings["decoder_steps"],
                super_res_num_inference_steps=settings["sr_steps"],
                decoder_guidance_scale=settings["decoder_g"],
                output_type="np",
            ).images
            return torch.from_numpy(np.asarray(result))
    finally:
        for restore in undo:
            restore()
