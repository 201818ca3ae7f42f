"""docs/kernels.md: how it is made, and that the one of the tree fits the tree."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tracer_lab.errors import LabError
from tracer_lab.facts import KernelFacts
from tracer_lab.kernels_document import DOCUMENT, document
from tracer_lab.kernels_record import (
    parse_records,
    read_records,
    recorded,
    replaced,
    write_records,
)
from tracer_lab.reports import CellReport, Finding, Verdict

TREE = Path(__file__).resolve().parents[2]
LOG = Path("/logs/matrix-trixie.log")
DAY = date(2026, 11, 23)
LATER = date(2026, 11, 24)


def report(name: str = "trixie", **changes: object) -> CellReport:
    made = CellReport(name, Verdict.PASS, LOG, kernel="6.12.1-amd64", passed=3, seconds=65.0)
    return replace(made, **changes)  # type: ignore[arg-type]


def written(*reports: CellReport) -> list[str]:
    records = [recorded(one, DAY, "0123abc") for one in reports]
    return document(records, "5.10", "7.3", DAY).splitlines()


def facts(release: str, *kmalloc: str) -> KernelFacts:
    return KernelFacts(release, "gcc 14.2.0", "3.2.2-1", {"kmalloc": kmalloc, "kfree": ("kfree",)})


def test_the_document_says_when_it_was_made_and_the_bounds() -> None:
    text = "\n".join(written(report()))
    assert "on 2026-11-23" in text
    assert "Linux 5.10 to 7.3" in text


def test_the_document_has_each_cell_with_its_outcome() -> None:
    failed = report("forky", verdict=Verdict.FAIL, failed=(Finding("t", ""),))
    lines = written(report(facts=facts("6.12.1-amd64", "a")), failed)
    when = "2026-11-23 | 0123abc |"
    assert f"| trixie | 6.12.1-amd64 | gcc 14.2.0 | 3.2.2-1 | 3 | 0 | 0 | pass | {when}" in lines
    assert f"| forky | 6.12.1-amd64 |  |  | 3 | 1 | 0 | FAIL | {when}" in lines


def test_kernels_with_the_same_symbols_share_a_row_of_the_document() -> None:
    found = [facts("6.1", "__kmalloc"), facts("6.12", "a", "b"), facts("6.12-rt", "a", "b")]
    lines = written(*(report(kernel=kernel.release, facts=kernel) for kernel in found))
    assert "| `kmalloc` | 6.1 | `__kmalloc` |" in lines
    assert "| `kmalloc` | 6.12, 6.12-rt | `a`, `b` |" in lines
    assert "| `kfree` | all | `kfree` |" in lines


def test_the_document_has_what_was_compiled_for() -> None:
    built = report("build-trixie", kernel="", built_for=("6.12.1-amd64", "6.12.1-rt-amd64"))
    lines = written(report(), built)
    assert "| build-trixie | 6.12.1-amd64, 6.12.1-rt-amd64 | pass | 2026-11-23 | 0123abc |" in lines
    assert sum("build-trixie" in line for line in lines) == 1


def test_a_run_of_a_part_replaces_that_part() -> None:
    old = [recorded(report(name), DAY, "0123abc") for name in ("bookworm", "gone", "trixie")]
    new = [recorded(report("trixie", passed=4), LATER, "4567def")]
    found = replaced(old, new, ["bullseye", "bookworm", "trixie"])
    assert [(one.cell, one.day, one.passed) for one in found] == [
        ("bookworm", "2026-11-23", 3),
        ("trixie", "2026-11-24", 4),
    ]


def test_a_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    records = [recorded(report(facts=facts("6.1", "__kmalloc")), DAY, "0123abc")]
    write_records(tmp_path, records)
    assert read_records(tmp_path) == records


@pytest.mark.parametrize("text", ["", "[{}]", '[{"cell": "trixie", "colour": "red"}]', "5"])
def test_a_file_of_runs_of_another_form_is_an_error(text: str) -> None:
    with pytest.raises(LabError, match=r"kernels\.json"):
        parse_records(text)


def test_the_document_of_the_tree_states_the_bounds_of_the_tree() -> None:
    text = (TREE / DOCUMENT).read_text()
    bounds = (TREE / "dkms" / "supported-kernels").read_text()
    lines = [line.split("=") for line in bounds.splitlines() if "_KERNEL=" in line]
    value = dict(lines)
    assert f"Linux {value['OLDEST_KERNEL']} to {value['NEWEST_KERNEL']}" in text


def test_the_module_has_every_symbol_of_the_document_of_the_tree() -> None:
    rows = re.findall(r"^\| `\w+` \|[^|]*\|([^|]*)\|$", (TREE / DOCUMENT).read_text(), re.MULTILINE)
    named = {name for symbols in rows for name in re.findall(r"`(\w+)`", symbols)}
    source = (TREE / "src" / "tracer" / "symbol.c").read_text()
    assert {"kfree", "mutex_lock"} < named
    assert {name for name in named if f'"{name}"' not in source} == set()
