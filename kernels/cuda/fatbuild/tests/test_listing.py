"""What is read out of the compiler's and the disassembler's output."""

import unittest

from fatbuild import listing

PTXAS = """\
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'product_mma_f16' for 'sm_80'
ptxas info    : Function properties for product_mma_f16
    16 bytes stack frame, 8 bytes spill stores, 4 bytes spill loads
ptxas info    : Used 20 registers, used 1 barriers, 16 bytes cumulative stack size, 384 bytes cmem[0]
ptxas info    : Compile time = 8.676 ms
ptxas info    : Compiling entry function 'add_f16' for 'sm_80'
ptxas info    : Function properties for add_f16
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 10 registers, used 1 barriers, 1024 bytes smem, 380 bytes cmem[0]
"""

SASS = """\
	.target	sm_90a
	.section	.text.gemm_wgmma_f16,"ax",@progbits
gemm_wgmma_f16:
.text.gemm_wgmma_f16:
        /*0000*/                   LDC R1, c[0x0][0x28] ;
        /*0010*/              @!P0 BRA `(.L_x_0) ;
        /*0020*/                   HGMMA.64x160x16.F32 R24, gdesc[UR8], R24, gsb0 ;
        /*0030*/                   UTMALDG.2D [UR8], [UR6] ;
.L_x_0:
        /*0040*/              @P1  LDG.E.128.CONSTANT R4, desc[UR4][R2.64] ;
        /*0050*/             @!UP2 LDG.E R4, desc[UR4][R2.64] ;
        /*10060*/                   STG.E.128 desc[UR4][R2.64], R4 ;
	.section	.text.gemm_mma_f16,"ax",@progbits
.text.gemm_mma_f16:
        /*0000*/                   HMMA.16816.F32 R8, R4.reuse, R2, R8 ;
        /*0010*/                   LDGSTS.E.BYPASS.128 [R5], [R2.64] ;
        /*0020*/                   LDL.64 R4, [R1] ;
        /*0030*/                   STL [R1], R4 ;
        /*0040*/                   LDS.128 R4, [R1] ;
"""


class ResourcesTest(unittest.TestCase):
    def test_every_kernel_has_its_registers_spills_and_shared_memory(self) -> None:
        found = listing.resources(PTXAS)
        self.assertEqual(found["product_mma_f16"], listing.Resources(20, 12, 16, 0))
        self.assertEqual(found["add_f16"], listing.Resources(10, 0, 0, 1024))
        self.assertEqual(list(found), ["product_mma_f16", "add_f16"])

    def test_another_output_gives_nothing(self) -> None:
        self.assertEqual(listing.resources(""), {})
        self.assertEqual(listing.resources("ptxas info    : Used 20 registers"), {})


class ComplaintsTest(unittest.TestCase):
    def test_resources_are_no_complaint(self) -> None:
        self.assertEqual(listing.complaints(PTXAS), [])

    def test_warnings_and_advice_are_complaints_told_once(self) -> None:
        front = 'gemm.cu(3): warning #177-D: variable "x" was declared but never referenced'
        back = "ptxas /tmp/x.ptx, line 5; warning : Unresolved extern"
        advice = (
            "ptxas info    : (C7510) Potential Performance Loss: wgmma.mma_async instructions are serialized due to"
            " insufficient register resources for the wgmma pipeline in the function 'gemm'"
        )
        remark = 'Remark: The warnings can be suppressed with "-diag-suppress <warning-number>"'
        log = "\n".join([front, remark, PTXAS, back, advice, advice])
        self.assertEqual(listing.complaints(log), [front, back, advice])


class InstructionsTest(unittest.TestCase):
    def test_instructions_are_counted_by_kernel(self) -> None:
        counts = listing.instructions(SASS)
        wgmma = {"HGMMA": 1, "UTMALDG": 1, "LDG.128": 1, "STG.128": 1}
        mma = {"HMMA": 1, "LDGSTS": 1, "LDL": 1, "STL": 1}
        self.assertEqual(counts["gemm_wgmma_f16"], {**dict.fromkeys(listing.COUNTED, 0), **wgmma})
        self.assertEqual(counts["gemm_mma_f16"], {**dict.fromkeys(listing.COUNTED, 0), **mma})

    def test_predicates_and_modifiers_do_not_hide_an_instruction(self) -> None:
        for text in ("@P0 LDL R1, [R2] ;", "@!UP0 LDL.64 R1, [R2] ;", "@!PT LDL.128 R1, [R2] ;"):
            line = f".text.kernel:\n        /*0a40*/              {text}"
            self.assertEqual(listing.instructions(line)["kernel"]["LDL"], 1, text)


if __name__ == "__main__":
    unittest.main()
