"""tracerctl run in real guests: what it measures goes as without it, and nothing stays monitored.

One boot measures all commands (in_guest/measuring.py); the tests judge what came of them.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [
    pytest.mark.vm,
    pytest.mark.package,
    pytest.mark.parametrize("furnished", ["trixie-backports"], indirect=True),
]

COUNTERS = ("kmalloc", "kfree", "kmalloc_mem", "kfree_mem", "sched", "up", "down", "lock", "unlock")
CLOSED = 5  # exit status of a command that found its stream closed
Found = dict[str, Any]
Steps = Any  # of conftest.py


@pytest.fixture(scope="module")
def steps(take_steps: Callable[[str], Steps]) -> Steps:
    return take_steps("measuring.py")


def document(text: str) -> Found:
    """Read a report in JSON."""
    found: Found = json.loads(text)
    assert found["schema"] == 1
    return found


def commands(found: Found) -> list[str]:
    """The names of the processes in a report, in its order."""
    return [process["command"] for process in found["processes"]]


def assert_adds_up(found: Found) -> None:
    """Check that the total is the sum, and that nothing is missing from it."""
    for name in COUNTERS:
        assert found["total"][name] == sum(process[name] for process in found["processes"])
    assert (found["lost"], found["missed"], found["unfollowed"]) == (0, 0, 0)


@pytest.mark.parametrize("status", [0, 125, 126, 127])
def test_the_exit_status_passes_through(steps: Steps, status: int) -> None:
    assert steps.of("statuses")[str(status)]["status"] == status


@pytest.mark.parametrize(("name", "number"), [("TERM", 15), ("KILL", 9)])
def test_it_dies_of_the_signal_that_killed_the_command(
    steps: Steps, name: str, number: int
) -> None:
    death = steps.of("deaths")[name]
    assert death["status"] == -number
    assert f" {name}  sh\n" in death["err"]


@pytest.mark.parametrize(
    ("case", "status", "says"),
    [
        ("absent", 127, "cannot run 'no-such-command': No such file or directory"),
        ("not executable", 126, "cannot run '/etc/passwd': Permission denied"),
        ("no command", 125, "give a COMMAND"),
        ("unwritable", 125, "cannot write '/no/such/folder/file': No such file or directory"),
        ("within", 125, "within"),
    ],
)
def test_a_command_that_is_not_run_is_told(steps: Steps, case: str, status: int, says: str) -> None:
    refusal = steps.of("refusals")[case]
    assert refusal["status"] == status
    assert refusal["out"] == ""
    *usage, line = refusal["err"].splitlines()
    assert line.startswith("tracerctl")
    assert says in line
    assert len(usage) == (case == "no command")


def test_the_table_has_a_line_for_each_process_and_the_total(steps: Steps) -> None:
    table = steps.of("reports")["table"]
    assert table["status"] == 7
    assert table["out"] == ""
    headings, *lines = [line.split() for line in table["err"].splitlines()]
    assert headings == ["PID", *COUNTERS, "END", "COMMAND"]
    assert [line[10:] for line in lines[:-1]] == [["0", "ls"], ["0", "ls"], ["7", "sh"]]
    columns = list(zip(*[line[1:10] for line in lines]))
    assert [sum(map(int, column[:-1])) for column in columns] == [int(each[-1]) for each in columns]
    assert lines[-1][0] == "total"
    assert lines[-1][10:12] == ["3", "in"]


def test_the_table_is_sorted_the_largest_first(steps: Steps) -> None:
    lines = steps.of("reports")["table"]["err"].splitlines()[1:-1]
    kmalloc = [int(line.split()[1]) for line in lines]
    assert kmalloc == sorted(kmalloc, reverse=True)


def test_json_has_every_process_in_the_order_of_the_ends(steps: Steps) -> None:
    done = steps.of("reports")["json"]
    assert (done["status"], done["out"], done["err"]) == (7, "", "")
    found = document(done["report"])
    assert found["exit_status"] == 7
    assert commands(found) == ["ls", "ls", "sh"]
    shell = found["processes"][-1]
    assert [process["parent"] for process in found["processes"][:-1]] == [shell["PID"]] * 2
    assert_adds_up(found)


def test_csv_has_a_row_for_each_process(steps: Steps) -> None:
    done = steps.of("reports")["csv"]
    assert (done["status"], done["out"], done["err"]) == (7, "", "")
    rows = list(csv.DictReader(io.StringIO(done["report"], newline="")))
    assert sorted(row["command"] for row in rows) == ["ls", "ls", "sh"]
    sched = [int(row["sched"]) for row in rows]
    assert sched == sorted(sched, reverse=True)


def test_rates_are_over_the_time_of_each_process(steps: Steps) -> None:
    counted = document(steps.of("reports")["json"]["report"])
    rated = document(steps.of("reports")["per second"]["report"])
    assert (counted["per_second"], rated["per_second"]) == (False, True)
    # What a shell does for itself is the same in each run.
    counts, rates = counted["processes"][-1], rated["processes"][-1]
    assert rates["lock"] * rates["seconds"] == pytest.approx(counts["lock"], rel=0.01)


def test_no_follow_measures_the_command_alone(steps: Steps) -> None:
    found = document(steps.of("reports")["no follow"]["report"])
    assert commands(found) == ["sh"]
    assert_adds_up(found)


def test_a_reader_of_the_command_that_goes_early_ends_it_as_ever(steps: Steps) -> None:
    head = steps.of("pipes")["head"]
    assert head["out"] == "1\n141 0\n"
    assert " PIPE  seq\n" in head["err"]


def test_a_report_to_nowhere_leaves_the_output_of_the_command(steps: Steps) -> None:
    done = steps.of("pipes")["to nowhere"]
    assert (done["status"], done["out"], done["err"]) == (7, "printed\n", "")


def test_a_report_that_nobody_reads_does_not_change_the_exit_status(steps: Steps) -> None:
    done = steps.of("pipes")["unread report"]
    assert (done["status"], done["out"]) == (3, "printed\n")


@pytest.mark.parametrize("stream", ["0", "1", "2"])
def test_a_closed_stream_is_closed_for_the_command(steps: Steps, stream: str) -> None:
    assert steps.of("closed_streams")[stream]["status"] == CLOSED


@pytest.mark.parametrize(
    ("way", "user"), [("sudo", "root"), ("sudo -u", "alice"), ("member", "alice")]
)
def test_root_and_members_of_the_group_measure(steps: Steps, way: str, user: str) -> None:
    done = steps.of("users")[way]
    assert (done["status"], done["out"]) == (0, f"{user}\n")
    found = document(done["err"])
    assert commands(found) == ["id"]
    assert_adds_up(found)


def test_what_becomes_another_users_is_withheld_from_a_member(steps: Steps) -> None:
    done = steps.of("users")["member's sudo"]
    assert done["out"] == "root\nalice\n"
    found = document(done["err"])
    withheld = [process["command"] for process in found["processes"] if process["withheld"]]
    assert {"id", "sudo"} <= set(withheld)  # sudo itself may run more
    seen = [process for process in found["processes"] if not process["withheld"]]
    assert [process["command"] for process in seen] == ["id", "sh"]
    assert found["total"]["kmalloc"] == sum(process["kmalloc"] for process in seen)


def test_an_outsider_is_told_what_to_do(steps: Steps) -> None:
    done = steps.of("users")["outsider"]
    assert (done["status"], done["out"]) == (125, "")
    (line,) = done["err"].splitlines()
    assert "sudo adduser bob tracer" in line


def test_a_daemon_runs_on_and_is_reported_as_running(steps: Steps) -> None:
    done = steps.of("daemon")
    assert (done["status"], done["out"]) == (0, "daemon started\n")
    assert done["alive"]
    found = document(done["report"])
    assert len(found["processes"]) == 3
    assert [process["PID"] for process in found["processes"] if process["running"]] == [done["pid"]]
    assert_adds_up(found)


def test_sigterm_is_passed_on_to_the_command(steps: Steps) -> None:
    done = steps.of("terminated")
    assert (done["status"], done["out"]) == (9, "got SIGTERM\n")
    assert " 9  python3\n" in done["err"]


def test_a_script_of_200_short_processes_has_201_records(steps: Steps) -> None:
    done = steps.of("many")
    assert (done["status"], done["err"]) == (0, "")
    found = document(done["report"])
    assert commands(found) == ["true"] * 200 + ["sh"]
    assert len({process["PID"] for process in found["processes"]}) == 201
    assert_adds_up(found)


def test_nothing_stays_monitored(steps: Steps) -> None:
    assert {step: found["left"] for step, found in steps.found.items() if found["left"]} == {}


def test_the_guest_powers_off_in_order(steps: Steps) -> None:
    assert steps.result.powered_off, f"console: {steps.result.console}"
