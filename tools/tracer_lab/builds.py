"""The cells that only build: the module compiled for every kernel of a suite, without a warning."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tracer_lab.cache import remove_tree
from tracer_lab.cells import BUILD_CELLS, BuildCell
from tracer_lab.commands import SHARE, in_root, run
from tracer_lab.errors import LabError
from tracer_lab.guest_suite import GUEST, NOT_COPIED
from tracer_lab.headers import CROSS, absent_from, ensure_headers, releases_in
from tracer_lab.reports import CellReport, Finding, Job, Order, Verdict
from tracer_lab.roots import in_use
from tracer_lab.vm import fresh_share

MODULE = Path("src", "tracer")
WORKLOAD = GUEST / "workload"
BENCH = Path("tools", "tracer_lab", "in_bench", "module")
FLAVOURED = re.compile(r"-[a-z]+-(amd64|arm64)\b")  # 6.1.0-50-rt-amd64, but not 6.1.0-50-amd64
# Compiler and linker put "warning:" behind a place, modpost begins with "WARNING:", and make
# says "make[2]: *** [Makefile:7: all] Error 2".
COMPLAINT = re.compile(r"\b(warning|error): |^make(\[\d+\])?: \*\*\* ", re.IGNORECASE)
# With C=2 the headers of 7.x miss a script that tries out sparse, and leave it out.
SPARSE = ("W=1", "KBUILD_CHECKSRC=2")
SPARSE_RUNS = re.compile(r"^ +CHECK +", re.MULTILINE)
LINES_SHOWN = 25  # of the complaints about one build
TAIL = 12  # lines of a build that failed
NOT_THERE = "the mirror lists its headers, or what they need, but does not have them"


@dataclass(frozen=True)
class Build:
    """Something compiled for a kernel."""

    what: str
    release: str
    complaints: tuple[str, ...]  # warnings, errors; a build without any is clean

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.what} for {self.release}"


def build_jobs() -> list[Job]:
    """The cells that only build."""
    return [Job(cell.name, partial(run_cell, cell), has_tests=False) for cell in BUILD_CELLS]


def run_cell(cell: BuildCell, order: Order) -> CellReport:
    """Compile the module for every kernel of the cell, and judge.

    Raises LabError if the headers cannot be had.
    """
    order.say("making a system with the headers of its kernels")
    root = ensure_headers(cell)
    releases = releases_in(root)
    done: list[Build] = []
    name = f"matrix-{cell.name}"
    with in_use(root), fresh_share(name) as share, order.log.open("a", encoding="utf-8") as log:
        for number, release in enumerate(releases, start=1):
            order.say(f"kernel {number} of {len(releases)}")
            for build in builds_for(cell, root, release, share, order.tree):
                log.write(f"{build.name}: {'FAIL' if build.complaints else 'clean'}\n")
                log.writelines(f"    {line}\n" for line in build.complaints)
                log.flush()
                done.append(build)
        log.writelines(f"{release}: skipped: {NOT_THERE}\n" for release in absent_from(root))
    return judged(cell.name, done, absent_from(root), order.log)


def builds_for(
    cell: BuildCell, root: Path, release: str, share: Path, tree: Path
) -> Iterator[Build]:
    """Compile what is to be compiled for one kernel, in a folder of ``share``."""
    cross = CROSS.get(cell.architecture)
    target = [f"ARCH={cell.architecture}", f"CROSS_COMPILE={cross}-"] if cross else []

    def compiled(what: str, source: Path, *settings: str) -> Build:
        text, succeeded = _make(root, release, tree / source, share, [*target, *settings])
        complaints = complaints_in(text)
        if not succeeded:
            # Its last lines say why, of whatever form they are.
            complaints = list(dict.fromkeys([*complaints, *text.splitlines()[-TAIL:]]))
        elif what == "sparse" and not SPARSE_RUNS.search(text):
            complaints.append("sparse did not run")
        return Build(what, release, tuple(complaints))

    version = "TRACER_VERSION=build"  # without debian/changelog beside it
    yield compiled("module", MODULE, version, "W=1")
    if not FLAVOURED.search(release):
        if not cross:
            yield compiled("workload", WORKLOAD)
            yield compiled("bench", BENCH, "W=1")
        if "sparse" in cell.tools:
            yield compiled("sparse", MODULE, version, *SPARSE)


def _make(
    root: Path, release: str, source: Path, share: Path, settings: Sequence[str]
) -> tuple[str, bool]:
    """Build a copy of the folder ``source`` for a kernel; what was printed, and if it succeeded."""
    copy, log = share / source.name, share / "make.log"
    shutil.copytree(source, copy, ignore=NOT_COPIED)
    log.write_bytes(b"")
    build = [f"KDIR=/lib/modules/{release}/build", *settings]
    succeeded = False
    with suppress(LabError):
        run(in_root(root, ["make", "-C", f"{SHARE}/{source.name}", *build], share), log=log)
        succeeded = True
    remove_tree(copy)
    return log.read_text(errors="replace"), succeeded


def complaints_in(text: str) -> list[str]:
    """The lines of a build's output that are a warning or an error, of anything."""
    return [line for line in text.splitlines() if COMPLAINT.search(line)]


def judged(name: str, done: Sequence[Build], absent: Sequence[str], log: Path) -> CellReport:
    """What the builds of a cell come to: a pass if there are some, and all are clean."""
    unclean = [build for build in done if build.complaints]
    bad = {build.release for build in unclean}
    clean = tuple(dict.fromkeys(build.release for build in done if build.release not in bad))
    return CellReport(
        name=name,
        verdict=Verdict.FAIL if unclean or not clean else Verdict.PASS,
        log=log,
        passed=len(clean),
        failed=tuple(
            Finding(build.name, "\n".join(build.complaints[:LINES_SHOWN])) for build in unclean
        ),
        skipped=tuple(Finding(f"module for {release}", NOT_THERE) for release in absent),
        built_for=clean,
    )
