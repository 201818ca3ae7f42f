"""Calls of all kinds with all kinds of arguments, by many processes at once: see fuzzer/."""

from __future__ import annotations

import unittest

import fuzzing
import kmodule
from case import GuestTest

CALLS = 50_000
SEED = 20_261_123
# Where the kernel can make allocations fail, the fuzzer has it do so, too.
ONLY_WITH_FAULTS = {"(with a fault)"}


@unittest.skipUnless(fuzzing.PROGRAM.exists(), "where it was built there is no C library for it")
class Fuzz(GuestTest):
    def setUp(self) -> None:
        super().setUp()
        self.reload(f"max_processes={fuzzing.PLACES}")

    def test_every_call_is_answered_as_it_is_documented(self) -> None:
        done = fuzzing.run(CALLS, SEED)
        self.assertEqual((done.status, done.complaints), (0, ""))
        self.assertEqual(fuzzing.left_behind(), [])
        kmodule.unload()
        self.assertGreaterEqual(done.did["calls"], CALLS)
        never = {name for name, kind in done.did["kinds"].items() if not kind["calls"]}
        self.assertLessEqual(never, ONLY_WITH_FAULTS)
        self.assertTrue(done.did["records"] and done.did["rows"], "something was read")
