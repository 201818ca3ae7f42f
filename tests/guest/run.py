#!/usr/bin/env python3
"""Run the guest tests: as root, on the kernel to be tested, with module tracer installed."""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import signal
import sys
import time
import traceback
import unittest
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Any, Union

import facts
from kmsg import KernelLog

HERE = Path(__file__).resolve().parent
HANG_SECONDS = 480
ErrorInfo = Union[tuple[type[BaseException], BaseException, TracebackType], tuple[None, None, None]]


class HungError(Exception):
    """A test was ended because it got nowhere."""


class Outcome(unittest.TestResult):
    """What one test came to: the worst of what happened, and its story."""

    def __init__(self) -> None:
        super().__init__()
        self.word = "pass"
        self.detail: list[str] = []

    def _failed(self, error: ErrorInfo) -> None:
        self.word = "fail"
        self.detail.append("".join(traceback.format_exception(*error)))

    def addError(self, test: unittest.TestCase, err: ErrorInfo) -> None:  # noqa: N802
        super().addError(test, err)
        self._failed(err)

    def addFailure(self, test: unittest.TestCase, err: ErrorInfo) -> None:  # noqa: N802
        super().addFailure(test, err)
        self._failed(err)

    def addSubTest(  # noqa: N802
        self, test: unittest.TestCase, subtest: unittest.TestCase, err: ErrorInfo | None
    ) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._failed(err)

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:  # noqa: N802
        super().addSkip(test, reason)
        self.word = "skip"
        self.detail.append(reason)

    def complain(self, lines: list[str]) -> None:
        """Fail the test for what the kernel logged during it."""
        if lines:
            self.word = "fail"
            self.detail.append("the kernel complained:\n" + "\n".join(lines))


class Results:
    """One JSON line a test, on disk as soon as the test has ended."""

    def __init__(self, path: Path | None) -> None:
        self._file: IO[str] | None = path.open("w", encoding="utf-8") if path else None
        self.count: dict[str, int] = {"pass": 0, "fail": 0, "skip": 0}

    def add(self, test: str, outcome: Outcome, seconds: float) -> None:
        """Record a test that has ended."""
        self.count[outcome.word] += 1
        detail = "\n".join(outcome.detail)
        print(f"{outcome.word} {seconds:6.1f} s  {test}", flush=True)
        if detail:
            print(detail, flush=True)
        self._write(
            {"test": test, "outcome": outcome.word, "seconds": round(seconds, 1), "detail": detail}
        )

    def end(self) -> None:
        """Record that nothing more comes."""
        passed, failed, skipped = (self.count[word] for word in ("pass", "fail", "skip"))
        print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
        self._write({"end": True, "passed": passed, "failed": failed, "skipped": skipped})
        if self._file:
            self._file.close()

    def _write(self, record: dict[str, Any]) -> None:
        if self._file:
            self._file.write(json.dumps(record) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())


def load_tests() -> list[unittest.TestCase]:
    """Give every test of this folder in order of name, what changes the kernel last.

    Raises ImportError.
    """
    loader = unittest.TestLoader()
    found = loader.discover(str(HERE), pattern="test_*.py", top_level_dir=str(HERE))
    if loader.errors:
        raise ImportError(loader.errors[0])
    return sorted(_flatten(found), key=_rank)


def _rank(test: unittest.TestCase) -> tuple[bool, str]:
    return getattr(test, "changes_the_kernel", False), test.id()


def _flatten(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from _flatten(test)
        else:
            yield test


def select(
    tests: list[unittest.TestCase], patterns: list[str], *, faults: bool = False
) -> list[unittest.TestCase]:
    """Keep the tests whose id matches a pattern, or holds it; all if there is no pattern.

    Those that need allocations to fail are left out, unless `faults` is set.
    """
    able = [test for test in tests if faults or not getattr(test, "needs_faults", False)]
    return [
        test
        for test in able
        if not patterns or any(fnmatch.fnmatch(test.id(), f"*{pattern}*") for pattern in patterns)
    ]


def run_one(test: unittest.TestCase, seconds: int) -> Outcome:
    """Run a test, ended after so many seconds; then search the kernel log since its start."""
    outcome = Outcome()
    log = KernelLog()
    signal.alarm(seconds)
    try:
        test.run(outcome)
    finally:
        signal.alarm(0)
    outcome.complain(log.complaints())
    log.close()
    return outcome


def run_all(tests: list[unittest.TestCase], results: Path | None, seconds: int) -> int:
    """Run tests one after the other; give the number that did not pass or skip."""

    def hung(number: int, frame: FrameType | None) -> None:
        raise HungError(f"no end after {seconds} s")

    report = Results(results)
    signal.signal(signal.SIGALRM, hung)
    for test in tests:
        began = time.monotonic()
        outcome = run_one(test, seconds)
        report.add(test.id(), outcome, time.monotonic() - began)
    report.end()
    return report.count["fail"]


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, help="write one JSON line a test to this file")
    parser.add_argument("--facts", type=Path, help="write what the kernel is to this file")
    parser.add_argument(
        "--slowness", type=int, default=1, help="how many times as long as usual a test may take"
    )
    parser.add_argument(
        "--faults", action="store_true", help="the kernel has fault injection: use it, too"
    )
    parser.add_argument("--list", action="store_true", help="print the names of the tests and end")
    parser.add_argument("patterns", nargs="*", help="run the tests whose name holds one of these")
    return parser


def main() -> int:
    """Do what the command line says; 0 if every test passed or said why it was skipped."""
    options = build_parser().parse_args()
    tests = select(load_tests(), options.patterns, faults=options.faults)
    if options.list:
        print("\n".join(test.id() for test in tests))
        return 0
    if os.geteuid() != 0:
        print("run.py: the guest tests load modules: run them as root", file=sys.stderr)
        return 2
    if not tests:
        print("run.py: no test has such a name: see run.py --list", file=sys.stderr)
        return 2
    if options.facts:
        facts.write(options.facts)
    return 1 if run_all(tests, options.results, HANG_SECONDS * options.slowness) else 0


if __name__ == "__main__":
    sys.exit(main())
