"""docs/kernels.md: on which kernels tracer was tested, and which of their symbols it probes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from tracer_lab.cache import locked
from tracer_lab.kernels_record import (
    CellRecord,
    read_records,
    recorded,
    replaced,
    write_records,
)
from tracer_lab.markdown import table
from tracer_lab.reports import CellReport
from tracer_tools.kernels import supported_kernels

DOCUMENT = Path("docs", "kernels.md")
HEAD = """\
# Kernels

Written by `invoke matrix` on {day} from the last run of each cell, which `kernels.json` keeps;
to change it, run that again.

tracer supports Linux {oldest} to {newest}: the bounds in `dkms/supported-kernels`, which are
what dkms builds for.
"""
BOOTED = """
## Tested

Each of these Debian systems installed the packages with its own apt, dkms and compiler, and
booted; then all guest tests ran there. The commit is that of the tree, with a `+` if it had
changes beside.
"""
SYMBOLS = """
## Symbols in use

What the module found on each of these kernels and probes, from the table in
`src/tracer/symbol.c`. `kfree_rcu` is no column: it tells of blocks that never reach `kfree`.
"""
BUILT = """
## Compiled for

With the compiler and the headers of the suite, without a warning.
"""


def document(records: Sequence[CellRecord], oldest: str, newest: str, day: date) -> str:
    """The whole text."""
    booted = [record for record in records if record.built_for is None]
    built = [record for record in records if record.built_for is not None]
    parts = [
        HEAD.format(day=day.isoformat(), oldest=oldest, newest=newest),
        BOOTED,
        table(_booted_rows(booted)),
        SYMBOLS,
        table(_symbol_rows([record for record in booted if record.symbols])),
    ]
    if built:
        parts += [BUILT, table(_built_rows(built))]
    return "\n".join(part.rstrip("\n") for part in parts) + "\n"


def write_document(
    tree: Path, reports: Sequence[CellReport], cells: Sequence[str], commit: str
) -> None:
    """Record a run of some of the matrix's ``cells``, and write the document of the tree.

    ``commit`` is what tree_commit() said when the run began.
    """
    new = [recorded(report, date.today(), commit) for report in reports]
    with locked("kernels-record"):  # another run may end at the same time
        records = replaced(read_records(tree), new, cells)
        write_records(tree, records)
        write_text(tree, records)


def write_text(tree: Path, records: Sequence[CellRecord]) -> None:
    """Write the document, with the bounds of the tree and today's date."""
    bounds = supported_kernels()
    text = document(records, str(bounds.oldest), str(bounds.newest), date.today())
    target = tree / DOCUMENT
    target.parent.mkdir(exist_ok=True)
    target.write_text(text, encoding="utf-8")


def _booted_rows(records: Sequence[CellRecord]) -> Iterator[Sequence[str]]:
    yield (
        *("cell", "kernel", "compiler", "dkms", "passed", "failed", "skipped", "outcome"),
        *("day", "commit"),
    )
    for record in records:
        numbers = map(str, (record.passed, record.failed, record.skipped))
        system = (record.cell, record.kernel, record.compiler, record.dkms)
        yield (*system, *numbers, record.outcome, record.day, record.commit)


def _symbol_rows(records: Sequence[CellRecord]) -> Iterator[Sequence[str]]:
    """Kernels with the same symbols share a row; functions are in the order of the module's."""
    yield ("function", "kernels", "symbols")
    functions = dict.fromkeys(name for record in records for name in record.symbols)
    for function in functions:
        users: dict[tuple[str, ...], list[str]] = {}
        for record in records:
            users.setdefault(tuple(record.symbols.get(function, ())), []).append(record.kernel)
        for symbols, releases in users.items():
            which = "all" if len(users) == 1 else ", ".join(dict.fromkeys(releases))
            yield (f"`{function}`", which, ", ".join(f"`{name}`" for name in symbols) or "none")


def _built_rows(records: Sequence[CellRecord]) -> Iterator[Sequence[str]]:
    yield ("cell", "kernels", "outcome", "day", "commit")
    for record in records:
        kernels = ", ".join(record.built_for or ())
        yield (record.cell, kernels, record.outcome, record.day, record.commit)
