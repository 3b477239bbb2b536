"""What is refused, what the manifest looks like, and the arithmetic of the report."""

import json
import tempfile
import unittest
from pathlib import Path

from fatbuild import gates, manifest, report, sources, toolchain
from fatbuild.compile import Kernel, Module
from fatbuild.cubin import KernelInterface
from fatbuild.listing import COUNTED, Resources
from fatbuild.problem import BuildError

INTERFACE = KernelInterface(((0, 8), (8, 4)), 256)


def kernel(spill: int = 0, **counts: int) -> Kernel:
    return Kernel(INTERFACE, Resources(40, spill, 0, 1024), {**dict.fromkeys(COUNTED, 0), **counts})


def module(name: str, target: str, found: Kernel, complaints: tuple[str, ...] = ()) -> Module:
    return Module("gemm", b"fatbin", ["include/easel/device.cuh"], {target: {name: found}}, list(complaints))


def problems(name: str, target: str, found: Kernel, complaints: tuple[str, ...] = ()) -> str:
    return "\n".join(str(problem) for problem in gates.module_problems(module(name, target, found, complaints)))


class GatesTest(unittest.TestCase):
    def test_what_keeps_to_them_passes(self) -> None:
        self.assertEqual(problems("gemm_wgmma_f16", "sm_90a", kernel(HGMMA=1)), "")
        self.assertEqual(problems("gemm_mma_f16", "sm_80", kernel(HMMA=1)), "")
        self.assertEqual(problems("gemm_naive_f16", "sm_80", kernel()), "")

    def test_spills_and_local_memory_are_refused(self) -> None:
        self.assertIn("gemm.cu: x on sm_80: spills 8 bytes", problems("x", "sm_80", kernel(8)))
        self.assertIn("3 accesses to local memory", problems("x", "sm_80", kernel(LDL=1, STL=2)))

    def test_a_name_that_promises_tensor_cores_must_keep_the_promise(self) -> None:
        self.assertIn("no HGMMA", problems("gemm_wgmma_f16", "sm_90a", kernel(HMMA=1)))
        self.assertIn("no HMMA", problems("gemm_mma_f16", "sm_90a", kernel(HGMMA=1)))
        self.assertIn("no HMMA", problems("gemm_mma", "sm_90a", kernel()))

    def test_a_warning_of_the_compiler_is_refused(self) -> None:
        self.assertIn("(C7510) slow", problems("x", "sm_80", kernel(), ("(C7510) slow",)))

    def test_a_file_without_a_kernel_is_refused(self) -> None:
        empty = Module("gemm", b"", [], {"sm_80": {}}, [])
        self.assertIn("has no kernel", str(gates.module_problems(empty)[0]))


