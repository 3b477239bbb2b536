"""Reads what a compiled kernel says of itself: a cubin is an ELF file with sections of NVIDIA's own."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from .problem import BuildError

INFO_PREFIX = ".nv.info."

# Attributes of `.nv.info.KERNEL`, as `cuobjdump -elf` names them.
EIATTR_MAX_THREADS = 0x05
EIATTR_REQNTID = 0x10
EIATTR_KPARAM_INFO = 0x17
EIFMT_SVAL = 4


@dataclass(frozen=True)
class KernelInterface:
    """How a kernel wants to be launched."""

    # Offset and size in bytes of every argument, in order.
    parameters: tuple[tuple[int, int], ...]
    # The largest block that `__launch_bounds__` allows, if there is one.
    max_threads: int | None


def sections(image: bytes) -> dict[str, bytes]:
    """The contents of an ELF file's sections by name; those that take no room in the file are left out."""
    if image[:6] != b"\x7fELF\x02\x01":
        raise BuildError("a cubin must be a 64-bit little-endian ELF file, and this is none: was it compiled by nvcc?")
    try:
        (table,) = struct.unpack_from("<Q", image, 0x28)
        entry_size, count, names_index = struct.unpack_from("<HHH", image, 0x3A)
        headers = [struct.unpack_from("<IIQQQQ", image, table + entry_size * index) for index in range(count)]
    except struct.error as error:
        raise BuildError(f"a cubin is cut off ({error}): compile it again") from None
    _, _, _, _, names_offset, names_size = headers[names_index]
    names = image[names_offset : names_offset + names_size]
    found = {}
    for name_offset, kind, _flags, _address, offset, size in headers:
        name = names[name_offset : names.index(b"\0", name_offset)].decode()
        if kind != 8:  # SHT_NOBITS
            found[name] = image[offset : offset + size]
    return found


def attributes(section: bytes) -> list[tuple[int, bytes]]:
    """The attributes of an info section: number and value."""
    found = []
    position = 0
    while position + 4 <= len(section):
        form, attribute, value = struct.unpack_from("<BBH", section, position)
        position += 4
        if form == EIFMT_SVAL:
            found.append((attribute, section[position : position + value]))
            position += value
        else:
            found.append((attribute, struct.pack("<H", value)))
    return found


def interfaces(image: bytes) -> dict[str, KernelInterface]:
    """Every kernel of a cubin with what its launches need."""
    return {
        name[len(INFO_PREFIX) :]: interface(section)
        for name, section in sections(image).items()
        if name.startswith(INFO_PREFIX)
    }


def interface(section: bytes) -> KernelInterface:
    parameters = {}
    max_threads = None
    for attribute, value in attributes(section):
        if attribute == EIATTR_KPARAM_INFO:
            _index, ordinal, offset, packed = struct.unpack("<IHHI", value)
            # Bits 0..7 are the alignment of what is pointed to, 8..11 the space, 12..16 the bank, 18..31 the size.
            parameters[ordinal] = (offset, packed >> 18)
        elif attribute in (EIATTR_MAX_THREADS, EIATTR_REQNTID):
            x, y, z = struct.unpack("<III", value)
            max_threads = x * y * z
    if sorted(parameters) != list(range(len(parameters))):
        raise BuildError(f"a cubin lists arguments {sorted(parameters)}, with gaps: cubin.py must learn this format")
    return KernelInterface(tuple(parameters[ordinal] for ordinal in sorted(parameters)), max_threads)
