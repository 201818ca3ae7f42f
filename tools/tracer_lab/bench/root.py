"""The root file systems that the bench boots: a cell's base, and the packages of the peers."""

from __future__ import annotations

from pathlib import Path

from tracer_lab.cache import key_of, made_once
from tracer_lab.cells import Cell
from tracer_lab.commands import in_root, run
from tracer_lab.roots import APT, copy_tree, ensure_base, log_of, roots_dir

# The bench's own static programs need the first; the rest are the peers and the whole programs.
PACKAGES = ("libc6-dev", "bpftrace", "linux-perf", "systemtap", "stress-ng", "rt-tests")


def apt_install(cell: Cell) -> list[str]:
    """What installs the packages that are added to the base of a cell.

    With a kernel of backports, perf is that kernel's, and what it needs is newer, too.
    """
    archive = [f"--target-release={cell.suite.name}-backports"] if cell.backports else []
    return [*APT, *archive, "install", *PACKAGES]


def ensure_bench_root(cell: Cell) -> Path:
    """The root file system of that cell with everything that the bench runs, but tracer.

    Never to be changed. Takes a minute or two the first time, nothing after that.
    Raises LabError if a package cannot be had.
    """
    base = ensure_base(cell)
    install = apt_install(cell)

    def make(target: Path) -> None:
        copy_tree(base, target)
        log = log_of(f"bench-root-{cell.name}")
        run(in_root(target, [*APT, "update"]), log=log)
        run(in_root(target, install), log=log)

    return made_once(roots_dir() / f"bench-{base.name}-{key_of(*install)}", make)
