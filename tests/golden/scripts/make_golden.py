#!/usr/bin/env python3
"""Runs every component and the whole pipelines of the tiny models with explicit noise; stores inputs and outputs.

Run make_tiny.py first. Writes *.safetensors, tokenizer_cases.json and manifest.json beside the models. The manifest
says what each tensor is, the settings of each run, library versions, and for each output the difference between the
reference in float32 and in float64. Random draws are recorded in order ("draw.000", ...): replaying them needs no torch
generator.
"""

import argparse
import inspect
import json
import os
from pathlib import Path

import reference  # first: it sets up the environment
import numpy as np
import PIL
import testimg
import torch
import torch.nn.functional as F
from cases import (
    CONTEXT_LENGTH,
    PROMPTS,
    RUN,
    SCHEDULER_KINDS,
    SCHEDULER_STEPS,
    SHORT_RUN,
    TOKENIZER_TEXTS,
    ZERO_SHOT_LABELS,
)
from diffusers import UnCLIPImageVariationPipeline, UnCLIPScheduler
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker, cosine_distance
from recording import (
    Golden,
    Noise,
    bicubic,
    doubled,
    hook_outputs,
    run_text_to_image,
    run_variation,
    to_bytes,
)
from reference import ImageProcessor
from transformers import CLIPModel, CLIPTokenizer, CLIPVisionModelWithProjection


