"""What top shows and which keys it obeys, on a terminal that is real with a device that is not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pexpect
import pytest

from tracer_tools import COLUMNS, COUNTERS, Row
from tracer_tools.ctl.live import styled
from tracer_tools.ctl.top import (
    ASCII_BARS,
    KEYS,
    Request,
    Seen,
    View,
    batch,
    look,
    press,
    screen,
)

if TYPE_CHECKING:
    from tests.unit.tools.conftest import Tracerctl

HERE = Path(__file__).resolve().parent
STAND_IN = str(HERE / "stand_in.py")
MOST = 2**64 - 1


def row(pid: int, kmalloc: int = 0, sched: int = 0, rest: int = 0) -> Row:
    return Row(pid, kmalloc, rest, rest, rest, sched, rest, rest, rest, rest)


def watched(*looks: list[Row], seconds: float = 2.0) -> tuple[Seen, ...]:
    """Return what is seen after these looks at the table."""
    seen: list[Seen] = []
    for rows in looks:
        seen = look(seen, rows, {each.pid: f"name{each.pid}" for each in rows}, seconds)
    return tuple(seen)


def pressed(view: View, keys: str) -> tuple[View, Request | None]:
    request = None
    for key in keys:
        assert request is None
        view, request = press(view, key)
    return view, request


def cells(lines: list[str]) -> list[list[str]]:
    return [line.split() for line in lines]


def test_rates_are_per_second_of_the_last_interval() -> None:
    (seen,) = watched([row(5, 10)], [row(5, 20)], [row(5, 50)])
    assert seen.rate("kmalloc") == 15.0
    assert seen.rate("lock") == 0.0


def test_a_process_seen_for_the_first_time_has_no_rate() -> None:
    (seen,) = watched([row(5, 10)])
    assert seen.rate("kmalloc") is None
    assert cells(screen(View(seen=(seen,)), 80, 24))[3][1] == "-"


def test_a_process_added_again_has_no_rate() -> None:
    (seen,) = watched([row(5, 10)], [row(5, 20)], [row(5, 3)])
    assert seen.rate("kmalloc") is None


def test_one_that_has_gone_is_gone() -> None:
    assert [seen.row.pid for seen in watched([row(5), row(6)], [row(6)])] == [6]


def test_the_trend_is_of_the_chosen_column_and_no_longer_than_its_room() -> None:
    (seen,) = watched(*[[row(5, kmalloc=number**2, sched=7 * number)] for number in range(10)])
    trend = seen.trend("kmalloc", ASCII_BARS)
    assert len(trend) == 6
    assert trend[-1] == "#"
    assert trend == "".join(sorted(trend, key=ASCII_BARS.index))
    assert seen.trend("sched", ASCII_BARS) == "######"
    assert seen.trend("up", ASCII_BARS) == "______"


def test_the_largest_rate_comes_first_or_the_largest_total() -> None:
    seen = watched([row(5, 100), row(6, 0)], [row(5, 101), row(6, 50)])
    assert [each.row.pid for each in View(seen=seen).in_order()] == [6, 5]
    assert [each.row.pid for each in View(seen=seen, totals=True).in_order()] == [5, 6]


def test_the_largest_numbers_fit_in_80_columns_and_24_lines() -> None:
    rows = [
        [row(4194000 + number, MOST * times, MOST * times, MOST * times) for number in range(50)]
        for times in (0, 1)
    ]
    view = View(seen=watched(*rows, seconds=1.0))
    for shown in (view, replace(view, totals=True)):
        lines = screen(shown, 80, 24)
        assert len(lines) == 24
        assert max(map(len, lines)) <= 80
        assert lines[3].split()[:10] == ["4194000", *["18.4E"] * 9]
        assert lines[0].startswith("50 monitored (30 below)")
        assert lines[-1] == KEYS


@pytest.mark.parametrize(("width", "height"), [(80, 1), (80, 3), (10, 5), (1, 1), (300, 100)])
def test_no_screen_is_too_small(width: int, height: int) -> None:
    lines = screen(View(seen=watched([row(5)], [row(5)])), width, height)
    assert len(lines) == height
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize(
    ("column", "parts"),
    [("kmalloc", ["", "kmalloc"]), ("kfree_mem", ["kfree", "_mem"]), ("unlock", ["", "unlock"])],
)
def test_the_heading_of_the_chosen_column_stands_out(column: str, parts: list[str]) -> None:
    lines = screen(View(column=column, seen=watched([row(5)], [row(5, MOST)])), 80, 24)
    shown = styled(lines, COLUMNS.index(column))
    assert shown.plain.split("\n") == lines
    found = [shown.plain[span.start : span.end] for span in shown.spans if span.style == "reverse"]
    assert [text for text in found if text] == [part for part in parts if part]
    assert styled(screen(View(), 80, 1), 1).plain == "0 monitored  per second, by kmalloc"


def test_what_is_not_in_the_numbers_is_shown_when_there_is_any() -> None:
    assert "missed" not in screen(View(), 80, 24)[0]
    assert screen(View(missed=3), 80, 24)[0].endswith("by kmalloc  3 samples missed")
    assert screen(View(unfollowed=1), 80, 24)[0].endswith("by kmalloc  1 process not followed")
    assert batch(View(missed=1, unfollowed=2))[1:] == [
        "1 sample missed.",
        "2 processes not followed.",
    ]


def test_keys_sort_pause_and_change_to_totals() -> None:
    view, _ = pressed(View(), "spt")
    assert (view.column, view.paused, view.totals) == ("kfree", True, True)
    assert "total, by kfree  PAUSED" in screen(view, 80, 24)[0]
    view, _ = pressed(view, "s" * (len(COUNTERS) - 1) + "pt")
    assert view == View()


def test_q_quits() -> None:
    assert pressed(View(), "q")[1] == Request("quit")


def test_a_process_is_added_and_removed_by_its_pid() -> None:
    view, request = pressed(View(), "a129")
    assert request is None
    assert screen(view, 80, 24)[-1] == "PID to add: 129_"
    view, request = pressed(view, "\x7f3\r")
    assert request == Request("add", 123)
    assert view.question == ""
    assert pressed(View(), "r7\n")[1] == Request("remove", 7)


def test_letters_are_no_commands_in_an_answer() -> None:
    view, request = pressed(View(), "aqps1")
    assert (view.answer, view.paused, request) == ("1", False, None)


@pytest.mark.parametrize("keys", ["a\x1b", "a12\x1b", "a\r", "r\n"])
def test_no_answer_is_no_request(keys: str) -> None:
    assert pressed(View(), keys) == (View(), None)


def test_a_number_that_is_no_pid_is_said_until_the_next_key() -> None:
    view, request = pressed(View(), "a0\r")
    assert request is None
    assert screen(view, 80, 24)[-1].startswith("'0' is no PID")
    assert screen(press(view, "x")[0], 80, 24)[-1] == KEYS


def test_a_batch_has_every_digit_and_every_process() -> None:
    view = View(seen=watched([row(5), row(6)], [row(5, MOST), row(6)]), totals=True)
    lines = batch(view)
    assert lines[0].split()[-1] == "COMMAND"
    assert lines[1].split() == ["5", str(MOST), *"00000000", "name5"]
    assert len(lines) == 3


@pytest.fixture
def sleeper() -> Iterator[int]:
    """Give the PID of a process that runs."""
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process.pid
        process.kill()


def environment(*pids: int) -> dict[str, str]:
    given = {"PYTHONPATH": str(HERE.parents[2] / "tools"), "TERM": "xterm", "LC_ALL": "C.UTF-8"}
    monitored = " ".join(map(str, pids))
    return {**os.environ, **given, "STAND_IN_MONITORED": monitored, "STAND_IN_GROWS": "1"}


def on_terminal(*arguments: str, pids: tuple[int, ...]) -> pexpect.spawn[str]:
    return pexpect.spawn(
        sys.executable,
        [STAND_IN, "top", "-d", "0.1", *arguments],
        dimensions=(24, 80),
        encoding="utf-8",
        env=environment(*pids),
        timeout=60,
    )


def test_on_a_terminal_keys_are_obeyed_and_the_screen_is_given_back(sleeper: int) -> None:
    top = on_terminal(pids=())
    top.expect("0 monitored")
    assert "\x1b[?1049h" in str(top.before)
    top.send(f"a{sleeper}\r")
    top.expect("1 monitored")
    top.send("p")
    top.expect("PAUSED")
    top.setwinsize(10, 60)
    top.send("pa2147483647\r")
    top.expect("no process 2147483647")
    top.send("q")
    top.expect_exact("\x1b[?1049l")
    top.expect(pexpect.EOF)
    top.close()
    assert (top.exitstatus, top.signalstatus) == (0, None)


def test_it_ends_when_nothing_is_monitored_any_more(sleeper: int) -> None:
    top = on_terminal("--exit-when-empty", pids=(sleeper,))
    top.expect("1 monitored")
    top.send(f"r{sleeper}\r")
    top.expect(pexpect.EOF)
    top.close()
    assert top.exitstatus == 0


def test_ctrl_z_gives_the_screen_back_until_it_goes_on(sleeper: int) -> None:
    top = on_terminal(pids=(sleeper,))
    top.expect("1 monitored")
    top.sendcontrol("z")
    top.expect_exact("\x1b[?1049l")
    _, status = os.waitpid(top.pid or -1, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    top.kill(signal.SIGCONT)
    top.expect_exact("\x1b[?1049h")
    top.expect("1 monitored")
    top.send("q")
    top.expect(pexpect.EOF)
    top.close()
    assert top.exitstatus == 0


def test_ctrl_c_ends_it(sleeper: int) -> None:
    top = on_terminal(pids=(sleeper,))
    top.expect("1 monitored")
    top.sendintr()
    top.expect(pexpect.EOF)
    top.close()
    assert top.exitstatus == 0


def run_top(*arguments: str, pids: tuple[int, ...]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, STAND_IN, "top", *arguments],
        capture_output=True,
        check=False,
        env=environment(*pids),
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=60,
    )


def test_in_a_pipe_it_prints_as_often_as_wanted(sleeper: int) -> None:
    ran = run_top("-b", "-n", "3", "-d", "0.05", pids=(sleeper,))
    assert (ran.returncode, ran.stderr) == (0, "")
    tables = ran.stdout.strip().split("\n\n")
    assert [table.splitlines()[1].split()[0] for table in tables] == [str(sleeper)] * 3
    assert float(tables[0].splitlines()[1].split()[1]) > 0
    assert "\x1b" not in ran.stdout


def test_a_batch_of_nothing_ends_if_wanted() -> None:
    assert run_top("-b", "--exit-when-empty", pids=()).returncode == 0


def test_without_a_terminal_it_says_what_to_do() -> None:
    ran = run_top(pids=())
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "tracerctl: top needs a terminal: give --batch\n"


def test_ctrl_c_ends_a_batch(tracerctl: Tracerctl, sleeper: int) -> None:
    arguments = ["top", "-b", "-d", "0.05"]
    with tracerctl.started(*arguments, environment=environment(sleeper)) as process:
        tracerctl.next_line(process)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=tracerctl.patience)
        assert process.returncode == 0
