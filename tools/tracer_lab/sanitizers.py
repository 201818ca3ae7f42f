"""The cells with sanitizers: a kernel that the lab builds, and the guest tests on it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tracer_lab.booted import BY_FTRACE, run_on
from tracer_lab.cache import key_of, made_once
from tracer_lab.cells import SANITIZER_CELLS, SanitizerCell
from tracer_lab.guest_suite import Setting
from tracer_lab.kernel_builds import Recipe, ensure_kernel
from tracer_lab.reports import CellReport, Job, Order
from tracer_lab.roots import install, log_of, make_root, mmdebstrap, roots_dir

# Memory for what they remember of each byte and each block, and time to do so.
MEMORY = "4G"
SLOWNESS = 4
# Whatever one of them reports ends the guest at once, its report at the end of the console.
# Lockdep does not warn, it only writes: the runner finds that in the kernel log.
STRICT = ("panic_on_warn=1",)
# All processors of an emulated guest are one thread here, and take turns of up to a tenth of a
# second. Whoever watches an address for 80 microseconds, as is usual, sees nobody: so it is
# watched fifty times as long, that another task may run meanwhile, and so much less often.
# A race of the rest of the kernel is not to end the guest: the runner passes over it.
RACES = ("kcsan.udelay_task=4000", "kcsan.udelay_interrupt=1000", "kcsan.skip_watch=100000")


def sanitizer_jobs() -> list[Job]:
    """The cells with sanitizers, each with both engines: they take too long for every run."""
    return [
        Job(cell.name + suffix, partial(run_cell, cell, suffix, engine), in_default=False)
        for suffix, engine in (("", ()), ("-ftrace", BY_FTRACE))
        for cell in SANITIZER_CELLS
    ]


def setting_of(cell: SanitizerCell, arguments: Sequence[str] = ()) -> Setting:
    """How the guest tests are run there; ``arguments`` are further ones for the kernel."""
    finding = RACES if cell.finds_races else STRICT
    return Setting(
        (*finding, *arguments), MEMORY, SLOWNESS, sanitizers=True, faults=not cell.finds_races
    )


def run_cell(
    cell: SanitizerCell, suffix: str, arguments: Sequence[str], order: Order
) -> CellReport:
    """Build the kernel of that cell if need be, install the packages, boot it, and judge.

    ``arguments`` are further ones for the kernel; the report's name ends in ``suffix``.
    Raises LabError if the kernel or the system cannot be made or the packages not installed.
    """
    kernel = ensure_kernel(recipe_of(cell), order.say)
    order.say("making its root file system")
    base = ensure_sanitizer_base(cell, kernel)
    return run_on(base, cell.name, cell.name + suffix, order, setting_of(cell, arguments))


def recipe_of(cell: SanitizerCell) -> Recipe:
    """How the kernel of that cell is built."""
    return Recipe(cell.name, cell.suite, cell.archives, cell.source, cell.fragments)


def ensure_sanitizer_base(cell: SanitizerCell, kernel: Path) -> Path:
    """A root file system of the cell's suite with the kernel that is in the folder ``kernel``.

    Never to be changed. Raises LabError if packages cannot be had or installed.
    """
    options = [f"--include={','.join(cell.packages)}"]
    # A cell's name and the key of what its kernel was built from: another kernel, another base.
    facts = (kernel.name, *mmdebstrap(cell.suite, options), *cell.suite.archives)

    def make(target: Path) -> None:
        log = log_of(f"base-{cell.name}")
        make_root(target, cell.suite, cell.suite.archives, options, log)
        install(target, packages_in(kernel), log)

    return made_once(roots_dir() / f"{cell.name}-{key_of(*facts, cell.suite.security)}", make)


def packages_in(kernel: Path) -> Sequence[Path]:
    """The packages of a kernel that the lab has built."""
    return sorted(kernel.glob("*.deb"))
