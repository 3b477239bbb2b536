#!/usr/bin/env python3
"""Stage 8: the model folder in the layout of diffusers, safetensors in float16.

Input: the checkpoints and the tokenizer. Output: the folder --out, replaced by rename.
"""

import json
import shutil
from pathlib import Path

import models
from bpe import read_tokenizer, write_tokenizer
from common import Stage, read_model
from paths import HERE, stage_parser

try:  # transformers >= 5 has two image processors; Pillow's is the classic one
    from transformers import CLIPImageProcessorPil as ImageProcessor
except ImportError:
    from transformers import CLIPImageProcessor as ImageProcessor

TEXT_TO_IMAGE = {
    "_class_name": "UnCLIPPipeline",
    "_diffusers_version": "0.37.1",
    "decoder": ["diffusers", "UNet2DConditionModel"],
    "decoder_scheduler": ["diffusers", "UnCLIPScheduler"],
    "prior": ["diffusers", "PriorTransformer"],
    "prior_scheduler": ["diffusers", "UnCLIPScheduler"],
    "super_res_first": ["diffusers", "UNet2DModel"],
    "super_res_last": ["diffusers", "UNet2DModel"],
    "super_res_scheduler": ["diffusers", "UnCLIPScheduler"],
    "text_encoder": ["transformers", "CLIPTextModelWithProjection"],
    "text_proj": ["unclip", "UnCLIPTextProjModel"],  # as in published Karlo folders
    "tokenizer": ["transformers", "CLIPTokenizer"],
}
VARIATION = {
    **{name: part for name, part in TEXT_TO_IMAGE.items() if not name.startswith("prior")},
    "_class_name": "UnCLIPImageVariationPipeline",
    "image_encoder": ["transformers", "CLIPVisionModelWithProjection"],
    "feature_extractor": ["transformers", "CLIPImageProcessor"],
}


def edit_json(path, change):
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value, indent=2))


def load_networks(stage):
    """Every trained network by the name of its folder; those without a checkpoint from the model --rest."""

    def trained_here(name):
        return stage.load(name) if stage.has(name) or not stage.args.rest else read_model(stage.args.rest, name)

    clip = trained_here("clip.pt")
    decoding = stage.load("dec_var.pt" if stage.has("dec_var.pt") else "dec.pt")
    super_res = models.super_res(stage.shape)
    trained = {
        "text_encoder": (models.text_encoder(stage.vocabulary), clip["te"]),
        "image_encoder": (models.image_encoder(), clip["ie"]),
        "prior": (models.prior(), trained_here("prior.pt")["pr"]),
        "text_proj": (models.text_proj(stage.shape), decoding["tp"]),
        "decoder": (models.decoder(stage.shape), decoding["dec"]),
        "super_res_first": (super_res, trained_here("sr.pt")["sr"]),
    }
    networks = {}
    for name, (network, state) in trained.items():
        network.load_state_dict(state)
        networks[name] = network.half().eval()
    networks["super_res_last"] = super_res  # one network does both jobs
    return networks


def write_folder(stage, folder):
    for name, network in load_networks(stage).items():
        network.save_pretrained(str(folder / name))
        edit_json(folder / name / "config.json", lambda config: config.pop("_name_or_path", None))
    for name, scheduler in zip(("prior", "decoder", "super_res"), models.schedulers()):
        scheduler.save_pretrained(str(folder / f"{name}_scheduler"))
    write_tokenizer(folder / "tokenizer", *read_tokenizer(stage.work / "tokenizer"))
    size = models.CLIP_IMAGE_SIZE
    extractor = ImageProcessor(size={"shortest_edge": size}, crop_size={"height": size, "width": size})
    extractor.save_pretrained(str(folder / "feature_extractor"))
    classic = {"image_processor_type": "CLIPImageProcessor", "feature_extractor_type": "CLIPImageProcessor"}
    edit_json(folder / "feature_extractor" / "preprocessor_config.json", lambda config: config.update(classic))
    (folder / "model_index.json").write_text(json.dumps(TEXT_TO_IMAGE, indent=2))
    (folder / "model_index.image_variation.json").write_text(json.dumps(VARIATION, indent=2))
    shutil.copy(HERE.parent / "LICENSES.md", folder)


def main():
    parser = stage_parser(__doc__)
    parser.add_argument("--out", type=Path, help="folder to write (WORK/emoji-unclip)")
    parser.add_argument("--rest", type=Path, help="model folder to take what has no checkpoint from")
    args = parser.parse_args()
    stage = Stage(args)
    out = args.out or stage.work / "emoji-unclip"
    temporary = out.with_name(out.name + ".tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    write_folder(stage, temporary)
    shutil.rmtree(out, ignore_errors=True)
    temporary.rename(out)
    size = sum(path.stat().st_size for path in out.rglob("*.safetensors"))
    print(f"{out}: {size / 1e6:.2f} MB of weights")


if __name__ == "__main__":
    main()
