"""build.py with the real compiler, on kernels small enough to be compiled in seconds.

EASEL_CUDA_TOOLCHAIN may name a folder that the compiler is in already.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

BUILD = Path(__file__).parents[3] / "build.py"

HEADER = """\
#pragma once
#include "easel/nvcc/mma.cuh"
"""

MMA = """\
__device__ inline void mma(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
"""

PRODUCT = """\
#include "easel/device.cuh"
extern "C" __global__ void __launch_bounds__(64) product_mma_f16(const unsigned* a, float* out, int count) {
    float d[4] = {0, 0, 0, 0};
    unsigned x[4] = {a[0], a[1], a[2], a[3]}, y[2] = {a[4], a[5]};
    for (int i = 0; i < count; ++i) mma(d, x, y);
    out[threadIdx.x] = d[0] + d[1] + d[2] + d[3];
}
"""

ADD = """\
#include "easel/device.cuh"
extern "C" __global__ void add_f32(const float* a, float* out, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) out[i] = out[i] + a[i];
}
"""

# An array that is indexed by what only the launch knows cannot stay in registers.
LOCAL = """\
#include "easel/device.cuh"
extern "C" __global__ void gather_wgmma_f32(const float* a, float* out, int index) {
    int unused;
    float values[64];
    for (int i = 0; i < 64; ++i) values[i] = 0;
    for (int i = 0; i < index; ++i) values[i * index & 63] += a[i];
    out[threadIdx.x] = values[threadIdx.x & 63];
}
"""


class BuildTest(unittest.TestCase):
    def setUp(self) -> None:
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name) / "kernels"
        (self.folder / "include/easel/nvcc").mkdir(parents=True)
        self.put("include/easel/device.cuh", HEADER)
        self.put("include/easel/nvcc/mma.cuh", MMA)
        self.put("product.cu", PRODUCT)
        self.put("add.cu", ADD)

    def put(self, path: str, text: str) -> None:
        (self.folder / path).write_text(text)

    def build(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(BUILD), "--kernels", str(self.folder), *arguments]
        if folder := os.environ.get("EASEL_CUDA_TOOLCHAIN"):
            command += ["--toolchain", folder]
        return subprocess.run(command, capture_output=True, text=True)

    def built(self) -> dict[str, bytes]:
        paths = [*(self.folder / "fatbins").iterdir(), self.folder / "manifest.json"]
        return {path.name: path.read_bytes() for path in paths}

    def assert_refused(self, done: "subprocess.CompletedProcess[str]", *words: str) -> None:
        self.assertEqual(done.returncode, 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_what_was_built_is_checked_and_comes_out_the_same_elsewhere(self) -> None:
        done = self.build()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("compiled 2 of 2", done.stdout)
        first = self.built()
        self.assertEqual(sorted(first), ["add.fatbin", "manifest.json", "product.fatbin"])
        self.assertIn("compiled 0 of 2", self.build().stdout)

        moved = self.folder.with_name("elsewhere")
        shutil.copytree(self.folder, moved, ignore=shutil.ignore_patterns("fatbins", "manifest.json"))
        self.folder = moved
        self.build()
        self.assertEqual(self.built(), first)

        report = self.build("--report").stdout
        self.assertIn("| `product_mma_f16` | sm_80 | 64 |", report)

    def test_what_is_stale_is_refused_and_made_anew(self) -> None:
        self.build()
        self.put("add.cu", ADD.replace("+ a", "- a"))
        self.assert_refused(self.build("--check"), "add: source_sha256", "1 problems")
        self.assertIn("compiled 1 of 2", self.build().stdout)
        self.put("include/easel/nvcc/mma.cuh", MMA + "// changed\n")
        self.assert_refused(self.build("--check"), "add: headers", "product: headers")
        self.assertIn("compiled 2 of 2", self.build().stdout)
        (self.folder / "fatbins/add.fatbin").write_bytes((self.folder / "fatbins/product.fatbin").read_bytes())
        self.assert_refused(self.build("--check"), "is not the one that manifest.json describes", "holds other code")
        (self.folder / "add.cu").unlink()
        self.build()
        self.assertEqual(sorted(self.built()), ["manifest.json", "product.fatbin"])
        self.assertEqual(self.build("--check").returncode, 0)

    def test_what_breaks_a_rule_is_refused_and_not_written(self) -> None:
        self.put("local.cu", LOCAL)
        done = self.build("local")
        self.assert_refused(done, 'warning #177-D: variable "unused"', "local memory (LDL, STL)", "has no HGMMA")
        self.assertFalse((self.folder / "fatbins").exists())

    def test_what_does_not_compile_is_named_with_its_line(self) -> None:
        self.put("add.cu", ADD.replace("count)", "size)", 1).replace("int size", "int count_"))
        done = self.build("--try")
        self.assertEqual(done.returncode, 2)
        self.assertIn("add.cu for sm_90a, sm_89, sm_80, compute_80: nvcc failed", done.stderr)
        self.assertIn("add.cu(4): error", done.stderr)

    def test_an_unknown_name_is_told_what_there_is(self) -> None:
        done = self.build("gemm")
        self.assertEqual(done.returncode, 2)
        self.assertIn("has no gemm.cu; it has add, product", done.stderr)


if __name__ == "__main__":
    unittest.main()
