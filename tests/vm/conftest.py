"""What the tests with virtual machines share: the packages, a root with them, a run in a guest."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tracer_lab.cells import Cell, cell_named
from tracer_lab.guest_suite import TREE, SuiteRun, run_suite
from tracer_lab.packages import build_packages
from tracer_lab.roots import ensure_installed


@pytest.fixture(scope="session")
def cell() -> Cell:
    return cell_named("bookworm")


@pytest.fixture(scope="session")
def debs() -> list[Path]:
    return list(build_packages(TREE, TREE / "dist").debs)


@pytest.fixture(scope="session")
def installed(cell: Cell, debs: list[Path]) -> Path:
    """A root with the packages installed by apt. Not to be changed."""
    return ensure_installed(cell, debs)


@pytest.fixture(scope="session")
def suite_run(request: pytest.FixtureRequest, cell: Cell, installed: Path) -> SuiteRun:
    """One guest that ran the guest tests that were selected for this session."""
    specs = [getattr(item, "callspec", None) for item in request.session.items]
    selected = [
        spec.params["guest_test"]
        for spec in specs
        if spec is not None and "guest_test" in spec.params
    ]

    def show(ended: int) -> None:
        with capture.global_and_fixture_disabled():
            sys.stderr.write(f"\r  in the guest: {ended} of {len(selected)} tests  ")

    capture = request.config.pluginmanager.getplugin("capturemanager")
    progress = show if sys.__stderr__ is not None and sys.__stderr__.isatty() else lambda _: None
    return run_suite(cell, installed, selected, f"suite-{cell.name}", progress)