class Recorder:
    """Makes the goldens, one method per file. The methods share one generator, so their order is part of the result."""

    def __init__(self, out):
        self.golden = Golden(out)
        self.models = self.golden.out / "models"
        self.pipe = reference.load_pipeline(self.models / "pipeline")
        self.pipe64 = reference.load_pipeline(self.models / "pipeline")
        for name in reference.NETWORKS:
            getattr(self.pipe, name).eval()
            getattr(self.pipe64, name).to(torch.float64).eval()
        self.images = testimg.write(self.golden.out / "images")
        self.generator = torch.Generator().manual_seed(RUN["seed"] + 1)

    def randn(self, *shape):
        return torch.randn(*shape, generator=self.generator)

    def processor(self, folder):
        return ImageProcessor.from_pretrained(str(self.models / folder))

    def pixels(self, processor):
        """Every test picture preprocessed, [picture, 3, height, width]."""
        prepared = [processor(images=image, return_tensors="pt").pixel_values for _, image in self.images]
        return torch.cat(prepared)

    def image_names(self, count=None):
        return [name for name, _ in self.images[:count]]

    def tokenizer(self):
        full = CLIPTokenizer.from_pretrained(str(self.models / "tokenizer_full"))
        clip = CLIPTokenizer.from_pretrained(str(self.models / "clip"))

        def ids(tokenizer, text):
            padded = tokenizer([text], padding="max_length", max_length=CONTEXT_LENGTH, truncation=True)
            return {
                "ids": tokenizer(text).input_ids,
                "padded_ids": padded["input_ids"][0],
                "mask": padded["attention_mask"][0],
            }

        cases = [
            {
                "text": text,
                "tokenizer_full": ids(full, text),
                "pipeline_tokenizer": ids(self.pipe.tokenizer, text),
                "clip_tokenizer": ids(clip, text),
            }
            for text in TOKENIZER_TEXTS + PROMPTS
        ]
        about = (
            "ids: add_special_tokens, no truncation. padded_ids/mask: padding=max_length(77), truncation=True. "
            "tokenizer_full is models/tokenizer_full"
        )
        content = json.dumps({"about": about, "cases": cases}, ensure_ascii=True, separators=(",", ":"))
        (self.golden.out / "tokenizer_cases.json").write_text(content)

    def text_encoder(self):
        """Also leaves the conditioning for the next methods: batch of unconditional, then conditional prompts."""

        def tokens(texts):
            return self.pipe.tokenizer(
                texts, padding="max_length", max_length=CONTEXT_LENGTH, truncation=True, return_tensors="pt"
            )

        cond = tokens(PROMPTS)
        uncond = tokens([""] * len(PROMPTS))
        with torch.no_grad():
            out = self.pipe.text_encoder(cond.input_ids)
            out_uncond = self.pipe.text_encoder(uncond.input_ids)
            out64 = self.pipe64.text_encoder(cond.input_ids)
        self.golden.save(
            "text_encoder",
            {
                "input_ids": cond.input_ids,
                "attention_mask": cond.attention_mask,
                "last_hidden_state": out.last_hidden_state,
                "text_embeds": out.text_embeds,
                "uncond.input_ids": uncond.input_ids,
                "uncond.attention_mask": uncond.attention_mask,
                "uncond.last_hidden_state": out_uncond.last_hidden_state,
                "uncond.text_embeds": out_uncond.text_embeds,
            },
            "CLIPTextModelWithProjection on the prompts and on the empty prompt (no attention mask passed); "
            "attention_mask is the tokenizer's",
            prompts=PROMPTS,
        )
        self.golden.floor("text_encoder.last_hidden_state", out.last_hidden_state, out64.last_hidden_state)
        self.golden.floor("text_encoder.text_embeds", out.text_embeds, out64.text_embeds)
        self.text_embeds = torch.cat([out_uncond.text_embeds, out.text_embeds])
        self.text_states = torch.cat([out_uncond.last_hidden_state, out.last_hidden_state])
        self.text_mask = torch.cat([uncond.attention_mask, cond.attention_mask]).bool()

    def prior_step(self):
        batch = len(PROMPTS)
        dim = self.pipe.prior.config.embedding_dim
        tensors = {
            "hidden_states": self.randn(2 * batch, dim),
            "proj_embedding": self.text_embeds,
            "encoder_hidden_states": self.text_states,
            "attention_mask": self.text_mask,
        }
        given = (self.text_embeds, self.text_states)

        def prior(timestep, mask):
            out = self.pipe.prior(tensors["hidden_states"], torch.tensor(timestep), *given, mask)
            return out.predicted_image_embedding

        with torch.no_grad():
            for timestep in (999, 416, 0):
                tensors[f"predicted_image_embedding.t{timestep}"] = prior(timestep, self.text_mask)
            out64 = self.pipe64.prior(
                *doubled(tensors["hidden_states"]), torch.tensor(416), *doubled(*given), self.text_mask
            )
            tensors["predicted_image_embedding.t416.no_mask"] = prior(416, None)
            tensors["post_process.in"] = self.randn(batch, dim)
            tensors["post_process.out"] = self.pipe.prior.post_process_latents(tensors["post_process.in"])
        self.golden.floor(
            "prior_step.predicted_image_embedding",
            tensors["predicted_image_embedding.t416"],
            out64.predicted_image_embedding,
        )
        self.golden.save(
            "prior_step",
            tensors,
            "PriorTransformer forward at timesteps 999, 416, 0 (batch = uncond then cond); and post_process_latents",
        )

    def text_proj(self):
        """Also leaves the decoder's conditioning for the next method."""
        batch = len(PROMPTS)

        def project(pipe, image_embeds, text_embeds, text_states, guided):
            return pipe.text_proj(
                image_embeddings=image_embeds,
                prompt_embeds=text_embeds,
                text_encoder_hidden_states=text_states,
                do_classifier_free_guidance=guided,
            )

        with torch.no_grad():
            image_embeds = self.randn(batch, self.pipe.prior.config.embedding_dim)
            states, added = project(self.pipe, image_embeds, self.text_embeds, self.text_states, True)
            states_unguided, added_unguided = project(
                self.pipe, image_embeds, self.text_embeds[batch:], self.text_states[batch:], False
            )
            states64, added64 = project(self.pipe64, *doubled(image_embeds, self.text_embeds, self.text_states), True)
        self.golden.floor("text_proj.encoder_hidden_states", states, states64)
        self.golden.floor("text_proj.additive_clip_time_embeddings", added, added64)
        self.golden.save(
            "text_proj",
            {
                "image_embeddings": image_embeds,
                "prompt_embeds": self.text_embeds,
                "text_encoder_hidden_states": self.text_states,
                "cfg.encoder_hidden_states": states,
                "cfg.additive_clip_time_embeddings": added,
                "nocfg.encoder_hidden_states": states_unguided,
                "nocfg.additive_clip_time_embeddings": added_unguided,
            },
            "UnCLIPTextProjModel with and without guidance "
            "(nocfg uses the second half of prompt_embeds and text_encoder_hidden_states)",
        )
        self.decoder_states, self.decoder_added = states, added

    def decoder_step(self):
        batch = len(PROMPTS)
        decoder = self.pipe.decoder
        size = decoder.config.sample_size
        mask = F.pad(self.text_mask, (self.pipe.text_proj.config.clip_extra_context_tokens, 0), value=True)
        sample = self.randn(2 * batch, 3, size, size)
        tensors = {
            "sample": sample,
            "encoder_hidden_states": self.decoder_states,
            "class_labels": self.decoder_added,
            "attention_mask": mask,
        }
        inner = {}

        def worth_keeping(name):
            parts = name.split(".")
            ends = ("time_proj", "time_embedding", "conv_in", "mid_block", "conv_norm_out", "conv_out")
            in_block = parts[0] in ("down_blocks", "up_blocks") and len(parts) in (2, 4)
            return name in ends or in_block or (parts[0] == "mid_block" and len(parts) == 3)

        def time_embedding(_module, inputs, keywords):
            inner["inner.emb"] = inputs[1] if len(inputs) > 1 else keywords["temb"]

        hooks = hook_outputs(decoder, worth_keeping, inner, "inner.")
        first_resnet = decoder.down_blocks[0].resnets[0]
        hooks.append(first_resnet.register_forward_pre_hook(time_embedding, with_kwargs=True))

        def forward(timestep):
            return decoder(
                sample,
                torch.tensor(timestep),
                encoder_hidden_states=self.decoder_states,
                class_labels=self.decoder_added,
                attention_mask=mask,
            ).sample

        with torch.no_grad():
            tensors["out.t500"] = forward(500)
            for hook in hooks:
                hook.remove()
            tensors["out.t0"] = forward(0)
            out64 = self.pipe64.decoder(
                sample.double(),
                torch.tensor(500),
                encoder_hidden_states=self.decoder_states.double(),
                class_labels=self.decoder_added.double(),
                attention_mask=mask,
            ).sample
        self.golden.floor("decoder_step.out", tensors["out.t500"], out64)
        for name, value in inner.items():
            tensors[name] = value[[0, batch]] if value.shape[0] == 2 * batch else value
        self.golden.save(
            "decoder_step",
            tensors,
            "UNet2DConditionModel forward at t=500 and t=0; inner.* are submodule outputs at t=500 (set A only), "
            "batch items 0 and batch/2 only",
        )

    def super_res_step(self):
        batch = len(PROMPTS)
        first = self.pipe.super_res_first
        size = first.config.sample_size
        small_size = self.pipe.decoder.config.sample_size
        sample = self.randn(batch, 6, size, size)
        tensors = {"sample": sample}
        inner = {}

        def worth_keeping(name):
            parts = name.split(".")
            ends = ("time_proj", "time_embedding", "conv_in", "mid_block", "conv_norm_out")
            return name in ends or (parts[0] in ("down_blocks", "up_blocks") and len(parts) == 2)

        hooks = hook_outputs(first, worth_keeping, inner, "first.inner.", keep=lambda output: output[:1])
        with torch.no_grad():
            tensors["first.out.t832"] = first(sample, torch.tensor(832)).sample
            for hook in hooks:
                hook.remove()
            tensors["last.out.t0"] = self.pipe.super_res_last(sample, torch.tensor(0)).sample
            out64 = self.pipe64.super_res_first(sample.double(), torch.tensor(832)).sample
            small = torch.rand(batch, 3, small_size, small_size, generator=self.generator) * 2 - 1
            tensors["upscale.in"] = small
            tensors["upscale.out"] = bicubic(small, size)
            small = torch.rand(1, 3, 64, 64, generator=self.generator) * 2 - 1
            tensors["upscale64.in"] = small[:, :1]
            tensors["upscale64.out"] = bicubic(small[:, :1], 256)
        self.golden.floor("super_res_step.first", tensors["first.out.t832"], out64)
        tensors.update(inner)
        self.golden.save(
            "super_res_step",
            tensors,
            "UNet2DModel super_res_first at t=832 and super_res_last at t=0; antialiased bicubic upscale "
            "(F.interpolate antialias=True, align_corners=False); first.inner.* keep batch item 0 only",
        )

    def scheduler(self):
        tensors = {}
        for steps in (2, 5, 7, 10, 11, 13, 25, 50, 100, 1000):
            scheduler = UnCLIPScheduler()
            scheduler.set_timesteps(steps)
            tensors[f"timesteps.{steps}"] = scheduler.timesteps
        scheduler = UnCLIPScheduler()
        tensors["betas"] = scheduler.betas
        tensors["alphas_cumprod"] = scheduler.alphas_cumprod
        cases = []
        for variance, prediction, clip, clip_range in SCHEDULER_KINDS:
            scheduler = UnCLIPScheduler(
                variance_type=variance, prediction_type=prediction, clip_sample=clip, clip_sample_range=clip_range
            )
            learned = variance == "learned_range"
            for timestep, previous in SCHEDULER_STEPS:
                index = len(cases)
                sample = self.randn(2, 3, 4, 5)
                model_output = self.randn(2, 6 if learned else 3, 4, 5)
                if learned:
                    model_output[:, 3:] = model_output[:, 3:].clamp(-1.5, 1.5)
                noise = Noise(seed=RUN["seed"] * 100 + index)
                with noise:
                    out = scheduler.step(
                        model_output,
                        torch.tensor(timestep),
                        sample,
                        prev_timestep=None if previous is None else torch.tensor(previous),
                    )
                name = f"case{index:02d}"
                tensors[f"{name}.sample"] = sample
                tensors[f"{name}.model_output"] = model_output
                tensors[f"{name}.prev_sample"] = out.prev_sample
                tensors[f"{name}.pred_original_sample"] = out.pred_original_sample
                if noise.draws:
                    tensors[f"{name}.noise"] = noise.draws[0]
                cases.append(
                    {
                        "case": index,
                        "variance_type": variance,
                        "prediction_type": prediction,
                        "clip_sample": clip,
                        "clip_sample_range": clip_range,
                        "timestep": timestep,
                        "prev_timestep": previous,
                        "noise_drawn": bool(noise.draws),
                    }
                )
        x0 = self.randn(3, 3, 4, 4)
        noise = self.randn(3, 3, 4, 4)
        timesteps = torch.tensor([0, 500, 999])
        tensors["add_noise.x0"] = x0
        tensors["add_noise.noise"] = noise
        tensors["add_noise.t"] = timesteps
        tensors["add_noise.out"] = UnCLIPScheduler().add_noise(x0, noise, timesteps)
        self.golden.save(
            "scheduler",
            tensors,
            "UnCLIPScheduler: betas, alphas_cumprod, timesteps for several step counts, step() for each "
            "variance/prediction type, add_noise",
            cases=cases,
        )

    def text_to_image(self):
        noise = Noise(seed=RUN["seed"])
        trace, trace64 = {}, {}
        image = run_text_to_image(self.pipe, PROMPTS, RUN, noise, trace)
        image64 = run_text_to_image(self.pipe64, PROMPTS, RUN, Noise(replay=noise.draws), trace64)
        for stage in ("image_embeddings", "image_small", "image_upscaled"):
            self.golden.floor(f"pipeline_t2i.{stage}", trace[stage], trace64[stage])
        self.golden.floor("pipeline_t2i.image", image, image64)
        self.golden.info["t2i_saturated_fraction"] = float(((image == 0) | (image == 1)).float().mean())
        self.golden.info["t2i_image_std"] = float(image.std())
        self.golden.save(
            "pipeline_t2i",
            {**noise.named_draws(), **trace, "image": image, "image_u8": to_bytes(image)},
            "UnCLIPPipeline end to end. draw.* in order of use: prior latents, one per prior step except the last, "
            "decoder latents, one per decoder step except the last, super-res latents, one per super-res step except "
            "the last. *.model_output is after guidance (decoder: 3 noise + 3 variance channels); *.latents after "
            "scheduler.step. image is NHWC in [0,1].",
            prompts=PROMPTS,
            **RUN,
        )
        for dtype, name in ((torch.bfloat16, "bf16"), (torch.float16, "f16")):
            self.golden.info[f"t2i_{name}_vs_f64"] = self.half_precision_error(dtype, noise.draws, image64)

    def half_precision_error(self, dtype, draws, image64):
        """How far the reference in half precision is from float64: what a half-precision implementation can reach."""
        pipe = reference.load_pipeline(self.models / "pipeline")
        for name in reference.NETWORKS:
            getattr(pipe, name).to(dtype).eval()
        interpolate = F.interpolate

        def interpolate_in_single(x, **options):
            """torch's CPU antialiased upscale has no half kernel: that one operation runs in float32."""
            if options.get("antialias"):
                return interpolate(x.float(), **options).to(x.dtype)
            return interpolate(x, **options)

        interpolate_in_single.__signature__ = inspect.signature(interpolate)  # the pipeline looks for `antialias`
        F.interpolate = interpolate_in_single
        try:
            image = run_text_to_image(pipe, PROMPTS, RUN, Noise(replay=draws))
        except Exception as error:  # noqa: BLE001, an old version without that kernel: the manifest says so
            return repr(error)[:200]
        finally:
            F.interpolate = interpolate
        error = (image.double() - image64.double()).abs()
        return {
            "mean_abs": float(error.mean()),
            "max_abs": float(error.max()),
            "psnr_db": float(-10 * torch.log10((error**2).mean())),
        }

    def text_to_image_variants(self):
        """No guidance, two images per prompt, guidance in the prior only."""
        variants = (
            ("nocfg", PROMPTS[:1], {**SHORT_RUN, "prior_g": 1.0, "decoder_g": 1.0}, {}),
            ("two_per_prompt", PROMPTS, SHORT_RUN, {"num_images_per_prompt": 2}),
            ("prior_cfg_only", PROMPTS[:1], {**SHORT_RUN, "decoder_g": 1.0}, {}),
        )
        for name, prompts, settings, options in variants:
            noise = Noise(seed=RUN["seed"] + 5)
            trace = {}
            image = run_text_to_image(self.pipe, prompts, settings, noise, trace, **options)
            image64 = run_text_to_image(self.pipe64, prompts, settings, Noise(replay=noise.draws), **options)
            self.golden.floor(f"pipeline_t2i_{name}.image", image, image64)
            self.golden.save(
                f"pipeline_t2i_{name}",
                {
                    **noise.named_draws(),
                    "image_embeddings": trace["image_embeddings"],
                    "image_small": trace["image_small"],
                    "image": image,
                    "image_u8": to_bytes(image),
                },
                "UnCLIPPipeline variant",
                prompts=prompts,
                **settings,
                **options,
            )

    def image_processor(self):
        """Also leaves the tiny models' pixel values for the next method."""
        tensors, cases = {}, []

        def prepare(tag, processor, name, image):
            rgb = image.convert("RGB")
            edge = processor.size["shortest_edge"]
            width, height = rgb.size
            size = (edge, int(edge * height / width)) if width <= height else (int(edge * width / height), edge)
            resized = np.asarray(rgb.resize(size, PIL.Image.BICUBIC)).copy()
            tensors[f"{tag}.resized_u8"] = torch.from_numpy(resized)
            tensors[f"{tag}.pixel_values"] = processor(images=image, return_tensors="pt").pixel_values
            cases.append(
                {
                    "tag": tag,
                    "image": name,
                    "shortest_edge": edge,
                    "crop": processor.crop_size["height"],
                    "resized_wh": list(size),
                }
            )

        tiny = self.processor("image_variation/feature_extractor")
        for index, (name, image) in enumerate(self.images):
            prepare(f"tiny{index}", tiny, name, image)
        # The published Karlo feature extractor: CLIP's defaults, 224 pixels.
        karlo = ImageProcessor(size={"shortest_edge": 224}, crop_size={"height": 224, "width": 224})
        prepare("karlo224", karlo, *self.images[-1])
        whole = tensors.pop("karlo224.pixel_values")
        tensors["karlo224.pixel_values_every_8th_row"] = whole[:, :, ::8]
        self.golden.save(
            "image_processor",
            tensors,
            "CLIPImageProcessor, PIL backend (the classic one): PIL bicubic resize of the RGB image (resized_u8, HWC), "
            "centre crop, /255, normalise (pixel_values, NCHW)",
            cases=cases,
        )
        self.tiny_pixels = torch.cat([tensors[f"tiny{index}.pixel_values"] for index in range(len(self.images))])

    def variation(self):
        """The image encoder, then the whole variation pipeline."""
        folder = str(self.models / "image_variation" / "image_encoder")
        encoder = CLIPVisionModelWithProjection.from_pretrained(folder).eval()
        encoder64 = CLIPVisionModelWithProjection.from_pretrained(folder).double().eval()
        with torch.no_grad():
            out = encoder(self.tiny_pixels)
            out64 = encoder64(self.tiny_pixels.double())
        self.golden.floor("image_encoder.image_embeds", out.image_embeds, out64.image_embeds)
        self.golden.save(
            "image_encoder",
            {
                "pixel_values": self.tiny_pixels,
                "last_hidden_state": out.last_hidden_state,
                "image_embeds": out.image_embeds,
            },
            "CLIPVisionModelWithProjection (last_hidden_state is before post_layernorm)",
            images=self.image_names(),
        )

        def variation_pipeline(pipe, image_encoder):
            shared = ("decoder", "text_encoder", "tokenizer", "text_proj", "super_res_first", "super_res_last")
            schedulers = ("decoder_scheduler", "super_res_scheduler")
            result = UnCLIPImageVariationPipeline(
                feature_extractor=self.processor("image_variation/feature_extractor"),
                image_encoder=image_encoder,
                **{name: getattr(pipe, name) for name in shared + schedulers},
            )
            result.set_progress_bar_config(disable=True)
            return result

        sources = [image.convert("RGB") for _, image in self.images[:2]]
        noise = Noise(seed=RUN["seed"] + 9)
        trace = {}
        image = run_variation(variation_pipeline(self.pipe, encoder), sources, RUN, noise, trace)
        image64 = run_variation(variation_pipeline(self.pipe64, encoder64), sources, RUN, Noise(replay=noise.draws))
        self.golden.floor("pipeline_variation.image", image, image64)
        self.golden.save(
            "pipeline_variation",
            {**noise.named_draws(), **trace, "image": image, "image_u8": to_bytes(image)},
            "UnCLIPImageVariationPipeline on the first two pictures: draws are decoder latents, decoder steps, "
            "super-res latents, super-res steps",
            images=self.image_names(2),
            decoder_steps=RUN["decoder_steps"],
            sr_steps=RUN["sr_steps"],
            decoder_g=RUN["decoder_g"],
        )

    def zero_shot(self):
        folder = str(self.models / "clip")
        clip = CLIPModel.from_pretrained(folder).eval()
        clip64 = CLIPModel.from_pretrained(folder).double().eval()
        tokenizer = CLIPTokenizer.from_pretrained(folder)
        tokens = tokenizer(ZERO_SHOT_LABELS, padding=True, return_tensors="pt")
        pixels = self.pixels(self.processor("clip"))
        text = {"input_ids": tokens.input_ids, "attention_mask": tokens.attention_mask}
        with torch.no_grad():
            # The class token after the last norm (transformers 5 puts the projected one in vision_model_output).
            pooled = clip.vision_model(pixel_values=pixels).pooler_output
            out = clip(**text, pixel_values=pixels)
            try:
                out64 = clip64(**text, pixel_values=pixels.double())
                self.golden.floor("clip_zero_shot.logits_per_image", out.logits_per_image, out64.logits_per_image)
            except RuntimeError as error:  # transformers 4: its masks overflow in float64
                print("no float64 zero-shot reference under this transformers:", error)
        self.golden.save(
            "clip_zero_shot",
            {
                **text,
                "pixel_values": pixels,
                "text_embeds": out.text_embeds,
                "image_embeds": out.image_embeds,
                "logits_per_image": out.logits_per_image,
                "logits_per_text": out.logits_per_text,
                "probs": out.logits_per_image.softmax(-1),
                "text_last_hidden_state": out.text_model_output.last_hidden_state,
                "vision_last_hidden_state": out.vision_model_output.last_hidden_state,
                "vision_pooler_output": pooled,
            },
            "CLIPModel; text_embeds and image_embeds are L2-normalised; ids padded to the longest with the mask given "
            "to the text tower",
            labels=ZERO_SHOT_LABELS,
            images=self.image_names(),
        )

    def safety_checker(self):
        folder = str(self.models / "safety_checker")
        checker = StableDiffusionSafetyChecker.from_pretrained(folder).eval()
        pixels = self.pixels(self.processor("safety_checker"))
        pictures = np.random.RandomState(0).rand(len(self.images), 8, 8, 3).astype(np.float32)
        given = pictures.copy()  # the checker blackens flagged pictures in place
        with torch.no_grad():
            embeds = checker.visual_projection(checker.vision_model(pixels)[1])
            special = cosine_distance(embeds, checker.special_care_embeds)
            concept = cosine_distance(embeds, checker.concept_embeds)
            checked, flags = checker(pixels, pictures)
        self.golden.save(
            "safety_checker",
            {
                "clip_input": pixels,
                "image_embeds": embeds,
                "special_cos_dist": special,
                "cos_dist": concept,
                "images_in": torch.from_numpy(given),
                "images_out": torch.from_numpy(np.asarray(checked)),
                "has_nsfw": torch.tensor(flags),
            },
            "StableDiffusionSafetyChecker; thresholds arranged so that image 0 is flagged, image 1 only through the "
            "+0.01 special-care adjustment, image 2 not (0.0004 over, rounded to 3 decimals)",
            flags=[bool(flag) for flag in flags],
            images=self.image_names(),
        )

    def record(self):
        self.tokenizer()
        self.text_encoder()
        self.prior_step()
        self.text_proj()
        self.decoder_step()
        self.super_res_step()
        self.scheduler()
        self.text_to_image()
        self.text_to_image_variants()
        self.image_processor()
        self.variation()
        self.zero_shot()
        self.safety_checker()
        self.golden.write_manifest()
        return self.golden


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--out", type=Path, default=reference.DEFAULT_OUT, help="folder that holds models/, written to (%(default)s)"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("ORACLE_THREADS", "2")))
    golden = Recorder(arguments.out).record()
    for name, floor in golden.noise_floor.items():
        print(
            f"f32 vs f64 {name:46s} max_abs {floor['max_abs']:.2e}  mean {floor['mean_abs']:.1e} "
            f"p99.9 {floor['p999']:.1e}  rel {floor['rel_to_max']:.1e}  scale {floor['scale']:.3g}"
        )
    print(json.dumps({key: value for key, value in golden.info.items() if key != "versions"}))
    print("safety flags", golden.files["safety_checker"]["settings"]["flags"])


if __name__ == "__main__":
    main()
