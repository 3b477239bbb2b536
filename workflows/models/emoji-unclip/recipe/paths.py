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


def training_parser(description):
    """A parser of a stage that trains: it has a budget, and may start from what there is."""
    parser = stage_parser(description)
    parser.add_argument("seconds", type=float, help="wall-clock budget")
    parser.add_argument(
        "--resume",
        metavar="FROM",
        nargs="?",
        const="own",
        help="start from this stage's own checkpoint, or from FROM: another checkpoint or a model folder",
    )
    return parser


def stage_parser(description):
    """A parser with what every stage that touches a network has."""
    parser = work_parser(description)
    parser.add_argument("--threads", type=int, default=2, help="CPU threads (%(default)s)")
    parser.add_argument("--device", default="cpu", help="torch device to train on (%(default)s)")
    shape = parser.add_argument_group("network shape, the same for all stages")
    shape.add_argument("--decoder-size", type=int, default=24, help="pixels of the decoder's picture (%(default)s)")
    shape.add_argument("--decoder-channels", type=widths, default=(48, 64, 128), help="per level (48,64,128)")
    shape.add_argument("--super-res-channels", type=widths, default=(24, 48, 64), help="per level (24,48,64)")
    return parser
