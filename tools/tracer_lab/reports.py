"""What a cell of the matrix is to those that run it, and what it says when it has ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tracer_lab.errors import LabError
from tracer_lab.facts import KernelFacts
from tracer_lab.vm import GuestLost

Say = Callable[[str], None]  # takes in a few words on what a cell is doing now


class Verdict(Enum):
    """How a cell ended. Only a pass is one."""

    PASS = "pass"  # noqa: S105 -- no password
    FAIL = "FAIL"
    LOST = "GUEST LOST"


@dataclass(frozen=True)
class Finding:
    """A test that failed or was skipped, or a kernel that the module did not compile for."""

    test: str
    detail: str  # why; for a failure with the numbers expected and found


@dataclass(frozen=True)
class CellReport:
    """How one cell went."""

    name: str
    verdict: Verdict
    log: Path
    kernel: str = ""  # release; empty if it did not get so far, or there are several
    passed: int = 0  # tests, or kernels compiled for
    failed: tuple[Finding, ...] = ()
    skipped: tuple[Finding, ...] = ()
    reasons: tuple[str, ...] = ()  # why it is no pass, beside the failed tests
    notes: tuple[str, ...] = ()  # what is to be known of a pass, too: a guest booted twice
    seconds: float = 0.0
    facts: KernelFacts | None = None  # what a booted kernel said of itself
    built_for: tuple[str, ...] | None = None  # of a cell that only builds: the kernels' releases


def stopped_by(error: LabError, name: str, log: Path, kernel: str = "") -> CellReport:
    """The report of a cell that an error kept from its end."""
    verdict = Verdict.LOST if isinstance(error, GuestLost) else Verdict.FAIL
    return CellReport(name, verdict, log, kernel, reasons=(str(error),))


@dataclass(frozen=True)
class Order:
    """What a cell is run with."""

    debs: Sequence[Path]  # tracer-dkms and tracer-tools; nobody changes these and the tree
    tree: Path  # has src/tracer and tests/guest as they were when the run of all cells began
    tests: str  # the guest tests that hold this; all if it is empty
    log: Path  # fresh and empty, for the report to name
    say: Say


@dataclass(frozen=True)
class Job:
    """A cell that can be run. ``run`` may raise GuestLost, or LabError: then the cell failed."""

    name: str
    run: Callable[[Order], CellReport]
    in_every_run: bool = False  # of the tests
    in_default: bool = True  # False: takes too long for every run, only `--all` runs it
    has_tests: bool = True  # False: it only builds, and no -k can be meant for it
