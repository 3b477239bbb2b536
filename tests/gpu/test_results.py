"""What the table says of what was measured."""

import json
import tempfile
import unittest
from pathlib import Path

import results

CASES = json.loads(Path(__file__).with_name("cases.json").read_text())
LARGE = "gemm 8192x8192x8192"


def line(case: str, peer: str, *milliseconds: float, dtype: str = "bf16", **more: object) -> dict[str, object]:
    return {"case": case, "dtype": dtype, "peer": peer, "milliseconds": list(milliseconds), **more}


def timings(*lines: dict[str, object]) -> results.Timings:
    found = results.Timings()
    for one in lines:
        found.add(one)
    return found


class TimingsTest(unittest.TestCase):
    def test_a_ratio_is_of_medians_against_the_fastest_of_the_others(self) -> None:
        found = timings(
            line("a", "easel", 2, 2, 50), line("a", "slow", 9), line("a", "fast", 1, 3, 4), line("a", "copy", 0.1)
        )
        self.assertEqual(found.best_peer("a", "bf16"), ("fast", 3))
        self.assertEqual(found.ratio("a", "bf16"), 1.5)
        self.assertEqual(found.spread("a", "bf16"), (1 / 50, 2))

    def test_rounds_are_joined(self) -> None:
        found = timings(line("a", "easel", 1), line("a", "easel", 3), line("a", "peer", 4))
        self.assertEqual(found.ratio("a", "bf16"), 2)

    def test_what_is_missing_has_no_ratio(self) -> None:
        for found in (
            timings(),
            timings(line("a", "easel", 1)),
            timings(line("a", "copy", 1)),
            timings(line("a", "easel")),
        ):
            self.assertIsNone(found.ratio("a", "bf16"))
            self.assertIsNone(found.spread("a", "bf16"))


class BarsTest(unittest.TestCase):
    def verdicts(self, found: results.Timings) -> dict[str, str]:
        return {bar.what: bar.cells()[3] for bar in results.bars(CASES, found, "bf16") + results.step_bars(found)}

    def test_nothing_measured_meets_no_bar(self) -> None:
        self.assertEqual(set(self.verdicts(timings()).values()), {"not measured"})

    def test_one_missing_case_leaves_a_mean_unmeasured(self) -> None:
        lines = [line(case["name"], peer, 1) for case in CASES["conv3x3"][1:] for peer in ("easel", "cuDNN")]
        name = "conv 3×3, geometric mean, bf16, against cuDNN"
        self.assertEqual(self.verdicts(timings(*lines))[name], "not measured")
        whole = [line(CASES["conv3x3"][0]["name"], peer, 1) for peer in ("easel", "cuDNN")]
        self.assertEqual(self.verdicts(timings(*lines, *whole))[name], "met")

    def test_bars_are_met_and_missed(self) -> None:
        found = timings(line(LARGE, "easel", 1.0), line(LARGE, "cuBLAS", 0.94), line("step decoder", "easel", 3.2))
        verdicts = self.verdicts(found)
        self.assertEqual(verdicts[f"{LARGE}, bf16, against cuBLAS"], "missed")
        self.assertEqual(verdicts["UNet step, decoder, bf16"], "met")

    def test_convolutions_are_held_against_the_rate_of_the_large_product(self) -> None:
        lines = [line(LARGE, "cuBLAS", 1.0)]
        for case in CASES["conv3x3"]:
            work = results.flops("conv3x3", case) / results.flops("gemm", CASES["gemm"][0])
            lines.append(line(case["name"], "easel", work / 0.8))
        self.assertAlmostEqual(results.conv_rate(CASES, timings(*lines), "bf16") or 0, 0.8)

    def test_the_slowest_norm_counts(self) -> None:
        norms = [*CASES["group_norm"], *CASES["layer_norm"]]
        lines = [line(case["name"], "copy", 1.0) for case in norms]
        lines += [line(case["name"], "easel", 1.0 if index else 2.0) for index, case in enumerate(norms)]
        self.assertEqual(results.norm_bandwidth(CASES, timings(*lines), "bf16"), 0.5)


class SectionTest(unittest.TestCase):
    def test_lines_that_are_cut_off_are_left_out_and_all_is_told(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            whole = [line(LARGE, "easel", 2.0, repeats_equal=False), line(LARGE, "cuBLAS", 1.0)]
            text = "\n".join(json.dumps(one) for one in whole)
            (folder / "ops.jsonl").write_text(text + '\n{"case": "gem')
            (folder / "outcomes.tsv").write_text("op parity\tpassed\t90 tests\nracecheck\tnot there\n")
            section = results.section(folder, CASES, "2026-11-23", "a device, 580.1")
            dry = results.section(folder, CASES, "2026-11-23", "no device", dry=True)
        self.assertIn("### 2026-11-23, a device, 580.1: `tests/gpu/run.sh`", section)
        self.assertIn("| op parity | passed | 90 tests |\n| racecheck | not there |  |", section)
        self.assertIn(f"| the same bits twice | failed | {LARGE} bf16 |", section)
        self.assertIn(f"| {LARGE} | bf16 | 2.0000 | 1.0000 (cuBLAS) | 0.50 | 0.50 to 0.50 |", section)
        self.assertIn("| missed |", section)
        self.assertNotIn("| missed |", dry)
        self.assertIn("run.sh --dry`", dry)
        self.assertIn(f"| {LARGE} | f16 | not measured | not measured | – | – |", section)


if __name__ == "__main__":
    unittest.main()
