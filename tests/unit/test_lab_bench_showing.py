"""How a run of the bench is shown: tables, docs/performance.md and its charts.

The figures are made up here, and are shown nowhere else.
"""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from tracer_lab.bench.chart import bars, chart
from tracer_lab.bench.document import DOCUMENT, document, write_performance
from tracer_lab.bench.figures import RECORD, Absence, Figure, Run, read_runs
from tracer_lab.bench.readme import README
from tracer_lab.bench.tables import Table, bounds_table, lines_below, number, tables
from tracer_lab.bench.terminal import show_run
from tracer_lab.bench.vocabulary import CALLS, PIPE, PROGRAMS, STATES
from tracer_lab.in_bench.peer_states import peer_states
from tracer_lab.in_bench.states import crowd_states, states
from tracer_lab.in_bench.works import WORKS as GUEST_WORKS

UNIT = "instructions an iteration"
CELLS = ("bookworm", "trixie-backports")


def made_up() -> Run:
    """A run with a figure of everything, each another one."""
    figures = []
    for at, state in enumerate(STATES):
        works = [work.name for work in (*CALLS, PIPE)] + list(PROGRAMS)
        value, spread = 1000.0 + 10 * at, 0.001 * (at % 3)
        figures += [Figure(work, state, value, UNIT, 5, spread) for work in works]
    for rows in (1, 1000, 10000):
        figures.append(Figure(f"read-proc-tracer-{rows}", "tracer-kretprobe", 300.0, UNIT, 5, 0.0))
        figures.append(Figure(f"read-pid-stat-{rows}", "tracer-kretprobe", 8100.0, UNIT, 5, 0.0))
    for engine in ("kretprobe", "ftrace"):
        figures.append(Figure("first-add", f"tracer-{engine}", 1.2e8, "instructions", 1, 0.0))
        figures.append(Figure("memory-tables", f"tracer-{engine}", 2097152, "bytes", 1, 0.0))
    figures.append(Figure("loop", "clock", 1.0, "nanoseconds an instruction", 1, 0.0))
    why = "it does not compile for this kernel"
    absent = tuple(Absence(f"systemtap-{who}", why) for who in ("other", "monitored"))
    return Run(
        "bookworm", "6.1.0-56-amd64", "2026-11-23", "0123abc", "full", tuple(figures), absent
    )


def table_called(title: str, run: Run) -> Table:
    (found,) = [table for table in (*tables(run), bounds_table(run)) if table.title == title]
    return found


def row_of(table: Table, *beginning: str) -> list[str]:
    (found,) = [row for row in table.rows if tuple(row[: len(beginning)]) == beginning]
    return list(found[len(beginning) :])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (0.0, "0.0"),
        (-0.01, "0.0"),
        (-0.3, "-0.3"),
        (50.44, "50.4"),
        (99.94, "99.9"),
        (99.96, "100"),
        (12345.6, "12,346"),
    ],
)
def test_numbers_are_for_people(value: float | None, text: str) -> None:
    assert number(value) == text


def test_what_a_state_adds_is_told_by_call_by_pair_and_by_round_trip() -> None:
    run = made_up()
    at = list(STATES).index("tracer-ftrace-monitored")
    half, whole = number(10 * at / 2), number(10.0 * at)
    row = row_of(table_called("Added to a call", run), "tracer, ftrace", "this")
    assert row == [half, half, whole, whole, whole, whole]


def test_the_baseline_is_told_whole() -> None:
    row = row_of(table_called("Added to a call", made_up()), "no module", "")
    assert row == ["500", "500", "1,000", "1,000", "1,000", "1,000"]


def test_every_state_that_was_measured_has_a_row() -> None:
    for title in ("Added to a call", "Whole programs"):
        assert len(table_called(title, made_up()).rows) == len(STATES)


def test_programs_are_told_in_percent_of_the_baseline() -> None:
    at = list(STATES).index("floor-kprobe")
    row = row_of(table_called("Whole programs", made_up()), "kprobe, empty", "")
    assert row == [f"{at:+}.0%"] * len(PROGRAMS)


def test_a_row_is_told_against_a_stat() -> None:
    row = row_of(table_called("Reading", made_up()), "10,000")
    assert row == ["300", "8,100", "0.037 x"]


def test_requests_and_memory_are_told_by_engine() -> None:
    table = table_called("Requests", made_up())
    assert list(table.head) == ["of", "kretprobe", "ftrace"]
    assert row_of(table, "first ADD") == ["120,000,000"] * 2
    assert row_of(table_called("Memory", made_up()), "the tables") == ["2,097,152"] * 2


def test_a_bound_shows_the_highest_of_its_figures() -> None:
    run = made_up()
    more = tuple(
        replace(one, value=one.value + 5000)
        if (one.work, one.state) == ("schedule", "tracer-kretprobe-other")
        else one
        for one in run.figures
    )
    table = table_called("Bounds", replace(run, figures=more))
    added = 10.0 * list(STATES).index("tracer-kretprobe-other") + 5000
    row = row_of(table, "kretprobe", "another monitored")
    floor = 10.0 * list(STATES).index("floor-kprobe")
    assert row == ["schedule", "OVER", f"{floor:,.1f}", f"{added:,.1f}", "190 a call"]


def test_a_bound_names_the_works_that_it_was_not_measured_for() -> None:
    run = made_up()
    left = tuple(one for one in run.figures if one.work != "schedule")
    table = table_called("Bounds", replace(run, figures=left))
    _, outcome, *_ = row_of(table, "kretprobe", "another monitored")
    assert outcome == "met; not measured: schedule"


def test_a_bound_without_figures_is_not_met() -> None:
    run = made_up()
    left = tuple(one for one in run.figures if one.work != "pipe")
    table = table_called("Bounds", replace(run, figures=left))
    row = row_of(table, "ftrace", "pipes: this, against fentry")
    assert row == ["-", "not measured", "-", "-", "0.2 x"]


