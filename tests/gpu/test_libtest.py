"""What is told of a run of tests."""

import unittest

import libtest

OUTPUT = """\
running 3 tests
test ops::linear::tests::sums_are_close ... ok
test ops::linear::tests::batches_are_alike ... FAILED
test ops::softmax::tests::rows_sum_to_one ... ok
test the_pipeline ... ok

test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s
"""


class LinesTest(unittest.TestCase):
    def test_groups_are_told_with_what_failed(self) -> None:
        wanted = ["x\tpassed\t1 tests", "x: ops::linear\tfailed\tbatches_are_alike", "x: ops::softmax\tpassed\t1 tests"]
        self.assertEqual(libtest.lines("x", OUTPUT, 101), wanted)

    def test_a_run_that_did_not_end_has_failed(self) -> None:
        cut = OUTPUT[: OUTPUT.index("test result")].replace("FAILED", "ok")
        self.assertEqual(libtest.lines("x", cut, 124)[-1], "x\tfailed\tstopped at its limit, after 4 tests")
        self.assertEqual(
            libtest.lines("x", "Segmentation fault", 139), ["x\tfailed\tended with status 139, after 0 tests"]
        )

    def test_no_test_and_a_status_without_a_reason_are_failures(self) -> None:
        nothing = "test result: ok. 0 passed; 0 failed; 0 ignored"
        self.assertEqual(libtest.lines("x", nothing, 0), ["x\tfailed\tno test was run"])
        fine = "test a::tests::b ... ok\ntest result: ok. 1 passed; 0 failed"
        self.assertEqual(libtest.lines("x", fine, 86)[-1], "x\tfailed\tended with status 86")


if __name__ == "__main__":
    unittest.main()
