"""Where the recipe's files are, and the options that every stage has. Imports nothing heavy, so --help is quick."""

import argparse
from pathlib import Path

HERE = Path(__file__).resolve().parent
DEFAULT_WORK = HERE / "work"


def work_parser(description):
    """A parser with --work; `description` is the stage's docstring."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=DEFAULT_WORK, help="folder of everything made (%(default)s)")
    return parser


def widths(text):
    """ "48,64,128" -> (48, 64, 128)"""
    return tuple(int(width) for width in text.split(","))


def stage_parser(description):
    """A parser with what every stage that touches a network has."""
    parser = work_parser(description)
    parser.add_argument("--threads", type=int, default=2, help="CPU threads (%(default)s)")
    parser.add_argument("--device", default="cpu", help="torch device to train on (%(default)s)")
    shape = parser.add_argument_group("network shape, the same for all stages")
    shape.add_argument("--decoder-size", type=int, default=24, help="pixels of the decoder's picture (%(default)s)")
    shape.add_argument("--decoder-channels", type=widths, default=(48, 64, 128), help="per level (48,64,128)")
    shape.add_argument("--super-res-channels", type=widths, default=(24, 48, 64), help="per level (24,48,64)")
    parser.add_argument(
        "--all-concepts", action="store_true", help="train the decoder on all concepts, not only on those of core.txt"
    )
    return parser
