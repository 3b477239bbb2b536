"""Reads a network of ncnn: the layers of a .param file, and the numbers that they take of the .bin file beside it."""

import numpy as np

MAGIC = "7767517"
# Before a layer's weights: how they are stored. Biases and slopes have no tag and are float32.
FLOAT16, FLOAT32 = 0x01306B47, 0


class Layer:
    """A line of the .param file: kind, name and numbered parameters."""

    def __init__(self, line):
        words = line.split()
        self.kind, self.name, inputs, outputs = words[0], words[1], int(words[2]), int(words[3])
        settings = words[4 + inputs + outputs :]
        self.parameters = {int(key): value for key, value in (word.split("=") for word in settings)}

    def integer(self, key, default=0):
        return int(self.parameters.get(key, default))


def layers(text):
    """All layers, in order."""
    magic, counts, *lines = text.strip().splitlines()
    assert magic.strip() == MAGIC, f"{magic!r} is not the head of an ncnn network"
    assert int(counts.split()[0]) == len(lines), "layers are missing"
    return [Layer(line) for line in lines]


class Numbers:
    """The .bin file, read from front to back."""

    def __init__(self, content):
        self.content = content
        self.at = 0

    def take(self, dtype, count):
        values = np.frombuffer(self.content, dtype, count, self.at)
        self.at += values.nbytes
        return values

    def weights(self, count):
        """Numbers behind a tag; those of two bytes are padded to whole words of four."""
        (tag,) = self.take("<u4", 1)
        if tag == FLOAT32:
            return self.take("<f4", count)
        assert tag == FLOAT16, f"weights stored as {tag:#x}"
        values = self.take("<f2", count)
        self.at += -self.at % 4
        return values

    def end(self):
        assert self.at == len(self.content), f"{len(self.content) - self.at} bytes are left over"


def convolution(layer, in_channels, numbers):
    """Weight [out_channels, in_channels, 3, 3] and bias of a 3 x 3 convolution that keeps the size."""
    out_channels, size = layer.integer(0), layer.integer(6)
    geometry = {1: 3, 4: 1, 5: 1}
    assert all(layer.integer(key) == value for key, value in geometry.items()), layer.parameters
    assert layer.integer(3, 1) == 1 and layer.integer(2, 1) == 1, "stride and dilation are 1"
    assert size == out_channels * in_channels * 9, f"{layer.name} has {size} weights"
    weight = numbers.weights(size).reshape(out_channels, in_channels, 3, 3)
    return weight, numbers.take("<f4", out_channels)


def slopes(layer, channels, numbers):
    """The slopes of a PReLU, one for each channel."""
    assert layer.integer(0) == channels, f"{layer.name} has {layer.integer(0)} slopes"
    return numbers.take("<f4", channels)
