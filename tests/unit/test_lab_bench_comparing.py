"""Comparing two runs of the bench."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tracer_lab.bench.comparing import comparison
from tracer_lab.bench.figures import Figure, Run
from tracer_lab.errors import LabError


def run_of(cell: str = "bookworm", **values: float) -> Run:
    figures = tuple(
        Figure(work, "baseline", value, "instructions", 5, 0.0) for work, value in values.items()
    )
    return Run(cell, "6.1.0-56-amd64", "2026-11-23", "0123abc", "full", figures)


@pytest.mark.parametrize(
    ("old", "new", "counts"),
    [
        (100.0, 100.0, False),
        (100.0, 101.0, False),
        (100.0, 99.0, False),
        (100.0, 101.1, True),
        (100.0, 98.9, True),
        (0.0, 0.0, False),
        (0.0, 0.1, True),
        (5.0, 0.0, True),
    ],
)
def test_what_moved_by_more_than_a_hundredth_is_said(old: float, new: float, counts: bool) -> None:
    found = comparison([run_of(mutex=old)], [run_of(mutex=new)])
    assert found.compared == 1
    assert [(move.old, move.new) for move in found.moves] == [(old, new)] * counts


def test_a_move_is_a_line_with_both_figures() -> None:
    lines = list(comparison([run_of(mutex=2000.0)], [run_of(mutex=1500.0)]).lines())
    assert lines == [
        "bookworm: mutex, baseline: 2,000.00 -> 1,500.00 (-25.0%)",
        "1 of 1 figures moved by more than 1%",
    ]


def test_cells_are_compared_with_themselves() -> None:
    old = [run_of("trixie-backports", mutex=1.0), run_of("bookworm", mutex=2.0)]
    assert comparison(old, [run_of("bookworm", mutex=2.0)]).moves == ()


def test_figures_that_only_one_has_are_named() -> None:
    notes = comparison([run_of(mutex=1.0, pipe=2.0)], [run_of(mutex=1.0, schedule=2.0)]).notes
    assert notes == (
        "bookworm: no longer measured: pipe in baseline",
        "bookworm: measured for the first time: schedule in baseline",
    )


def test_another_kernel_and_another_form_are_said() -> None:
    new = replace(run_of(mutex=1.0), kernel="6.1.0-57-amd64", form="short")
    notes = comparison([run_of(mutex=1.0)], [new]).notes
    assert notes == (
        "bookworm: Linux 6.1.0-56-amd64 -> 6.1.0-57-amd64",
        "bookworm: form full -> short",
    )


def test_nothing_to_compare_with_is_an_error() -> None:
    with pytest.raises(LabError, match="no run of bookworm"):
        comparison([run_of("trixie-backports", mutex=1.0)], [run_of("bookworm", mutex=1.0)])
