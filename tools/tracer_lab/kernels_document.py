"""docs/kernels.md: on which kernels tracer was tested, and which of their symbols it probes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path

from tracer_lab.facts import KernelFacts
from tracer_lab.reports import CellReport
from tracer_tools.kernels import supported_kernels

DOCUMENT = Path("docs", "kernels.md")
HEAD = """\
# Kernels

Written by `invoke matrix` on {day}; to change it, run that again.

tracer supports Linux {oldest} to {newest}: the bounds in `dkms/supported-kernels`, which are
what dkms builds for.
"""
BOOTED = """
## Tested

Each of these Debian systems installed the packages with its own apt, dkms and compiler, and
booted; then all guest tests ran there.
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


def document(reports: Sequence[CellReport], oldest: str, newest: str, day: date) -> str:
    """The whole text, for the reports of a run of all cells."""
    booted = [report for report in reports if report.built_for is None]
    built = [report for report in reports if report.built_for is not None]
    parts = [
        HEAD.format(day=day.isoformat(), oldest=oldest, newest=newest),
        BOOTED,
        _table(_booted_rows(booted)),
        SYMBOLS,
        _table(_symbol_rows([report.facts for report in booted if report.facts is not None])),
    ]
    if built:
        parts += [BUILT, _table(_built_rows(built))]
    return "\n".join(part.rstrip("\n") for part in parts) + "\n"


def write_document(tree: Path, reports: Sequence[CellReport]) -> None:
    """Write the document of the tree, with its bounds and today's date."""
    bounds = supported_kernels()
    text = document(reports, str(bounds.oldest), str(bounds.newest), date.today())
    target = tree / DOCUMENT
    target.parent.mkdir(exist_ok=True)
    target.write_text(text, encoding="utf-8")


def _table(rows: Iterable[Sequence[str]]) -> str:
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _booted_rows(reports: Sequence[CellReport]) -> Iterator[Sequence[str]]:
    yield ("cell", "kernel", "compiler", "dkms", "passed", "failed", "skipped", "outcome")
    for report in reports:
        facts = report.facts
        compiler, dkms = ("", "") if facts is None else (facts.compiler, facts.dkms)
        counts = (report.passed, len(report.failed), len(report.skipped))
        numbers = map(str, counts)
        yield (report.name, report.kernel, compiler, dkms, *numbers, report.verdict.value)


def _symbol_rows(kernels: Sequence[KernelFacts]) -> Iterator[Sequence[str]]:
    """Kernels with the same symbols share a row; functions are in the order of the module's."""
    yield ("function", "kernels", "symbols")
    functions = dict.fromkeys(name for facts in kernels for name in facts.symbols)
    for function in functions:
        users: dict[tuple[str, ...], list[str]] = {}
        for facts in kernels:
            users.setdefault(facts.symbols.get(function, ()), []).append(facts.release)
        for symbols, releases in users.items():
            which = "all" if len(users) == 1 else ", ".join(dict.fromkeys(releases))
            yield (f"`{function}`", which, ", ".join(f"`{name}`" for name in symbols) or "none")


def _built_rows(reports: Sequence[CellReport]) -> Iterator[Sequence[str]]:
    yield ("cell", "kernels", "outcome")
    for report in reports:
        yield (report.name, ", ".join(report.built_for or ()), report.verdict.value)
