"""tracerctl attach, and the library, in real guests.

One boot takes all steps (in_guest/attaching.py, in_guest/library.py).
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
    pytest.mark.parametrize("furnished", ["bookworm"], indirect=True),
]

YIELDS = 101  # of worker.py, each a call of schedule
Found = dict[str, Any]
Steps = Any  # of conftest.py


@pytest.fixture(scope="module")
def steps(take_steps: Callable[[str], Steps]) -> Steps:
    return take_steps("attaching.py")


def processes(found: Found) -> list[Found]:
    """The processes of a report in JSON, which lacks nothing."""
    document = json.loads(found["out"])
    assert document["schema"] == 1
    assert (document["lost"], document["missed"], document["unfollowed"]) == (0, 0, 0)
    measured: list[Found] = document["processes"]
    assert document["total"]["kmalloc"] == sum(process["kmalloc"] for process in measured)
    return measured


def documents(found: Found) -> list[Found]:
    """The reports of intervals, a line each."""
    return [json.loads(line) for line in found["out"].splitlines()]


def test_after_the_timeout_it_reports_and_the_process_runs_on(steps: Steps) -> None:
    done = steps.of("timeout")
    assert (done["status"], done["err"]) == (0, "")
    assert done["alive"]
    _, line, total = [line.split() for line in done["out"].splitlines()]
    assert int(line[0]) == done["pid"]
    assert line[-2:] == ["run", "python3"]
    assert int(line[5]) > 0
    assert total[1:10] == line[1:10]


def test_a_tree_is_reported_with_who_ended_and_who_runs(steps: Steps) -> None:
    done = steps.of("tree")
    assert (done["status"], done["err"]) == (0, "")
    measured = processes(done)
    (script,) = [process for process in measured if process["PID"] == done["pid"]]
    assert script["running"]
    children = [process for process in measured if process is not script]
    assert len(children) > 2
    assert {process["parent"] for process in children} == {done["pid"]}
    assert sum(process["running"] for process in children) <= 1
    assert {process["exit_status"] for process in children if not process["running"]} == {0}


def test_each_interval_has_a_document_of_what_was_done_in_it(steps: Steps) -> None:
    done = steps.of("intervals")
    assert (done["status"], done["err"]) == (0, "")
    found = documents(done)
    assert [document["interval"] for document in found] == [1, 2, 3]
    for document in found:
        (process,) = document["processes"]
        assert (process["PID"], process["running"]) == (done["pid"], True)
        assert process["sched"] > 0


def test_a_process_of_a_tree_ends_in_one_interval(steps: Steps) -> None:
    done = steps.of("tree_in_intervals")
    assert (done["status"], done["err"]) == (0, "")
    found = documents(done)
    assert [document["interval"] for document in found] == [1, 2, 3]
    for document in found:
        assert done["pid"] in [process["PID"] for process in document["processes"]]
    ended = [
        process["PID"]
        for document in found
        for process in document["processes"]
        if not process["running"]
    ]
    assert len(ended) > 2
    assert len(set(ended)) == len(ended)


def test_a_process_that_ends_ends_it(steps: Steps) -> None:
    done = steps.of("end")
    assert done["status"] == 0
    (process,) = processes(done)
    assert (process["PID"], process["running"], process["exit_status"]) == (done["pid"], False, 0)
    assert process["sched"] >= 2 * YIELDS


def test_after_ctrl_c_it_reports(steps: Steps) -> None:
    done = steps.of("interrupted")
    assert done["status"] == 0
    (row,) = csv.DictReader(io.StringIO(done["out"], newline=""))
    assert int(row["PID"]) == done["pid"]
    assert row["exit_status"] == row["signal"] == ""


@pytest.mark.parametrize(
    ("case", "status", "says"),
    [
        ("unknown", 1, "4194303"),
        ("no PID", 2, "'none' is no PID: give a number from 1 to"),
        ("monitored", 1, "monitored already"),
    ],
)
def test_what_cannot_be_attached_to_is_told(
    steps: Steps, case: str, status: int, says: str
) -> None:
    done = steps.of("refusals")[case]
    assert (done["status"], done["out"]) == (status, "")
    line = done["err"].splitlines()[-1]
    assert line.startswith("tracerctl")
    assert says in line
    assert status == 2 or len(done["err"].splitlines()) == 1


def test_one_that_cannot_be_attached_to_does_not_keep_from_others(steps: Steps) -> None:
    done = steps.of("refusals")["one unknown"]
    assert done["status"] == 1
    assert len(done["err"].splitlines()) == 1
    assert len(done["out"].splitlines()) == 2


def test_what_another_monitors_is_left_alone(steps: Steps) -> None:
    found = steps.of("refusals")
    assert found["left alone"]
    assert (found["add"]["status"], found["remove"]["status"]) == (0, 0)


def test_the_library_has_the_record_of_a_process_that_ends(steps: Steps) -> None:
    found = steps.of("until_the_end")
    assert found["snapshot"] == [found["pid"]]
    (record,) = found["records"]
    assert (record["pid"], record["exit status"]) == (found["pid"], 0)
    assert record["sched"] >= YIELDS


def test_an_event_loop_gets_the_records_of_a_tree(steps: Steps) -> None:
    assert steps.of("with_asyncio")["records"] == ["true"] * 5 + ["sh"]


def test_what_is_removed_has_a_record_of_what_it_did_so_far(steps: Steps) -> None:
    found = steps.of("all_removed")
    assert (found["has before"], found["has after"]) == (True, False)
    (record,) = found["records"]
    assert (record["pid"], record["running"]) == (found["pid"], True)
    assert record["sched"] >= found["sched"] >= YIELDS


def test_nothing_stays_monitored(steps: Steps) -> None:
    assert {step: found["left"] for step, found in steps.found.items() if found["left"]} == {}


def test_the_guest_powers_off_in_order(steps: Steps) -> None:
    assert steps.result.powered_off, f"console: {steps.result.console}"
