"""What the bench measured: figures of runs, and docs/performance.json, which keeps them.

A figure is the median of several batches. Its unit is most often an instruction of the guest.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, cast

from tracer_lab.bench.vocabulary import BASELINE
from tracer_lab.errors import LabError

RECORD = Path("docs", "performance.json")
SCHEMA = 1
Form = Literal["full", "short"]
FORMS: Final = ("full", "short")


@dataclass(frozen=True)
class Figure:
    """One number: what a work took while the machine was in a state."""

    work: str
    state: str
    value: float  # median over the batches, not negative
    unit: str
    batches: int  # at least 1
    spread: float  # (largest - smallest) / median; 0 of a single batch


@dataclass(frozen=True)
class Absence:
    """A state that could not be measured there, and why."""

    state: str
    absent: str  # one sentence
    work: str = ""  # the one work that it is about; all of them if empty


@dataclass(frozen=True)
class Run:
    """All that was measured in one guest."""

    cell: str
    kernel: str  # release
    day: str  # 2026-11-23
    commit: str  # of the tree, with a + if what is measured was changed beside
    form: Form
    figures: tuple[Figure, ...]
    absences: tuple[Absence, ...] = ()
    _values: dict[tuple[str, str], Figure] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        """Raise LabError if a figure is there twice."""
        for figure in self.figures:
            key = (figure.work, figure.state)
            if key in self._values:
                raise LabError(f"{self.cell}: two figures of {figure.work} in {figure.state}")
            self._values[key] = figure

    def figure(self, work: str, state: str) -> Figure | None:
        """That figure, if it was measured."""
        return self._values.get((work, state))

    def value(self, work: str, state: str) -> float | None:
        """The number alone, if it was measured."""
        found = self.figure(work, state)
        return None if found is None else found.value

    def added(self, work: str, state: str) -> float | None:
        """What the state adds to an iteration of a work; below 0 if it takes less."""
        value, baseline = self.value(work, state), self.value(work, BASELINE)
        return None if value is None or baseline is None else value - baseline

    def reading(self, what: str, rows: int) -> float | None:
        """Instructions a row of reading that file, whatever state tracer was in for it."""
        return next((one.value for one in self.figures if one.work == f"{what}-{rows}"), None)


def parse_lines(text: str) -> tuple[tuple[Figure, ...], tuple[Absence, ...]]:
    """Read what a guest wrote, a figure or an absence a line. Raises LabError naming the line."""
    figures: list[Figure] = []
    absences: list[Absence] = []
    for number, line in enumerate(text.splitlines(), start=1):
        found = _of_line(line, number)
        if isinstance(found, Figure):
            figures.append(found)
        else:
            absences.append(found)
    return tuple(figures), tuple(absences)


def parse_runs(text: str, name: str) -> list[Run]:
    """Read a file of runs, called ``name`` in errors. Raises LabError for any other form."""
    try:
        return [_run(entry) for entry in _entries(json.loads(text))]
    except (TypeError, ValueError) as error:
        raise LabError(f"{name}: {error}", "make it anew: ./bootstrap bench") from error


def read_runs(path: Path) -> list[Run]:
    """The runs of a file. Raises LabError if it cannot be read or has another form."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(f"{path}: {error}", "name a file that `invoke bench` wrote") from error
    return parse_runs(text, str(path))


def write_runs(path: Path, runs: Sequence[Run]) -> None:
    """Write a file of runs, a figure a line, for people to compare versions of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = ",\n".join(_run_text(run) for run in runs)
    text = f'{{"schema": {SCHEMA}, "runs": [\n{whole}\n]}}\n'
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def replaced(old: Sequence[Run], new: Sequence[Run], cells: Sequence[str]) -> list[Run]:
    """The old runs with the new ones in their places, in the order of the bench's ``cells``."""
    by_cell = {run.cell: run for run in (*old, *new)}
    return [by_cell[cell] for cell in cells if cell in by_cell]


def _run_text(run: Run) -> str:
    head = {name: getattr(run, name) for name in ("cell", "kernel", "day", "commit", "form")}
    opened = json.dumps(head)[:-1]
    lists = [
        f'"{name}": [\n' + ",\n".join(json.dumps(asdict(one)) for one in entries) + "\n]"
        for name, entries in (("figures", run.figures), ("absences", run.absences))
    ]
    return ",\n".join([opened, *lists]) + "}"


def _of_line(line: str, number: int) -> Figure | Absence:
    try:
        entry = json.loads(line)
        if isinstance(entry, dict) and "absent" in entry:
            return _made(Absence, entry)
        return _figure(entry)
    except (TypeError, ValueError) as error:
        raise LabError(
            f"figures.jsonl, line {number}: {error}", "the guest's script wrote something else"
        ) from error


def _entries(whole: object) -> list[object]:
    if not isinstance(whole, dict) or set(whole) != {"schema", "runs"}:
        raise ValueError("not a file of `invoke bench`")
    if whole["schema"] != SCHEMA:
        raise ValueError(f"schema {whole['schema']!r}, where {SCHEMA} is known")
    return _list(whole["runs"], "runs")


def _run(entry: object) -> Run:
    if not isinstance(entry, dict):
        raise TypeError("a run is no object")
    given = dict(entry)
    figures = tuple(_figure(one) for one in _list(given.pop("figures", None), "figures"))
    absences = tuple(_made(Absence, one) for one in _list(given.pop("absences", None), "absences"))
    names = {"cell", "kernel", "day", "commit", "form"}
    if set(given) != names or not all(isinstance(value, str) for value in given.values()):
        raise ValueError(f"a run has {', '.join(sorted(names))}, each a text")
    if given["form"] not in FORMS:
        raise ValueError(f"form {given['form']!r}: it is one of {', '.join(FORMS)}")
    return Run(**given, figures=figures, absences=absences)


def _figure(entry: object) -> Figure:
    figure = _made(Figure, entry)
    if not (0 <= figure.value < float("inf") and 0 <= figure.spread < float("inf")):
        raise ValueError(f"{figure.work} in {figure.state}: value {figure.value}")
    if figure.batches < 1:
        raise ValueError(f"{figure.work} in {figure.state}: {figure.batches} batches")
    return figure


Made = TypeVar("Made", Figure, Absence)
KINDS: Final[dict[str, type | tuple[type, ...]]] = {
    "str": str,
    "int": int,
    "float": (int, float),
}


def _made(kind: type[Made], entry: object) -> Made:
    """An object of that dataclass; TypeError or ValueError unless the entry has its fields."""
    if not isinstance(entry, dict):
        raise TypeError(f"a {kind.__name__.lower()} is no object")
    wanted = {one.name: str(one.type) for one in fields(kind)}
    for name, value in cast("dict[str, Any]", entry).items():
        if name not in wanted:
            raise ValueError(f"unknown field {name!r}")
        if isinstance(value, bool) or not isinstance(value, KINDS[wanted[name]]):
            raise TypeError(f"field {name!r} is {value!r}")
    return kind(**entry)


def _list(value: object, name: str) -> list[object]:
    if not isinstance(value, list):
        raise TypeError(f"{name} is no list")
    return value
