"""Running the bench on several kernels; what runs on each is a stand-in here."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from tracer_lab.bench import running
from tracer_lab.bench.figures import Form, Run
from tracer_lab.bench.running import CELLS, chosen_cells, run_cells
from tracer_lab.cells import Cell
from tracer_lab.errors import LabError

Say = Callable[[str], None]


def run_of(cell: Cell, form: Form = "full") -> Run:
    return Run(cell.name, "6.1.0-56-amd64", "2026-11-23", "0123abc", form, ())


def test_cells_are_chosen_by_a_pattern() -> None:
    assert [cell.name for cell in chosen_cells("")] == list(CELLS)
    assert [cell.name for cell in chosen_cells("trixie*")] == ["trixie-backports"]


def test_a_cell_that_the_bench_does_not_have_is_an_error() -> None:
    with pytest.raises(LabError, match="no cell of the bench is called forky"):
        chosen_cells("forky")


def test_each_run_is_kept_and_all_are_given_in_the_order_of_cells(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    second_has_ended = threading.Event()

    def run_bench(cell: Cell, form: Form, say: Say) -> Run:
        say("booting")
        if cell.name == CELLS[0]:
            assert second_has_ended.wait(60)
        return run_of(cell, form)

    def keep(run: Run) -> None:
        kept.append(run.cell)
        second_has_ended.set()

    monkeypatch.setattr(running, "run_bench", run_bench)
    monkeypatch.setattr(running, "guests_at_a_time", lambda: 2)
    kept: list[str] = []
    said: list[tuple[str, str]] = []
    runs = run_cells(chosen_cells(""), "short", lambda *words: said.append(words), keep)
    assert [(run.cell, run.form) for run in runs] == [(name, "short") for name in CELLS]
    assert kept == list(reversed(CELLS))
    assert sorted(said) == [(name, "booting") for name in sorted(CELLS)]


def test_a_run_is_kept_though_the_other_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def run_bench(cell: Cell, form: Form, say: Say) -> Run:
        if cell.name == CELLS[0]:
            raise LabError("the clock does not count instructions")
        return run_of(cell, form)

    monkeypatch.setattr(running, "run_bench", run_bench)
    kept: list[str] = []
    with pytest.raises(LabError, match="the clock does not count"):
        run_cells(chosen_cells(""), "full", lambda *_: None, lambda run: kept.append(run.cell))
    assert kept == [CELLS[1]]


def test_what_cannot_be_kept_ends_the_other_run(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, failed, stopped = threading.Event(), threading.Event(), threading.Event()

    def run_bench(cell: Cell, form: Form, say: Say) -> Run:
        if cell.name == CELLS[0]:
            assert begun.wait(60)
            return run_of(cell, form)
        begun.set()
        assert failed.wait(60)
        try:
            while True:
                say("1 figures")
        except BaseException:
            stopped.set()
            raise

    def keep(run: Run) -> None:
        failed.set()
        raise LabError("README.md has no table")

    monkeypatch.setattr(running, "run_bench", run_bench)
    monkeypatch.setattr(running, "guests_at_a_time", lambda: 2)
    with pytest.raises(LabError, match="has no table"):
        run_cells(chosen_cells(""), "full", lambda *_: None, keep)
    assert stopped.is_set()
