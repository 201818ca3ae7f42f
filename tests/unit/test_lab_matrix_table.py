"""What is printed of a run of the matrix."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from tracer_lab.matrix_table import COLUMNS, lines_below, table_of
from tracer_lab.reports import CellReport, Finding, Verdict

LOG = Path("/logs/matrix-trixie.log")


def report(name: str = "trixie", **changes: object) -> CellReport:
    made = CellReport(name, Verdict.PASS, LOG, kernel="6.12.1-amd64", passed=3, seconds=65.0)
    return replace(made, **changes)  # type: ignore[arg-type]


def shown(reports: Sequence[CellReport]) -> str:
    console = Console(file=io.StringIO(), width=COLUMNS)
    console.print(table_of(reports))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_table_has_a_line_for_each_cell_and_fits() -> None:
    name, kernel = "trixie-backports-cloud", "6.12.117+deb13-cloud-amd64"
    lost = report(name, kernel=kernel, verdict=Verdict.LOST, passed=1234, seconds=5999)
    *_, first, second = shown([report(), lost]).splitlines()
    assert first.split() == ["trixie", "6.12.1-amd64", "3", "0", "0", "pass", "1:05"]
    assert second.split() == [name, kernel, "1234", "0", "0", "GUEST", "LOST", "99:59"]


def test_a_failure_says_where_what_and_how_to_run_only_that_again() -> None:
    failed = report(verdict=Verdict.FAIL, failed=(Finding("t.T.test_1", "line\n1 != 2"),))
    text = "\n".join(lines_below([report("forky"), failed]))
    assert text.endswith(
        "FAIL: trixie, Linux 6.12.1-amd64: t.T.test_1\n"
        "  line\n"
        "  1 != 2\n"
        "  log: /logs/matrix-trixie.log\n"
        "  only this again: ./bootstrap matrix --only trixie -k t.T.test_1"
    )


def test_of_a_long_failure_both_ends_are_shown() -> None:
    detail = "\n".join(f"line {number}" for number in range(1000))
    lines = list(lines_below([report(verdict=Verdict.FAIL, failed=(Finding("t", detail),))]))
    shown_lines = [line for line in lines if line.startswith(("  line", "  ..."))]
    assert shown_lines[0] == "  line 0"
    assert shown_lines[20] == "  ... 960 more lines in the log ..."
    assert shown_lines[40] == "  line 999"
    assert len(shown_lines) == 41


def test_a_kernel_that_is_not_compiled_for_names_no_test_to_run_again() -> None:
    failed = (Finding("6.12.1-rt-amd64", "error: implicit declaration"),)
    cell = report("build-trixie", verdict=Verdict.FAIL, kernel="", failed=failed, built_for=())
    text = "\n".join(lines_below([cell]))
    assert "FAIL: build-trixie: 6.12.1-rt-amd64\n  error: implicit declaration\n" in text
    assert text.endswith("./bootstrap matrix --only build-trixie")


def test_what_stopped_a_cell_is_said_with_it() -> None:
    lost = report(verdict=Verdict.LOST, reasons=("guest trixie was lost 2 times",))
    assert "GUEST LOST: trixie, Linux 6.12.1-amd64: guest trixie was lost 2 times" in list(
        lines_below([lost])
    )


def test_a_test_that_is_skipped_on_several_cells_is_named_once() -> None:
    skipped = (Finding("t.T.test_1", "no IPv6"),)
    cells = [report("trixie", skipped=skipped), report("forky", skipped=skipped)]
    lines = [line for line in lines_below(cells) if line.startswith("skipped")]
    assert lines == ["skipped: t.T.test_1 on trixie, forky: no IPv6"]


def test_a_guest_that_was_booted_twice_is_noted() -> None:
    cell = report(notes=("guest trixie was lost: /console-1",))
    assert "trixie: guest trixie was lost: /console-1" in list(lines_below([cell]))