class ManifestTest(unittest.TestCase):
    def setUp(self) -> None:
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)
        (self.folder / "include/easel").mkdir(parents=True)
        (self.folder / "fatbins").mkdir()
        (self.folder / "include/easel/device.cuh").write_text("header")
        (self.folder / "gemm.cu").write_text("source")
        (self.folder / "fatbins/gemm.fatbin").write_bytes(b"fatbin")
        self.head = manifest.header({"nvcc": "1"})
        made = manifest.entry(module("gemm_f16", "sm_80", kernel()), sources.hashes(self.folder))
        self.text = manifest.render({**self.head, "modules": {"gemm": made}})

    def is_current(self) -> bool:
        return manifest.is_current(json.loads(self.text), "gemm", self.head, self.folder, sources.hashes(self.folder))

    def test_what_is_rendered_reads_back_and_is_current(self) -> None:
        self.assertIn('"parameters": [[0, 8], [8, 4]]', self.text)
        self.assertTrue(self.is_current())

    def test_a_change_of_anything_that_goes_in_is_noticed(self) -> None:
        for path in ("gemm.cu", "include/easel/device.cuh", "fatbins/gemm.fatbin"):
            before = (self.folder / path).read_bytes()
            (self.folder / path).write_text("other")
            self.assertFalse(self.is_current(), path)
            (self.folder / path).unlink()
            self.assertFalse(self.is_current(), path)
            (self.folder / path).write_bytes(before)
        self.head = manifest.header({"nvcc": "2"})
        self.assertFalse(self.is_current())

    def test_another_signature_on_another_architecture_is_an_error(self) -> None:
        other = Kernel(KernelInterface(((0, 8),), 256), kernel().resources, kernel().instructions)
        both = Module("gemm", b"", [], {"sm_80": {"x": kernel()}, "sm_90a": {"x": other}}, [])
        with self.assertRaisesRegex(BuildError, "`x` takes other arguments"):
            manifest.kernel_entry(both, "x")

    def test_what_has_no_source_is_found(self) -> None:
        (self.folder / "fatbins/old.fatbin").write_bytes(b"")
        found = gates.leftovers({"modules": {"gone": {}}}, ["gemm"], self.folder)
        self.assertEqual([problem.where for problem in found], ["manifest.json", "fatbins/old.fatbin"])

    def test_a_damaged_manifest_is_an_error_that_says_what_to_do(self) -> None:
        path = self.folder / "manifest.json"
        for text in ("{", "[]", "{}", '{"modules": 1}'):
            path.write_text(text)
            with self.assertRaisesRegex(BuildError, "run kernels/cuda/build.py"):
                manifest.read(path)


class ReportTest(unittest.TestCase):
    def test_occupancy_is_what_the_scarcest_resource_allows(self) -> None:
        self.assertEqual(report.occupancy("sm_80", 256, 32, 0), 1.0)
        self.assertEqual(report.occupancy("sm_80", 256, 128, 0), 0.25)
        self.assertEqual(report.occupancy("sm_80", 128, 32, 40 * 1024), 0.25)
        self.assertEqual(report.occupancy("sm_90a", 32, 16, 0), 0.5)
        self.assertEqual(report.blocks_per_multiprocessor("sm_90a", 384, 168, 200 * 1024), 1)
        self.assertEqual(report.blocks_per_multiprocessor("sm_80", 256, 255, 165 * 1024), 0)

    def test_a_line_says_what_limits_a_kernel_as_far_as_it_is_known(self) -> None:
        facts = {**kernel(HMMA=7).instructions, "registers": 128, "static_shared_bytes": 1024}
        told = report.line("gemm_mma_f16", "sm_80", 128, facts, 48 * 1024)
        self.assertEqual(told, "| `gemm_mma_f16` | sm_80 | 128 | 128 | 49 | 3 | 19% | 0 | 7 | 0 | 0 | 0 | 0 |")
        told = report.line("gemm_mma_f16", "sm_80", 128, facts, None)
        self.assertIn("| 128 | 128 | – | – | – |", told)

    def test_plain_versions_and_other_dtypes_are_not_hot(self) -> None:
        names = ("gemm_mma_f16", "gemm_mma_bf16", "gemm_naive_f16", "gemm_tiled_f16", "softmax_f32", "normal")
        self.assertEqual([name for name in names if report.is_hot(name)], ["gemm_mma_f16", "normal"])


class ToolchainTest(unittest.TestCase):
    def test_every_line_is_pinned_with_its_hash(self) -> None:
        text = (Path(__file__).parents[2] / "toolchain.txt").read_text()
        self.assertEqual(set(toolchain.compiler_versions(text)), set(toolchain.MAKERS))
        with self.assertRaisesRegex(BuildError, "pin it"):
            toolchain.pinned_versions("nvidia-cuda-nvcc>=13")
        with self.assertRaisesRegex(BuildError, "does not pin nvidia-nvvm"):
            toolchain.compiler_versions("\n".join(line for line in text.splitlines() if "nvvm" not in line))


if __name__ == "__main__":
    unittest.main()
