"""README's comparison of costs: a table that is written from the runs of the document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tracer_lab.bench.figures import Run
from tracer_lab.bench.tables import NOT_MEASURED, number, told
from tracer_lab.bench.vocabulary import (
    KMALLOC,
    KMEM_ALONE,
    MUTEX,
    OTHER,
    STATES,
    THIS,
    Whose,
    Work,
)
from tracer_lab.errors import LabError
from tracer_lab.markdown import table

README = Path("README.md")
FIRST = "instructions added"  # the head of the table's first column


def with_costs(text: str, runs: Sequence[Run]) -> str:
    """The text of README with the costs of those runs in the place of its table of costs.

    Raises LabError if the text has no such table.
    """
    lines = text.splitlines()
    begin = next((at for at, line in enumerate(lines) if line.startswith(f"| {FIRST} |")), None)
    if begin is None:
        raise LabError(f"{README} has no table of '{FIRST}'", f"git checkout {README}")
    end = next((at for at in range(begin, len(lines)) if not lines[at].startswith("|")), len(lines))
    new = table(_rows(runs), numbers_from=1).strip("\n").splitlines()
    return "\n".join([*lines[:begin], *new, *lines[end:]]) + "\n"


def _rows(runs: Sequence[Run]) -> Iterator[Sequence[str]]:
    """A tool a row: for any other process / for the one that is counted."""
    kernels = [".".join(run.kernel.split(".")[:2]) for run in runs]
    works = (MUTEX, KMALLOC[0])
    yield (FIRST, *(f"{kernel}, {per}" for kernel in kernels for per in ("a call", "a pair")))
    tools = dict.fromkeys(
        state.tool for state in STATES.values() if state.whose in (Whose.OURS, Whose.PEER)
    )
    for tool in tools:
        cells = [_both(run, work, tool) for run in runs for work in works]
        if any(cell != NOT_MEASURED for cell in cells):
            yield (tool, *cells)


def _both(run: Run, work: Work, tool: str) -> str:
    """What both pay; nothing of a call that the tool does not count."""
    if work is MUTEX and tool in KMEM_ALONE:
        return NOT_MEASURED
    values = [
        told(run, work, name)
        for who in (OTHER, THIS)
        for name, state in STATES.items()
        if (state.tool, state.counted) == (tool, who)
    ]
    if all(value is None for value in values):
        return NOT_MEASURED
    return " / ".join(number(value, 0) for value in values)
