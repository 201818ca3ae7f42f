"""The matrix: which cells are run, and running them side by side."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Protocol

from tracer_lab.booted import boot_jobs
from tracer_lab.builds import BENCH, MODULE, build_jobs
from tracer_lab.cache import claimed
from tracer_lab.errors import LabError
from tracer_lab.guest_suite import GUEST, NOT_COPIED
from tracer_lab.reports import CellReport, Job, Order, Say, stopped_by
from tracer_lab.roots import log_of
from tracer_lab.sanitizers import sanitizer_jobs

SECONDS_A_LOOK = 0.5
MEMORY_OF_A_CELL = 3 << 20  # KiB: that of its guest, and of what installs and compiles


class Display(Protocol):
    """Where a run of the matrix shows how it gets on. Called by several threads."""

    def said(self, name: str, words: str) -> None:
        """That cell is doing this now."""

    def ended(self, report: CellReport) -> None:
        """That cell has ended."""


class Stopped(BaseException):
    """Raised in a cell that is under way when the whole run is to end."""


def all_jobs() -> list[Job]:
    """Every cell that there is, in the order of the table."""
    return [*boot_jobs(), *sanitizer_jobs(), *build_jobs()]


def select(
    jobs: Sequence[Job], only: str = "", tests: str = "", everything: bool = False
) -> list[Job]:
    """The cells to run: those whose name matches the shell pattern ``only``, or else all.

    Those that take too long for every run are left out, unless ``everything`` is set or
    ``only`` matches no other. With ``tests`` only those that run tests are meant.
    Raises LabError if none is left.
    """
    able = [job for job in jobs if job.has_tests or not tests]
    named = [job for job in able if fnmatchcase(job.name, only or "*")]
    found = [job for job in named if job.in_default or everything] or named
    if not found:
        known = ", ".join(job.name for job in able)
        which = "no cell that runs tests" if tests else "no cell of the matrix"
        raise LabError(f"{which} is called {only}", f"there are: {known}")
    return found


@dataclass(frozen=True)
class Subject:
    """What all cells of a run test: the same, whatever is edited or built meanwhile."""

    debs: Sequence[Path]
    tree: Path


@contextmanager
def kept_apart(tree: Path, debs: Sequence[Path]) -> Iterator[Subject]:
    """Copies of packages, and of what else cells take from the tree, until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="tracer-lab-tested-") as folder:
        copy = Path(folder)
        copy.chmod(0o755)  # apt and compilers inside a root read it as other users
        for part in (MODULE, GUEST, BENCH):
            shutil.copytree(tree / part, copy / part, ignore=NOT_COPIED)
        yield Subject([Path(shutil.copy(deb, copy)) for deb in debs], copy)


def guests_at_a_time() -> int:
    """How many guests this machine has room for: at least one."""
    return workers(os.cpu_count() or 1, Path("/proc/meminfo").read_text(encoding="ascii"))


def workers(processors: int, meminfo: str) -> int:
    """How many guests to run at a time, with what /proc/meminfo says: at least one.

    An emulated guest keeps one processor busy for five sixths of its time: while it waits, one
    more has something to do.
    """
    (available,) = re.findall(r"^MemAvailable: +(\d+) kB$", meminfo, re.MULTILINE)
    return max(1, min(processors + 1, int(available) // MEMORY_OF_A_CELL))


def run_jobs(
    jobs: Sequence[Job], subject: Subject, tests: str, display: Display
) -> list[CellReport]:
    """Run cells, as many at a time as the machine has room for; their reports in order."""
    stop = threading.Event()
    with ThreadPoolExecutor(guests_at_a_time()) as pool:
        runs: dict[Future[CellReport], Job] = {
            pool.submit(run_job, job, subject, tests, display, stop): job for job in jobs
        }
        try:
            for run in as_completed(runs):
                display.ended(run.result())
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    return [run.result() for run in runs]


@contextmanager
def no_other_run_of(job: Job, say: Say) -> Iterator[None]:
    """Keep out other runs of a cell: they would write to its log and share its guest's folder."""
    while True:
        with claimed(f"matrix-{job.name}") as free:
            if free:
                yield
                return
        say("waiting for another run of this cell")
        time.sleep(SECONDS_A_LOOK)


def run_job(
    job: Job, subject: Subject, tests: str, display: Display, stop: threading.Event
) -> CellReport:
    """Run one cell; whatever stops it that the lab knows of makes it a cell that is no pass."""

    def say(words: str) -> None:
        if stop.is_set():
            raise Stopped
        display.said(job.name, words)

    with no_other_run_of(job, say):
        started = time.monotonic()
        log = log_of(f"matrix-{job.name}")
        try:
            report = job.run(Order(subject.debs, subject.tree, tests, log, say))
        except LabError as error:
            report = stopped_by(error, job.name, log)
        with log.open("a", encoding="utf-8") as sink:
            sink.writelines(f"--- {line}\n" for line in (*report.reasons, report.verdict.value))
    return replace(report, seconds=time.monotonic() - started)
