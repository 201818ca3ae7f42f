"""What the tests with virtual machines share: the packages, and a root with them installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracer_lab.cells import Cell, cell_named
from tracer_lab.guest_suite import TREE
from tracer_lab.layout import module_version
from tracer_lab.packages import build_packages
from tracer_lab.roots import ensure_installed


@pytest.fixture(scope="session")
def cell() -> Cell:
    return cell_named("bookworm")


@pytest.fixture(scope="session")
def debs() -> list[Path]:
    return list(build_packages(TREE, TREE / "dist").debs)


@pytest.fixture(scope="session")
def version() -> str:
    """The version of the packages."""
    return module_version(TREE)


@pytest.fixture(scope="session")
def installed(cell: Cell, debs: list[Path]) -> Path:
    """A root with the packages installed by apt. Not to be changed."""
    return ensure_installed(cell, debs)
