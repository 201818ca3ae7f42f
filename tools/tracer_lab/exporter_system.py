"""A system of a suite with the packages and the exporter, ready to be booted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tracer_lab.cells import Cell
from tracer_lab.commands import in_root, run
from tracer_lab.disk import ensure_initramfs, system_disk
from tracer_lab.packages import Packages
from tracer_lab.roots import APT, ensure_installed, in_use, install, log_of
from tracer_lab.vm import fresh_share


@dataclass(frozen=True)
class ExporterSystem:
    """What a guest is booted with."""

    name: str  # of the guest
    root: Path  # whose kernel is booted
    share: Path  # fresh and empty
    disk: Path  # has the exporter, too
    initramfs: Path


@contextmanager
def exporter_system(name: str, cell: Cell, packages: Packages) -> Iterator[ExporterSystem]:
    """Make such a system, to be used until the end of the block.

    Raises LabError if it cannot be made or the packages cannot be installed.
    """
    root = ensure_installed(cell, packages.debs)

    def change(copy: Path) -> None:
        log = log_of(f"install-{name}")
        run(in_root(copy, [*APT, "update"]), log=log)
        install(copy, [packages.exporter], log)

    with (
        in_use(root),
        fresh_share(name) as share,
        system_disk(root, name, change=change) as disk,
    ):
        yield ExporterSystem(name, root, share, disk, ensure_initramfs(cell))
