#!/usr/bin/env python3
"""Times the network in PyTorch on the CPU: for every line that comes in, one picture; seconds go out."""

import argparse
import sys
import time
from pathlib import Path

import torch
from srvgg import load


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=128, help="pixels of the picture (%(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads (%(default)s)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    network = load(Path(__file__).resolve().parent.parent / "upscaler")
    # Faster on this network than the layout that pictures come in.
    network = network.to(memory_format=torch.channels_last)
    image = torch.randn(1, 3, arguments.side, arguments.side).to(memory_format=torch.channels_last)
    with torch.inference_mode():
        for _ in sys.stdin:
            start = time.perf_counter()
            network(image)
            print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
