"""What is reported of the processes added through one Tracer, report by report."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tracer_tools import COLUMNS, COUNTERS, DeviceError, Record, Row, Tracer
from tracer_tools.ctl.ledger import Ledger
from tracer_tools.ctl.report import Report

if TYPE_CHECKING:
    from tests.unit.tools.conftest import Machine


class Session:
    """A ledger, and what the module says to it."""

    def __init__(self, machine: Machine, tracer: Tracer) -> None:
        self._machine = machine
        self.waiting: list[Record] = []
        self.ledger = Ledger(tracer, machine)

    def runs(self, *rows: tuple[int, int], answers: list[int] | None = None) -> None:
        """Give the table rows of PID and counters, and the errno for each question about them."""
        lines = [" ".join(map(str, [pid, *[count] * len(COUNTERS)])) for pid, count in rows]
        self._machine.write("/proc/tracer", "\n".join([" ".join(COLUMNS), *lines, ""]))
        self._machine.answers = answers or []

    def leaves(self, pid: int, count: int, **facts: int | bool) -> None:
        """Have a record come of a process."""
        row = Row(pid, *[count] * len(COUNTERS))
        flags = {"in_tree": False, "withheld": False, "running": False}
        numbers = {"ppid": 1, "exit_status": 0, "added_ns": 0, "ended_ns": 10**9, "missed": 0}
        given = {**flags, **numbers, "lost": 0, "unfollowed": 0, **facts}
        self.waiting.append(Record(row=row, command="cat", **given))  # type: ignore[arg-type]

    def ended(self, *, wait: bool) -> Iterator[Record]:
        while self.waiting:
            yield self.waiting.pop(0)


@pytest.fixture
def session(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """Give a session that has begun."""
    machine.load_module()
    with Tracer(machine) as tracer:
        session = Session(machine, tracer)
        monkeypatch.setattr(tracer, "ended", session.ended)
        yield session


def kmallocs(report: Report) -> dict[int, int]:
    return {each.pid: (each.counters or {})["kmalloc"] for each in report.processes}


def test_only_what_was_added_here_is_reported(session: Session) -> None:
    session.runs((5, 10), (6, 20), (7, 30), answers=[errno.ESRCH, 0, errno.EPERM])
    assert kmallocs(session.ledger.report()) == {6: 20}


def test_each_report_is_of_what_came_since_the_one_before(session: Session) -> None:
    session.runs((5, 10), (6, 20))
    assert kmallocs(session.ledger.report()) == {5: 10, 6: 20}
    session.runs((5, 13))
    session.leaves(6, 27)
    assert kmallocs(session.ledger.report()) == {6: 7, 5: 3}


def test_nothing_is_counted_twice_of_one_whose_record_comes_late(session: Session) -> None:
    session.runs((5, 10))
    session.ledger.report()
    session.runs()
    assert kmallocs(session.ledger.report()) == {}
    session.leaves(5, 12)
    assert kmallocs(session.ledger.report()) == {5: 2}


def test_a_later_process_of_the_same_number_begins_at_nothing(session: Session) -> None:
    session.runs((5, 10))
    session.ledger.report()
    session.runs((5, 4))
    session.leaves(5, 11)
    found = [(each.counters or {})["kmalloc"] for each in session.ledger.report().processes]
    assert found == [1, 4]


def test_a_later_process_of_the_same_number_is_told_from_one_whose_record_was_lost(
    session: Session,
) -> None:
    session.runs((5, 10))
    first = session.ledger.report().processes[0]
    session.runs((5, 4))
    (second,) = session.ledger.report().processes
    assert (second.counters or {})["kmalloc"] == 4
    assert second.number != first.number
    session.runs()
    session.leaves(5, 30, added_ns=time.monotonic_ns())
    (third,) = session.ledger.report().processes
    assert (third.counters or {})["kmalloc"] == 30
    assert len({first.number, second.number, third.number}) == 3


def test_one_that_is_younger_than_its_number_is_another(
    session: Session, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if a second had passed since it was seen first.
    monkeypatch.setattr("tracer_tools.ctl.ledger.CLOCK_ERROR", -1.0)

    def created(seconds_ago: float) -> None:
        ticks = (time.clock_gettime(time.CLOCK_BOOTTIME) - seconds_ago) * os.sysconf("SC_CLK_TCK")
        rest = " ".join(["0"] * 17)
        machine.write("/proc/5/stat", f"5 (a) S 1 {rest} {int(ticks)} 0 0\n")

    created(1000.0)
    session.runs((5, 10))
    first = session.ledger.report().processes[0]
    assert session.ledger.report().processes[0].number == first.number
    created(0.0)
    session.runs((5, 25))
    (second,) = session.ledger.report().processes
    assert (second.counters or {})["kmalloc"] == 25
    assert second.number != first.number


def test_what_is_lost_is_said_once(session: Session) -> None:
    session.runs()
    session.leaves(5, 1, lost=2)
    session.leaves(6, 1, lost=1, unfollowed=4)
    report = session.ledger.report()
    assert (report.lost, report.unfollowed) == (3, 4)
    report = session.ledger.report()
    assert (report.lost, report.unfollowed) == (0, 0)


def test_missed_samples_are_those_of_the_interval(session: Session, machine: Machine) -> None:
    session.runs()
    machine.write("/sys/class/misc/tracer/missed_samples", "3\n")
    assert session.ledger.report().missed == 3
    assert session.ledger.report().missed == 0


def test_what_runs_when_it_stops_is_removed_and_runs_in_the_report(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.runs()
    session.leaves(5, 1)
    remove_all = partial(session.leaves, 6, 1, running=True)
    monkeypatch.setattr(session.ledger.tracer, "remove_all", remove_all)
    session.ledger.stop()
    endings = [each.ending is None for each in session.ledger.report().processes]
    assert endings == [False, True]


def test_one_that_was_added_before_the_interval_has_the_intervals_time(session: Session) -> None:
    session.runs()
    session.leaves(5, 1, added_ns=0, ended_ns=10**15)
    report = session.ledger.report()
    assert 0 <= report.processes[0].seconds <= report.seconds


def test_one_that_runs_has_at_most_its_age(session: Session, machine: Machine) -> None:
    ticks, per_second = time.clock_gettime(time.CLOCK_BOOTTIME), os.sysconf("SC_CLK_TCK")
    for pid, created in ((5, 0), (6, int((ticks + 1000) * per_second))):
        rest = " ".join(["0"] * 17)
        machine.write(f"/proc/{pid}/stat", f"{pid} (a) b ) S 1 {rest} {created} 0 0\n")
    session.runs((5, 1), (6, 1), (7, 1))
    report = session.ledger.report()
    seconds = [each.seconds for each in report.processes]
    assert 0 < seconds[0] <= report.seconds
    assert seconds[1] == 0  # created a thousand seconds from now
    assert [each.parent for each in report.processes] == [1, 1, None]


def test_an_older_module_is_told_before_anything_is_added(machine: Machine) -> None:
    machine.load_module()
    machine.answers = [errno.ENOTTY]
    with Tracer(machine) as tracer, pytest.raises(DeviceError, match="older than tracer-tools"):
        Ledger(tracer, machine)
