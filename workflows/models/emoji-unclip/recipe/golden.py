#!/usr/bin/env python3
"""Records one run of diffusers' UnCLIPPipeline: float32 arithmetic on the stored weights, every draw, every stage.

Output: OUT (safetensors; its metadata says how the rows of the noise tensors are meant) and the picture beside it.
"""

import argparse
import sys
from pathlib import Path

import diffusers.schedulers.scheduling_unclip as scheduler_module
import numpy as np
import torch
from paths import HERE
from PIL import Image
from safetensors.torch import save_file
from sample import add_pipeline_arguments, load_pipeline

DEFAULT_OUT = HERE / "work" / "golden_emoji.safetensors"
SEED = 0
NOTE = (
    "rows of *_noise: 0 = initial latents, k = variance noise of step k-1 (the last step draws none); "
    "cond/uncond order as in diffusers: uncond first"
)


class Recording:
    """Replaces parts of a pipeline by ones that keep what passes."""

    def __init__(self, pipeline):
        self.pipeline = pipeline
        self.tensors = {}
        self.draws, self.latents = [], []
        self.outputs = {"prior": [], "decoder": [], "sr": []}
        self._record_draws()
        self._record_steps()
        self._record_conditioning()
        for name, stage in (
            ("prior", "prior"),
            ("decoder", "decoder"),
            ("super_res_first", "sr"),
            ("super_res_last", "sr"),
        ):
            getattr(pipeline, name).register_forward_hook(self._output_hook(stage))
        pipeline.super_res_first.register_forward_pre_hook(self._record_upscaled, with_kwargs=True)

    def _record_draws(self):
        pipeline_module = sys.modules[type(self.pipeline).__module__]
        original = pipeline_module.randn_tensor

        def randn_tensor(shape, generator=None, device=None, dtype=None, **_):
            draw = original(shape, generator=generator, device=device, dtype=dtype)
            self.draws.append(draw.clone())
            return draw

        pipeline_module.randn_tensor = scheduler_module.randn_tensor = randn_tensor

    def _record_steps(self):
        original = scheduler_module.UnCLIPScheduler.step

        def step(scheduler, *arguments, **options):
            result = original(scheduler, *arguments, **options)
            self.latents.append(result.prev_sample.clone())
            return result

        scheduler_module.UnCLIPScheduler.step = step

    def _record_conditioning(self):
        post_process = self.pipeline.prior.post_process_latents
        project = self.pipeline.text_proj.forward

        def keep_embedding(latents):
            embedding = post_process(latents)
            self.tensors["prior_latents"] = latents.clone()
            self.tensors["image_embeds"] = embedding.clone()
            return embedding

        def keep_projection(**options):
            hidden, added = project(**options)
            self.tensors["decoder_hidden"] = hidden.clone()
            self.tensors["decoder_class"] = added.clone()
            return hidden, added

        self.pipeline.prior.post_process_latents = keep_embedding
        self.pipeline.text_proj.forward = keep_projection

    def _output_hook(self, stage):
        def hook(_module, _inputs, output):
            value = output.predicted_image_embedding if stage == "prior" else getattr(output, "sample", None)
            self.outputs[stage].append(output[0] if value is None else value)

        return hook

    def _record_upscaled(self, _module, _inputs, keywords):
        if "image_upscaled_mean" not in self.tensors:
            self.tensors["image_upscaled_mean"] = keywords["sample"][:, 3:].clone().mean((2, 3))

    def record_text(self, prompt):
        tokenizer = self.pipeline.tokenizer
        batch = tokenizer(
            [prompt, ""],
            padding="max_length",
            max_length=tokenizer.model_max_length,
            truncation=True,
            return_tensors="pt",
        )
        with torch.no_grad():
            encoded = self.pipeline.text_encoder(batch.input_ids)
        self.tensors["input_ids"] = batch.input_ids
        self.tensors["attention_mask"] = batch.attention_mask
        self.tensors["text_embeds"] = encoded.text_embeds
        self.tensors["text_hidden"] = encoded.last_hidden_state

    def finish(self, image, prior_steps, decoder_steps, super_res_steps):
        """All tensors by name; image: [1, height, width, 3] in 0..1."""
        total = prior_steps + decoder_steps + super_res_steps
        assert len(self.draws) == len(self.latents) == total
        decoding = prior_steps + decoder_steps
        tensors = self.tensors
        tensors["prior_noise"] = torch.cat(self.draws[:prior_steps])
        tensors["decoder_noise"] = torch.cat(self.draws[prior_steps:decoding])
        tensors["sr_noise"] = torch.cat(self.draws[decoding:])
        for stage, outputs in self.outputs.items():
            tensors[f"{stage}_first_output"] = outputs[0]
        tensors["prior_trajectory"] = torch.cat(self.latents[:prior_steps])
        tensors["decoder_latents_mid"] = self.latents[prior_steps + decoder_steps // 2 - 1]
        tensors["image_small"] = self.latents[decoding - 1].clamp(-1, 1)
        tensors["image"] = torch.from_numpy(image)
        return {name: tensor.contiguous() for name, tensor in tensors.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prompt", nargs="?", default="a flat apple on a blue background", help="(%(default)s)")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="(%(default)s)")
    parser.add_argument("--steps", type=int, nargs=3, default=[25, 25, 7], help="prior, decoder, super res (25 25 7)")
    add_pipeline_arguments(parser)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    pipeline = load_pipeline(args.model)
    recording = Recording(pipeline)
    recording.record_text(args.prompt)
    prior_steps, decoder_steps, super_res_steps = args.steps
    image = pipeline(
        args.prompt,
        generator=torch.Generator().manual_seed(SEED),
        prior_guidance_scale=args.prior_guidance,
        decoder_guidance_scale=args.decoder_guidance,
        prior_num_inference_steps=prior_steps,
        decoder_num_inference_steps=decoder_steps,
        super_res_num_inference_steps=super_res_steps,
        output_type="np",
    ).images
    metadata = {
        "prompt": args.prompt,
        "prior_guidance_scale": str(args.prior_guidance),
        "decoder_guidance_scale": str(args.decoder_guidance),
        "steps": ",".join(map(str, args.steps)),
        "note": NOTE,
    }
    args.out.parent.mkdir(parents=True, exist_ok=True)
    save_file(recording.finish(image, *args.steps), str(args.out), metadata)
    Image.fromarray((image[0] * 255).round().astype(np.uint8)).save(args.out.with_suffix(".png"))
    print(f"{args.out}: {args.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
