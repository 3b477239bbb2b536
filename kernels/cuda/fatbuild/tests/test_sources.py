"""The rules for sources, and which headers a module was made of."""

import tempfile
import unittest
from pathlib import Path

from fatbuild import sources

CLEAN = '#include "easel/device.cuh"\n// asm and printf may be spoken of\nconst char* text = "__shared__";\n'


class RulesTest(unittest.TestCase):
    def problems(self, text: str) -> list[str]:
        return [str(problem).splitlines()[0] for problem in sources.kernel_problems("gemm.cu", text)]

    def test_a_kernel_that_keeps_the_rules_has_no_problem(self) -> None:
        self.assertEqual(self.problems(CLEAN), [])

    def test_a_foreign_include_is_named_with_its_line(self) -> None:
        for what in ("<cstdint>", "<cuda_fp16.h>", '"other.cuh"', '"easel/../x.cuh"'):
            self.assertEqual(self.problems(f"{CLEAN}#  include {what}\n"), [f"gemm.cu:4: includes {what}"])

    def test_bare_assembly_shared_memory_and_printing_are_named_with_their_line(self) -> None:
        for text, what in (
            ('asm volatile("x");', "bare `asm`"),
            ("__asm__(0);", "bare `asm`"),
            ("extern __shared__ float x[];", "bare `__shared__`"),
            ("printf(0);", "`printf`"),
        ):
            self.assertEqual(self.problems(f"{CLEAN}/* two\nlines */ {text}\n"), [f"gemm.cu:5: {what}"])

    def test_headers_have_assembly_in_the_compilers_half_only_and_name_each_other_in_full(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for path in ("device.cuh", "nvcc/mma.cuh", "emulation/mma.cuh"):
                header = folder / "include/easel" / path
                header.parent.mkdir(parents=True, exist_ok=True)
                header.write_text('asm("x");\n#include "easel/types.cuh"\n')
            (folder / "include/easel/nvcc/wgmma.cuh").write_text('#include <cuda_fp16.h>\n#include "mma.cuh"\n')
            (folder / "gemm.cu").write_text(CLEAN)
            found = sources.all_problems(folder, ["gemm"])
            places = ["include/easel/device.cuh:1", "include/easel/nvcc/wgmma.cuh:2"]
            self.assertEqual([problem.where for problem in found], places)


class VersionsTest(unittest.TestCase):
    TEXT = """\
// Versions; all want this and that:
//   linear_128x160_mma_{f16,bf16}
//       8 warps of 64x40, 3 stages: 54 KB. Widths that 160 divides
//       and 128 does not.
//   upsample_*_mma_{f16,bf16}
//       The same for upsampled pictures.
//   linear_64x64_mma_{f16,bf16}
//       4 stages: 32 KB.
#include "easel/device.cuh"
"""

    def test_the_comment_on_top_says_how_much_shared_memory_a_version_asks_for(self) -> None:
        kernels = ("linear_128x160_mma_bf16", "linear_64x64_mma_f16", "upsample_4_mma_f16", "linear_naive_f16")
        found = [sources.dynamic_shared_bytes(self.TEXT, name) for name in kernels]
        self.assertEqual(found, [54 * 1024, 32 * 1024, None, None])


class DependenciesTest(unittest.TestCase):
    def test_headers_of_the_folder_are_dependencies_and_the_compilers_are_not(self) -> None:
        rule = (
            "/tmp/gemm.cubin : gemm.cu \\\n    /opt/cu13/bin/..//include/cuda_runtime.h \\\n"
            "    include/easel/device.cuh \\\n    include/easel/nvcc/../types.cuh \\\n    ../other.h\n"
        )
        wanted = ["include/easel/device.cuh", "include/easel/types.cuh"]
        self.assertEqual(sources.dependencies(rule, Path("/kernels")), wanted)


if __name__ == "__main__":
    unittest.main()
