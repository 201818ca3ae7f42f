"""tracerctl on a terminal in real guests: Ctrl-C, job control, and the live table.

One boot presses all keys (in_guest/watching.py) in terminals of tmux; the tests judge what
a user saw.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [
    pytest.mark.vm,
    pytest.mark.package,
    pytest.mark.parametrize("furnished", ["bookworm"], indirect=True),
]

KEYS = "q quit  p pause  s sort  t rates/totals  a add  r remove"
SIGINT_TO_SHELL = 130
Steps = Any  # of conftest.py


@pytest.fixture(scope="module")
def steps(take_steps: Callable[[str], Steps]) -> Steps:
    return take_steps("watching.py")


@pytest.fixture
def top(steps: Steps) -> dict[str, Any]:
    """What top showed after each key."""
    found: dict[str, Any] = steps.of("top_by_keys")
    return found


def rows(picture: str) -> dict[int, list[str]]:
    """The lines of processes by PID, in the order on the screen."""
    lines = [line.split() for line in picture.splitlines()]
    return {int(line[0]): line for line in lines if len(line) > 9 and line[0].isdigit()}


def sched(picture: str, pid: int) -> float:
    """The number in a column of a process."""
    return float(rows(picture)[pid][5].replace("k", "e3").replace("M", "e6"))


def report_of(picture: str) -> list[list[str]]:
    """The lines of a report on the screen, the headings first."""
    lines = [line.split() for line in picture.splitlines()]
    first = next(number for number, line in enumerate(lines) if line[:1] == ["PID"])
    last = next(number for number, line in enumerate(lines) if line[:1] == ["total"])
    return lines[first : last + 1]


def test_after_ctrl_c_the_report_is_printed_and_it_dies_of_the_signal(steps: Steps) -> None:
    done = steps.of("interrupted")
    assert done["status"] == SIGINT_TO_SHELL
    (_, process, total) = report_of(done["picture"])
    assert process[-2:] == ["INT", "cat"]
    assert total[1:10] == process[1:10]


def test_ctrl_c_ends_a_script_that_runs_it_again_and_again(steps: Steps) -> None:
    picture = steps.of("interrupted_in_script")["picture"]
    assert picture.splitlines().count("begun") == 1


def test_a_command_that_takes_ctrl_c_ends_as_it_likes(steps: Steps) -> None:
    done = steps.of("outlasting")
    assert "got SIGINT" in done["picture"]
    assert done["status"] == 9
    assert report_of(done["picture"])[1][-2:] == ["9", "python3"]


def test_ctrl_z_stops_it_and_the_command_and_fg_continues_both(steps: Steps) -> None:
    done = steps.of("stopped")
    assert "Stopped" in done["stopped"]
    assert "total" not in done["stopped"]
    assert [line[-2:] for line in report_of(done["picture"])[1:-1]] == [["0", "cat"], ["3", "sh"]]
    assert done["status"] == 3


def test_reports_fit_a_terminal_of_80_columns(steps: Steps) -> None:
    for step in ("interrupted", "outlasting", "stopped"):
        for line in report_of(steps.of(step)["picture"]):
            assert len(line) in {12, 14}, line  # columns; the total says how many in how long


def test_top_shows_each_process_and_its_keys(top: dict[str, Any]) -> None:
    lazy, busy = top["pids"]
    lines = top["first"].splitlines()
    assert len(lines) == 24
    assert lines[0].startswith("2 monitored  per second, by kmalloc")
    assert lines[-1] == KEYS
    assert set(rows(top["first"])) == {lazy, busy}
    assert {line[-1] for line in rows(top["first"]).values()} == {"python3"}


def test_top_has_no_colour_where_none_is_wanted(top: dict[str, Any]) -> None:
    assert not re.search(r"\x1b\[[0-9;:]*[34][0-9]", top["first with escapes"])


def test_top_sorts_by_the_next_column(top: dict[str, Any]) -> None:
    lazy, busy = top["pids"]
    picture = top["by sched"]
    assert list(rows(picture)) == [busy, lazy]
    assert sched(picture, busy) > sched(picture, lazy) > 0


def test_top_changes_from_rates_to_totals(top: dict[str, Any]) -> None:
    lazy, busy = top["pids"]
    cells = rows(top["totals"])[lazy]
    assert all("." not in cell for cell in cells[1:10])
    assert list(rows(top["totals"])) == [busy, lazy]


def test_top_stands_still_while_it_is_paused(top: dict[str, Any]) -> None:
    assert "PAUSED" in top["paused"].splitlines()[0]
    assert "PAUSED" in top["paused after removal"].splitlines()[0]
    assert rows(top["paused after removal"]) == rows(top["paused"])


def test_top_asks_for_the_pid_to_remove(top: dict[str, Any]) -> None:
    lazy, busy = top["pids"]
    assert top["question"].splitlines()[-1] == f"PID to remove: {lazy}_"
    assert list(rows(top["removed"])) == [busy]
    assert "PAUSED" not in top["removed"]


def test_top_adds_a_process_which_begins_at_0(top: dict[str, Any]) -> None:
    lazy, busy = top["pids"]
    assert list(rows(top["added"])) == [busy, lazy]
    assert sched(top["added"], lazy) < sched(top["totals"], lazy)


def test_top_says_what_is_refused(top: dict[str, Any]) -> None:
    message = f"process {top['pids'][0]} is monitored already"
    assert message in top["added again"].splitlines()[-1]
    assert "Traceback" not in top["added again"]


@pytest.mark.parametrize(("width", "height"), [(60, 8), (120, 40), (80, 24)])
def test_top_fits_a_terminal_that_changes_its_size(
    top: dict[str, Any], width: int, height: int
) -> None:
    picture = top[f"{width}x{height}"]
    lines = picture.splitlines()
    assert len(lines) == height
    assert max(map(len, lines)) <= width
    assert lines[0].startswith("2 monitored")
    assert set(rows(picture)) == set(top["pids"])


def test_top_leaves_the_terminal_as_it_was(top: dict[str, Any]) -> None:
    assert top["status"] == 0
    assert "monitored" not in top["after"]


def test_top_ends_by_itself_when_nothing_is_monitored_any_more(steps: Steps) -> None:
    done = steps.of("top_in_colour")
    assert done["status"] == 0
    assert "monitored" not in done["after"]


def test_top_marks_the_column_that_it_sorts_by(steps: Steps) -> None:
    lines = steps.of("top_in_colour")["coloured"].splitlines()
    headings = next(line for line in lines if "PID" in line)
    marked = re.findall(r"\x1b\[[0-9;]*7m(.*?)\x1b", headings)
    assert [text.strip() for text in marked] == ["sched"]


def test_top_has_a_trend_of_the_chosen_column(steps: Steps) -> None:
    for line in rows(steps.of("top_in_colour")["picture"]).values():
        assert set(line[10]) <= set("▁▂▃▄▅▆▇█")
        assert "█" in line[10]


def test_top_prints_tables_for_a_pipe(steps: Steps) -> None:
    done = steps.of("top_in_batch")
    assert (done["status"], done["err"]) == (0, "")
    tables = done["out"].rstrip().split("\n\n")
    assert len(tables) == 2
    for table in tables:
        assert set(rows(table)) == set(done["pids"])
        assert "\x1b" not in table


def test_top_of_nothing_ends_at_once_if_told_to(steps: Steps) -> None:
    done = steps.of("top_of_nothing")["empty"]
    assert (done["status"], done["out"], done["err"]) == (0, "", "")


def test_top_without_a_terminal_says_what_to_do(steps: Steps) -> None:
    done = steps.of("top_of_nothing")["no terminal"]
    assert (done["status"], done["out"]) == (1, "")
    assert done["err"] == "tracerctl: top needs a terminal: give --batch\n"


def test_nothing_stays_monitored(steps: Steps) -> None:
    assert {step: found["left"] for step, found in steps.found.items() if found["left"]} == {}


def test_the_guest_powers_off_in_order(steps: Steps) -> None:
    assert steps.result.powered_off, f"console: {steps.result.console}"
