"""The icons: which concepts there are, and their pictures from the npm packages that fetch.sh unpacks."""

import io
import json
import re
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).resolve().parent
STYLES = ["flat", "3d", "cartoon"]  # Fluent flat, Fluent 3D, Noto
ICON_SIZE = 128  # pixels; every icon is cropped and its longer side scaled to this
RENDER_SIZE = 160  # pixels; SVGs are drawn at this size first
OPAQUE_ABOVE = 8  # alpha above which a pixel belongs to the icon when it is cropped
MIN_STYLES = 2  # a concept is used if at least this many styles have it
MAX_TAGS = 5  # per concept


def read_concepts():
    """concepts.txt: [(label in emojibase, [natural names, the main one first])]."""
    concepts = []
    for line in (HERE / "concepts.txt").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            label, names = line.strip().split("=")
            concepts.append((label, names.split(",")))
    return concepts


def slug(label):
    """The name of an icon in iconify's sets."""
    return re.sub(r"[^a-z0-9]+", "-", label.lower().replace("’", "")).strip("-")


def render_svg(icon_set, name):
    """An icon of an iconify set as RGBA, or None if the set lacks it."""
    import resvg_py

    alias = icon_set.get("aliases", {}).get(name) or {}
    icon = icon_set["icons"].get(name) or icon_set["icons"].get(alias.get("parent"))
    if not icon:
        return None
    width = icon.get("width", icon_set.get("width", 16))
    height = icon.get("height", icon_set.get("height", 16))
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="0 0 {width} {height}">{icon["body"]}</svg>'
    )
    png = resvg_py.svg_to_bytes(svg_string=svg, width=RENDER_SIZE, height=RENDER_SIZE)
    return Image.open(io.BytesIO(bytes(png))).convert("RGBA")


def open_webp(folder, hexcode):
    """The 3D picture of a code point sequence as RGBA, or None."""
    for name in (hexcode.lower(), hexcode.lower().replace("-fe0f", "")):
        path = folder / f"{name}.webp"
        if path.exists():
            return Image.open(path).convert("RGBA")
    return None


def crop_and_centre(image):
    """Crops to what is visible, scales the longer side to ICON_SIZE and centres: [ICON_SIZE, ICON_SIZE, 4] uint8."""
    box = image.getchannel("A").point(lambda alpha: 255 if alpha > OPAQUE_ABOVE else 0).getbbox()
    image = image.crop(box)
    scale = ICON_SIZE / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    image = image.resize(size, Image.LANCZOS)
    canvas = Image.new("RGBA", (ICON_SIZE, ICON_SIZE))
    canvas.paste(image, ((ICON_SIZE - image.width) // 2, (ICON_SIZE - image.height) // 2))
    return np.asarray(canvas)


def load_icons(npm):
    """Reads every concept's icons below `npm`, the folder that fetch.sh filled.

    Returns (concepts, icons, have): concepts [{label, names, tags}], icons [concept, style, 128, 128, 4] uint8,
    have [concept, style] bool. Says which concepts are left out, and why.
    """
    npm = Path(npm)
    emojis = json.loads((npm / "emojibase-data-17.0.0/package/en/data.json").read_text(encoding="utf-8"))
    by_label = {emoji["label"]: emoji for emoji in emojis}
    flat, cartoon = (
        json.loads((npm / f"iconify-json-{name}/package/icons.json").read_text(encoding="utf-8"))
        for name in ("fluent-emoji-flat-1.2.6", "noto-1.2.9")
    )
    folder_3d = npm / "lobehub-fluent-emoji-3d-1.1.0/package/assets"
    concepts, icons, have, tags = [], [], [], []
    for label, names in read_concepts():
        emoji = by_label.get(label)
        if emoji is None:
            print("no such label:", label)
            continue
        images = [
            render_svg(flat, slug(label)),
            open_webp(folder_3d, emoji["hexcode"]),
            render_svg(cartoon, slug(label)),
        ]
        present = [image is not None for image in images]
        if sum(present) < MIN_STYLES:
            print("too few styles:", label, present)
            continue
        blank = np.zeros((ICON_SIZE, ICON_SIZE, 4), np.uint8)
        concepts.append({"label": label, "names": names})
        icons.append([blank if image is None else crop_and_centre(image) for image in images])
        have.append(present)
        tags.append([tag.lower() for tag in emoji.get("tags", [])])
    add_unambiguous_tags(concepts, tags)
    return concepts, np.array(icons), np.array(have)


def add_unambiguous_tags(concepts, tags):
    """Gives each concept those of its tags that name no other concept."""
    taken = {name for concept in concepts for name in concept["names"]}
    count = {}
    for concept_tags in tags:
        for tag in set(concept_tags):
            count[tag] = count.get(tag, 0) + 1

    def usable(tag):
        return count[tag] == 1 and len(tag) > 2 and tag not in taken and re.fullmatch(r"[a-z0-9 -]+", tag)

    for concept, concept_tags in zip(concepts, tags):
        concept["tags"] = [tag for tag in concept_tags if usable(tag)][:MAX_TAGS]


def core_names():
    """The main names of the concepts that pairs are made of (core.txt): those that are clear when small."""
    lines = (HERE / "core.txt").read_text(encoding="utf-8").splitlines()
    return {name for line in lines for name in line.strip().split("|")}
