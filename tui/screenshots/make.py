#!/usr/bin/env python3
"""Makes the pictures of the full-screen interface, and a cast of it, from the real program.

    cargo build --release
    python3 -m venv /tmp/screenshots && /tmp/screenshots/bin/pip install -r tui/screenshots/requirements.txt
    /tmp/screenshots/bin/python tui/screenshots/make.py target/release/easel

writes *.png and easel.cast beside this file. `asciinema play tui/screenshots/easel.cast` plays the cast.
"""

import argparse
import os
import shutil
import tempfile
from pathlib import Path

from drawing import Painter
from storyboard import CAST, PICTURES
from terminal import Terminal

HERE = Path(__file__).resolve().parent
WORKFLOWS = HERE.parent.parent / "workflows"
FONTS = Path("/usr/share/fonts/truetype/dejavu")


def environment(folder):
    """As a user with a terminal that knows all colours has it, with nothing of whoever makes the pictures."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    places = {name: str(folder / name.lower()) for name in ("EASEL_STATE", "EASEL_CACHE", "EASEL_CONFIG")}
    return {**kept, **places, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}


def play(program, story, folder, painter, pace):
    """Plays one story in one program; `pace` is how long one looks between two keys."""
    arguments, (columns, lines), steps = story
    terminal = Terminal([str(program), "tui", *arguments], columns, lines, folder, environment(folder))
    for step in steps:
        kind, value = step
        if kind == "wait":
            terminal.wait(value)
        elif kind == "look":
            terminal.read(value)
        elif kind == "type":
            for character in value:
                terminal.press(character)
                terminal.read(pace / 8)
        elif kind == "key":
            terminal.press(value)
            terminal.read(pace)
        elif kind == "picture":
            terminal.read(0.3)
            path = HERE / f"{value}.png"
            # Few colours: a palette makes the file a third as large, and nobody sees the difference.
            picture = painter.picture(terminal.screen).quantize(256, dither=0)
            picture.save(path, optimize=True)
            print(path.name)
        else:
            raise SystemExit(f"a storyboard has no step `{kind}`")
    status = terminal.end()
    if status != 0:
        raise SystemExit(f"easel ended with status {status}:\n{terminal.shows()}")
    return terminal


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("easel", type=Path, help="the program, built with --release")
    parser.add_argument("--fonts", type=Path, default=FONTS, help="folder with DejaVuSansMono.ttf and its relatives")
    arguments = parser.parse_args()
    program = arguments.easel.resolve()
    if not program.is_file():
        raise SystemExit(f"{program} is not there: build it first, see --help")
    names = ["DejaVuSansMono.ttf", "DejaVuSans.ttf"]
    painter = Painter([arguments.fonts / name for name in names], arguments.fonts / "DejaVuSansMono-Bold.ttf", 15)
    for story in PICTURES:
        with tempfile.TemporaryDirectory() as folder:
            play(program, story, fresh(folder), painter, 0.15)
    with tempfile.TemporaryDirectory() as folder:
        play(program, CAST, fresh(folder), painter, 0.9).write_cast(HERE / "easel.cast", "Easel")
    print("easel.cast")


def fresh(folder):
    """A folder with the workflows that Easel comes with; the model is in the program."""
    folder = Path(folder)
    shutil.copytree(WORKFLOWS, folder / "workflows", ignore=shutil.ignore_patterns("models", "plugins"))
    return folder


if __name__ == "__main__":
    main()
