"""Figures of the bench: what a guest wrote and what is kept are read strictly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tracer_lab.bench.figures import (
    Absence,
    Figure,
    Run,
    parse_lines,
    parse_runs,
    read_runs,
    replaced,
    write_runs,
)
from tracer_lab.errors import LabError

LINE: dict[str, Any] = {
    "work": "mutex",
    "state": "baseline",
    "value": 60.5,
    "unit": "instructions an iteration",
    "batches": 5,
    "spread": 0.002,
}
MUTEX = Figure("mutex", "baseline", 60.5, "instructions an iteration", 5, 0.002)
ABSENT = Absence("systemtap", "it does not compile for 7.3")


def run_of(cell: str = "bookworm", *figures: Figure) -> Run:
    return Run(cell, "6.1.0-56-amd64", "2026-11-23", "0123abc", "full", figures, (ABSENT,))


def line(**changes: object) -> str:
    return json.dumps({**LINE, **changes})


def test_figures_and_absences_are_read_from_a_guest() -> None:
    absent = {"work": "", "state": ABSENT.state, "absent": ABSENT.absent}
    text = f"{line()}\n{json.dumps(absent)}\n"
    assert parse_lines(text) == ((MUTEX,), (ABSENT,))


@pytest.mark.parametrize(
    "wrong",
    [
        "nonsense",
        "5",
        "{}",
        line(colour="red"),
        line(value="60"),
        line(value=True),
        line(value=-1),
        line(value=float("nan")),
        line(value=float("inf")),
        line(spread=-0.1),
        line(batches=0),
        line(batches=2.5),
        '{"state": "systemtap", "absent": 5}',
        "",
    ],
)
def test_a_line_of_another_form_is_an_error_that_names_it(wrong: str) -> None:
    with pytest.raises(LabError, match="line 2"):
        parse_lines(f"{line()}\n{wrong}\n")


def test_a_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    runs = [run_of("bookworm", MUTEX), run_of("trixie-backports")]
    write_runs(tmp_path / "docs" / "runs.json", runs)
    assert read_runs(tmp_path / "docs" / "runs.json") == runs


def test_a_file_of_runs_has_a_line_for_each_figure(tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    write_runs(path, [run_of("bookworm", MUTEX)])
    (found,) = [text for text in path.read_text().splitlines() if "mutex" in text]
    assert json.loads(found) == LINE


def written(**changes: object) -> str:
    head = {"cell": "bookworm", "kernel": "6.1", "day": "2026-11-23", "commit": "a"}
    run = {**head, "form": "full", "figures": [LINE], "absences": [], **changes}
    return json.dumps({"schema": 1, "runs": [run]})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"schema": 2, "runs": []}',
        '{"schema": 1, "runs": {}}',
        '{"schema": 1, "runs": [5]}',
        written(form="long"),
        written(kernel=6.1),
        written(figures={}),
        written(absences=[{}]),
        written(colour="red"),
    ],
)
def test_a_file_of_runs_of_another_form_is_an_error(text: str) -> None:
    assert parse_runs(written(), "old.json")
    with pytest.raises(LabError, match=r"old\.json"):
        parse_runs(text, "old.json")


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"gone\.json"):
        read_runs(tmp_path / "gone.json")


def test_a_figure_that_is_there_twice_is_an_error() -> None:
    with pytest.raises(LabError, match="two figures of mutex in baseline"):
        run_of("bookworm", MUTEX, MUTEX)


def test_a_run_of_a_cell_replaces_that_of_the_cell() -> None:
    old = [run_of("bookworm"), run_of("gone"), run_of("trixie-backports")]
    new = run_of("trixie-backports", MUTEX)
    assert replaced(old, [new], ["bookworm", "trixie-backports"]) == [old[0], new]


def test_what_a_state_adds_is_unknown_where_either_was_not_measured() -> None:
    other = Figure("mutex", "tracer-ftrace-other", 160.5, LINE["unit"], 5, 0.0)
    assert run_of("bookworm", MUTEX, other).added("mutex", other.state) == 100
    assert run_of("bookworm", other).added("mutex", other.state) is None
    assert run_of("bookworm", MUTEX).added("mutex", other.state) is None
