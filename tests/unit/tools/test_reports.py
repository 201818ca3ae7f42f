from __future__ import annotations

import csv
import io
import json
import signal

import pytest
from rich.console import Console

from tracer_tools import COLUMNS, COUNTERS
from tracer_tools.columns import shortened
from tracer_tools.ctl.rendering import Format, Style, as_csv, as_json, as_table, as_text
from tracer_tools.ctl.report import Ending, Measured, Report, ending, of_record
from tracer_tools.records import LAYOUT, parse_records
from tracer_tools.records import WITHHELD as FLAG

MOST = 2**64 - 1
EXITED = Ending(0, None)


def measured(
    pid: int, *numbers: int, ended: Ending | None = EXITED, seconds: float = 2.0, name: str = "cat"
) -> Measured:
    counters = dict(zip(COUNTERS, numbers or range(1, 10)))
    return Measured(pid, 1, name, ended, seconds, counters, counters)


LARGEST = measured(4194303, *[MOST] * 9, ended=Ending(None, "SIGVTALRM"), name="a-command-of-15")
SMALL = measured(42)
RUNNING = measured(43, *[0] * 9, ended=None, name="daemon")
WITHHELD = Measured(44, None, None, Ending(None, None), 2.0, None)


def drawn(report: Report, style: Style, width: int) -> list[str]:
    file = io.StringIO()
    Console(file=file, width=width, color_system=None).print(as_table(report, style, width))
    return file.getvalue().splitlines()


def first_cells(text: str) -> list[str]:
    return [line.split()[0] for line in text.splitlines()[1:]]


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (0, "0"),
        (0x0300, "3"),
        (0xFF00, "255"),
        (9, "KILL"),
        (11 | 0x80, "SEGV"),
        (int(signal.SIGRTMIN) + 3, "RTMIN+3"),
    ],
)
def test_how_a_process_ended_is_a_number_or_a_signal(status: int, text: str) -> None:
    assert str(ending(status)) == text


def test_a_table_has_a_line_a_process_and_the_total() -> None:
    lines = as_text(Report([SMALL, SMALL, RUNNING], 4.0), Style()).splitlines()
    assert lines[0].split() == [*COLUMNS, "END", "COMMAND"]
    assert lines[1].split() == ["42", *"123456789", "0", "cat"]
    assert lines[3].split() == ["43", *"000000000", "run", "daemon"]
    assert lines[4].split()[:10] == ["total", *map(str, range(2, 20, 2))]
    assert lines[4].endswith("3 in 4.00 s")
    assert len(lines) == 5


def test_a_pipe_gets_every_digit_of_the_total() -> None:
    lines = as_text(Report([LARGEST, LARGEST], 1.0), Style()).splitlines()
    assert lines[3].split()[1:10] == [str(2 * MOST)] * 9


def test_the_largest_report_fits_in_80_columns() -> None:
    lines = drawn(Report([LARGEST, SMALL], 1.0), Style(), 80)
    assert max(map(len, lines)) <= 80
    assert lines[2].split()[:11] == ["4194303", *["18.4E"] * 9, "VTALRM"]
    assert lines[4].split()[:2] == ["total", "18.4E"]


def test_rates_are_over_each_ones_own_time() -> None:
    slow, fast = measured(1, seconds=4.0), measured(2, seconds=0.5)
    lines = as_text(Report([slow, fast], 8.0), Style(per_second=True)).splitlines()
    assert lines[1].split()[1:4] == ["0.2", "0.5", "0.8"]
    assert lines[2].split()[1:4] == ["2.0", "4.0", "6.0"]
    assert lines[3].split()[1:4] == ["0.2", "0.5", "0.8"]


def test_no_time_has_no_rate() -> None:
    report = Report([measured(1, seconds=0.0)], 0.0)
    assert as_text(report, Style(per_second=True)).splitlines()[1].split()[1] == "-"
    document = json.loads(as_json(report, Style(per_second=True)))
    assert document["processes"][0]["kmalloc"] is None


@pytest.mark.parametrize(
    ("number", "text"), [(0.04, "0.0"), (999.94, "999.9"), (999.96, "1000"), (99_999.7, "100k")]
)
def test_a_shortened_rate_has_at_most_five_characters(number: float, text: str) -> None:
    assert shortened(number) == text


@pytest.mark.parametrize(
    ("column", "order"),
    [
        (None, ["9", "7", "8"]),
        ("PID", ["7", "8", "9"]),
        ("kmalloc", ["7", "9", "8"]),
        ("seconds", ["8", "9", "7"]),
        ("command", ["8", "7", "9"]),
    ],
)
def test_sorting(column: str | None, order: list[str]) -> None:
    processes = [
        measured(9, *[5] * 9, seconds=2.0, name="z"),
        measured(7, *[6] * 9, seconds=1.0, name="m"),
        measured(8, *[4] * 9, seconds=3.0, name="a"),
    ]
    assert first_cells(as_text(Report(processes, 1.0), Style(sort=column))) == [*order, "total"]


