"""docs/kernels.json: how the last run of each cell of the matrix went.

Kept in the tree, so that a run of a part of the matrix, on any machine, replaces that part alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from tracer_lab.commands import run
from tracer_lab.errors import LabError
from tracer_lab.reports import CellReport

RECORD = Path("docs", "kernels.json")


@dataclass(frozen=True)
class CellRecord:
    """The last run of one cell."""

    cell: str
    day: str  # 2026-11-23
    commit: str  # of the tree that was tested, with a + if it had changes beside
    outcome: str
    kernel: str
    compiler: str
    dkms: str
    passed: int
    failed: int
    skipped: int
    symbols: dict[str, list[str]]  # of each function, what is probed; empty of a failed boot
    built_for: list[str] | None  # releases, of a cell that only builds


def recorded(report: CellReport, day: date, commit: str) -> CellRecord:
    """What is to be kept of a report."""
    facts = report.facts
    return CellRecord(
        cell=report.name,
        day=day.isoformat(),
        commit=commit,
        outcome=report.verdict.value,
        kernel=report.kernel,
        compiler=facts.compiler if facts else "",
        dkms=facts.dkms if facts else "",
        passed=report.passed,
        failed=len(report.failed),
        skipped=len(report.skipped),
        symbols={name: list(symbols) for name, symbols in facts.symbols.items()} if facts else {},
        built_for=None if report.built_for is None else list(report.built_for),
    )


def parse_records(text: str) -> list[CellRecord]:
    """Read the file. Raises LabError for any other form."""
    try:
        entries: list[dict[str, Any]] = json.loads(text)
        return [CellRecord(**entry) for entry in entries]
    except (ValueError, TypeError) as error:
        raise LabError(f"{RECORD}: {error}", f"git checkout {RECORD}") from error


def read_records(tree: Path) -> list[CellRecord]:
    """The records of the tree; none if it has no file of them."""
    path = tree / RECORD
    return parse_records(path.read_text(encoding="utf-8")) if path.exists() else []


def replaced(
    old: Sequence[CellRecord], new: Sequence[CellRecord], cells: Sequence[str]
) -> list[CellRecord]:
    """The old records with the new ones in their places; in the order of the matrix's cells.

    A cell that the matrix no longer has is dropped.
    """
    by_name = {record.cell: record for record in (*old, *new)}
    return [by_name[name] for name in cells if name in by_name]


def write_records(tree: Path, records: Sequence[CellRecord]) -> None:
    """Write the file, for people to compare versions of it."""
    path = tree / RECORD
    path.parent.mkdir(exist_ok=True)
    text = json.dumps([asdict(record) for record in records], indent=1)
    path.write_text(f"{text}\n", encoding="utf-8")


def tree_commit(tree: Path) -> str:
    """The commit of the tree, short, with a + if what is tested differs from it."""
    commit = run(["git", "rev-parse", "--short", "HEAD"], cwd=tree).strip()
    changed = run(["git", "status", "--porcelain", "--", "src", "tests/guest", "dkms"], cwd=tree)
    return f"{commit}+" if changed else commit
