"""What moved between two runs of the bench."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tracer_lab.bench.figures import Run
from tracer_lab.errors import LabError

# A run repeats to within this share.
REPEATS = 0.01


@dataclass(frozen=True)
class Move:
    """A figure that differs by more than a run may differ from itself."""

    cell: str
    work: str
    state: str
    old: float
    new: float

    def __str__(self) -> str:
        change = f"{(self.new - self.old) / self.old:+.1%}" if self.old else "from nothing"
        where = f"{self.cell}: {self.work}, {self.state}"
        return f"{where}: {self.old:,.2f} -> {self.new:,.2f} ({change})"


@dataclass(frozen=True)
class Comparison:
    """How runs differ from older ones of the same cells."""

    moves: tuple[Move, ...]
    compared: int  # figures that both have
    notes: tuple[str, ...]  # what both do not have alike

    def lines(self) -> Iterator[str]:
        """All of it, for people."""
        yield from self.notes
        yield from map(str, self.moves)
        yield f"{len(self.moves)} of {self.compared} figures moved by more than {REPEATS:.0%}"


def moved(old: float, new: float) -> bool:
    """Whether two values differ by more than a hundredth of the older one."""
    return abs(new - old) > REPEATS * old


def check_comparable(old: Sequence[Run], cells: Sequence[str]) -> None:
    """Raise LabError unless there is an old run of each of those cells."""
    there = [run.cell for run in old]
    missing = [cell for cell in cells if cell not in there]
    if missing:
        raise LabError(
            f"no run of {', '.join(missing)} to compare with",
            f"the file has {', '.join(there) or 'none'}: choose with --only",
        )


def comparison(old: Sequence[Run], new: Sequence[Run]) -> Comparison:
    """Compare each new run with the old one of its cell. Raises LabError if there is none."""
    check_comparable(old, [run.cell for run in new])
    before = {run.cell: run for run in old}
    pairs = [(before[run.cell], run) for run in new]
    return Comparison(
        moves=tuple(move for pair in pairs for move in _moves(*pair)),
        compared=sum(len(_keys(one) & _keys(other)) for one, other in pairs),
        notes=tuple(note for pair in pairs for note in _notes(*pair)),
    )


def _keys(run: Run) -> set[tuple[str, str]]:
    return {(figure.work, figure.state) for figure in run.figures}


def _moves(old: Run, new: Run) -> Iterator[Move]:
    for figure in new.figures:
        before = old.value(figure.work, figure.state)
        if before is not None and moved(before, figure.value):
            yield Move(new.cell, figure.work, figure.state, before, figure.value)


def _notes(old: Run, new: Run) -> Iterator[str]:
    for what, before, now in (
        ("Linux", old.kernel, new.kernel),
        ("form", old.form, new.form),
    ):
        if before != now:
            yield f"{new.cell}: {what} {before} -> {now}"
    for word, lacking in (
        ("no longer measured", _keys(old) - _keys(new)),
        ("measured for the first time", _keys(new) - _keys(old)),
    ):
        if lacking:
            names = ", ".join(sorted(f"{work} in {state}" for work, state in lacking))
            yield f"{new.cell}: {word}: {names}"