def test_rates_are_sorted_as_rates_and_what_is_withheld_comes_last() -> None:
    processes = [WITHHELD, measured(1, *[8] * 9, seconds=8.0), measured(2, *[4] * 9, seconds=1.0)]
    style = Style(sort="kfree", per_second=True)
    assert first_cells(as_text(Report(processes, 1.0), style))[:3] == ["2", "1", "44"]


def test_nothing_is_said_where_nothing_is_wrong() -> None:
    assert Report([SMALL, RUNNING], 1.0).notes() == []


def test_whatever_is_not_in_the_numbers_is_said_below_them() -> None:
    report = Report([WITHHELD], 1.0, lost=2, missed=1, unfollowed=3)
    text = as_text(report, Style())
    notes = text.splitlines()[3:]
    assert [note.split()[0] for note in notes] == ["2", "3", "1", "1"]
    assert "lost" in notes[0]
    assert "followed" in notes[1]
    assert "withheld" in notes[2]
    assert notes[3].startswith("1 sample missed")
    assert max(map(len, notes)) <= 80
    assert text.splitlines()[1].split()[:3] == ["44", "-", "-"]


def test_what_is_withheld_adds_nothing_to_the_total() -> None:
    assert Report([WITHHELD, SMALL], 1.0).total() == SMALL.counters


def test_json_is_one_document_that_says_everything() -> None:
    report = Report(
        [measured(5, ended=Ending(None, "SIGKILL")), RUNNING],
        1.5,
        command=["sh", "-c", "true"],
        ending=Ending(3, None),
        lost=1,
        missed=2,
        unfollowed=3,
    )
    document = json.loads(as_json(report, Style(Format.JSON)))
    assert document["schema"] == 1
    assert document["command"] == ["sh", "-c", "true"]
    assert (document["exit_status"], document["signal"]) == (3, None)
    assert document["seconds"] == 1.5
    assert (document["lost"], document["missed"], document["unfollowed"]) == (1, 2, 3)
    killed, runs = document["processes"]
    assert (killed["PID"], killed["signal"], killed["running"]) == (5, "SIGKILL", False)
    assert (runs["exit_status"], runs["signal"], runs["running"]) == (None, None, True)
    assert {name: killed[name] for name in COUNTERS} == dict(zip(COUNTERS, range(1, 10)))
    assert document["total"] == dict(zip(COUNTERS, range(1, 10)))


def test_one_of_several_documents_is_one_line() -> None:
    text = as_json(Report([SMALL], 1.0, interval=2), Style(Format.JSON))
    assert text.count("\n") == 1
    assert json.loads(text)["interval"] == 2


def test_csv_has_the_names_of_the_columns_and_line_ends_of_the_standard() -> None:
    report = Report([measured(5, name='a "b", c'), WITHHELD], 1.0)
    text = as_csv(report, Style(Format.CSV))
    assert text.count("\r\n") == 3
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["PID"] for row in rows] == ["5", "44"]
    assert [rows[0][name] for name in COUNTERS] == list("123456789")
    assert (rows[0]["command"], rows[0]["exit_status"]) == ('a "b", c', "0")
    assert (rows[1]["kmalloc"], rows[1]["signal"]) == ("", "")


def test_how_a_process_ended_is_withheld_with_its_counters() -> None:
    head = (LAYOUT.size, FLAG, 44, 1, 0x0100, 0, 0, b"cat", 0, 10**9, 0)
    (record,) = parse_records(LAYOUT.pack(*head, *[0] * len(COUNTERS)))
    report = Report([of_record(record, 2.0)], 2.0)
    assert as_text(report, Style()).splitlines()[1].split() == ["44", *"---------", "-", "cat"]
    (found,) = json.loads(as_json(report, Style(Format.JSON)))["processes"]
    assert (found["exit_status"], found["signal"]) == (None, None)
    assert (found["withheld"], found["running"]) == (True, False)


def test_only_the_first_of_several_csv_reports_has_a_header() -> None:
    reports = [as_csv(Report([SMALL], 1.0, interval=number), Style()) for number in (1, 2)]
    assert reports[0].startswith("interval,PID,kmalloc,")
    assert reports[1].startswith("2,42,1,")


def test_an_interval_is_what_came_since_the_one_before() -> None:
    later = measured(42, *range(11, 20)).since(SMALL)
    assert list((later.counters or {}).values()) == [10] * 9
    assert WITHHELD.since(SMALL) == WITHHELD
