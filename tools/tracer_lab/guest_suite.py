"""The guest tests, from the host: what there is to run, and a run of it in a virtual machine."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tracer_lab.cells import Cell
from tracer_lab.commands import SHARE, in_root, run
from tracer_lab.results import Results, parse_results
from tracer_lab.roots import kernel_release, log_of
from tracer_lab.vm import Guest, GuestResult, boot, fresh_share

TREE = Path(__file__).resolve().parents[2]
TESTS = TREE / "tests" / "guest"
RESULTS = "results.jsonl"
# What builds leave beside the source on the host is not for the guest.
NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.o", "*.ko", "*.cmd", "*.mod*")
MEMORY = "2G"  # a thousand processes are among the tests
SECONDS_FOR_ALL = 1800  # emulated, on a busy machine


@dataclass(frozen=True)
class SuiteRun:
    """A run of guest tests: what the lab and what the guest said of it."""

    cell: Cell
    result: GuestResult
    results: Results

    def about(self, test: str) -> str:
        """What a person needs to go on from a failure of that test."""
        return (
            f"cell {self.cell.name}, kernel {self.result.kernel}\n"
            f"console: {self.result.console}\n"
            f"only this again: ./bootstrap test --only vm -k {test}"
        )


def list_tests() -> list[str]:
    """Names of all guest tests, in the order in which they run."""
    return run([sys.executable, str(TESTS / "run.py"), "--list"]).split()


def build_programs(root: Path, share: Path) -> None:
    """Build what the guest tests need built, with the compiler and headers of ``root``.

    Raises LabError with the compiler's words.
    """
    headers = f"/lib/modules/{kernel_release(root)}/build"
    for part in ("workload", "ioctl32"):
        make = ["make", "-C", f"{SHARE}/guest/{part}", f"KDIR={headers}"]
        run(in_root(root, make, share), log=log_of(f"build-{part}"))


def run_suite(
    cell: Cell,
    root: Path,
    tests: Sequence[str],
    name: str,
    progress: Callable[[int], None] = lambda _: None,
) -> SuiteRun:
    """Boot ``root`` and run guest tests in it: those named, or all if none is.

    ``progress`` is called with the number of tests that have ended, about twice a second.
    Raises GuestLost, or LabError if a program cannot be built.
    """
    command = ["python3", f"{SHARE}/guest/run.py", "--results", f"{SHARE}/{RESULTS}", *tests]
    with fresh_share(name) as share:
        shutil.copytree(TESTS, share / "guest", ignore=NOT_COPIED)
        build_programs(root, share)

        def results_now() -> Results:
            written = share / RESULTS
            return parse_results(written.read_text() if written.exists() else "")

        result = boot(
            Guest(name, root, share, command, SECONDS_FOR_ALL, memory=MEMORY),
            watch=lambda: progress(len(results_now().outcomes)),
        )
        return SuiteRun(cell, result, results_now())