def test_what_was_not_measured_has_no_table() -> None:
    few = replace(made_up(), figures=made_up().figures[:1])
    assert [table.title for table in tables(few)] == ["Added to a call"]
    assert tables(replace(few, figures=())) == []


def test_absences_and_the_clock_are_said() -> None:
    lines = "\n".join(lines_below(made_up()))
    assert "Not measured: systemtap-other, systemtap-monitored: it does not compile" in lines
    assert "1.000 nanoseconds an instruction" in lines


def test_figures_whose_batches_are_far_apart_are_named() -> None:
    run = made_up()
    several = sum(one.batches > 1 for one in run.figures)
    assert list(lines_below(run))[1].startswith(f"Of {several} figures {several} have batches")
    apart = tuple(
        replace(one, spread=0.047) if (one.work, one.state) == ("pipe", "floor-kprobe") else one
        for one in run.figures
    )
    lines = list(lines_below(replace(run, figures=apart)))
    assert lines[1].startswith(f"Of {several} figures {several - 1} have batches")
    assert lines[2] == "Further apart are those of: pipe in floor-kprobe (4.7%)."


@pytest.mark.parametrize("columns", [80, 120])
def test_the_terminal_shows_every_row_whole(columns: int) -> None:
    written = io.StringIO()
    show_run(
        Console(file=written, width=columns, force_terminal=True, color_system=None), made_up()
    )
    text = re.sub(r"\x1b\[[0-9;]*m", "", written.getvalue())
    tabular, _, _ = text.partition("The guest's clock")
    assert max(map(len, tabular.splitlines())) <= columns
    assert "…" not in text
    for table in (*tables(made_up()), bounds_table(made_up())):
        assert table.title in text
        for row in table.rows:
            assert row[-1] in text


def test_the_document_begins_with_what_instructions_are_not() -> None:
    lines = document([made_up()]).splitlines()
    assert "not cycles" in "\n".join(lines[:4])


def test_the_document_has_every_figure() -> None:
    run = made_up()
    text = document([run, replace(run, cell="trixie-backports", kernel="7.3.4")])
    for one in run.figures:
        row = f"| {one.work} | {one.state} | {one.value:,.2f} | {one.batches} |"
        assert text.count(row) == 2
    assert "Linux 6.1.0-56-amd64 (Debian bookworm)" in text
    assert "Measured on 2026-11-23 in the full form, commit 0123abc" in text


def test_the_document_is_written_from_what_is_kept(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / README).write_text("| instructions added |\n| --- |\n")
    run = made_up()
    other = replace(run, cell="trixie-backports")
    write_performance(tmp_path, [other], CELLS)
    write_performance(tmp_path, [run], CELLS)
    kept = read_runs(tmp_path / RECORD)
    assert kept == [run, other]
    assert (tmp_path / DOCUMENT).read_text() == document(kept)
    assert "| tracer, ftrace | " in (tmp_path / README).read_text()
    charts = re.findall(r"\]\((performance-.*\.svg)\)", document(kept))
    assert len(charts) == 2
    assert all((tmp_path / "docs" / name).read_text() == chart(run) for name in charts)


def test_the_chart_has_a_bar_of_the_right_length_for_each_number() -> None:
    run = made_up()
    root = ET.fromstring(chart(run))  # noqa: S314 -- we made it
    space = "{http://www.w3.org/2000/svg}"
    drawn = [one for one in root.iter(f"{space}rect") if one.get("class") != "paper"]
    shown = bars(run)
    lengths = [float(one.get("width", "0")) for one in drawn]
    assert len(lengths) == len(shown)
    most, longest = max(bar.value for bar in shown), max(lengths)
    for bar, length in zip(shown, lengths):
        assert length == pytest.approx(bar.value / most * longest, abs=0.1)
    texts = [one.text for one in root.iter(f"{space}text")]
    assert all(number(bar.value) in texts and bar.label in texts for bar in shown)


def test_the_chart_has_both_engines_floors_and_peers() -> None:
    labels = [bar.label for bar in bars(made_up())]
    for label in ("tracer, kretprobe: this", "tracer, ftrace: another", "kprobe, empty"):
        assert label in labels
    assert "bpftrace, fentry: this" in labels
    counted = {label.partition(": ")[2] for label in labels}
    assert counted == {"", "another", "this"}


def test_the_chart_is_the_same_each_time_and_runs_no_script() -> None:
    assert chart(made_up()) == chart(made_up())
    assert "script" not in chart(made_up())
    assert "prefers-color-scheme: dark" in chart(made_up())


def test_nothing_below_zero_is_drawn() -> None:
    figures = (
        Figure("mutex", "baseline", 100.0, UNIT, 5, 0.0),
        Figure("mutex", "floor-kprobe", 98.0, UNIT, 5, 0.0),
        Figure("mutex", "floor-kretprobe", 200.0, UNIT, 5, 0.0),
    )
    text = chart(replace(made_up(), figures=figures))
    assert 'width="0.0"' in text
    assert ">-1.0<" in text


def test_what_counts_kmalloc_alone_is_not_shown_as_cheap() -> None:
    labels = "\n".join(bar.label for bar in bars(made_up()))
    assert "kmem" not in labels
    assert "tracepoint" not in labels


def test_what_the_guest_measures_has_its_place() -> None:
    crowds = [state for count in (1000, 10000) for state in crowd_states(range(count))]
    measured = {state.name for state in (*states(), *peer_states(), *crowds)}
    assert measured <= set(STATES)
    assert {work.name for work in GUEST_WORKS} == {work.name for work in (*CALLS, PIPE)}
