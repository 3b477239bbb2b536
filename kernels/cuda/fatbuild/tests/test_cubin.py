"""What is read out of cubins: ELF files that are put together here, field by field."""

import struct
import unittest

from fatbuild import cubin
from fatbuild.problem import BuildError


def parameter(ordinal: int, offset: int, size: int) -> bytes:
    """An EIATTR_KPARAM_INFO attribute; its low bits are as nvcc 13.0 sets them."""
    return struct.pack("<BBHIHHI", 4, 0x17, 12, 0, ordinal, offset, size << 18 | 0x1F000)


def image(sections: dict[str, bytes]) -> bytes:
    """An ELF file with these sections."""
    names = b"\0"
    offsets = {}
    for name in [*sections, ".shstrtab"]:
        offsets[name] = len(names)
        names += name.encode() + b"\0"
    contents = {**sections, ".shstrtab": names}
    body, headers = b"", struct.pack("<IIQQQQ24x", 0, 0, 0, 0, 0, 0)
    for name, content in contents.items():
        headers += struct.pack("<IIQQQQ24x", offsets[name], 1, 0, 0, 64 + len(body), len(content))
        body += content
    head = (
        b"\x7fELF\x02\x01"
        + bytes(10)
        + struct.pack(
            "<HHIQQQIHHHHHH", 2, 190, 1, 0, 0, 64 + len(body), 0, 64, 56, 0, 64, len(contents) + 1, len(contents)
        )
    )
    return head + body + headers


class InterfacesTest(unittest.TestCase):
    def test_arguments_stand_in_their_order(self) -> None:
        flag = struct.pack("<BBH", 1, 0x2A, 0)  # EIFMT_NVAL: nothing follows it
        half = struct.pack("<BBH", 3, 0x1B, 0xFF)  # EIFMT_HVAL: its value is in its head
        info = flag + parameter(2, 128, 4) + half + parameter(1, 64, 8) + parameter(0, 0, 64)
        bounds = struct.pack("<BBHIII", 4, 0x05, 12, 128, 2, 1)
        found = cubin.interfaces(image({".text.gemm": b"code", ".nv.info.gemm": info + bounds, ".nv.info.none": b""}))
        self.assertEqual(found["gemm"], cubin.KernelInterface(((0, 64), (64, 8), (128, 4)), 256))
        self.assertEqual(found["none"], cubin.KernelInterface((), None))
        self.assertEqual(list(found), ["gemm", "none"])

    def test_a_missing_argument_is_an_error(self) -> None:
        with self.assertRaisesRegex(BuildError, "gaps"):
            cubin.interface(parameter(1, 8, 8))

    def test_what_is_no_cubin_is_an_error_and_no_crash(self) -> None:
        whole = image({".nv.info.gemm": parameter(0, 0, 8)})
        for damaged in (b"", b"PK\x03\x04", whole[:40], whole[:-100]):
            with self.assertRaises(BuildError):
                cubin.interfaces(damaged)


if __name__ == "__main__":
    unittest.main()
