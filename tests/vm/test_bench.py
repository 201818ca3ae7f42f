"""What a call costs is within its bounds, counted by the command that users run."""

from __future__ import annotations

import sys

import pytest

from tracer_lab.bench.figures import read_runs
from tracer_lab.commands import run
from tracer_lab.guest_suite import TREE

FIGURES = TREE / "build" / "bench.json"


@pytest.mark.vm
@pytest.mark.package
def test_no_figure_is_over_its_bound() -> None:
    FIGURES.unlink(missing_ok=True)
    command = "bench --only=bookworm --short --check"
    run([sys.executable, "-m", "invoke", *command.split()], cwd=TREE)
    assert [made.cell for made in read_runs(FIGURES)] == ["bookworm"]
